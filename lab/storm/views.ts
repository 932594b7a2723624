import type { StormCircuit, StormNetwork } from './network.ts';
import type { WorldState } from './state.ts';
import { type EchoTarget, isAtFarEnd } from './targets.ts';
import { type Area, createArea, createTree, DEAD, type Tree, type Way } from './tree.ts';

/** What every agent can reach, and whether it is heard. */
export interface Views {
  /** The routers learn the state as it is now. */
  route(): void;
  /** Something died or came back; routes stay as they are. */
  refresh(): void;
  wayTo(target: EchoTarget): Way;
  /** What the agent sends arrives at the collector. */
  isConnected(agent: number): boolean;
  /** Share of packets that get through between agent and collector, there and back. */
  uplinkLoss(agent: number): number;
}

interface Outlook {
  readonly area: Area;
  readonly there: Tree;
  readonly back: Tree;
}

export function createViews(network: StormNetwork, state: WorldState): Views {
  const everything = createArea(network, [...network.nodes.keys()], [...network.edges.keys()]);
  const global = new Map<number, Outlook>();
  const outlooks = network.agents.map(({ isHub, at, site }) => {
    if (isHub) return globalFrom(at);
    const own = network.sites[site];
    return outlook(createArea(network, own?.nodes ?? [], own?.edges ?? []), at);
  });
  const collector = globalFrom(network.collector);
  /** Which underlay each tunnel takes now. */
  const active = new Int32Array(network.circuits.length);

  function outlook(area: Area, root: number): Outlook {
    const there = createTree(network, area, root, 'there');
    return { area, there, back: createTree(network, area, root, 'back') };
  }

  function globalFrom(root: number): Outlook {
    const known = global.get(root) ?? outlook(everything, root);
    global.set(root, known);
    return known;
  }

  const all = [...new Set([...outlooks, collector])];

  function toNode({ area, there, back }: Outlook, node: number): Way {
    const place = area.placeOf.get(node);
    if (place === undefined || !there.isUp(place) || !back.isUp(place)) return DEAD;
    return {
      isUp: true,
      loss: 1 - there.kept(place) * back.kept(place),
      rttMs: 0.4 + there.delayMs(place) + back.delayMs(place),
    };
  }

  /** To the near end by the routes, then over this circuit and no other. */
  function overCircuit(agent: number, circuit: StormCircuit): Way {
    const { edge, near, far } = circuit;
    if (edge === undefined) return DEAD;
    const isReversed = isAtFarEnd(network, agent, circuit);
    const [first, last] = isReversed ? [far, near] : [near, far];
    const way = toNode(outlooks[agent] as Outlook, first);
    if (!way.isUp || state.edgeDown[edge] !== 0 || state.nodeDown[last] !== 0) return DEAD;
    return {
      isUp: true,
      loss: 1 - (1 - way.loss) * (1 - (state.edgeLoss[edge] as number)),
      rttMs: way.rttMs + (state.edgeDelay[edge] as number),
    };
  }

  function ridden(agent: number, circuit: StormCircuit, number: number): Way {
    if (circuit.edge !== undefined) return overCircuit(agent, circuit);
    const under = network.circuits[active[number] ?? -1];
    return under === undefined ? DEAD : overCircuit(agent, under);
  }

  function chooseUnderlays(): void {
    for (const [number, { edge, underlays }] of network.circuits.entries()) {
      if (edge !== undefined) continue;
      active[number] =
        underlays.find((under) => carries(network.circuits[under])) ?? underlays[0] ?? -1;
    }
  }

  const carries = (circuit: StormCircuit | undefined): boolean =>
    circuit?.edge !== undefined &&
    state.edgeDown[circuit.edge] === 0 &&
    state.nodeDown[circuit.near] === 0 &&
    state.nodeDown[circuit.far] === 0;

  const toCollector = (agent: number): Way => toNode(collector, network.agents[agent]?.at ?? -1);

  return {
    route() {
      for (const { there, back } of all) {
        there.route(state);
        back.route(state);
      }
      chooseUnderlays();
    },
    refresh() {
      for (const { area, there, back } of all) {
        // Inside a site it is switching, not routing, that finds the way: at once.
        const notice = area === everything ? 'evaluate' : 'route';
        there[notice](state);
        back[notice](state);
      }
    },
    wayTo({ agent, node, circuit }) {
      if (node !== undefined) return toNode(outlooks[agent] as Outlook, node);
      return ridden(agent, network.circuits[circuit ?? -1] as StormCircuit, circuit ?? -1);
    },
    isConnected: (agent) => toCollector(agent).isUp,
    uplinkLoss: (agent) => toCollector(agent).loss,
  };
}
