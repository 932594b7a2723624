import type { StormNetwork } from './network.ts';

/** What a fault does to one element; faults overlap, so effects are counted, not set. */
export type Effect =
  | { readonly kind: 'node-down'; readonly node: number }
  | { readonly kind: 'edge-down'; readonly edge: number }
  | { readonly kind: 'lossy'; readonly edge: number; readonly loss: number }
  | { readonly kind: 'slow'; readonly edge: number; readonly delayMs: number }
  | { readonly kind: 'full'; readonly edge: number }
  /** `end` 0 = the near end of the circuit, 1 = the far end. */
  | { readonly kind: 'port-down'; readonly edge: number; readonly end: 0 | 1 }
  | { readonly kind: 'agent-down'; readonly agent: number }
  | { readonly kind: 'snmp-off'; readonly node: number };

/** The state of every element. Numbers above 0 count the effects that act on it. */
export interface WorldState {
  readonly nodeDown: Uint8Array;
  readonly edgeDown: Uint8Array;
  /** Share of echoes lost there and back, 0..1. */
  readonly edgeLoss: Float64Array;
  readonly edgeDelay: Float64Array;
  readonly edgeFull: Uint8Array;
  /** Two places for each edge. */
  readonly portDown: Uint8Array;
  readonly agentDown: Uint8Array;
  readonly snmpOff: Uint8Array;
}

export function createState(network: StormNetwork): WorldState {
  const { nodes, edges, agents } = network;
  return {
    nodeDown: new Uint8Array(nodes.length),
    edgeDown: new Uint8Array(edges.length),
    edgeLoss: Float64Array.from(edges, (edge) => edge.loss),
    edgeDelay: Float64Array.from(edges, (edge) => edge.delayMs),
    edgeFull: new Uint8Array(edges.length),
    portDown: new Uint8Array(edges.length * 2),
    agentDown: new Uint8Array(agents.length),
    snmpOff: new Uint8Array(nodes.length),
  };
}

const bump = (counts: Uint8Array, index: number, by: 1 | -1): void => {
  counts[index] = (counts[index] ?? 0) + by;
};

function act(state: WorldState, effect: Effect, by: 1 | -1): void {
  switch (effect.kind) {
    case 'node-down':
      bump(state.nodeDown, effect.node, by);
      break;
    case 'edge-down':
      bump(state.edgeDown, effect.edge, by);
      break;
    case 'lossy': {
      const kept = 1 - (state.edgeLoss[effect.edge] ?? 0);
      state.edgeLoss[effect.edge] =
        1 - (by === 1 ? kept * (1 - effect.loss) : kept / (1 - effect.loss));
      break;
    }
    case 'slow':
      state.edgeDelay[effect.edge] = (state.edgeDelay[effect.edge] ?? 0) + by * effect.delayMs;
      break;
    case 'full':
      bump(state.edgeFull, effect.edge, by);
      break;
    case 'port-down':
      bump(state.portDown, effect.edge * 2 + effect.end, by);
      break;
    case 'agent-down':
      bump(state.agentDown, effect.agent, by);
      break;
    case 'snmp-off':
      bump(state.snmpOff, effect.node, by);
      break;
  }
}

export function begin(state: WorldState, effects: readonly Effect[]): void {
  for (const effect of effects) act(state, effect, 1);
}

export function end(state: WorldState, effects: readonly Effect[]): void {
  for (const effect of effects) act(state, effect, -1);
}
