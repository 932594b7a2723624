import { subjectKey } from '../../protocol/model/subject.ts';
import type { StormPlan } from './plan.ts';
import { begin, createState, type Effect, end } from './state.ts';
import type { EchoTarget, PollTarget, Port } from './targets.ts';
import { createViews } from './views.ts';

/** All that the collector could know at one moment, once the routers have settled: a code for each place. */
export type Observation = Uint8Array;

/** Codes: who is heard, what answers. Equal observations cannot be told apart by anybody. */
const CODE = { unseen: 0, fine: 1, lossy: 2, slow: 3, down: 4 } as const;

const LOSSY = 0.05;
const SLOW_MS = 150;

export interface Observer {
  /** What is seen under these effects. */
  see(effects: readonly Effect[]): Observation;
  /** What is seen in the moment before the routers know of them. */
  seeAtOnce(effects: readonly Effect[]): Observation;
  /** Subjects about which two observations differ. */
  difference(one: Observation, other: Observation): Set<string>;
  isSame(one: Observation, other: Observation): boolean;
  /** As far as echoes and heartbeats tell. */
  reachesSame(one: Observation, other: Observation): boolean;
}

/** Looks at a network of its own, so that the storm is not disturbed. */
export function createObserver(plan: StormPlan): Observer {
  const { network, targets } = plan;
  const state = createState(network);
  const views = createViews(network, state);
  const nameOfNode = (node: number): string => network.nodes[node]?.id ?? '';
  /** The subject behind each place of an observation. */
  const subjects: string[] = [
    ...network.agents.map(({ id }) => subjectKey('agent', id)),
    ...targets.echo.map(({ subject }) => subject),
    ...targets.polls.flatMap(({ node, ports }) => [
      subjectKey('device', nameOfNode(node)),
      ...ports.map(({ name }) => `interface:${nameOfNode(node)}/${name}`),
    ]),
  ];

  const polledFrom = network.agents.length + targets.echo.length;

  const isHeard = (agent: number): boolean =>
    state.agentDown[agent] === 0 &&
    state.nodeDown[network.agents[agent]?.at ?? -1] === 0 &&
    views.isConnected(agent);

  function echoCode(target: EchoTarget): number {
    const { isUp, loss, rttMs } = views.wayTo(target);
    if (!isUp) return CODE.down;
    if (loss > LOSSY) return CODE.lossy;
    return rttMs > SLOW_MS ? CODE.slow : CODE.fine;
  }

  function pollCode({ agent, node }: PollTarget): number {
    const way = views.wayTo({ agent, subject: 'device:', node });
    return way.isUp && state.snmpOff[node] === 0 ? CODE.fine : CODE.down;
  }

  function portCode({ edge, end: side }: Port): number {
    if (state.portDown[edge * 2 + side] !== 0) return CODE.down;
    return state.edgeFull[edge] === 0 ? CODE.fine : CODE.lossy;
  }

  function look(): Observation {
    const heard = network.agents.map((_, agent) => isHeard(agent));
    return Uint8Array.from([
      ...heard.map((is) => (is ? CODE.fine : CODE.down)),
      ...targets.echo.map((target) => (heard[target.agent] ? echoCode(target) : CODE.unseen)),
      ...targets.polls.flatMap((poll) => pollCodes(poll, heard[poll.agent] === true)),
    ]);
  }

  function pollCodes(poll: PollTarget, isAgentHeard: boolean): number[] {
    const code = isAgentHeard ? pollCode(poll) : CODE.unseen;
    const isAnswering = code === CODE.fine;
    return [code, ...poll.ports.map((port) => (isAnswering ? portCode(port) : CODE.unseen))];
  }

  function under(effects: readonly Effect[], notice: () => void): Observation {
    begin(state, effects);
    notice();
    const seen = look();
    end(state, effects);
    return seen;
  }

  return {
    see: (effects) => under(effects, views.route),
    seeAtOnce(effects) {
      views.route();
      return under(effects, views.refresh);
    },
    difference(one, other) {
      const found = new Set<string>();
      for (let i = 0; i < one.length; i++)
        if (one[i] !== other[i]) found.add(subjects[i] as string);
      return found;
    },
    isSame: (one, other) => isSameTo(one.length, one, other),
    reachesSame: (one, other) => isSameTo(polledFrom, one, other),
  };
}

function isSameTo(length: number, one: Observation, other: Observation): boolean {
  for (let i = 0; i < length; i++) if (one[i] !== other[i]) return false;
  return true;
}
