import type { Fault } from './faults.ts';
import type { StormPlan } from './plan.ts';
import { begin, createState, type Effect, end, type WorldState } from './state.ts';
import type { EchoTarget } from './targets.ts';
import type { Way } from './tree.ts';
import { createViews, type Views } from './views.ts';

interface Change {
  readonly at: number;
  readonly begins?: readonly Effect[];
  readonly ends?: readonly Effect[];
  /** The routers learn what has changed. */
  readonly routes?: true;
}

/** The network in time. */
export interface StormWorld {
  readonly state: WorldState;
  /** Counts changes, so that ways can be kept between them. */
  version(): number;
  /** When the next change comes, ms from the start; Infinity = none. */
  nextChangeAt(): number;
  moveTo(now: number): void;
  wayTo(target: EchoTarget): Way;
  isRunning(agent: number): boolean;
  isConnected(agent: number): boolean;
  uplinkLoss(agent: number): number;
  /** When the device last booted, ms from the start; negative = long ago. */
  bootedAt(node: number): number;
}

const LONG_AGO = -30 * 86_400_000;

export function createWorld(plan: StormPlan): StormWorld {
  const { network } = plan;
  const state = createState(network);
  const views: Views = createViews(network, state);
  const booted = new Float64Array(network.nodes.length).fill(LONG_AGO);
  const changes = changesOf(plan);
  let next = 0;
  let version = 0;
  views.route();

  function apply({ at, begins, ends, routes }: Change): void {
    if (begins !== undefined) begin(state, begins);
    if (ends !== undefined) {
      end(state, ends);
      noteBoots(ends, at);
    }
    if (routes) views.route();
    else views.refresh();
    version += 1;
  }

  function noteBoots(ends: readonly Effect[], at: number): void {
    for (const effect of ends) {
      if (effect.kind === 'node-down' && state.nodeDown[effect.node] === 0)
        booted[effect.node] = at;
    }
  }

  return {
    state,
    version: () => version,
    nextChangeAt: () => changes[next]?.at ?? Number.POSITIVE_INFINITY,
    moveTo(now) {
      for (let change = changes[next]; change !== undefined && change.at <= now; ) {
        apply(change);
        next += 1;
        change = changes[next];
      }
    },
    wayTo: (target) => views.wayTo(target),
    isRunning: (agent) =>
      state.agentDown[agent] === 0 && state.nodeDown[network.agents[agent]?.at ?? -1] === 0,
    isConnected: (agent) => views.isConnected(agent),
    uplinkLoss: (agent) => views.uplinkLoss(agent),
    bootedAt: (node) => booted[node] as number,
  };
}

function changesOf({ faults, restarts, convergesIn }: StormPlan): Change[] {
  const changes: Change[] = [];
  for (const fault of faults) {
    changes.push({ at: fault.from, begins: fault.effects });
    changes.push({ at: fault.from + convergesIn, routes: true });
    for (const [at, ends] of endsOf(fault)) {
      changes.push({ at, ends }, { at: at + convergesIn, routes: true });
    }
  }
  for (const { agent, from, until } of restarts) {
    const effects: Effect[] = [{ kind: 'agent-down', agent }];
    changes.push({ at: from, begins: effects }, { at: until, ends: effects });
  }
  return changes.sort((a, b) => a.at - b.at);
}

/** Effects by the time at which they end, in whole steps. */
const endsOf = ({ until, effects, early }: Fault): Map<number, Effect[]> =>
  Map.groupBy(effects, (effect) => until - tenths(early?.[effects.indexOf(effect)] ?? 0));

const tenths = (ms: number): number => Math.round(ms / 100) * 100;
