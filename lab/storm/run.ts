import type { Fact } from '../../protocol/model/fact.ts';
import type { Lane, Sample } from '../../protocol/model/sample.ts';
import { createRandom } from '../random.ts';
import { createEchoRounds, ECHO_EVENTS, type EchoDeps } from './echo-rounds.ts';
import type { StormPlan } from './plan.ts';
import { createShipping, SHIP_EVENTS } from './shipping.ts';
import { createSnmpPolls, POLL_EVENTS } from './snmp-polls.ts';
import { createWheel } from './wheel.ts';
import { createWorld } from './world.ts';

/** What is judged by a storm: it hears what a collector would and says what it decides. */
export interface Listener {
  /** No samples = a heartbeat. `at` in epoch milliseconds. */
  heard(agent: string, samples: readonly Sample[], at: number, lane: Lane): readonly Fact[];
  tick(at: number): readonly Fact[];
}

export interface StormResult {
  readonly facts: readonly Fact[];
  readonly samples: number;
  /** Processor time of this thread inside the listener, ms. */
  readonly listenedMs: number;
}

/** Monday, 5 January 2026, 09:00 UTC. */
export const STORM_START = Date.UTC(2026, 0, 5, 9);

const STEP_MS = 100;
const TICK = 1_000;
/** A question reaches the agent by the long poll of its configuration, steps. */
const ASKED_WITHIN = [3, 15] as const;
const ASK = 7;

/** Plays a storm from beginning to end. The same plan and listener give the same facts. */
export function runStorm(plan: StormPlan, listener: Listener): StormResult {
  const random = createRandom(plan.seed * 40_503 + 7);
  const wheel = createWheel();
  const world = createWorld(plan);
  const shipping = createShipping(plan.network.agents.length, { world, wheel, random });
  const deps: EchoDeps = { plan, world, wheel, random, startAt: STORM_START, emit: shipping.emit };
  const echo = createEchoRounds(deps);
  const snmp = createSnmpPolls(deps);
  const questions: { readonly agent: string; readonly subject: string }[] = [];
  const agentByName = new Map(plan.network.agents.map(({ id }, index) => [id, index]));
  const facts: Fact[] = [];
  let samples = 0;
  let listenedMs = 0;
  let now = 0;

  const events: ((index: number, now: number) => void)[] = [];
  events[ECHO_EVENTS.round] = echo.round;
  events[ECHO_EVENTS.packet] = echo.packet;
  events[ECHO_EVENTS.burst] = echo.burst;
  events[POLL_EVENTS.poll] = snmp.poll;
  events[POLL_EVENTS.miss] = snmp.miss;
  events[POLL_EVENTS.again] = snmp.again;
  events[SHIP_EVENTS.cut] = shipping.cut;
  events[SHIP_EVENTS.arrive] = (agent) => shipping.arrive(agent);
  events[ASK] = ask;

  /** Agents that nobody reaches are asked for nothing. */
  function ask(index: number): void {
    const question = questions[index];
    const agent = agentByName.get(question?.agent ?? '');
    if (question === undefined || agent === undefined || !world.isConnected(agent)) return;
    echo.confirm(question.agent, question.subject);
  }

  function take(told: readonly Fact[]): void {
    for (const fact of told) {
      if (fact.kind !== 'subject.answered') facts.push(fact);
      if (fact.kind !== 'confirm.requested') continue;
      questions.push({ agent: fact.agent, subject: fact.subject });
      wheel.put(Math.round(random.between(...ASKED_WITHIN)), ASK, questions.length - 1);
    }
  }

  function listen(call: () => readonly Fact[]): void {
    const began = process.threadCpuUsage();
    const told = call();
    const { user, system } = process.threadCpuUsage(began);
    listenedMs += (user + system) / 1000;
    take(told);
  }

  const onEvent = (kind: number, index: number): void => events[kind]?.(index, now);

  function hear(): void {
    for (const arrival of shipping.arrived(now)) {
      samples += arrival.samples.length;
      const agent = plan.network.agents[arrival.agent]?.id ?? '';
      const at = STORM_START + arrival.at;
      listen(() => listener.heard(agent, arrival.samples, at, arrival.lane));
    }
  }

  listen(() => listener.tick(STORM_START));
  while (now < plan.endsAt) {
    now += STEP_MS;
    world.moveTo(now);
    wheel.turn(onEvent);
    shipping.hurry(now);
    hear();
    if (now % TICK === 0) listen(() => listener.tick(STORM_START + now));
  }
  return { facts, samples, listenedMs };
}
