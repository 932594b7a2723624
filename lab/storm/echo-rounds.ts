import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample, Series } from '../../protocol/model/sample.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { Random } from '../random.ts';
import type { StormPlan } from './plan.ts';
import type { EchoTarget } from './targets.ts';
import { DEAD, type Way } from './tree.ts';
import type { Wheel } from './wheel.ts';
import type { StormWorld } from './world.ts';

/** Times of an agent's rounds in steps of 100 ms. */
const ROUND = 50;
const PACKETS = 5;
const SPACING = 10;
const SUSPECT_AFTER = 3;
const BURST = 10;
const STEP_MS = 100;

export const ECHO_EVENTS = { round: 0, packet: 1, burst: 2 } as const;

interface EchoState {
  readonly target: EchoTarget;
  readonly loss: Series;
  readonly rtt: Series;
  readonly confirm: Series;
  way: Way;
  wayVersion: number;
  slotAt: number;
  roundAt: number;
  sent: number;
  lost: number;
  /** When the last answered packet of the round left; 0 = none. */
  answeredAt: number;
  /** Fates of the packets of this slot, drawn beforehand; -1 = each as it leaves. */
  fates: number;
  isQuick: boolean;
  isDoubted: boolean;
  hasBurst: boolean;
  /** Packets of the running burst; -1 = none runs. */
  burstSent: number;
  burstLost: number;
  burstAnsweredAt: number;
}

export interface EchoDeps {
  readonly plan: StormPlan;
  readonly world: StormWorld;
  readonly wheel: Wheel;
  readonly random: Random;
  /** Added to times of the storm to make them instants. */
  readonly startAt: number;
  readonly emit: (agent: number, sample: Sample, isUrgent: boolean) => void;
}

export interface EchoRounds {
  round(index: number, now: number): void;
  packet(index: number, now: number): void;
  burst(index: number, now: number): void;
  /** The engine wants to know now. */
  confirm(agent: string, subject: string): void;
}

/**
 * Rounds of five echoes, one a second; the first miss starts ten, 100 ms apart; while all are lost,
 * the first answer closes the round early and every slot has one more burst. A round in which
 * nothing is lost and nothing changes is settled in one go.
 */
export function createEchoRounds(deps: EchoDeps): EchoRounds {
  const { plan, world, wheel, random, startAt, emit } = deps;
  const states = plan.targets.echo.map((target) => createState(plan, target));
  const byName = new Map(
    plan.targets.echo.map(({ agent, subject }, index) => [
      `${plan.network.agents[agent]?.id}|${subject}`,
      index,
    ]),
  );
  for (const index of states.keys()) {
    wheel.put(1 + Math.floor(random.next() * ROUND), ECHO_EVENTS.round, index);
  }

  const stateAt = (index: number): EchoState => states[index] as EchoState;

  function wayOf(state: EchoState): Way {
    if (state.wayVersion !== world.version()) {
      state.way = world.wayTo(state.target);
      state.wayVersion = world.version();
    }
    return state.way;
  }

  const isAnswered = (way: Way): boolean =>
    way.isUp && (way.loss === 0 || random.next() >= way.loss);

  function put(
    state: EchoState,
    series: Series,
    at: number,
    value: number,
    isUrgent: boolean,
  ): void {
    emit(state.target.agent, { series, at: epochMs(startAt + at), value }, isUrgent);
  }

  function rttNow(state: EchoState): number {
    const { rttMs } = wayOf(state);
    return Math.round(1000 * rttMs * (0.98 + 0.06 * random.next())) / 1000;
  }

  function report(state: EchoState, isUrgent: boolean): void {
    if (state.sent === 0) return;
    const answered = state.sent - state.lost;
    const last = answered > 0 ? state.answeredAt : state.roundAt + (state.sent - 1) * 1000;
    put(state, state.loss, last, Math.round((1e4 * state.lost) / state.sent) / 1e4, isUrgent);
    if (answered > 0) put(state, state.rtt, last, rttNow(state), isUrgent);
    state.sent = 0;
    state.lost = 0;
    state.answeredAt = 0;
  }

  function forget(state: EchoState): void {
    state.sent = 0;
    state.lost = 0;
    state.isQuick = false;
    state.isDoubted = false;
    state.burstSent = -1;
  }

  function finishSlot(state: EchoState): void {
    if (state.isQuick) {
      state.sent = PACKETS;
      state.roundAt = state.slotAt;
      state.answeredAt = state.slotAt + (PACKETS - 1) * 1000;
      state.isQuick = false;
    }
    report(state, false);
  }

  /** All five answered for sure, or their fates with at least one miss among them. */
  function foresee(state: EchoState, way: Way): void {
    state.fates = -1;
    if (way.loss > 0 && random.next() >= (1 - way.loss) ** PACKETS) {
      for (state.fates = 0; state.fates === 0; ) {
        for (let k = 0; k < PACKETS; k++) if (random.next() < way.loss) state.fates |= 1 << k;
      }
      return;
    }
    state.isQuick = true;
  }

  function round(index: number, now: number): void {
    const state = stateAt(index);
    wheel.put(ROUND, ECHO_EVENTS.round, index);
    if (!world.isRunning(state.target.agent)) {
      forget(state);
      return;
    }
    finishSlot(state);
    state.slotAt = now;
    state.hasBurst = false;
    state.fates = -1;
    const way = wayOf(state);
    const isStable = world.nextChangeAt() > now + (PACKETS - 1) * 1000;
    if (isStable && way.isUp && !state.isDoubted) foresee(state, way);
    if (!state.isQuick) packet(index, now);
  }

  function packet(index: number, now: number): void {
    const state = stateAt(index);
    if (!world.isRunning(state.target.agent)) {
      forget(state);
      return;
    }
    const k = Math.round((now - state.slotAt) / 1000);
    if (k + 1 < PACKETS) wheel.put(SPACING, ECHO_EVENTS.packet, index);
    if (state.sent === 0) state.roundAt = now;
    const isOk = state.fates >= 0 ? (state.fates & (1 << k)) === 0 : isAnswered(wayOf(state));
    state.sent += 1;
    if (!isOk) {
      state.lost += 1;
      if (!state.hasBurst) startBurst(state, index, SUSPECT_AFTER);
      return;
    }
    state.answeredAt = now;
    if (!state.isDoubted) return;
    state.isDoubted = false;
    report(state, true);
  }

  function startBurst(state: EchoState, index: number, steps: number): void {
    if (state.burstSent >= 0) return;
    state.hasBurst = true;
    state.burstSent = 0;
    state.burstLost = 0;
    state.burstAnsweredAt = 0;
    wheel.put(steps, ECHO_EVENTS.burst, index);
  }

  function burst(index: number, now: number): void {
    const state = stateAt(index);
    if (state.burstSent < 0) return;
    if (!world.isRunning(state.target.agent)) forget(state);
    else if (state.burstSent === BURST) endBurst(state, now);
    else sendOfBurst(state, index, now);
  }

  function sendOfBurst(state: EchoState, index: number, now: number): void {
    state.burstSent += 1;
    if (isAnswered(wayOf(state))) state.burstAnsweredAt = now;
    else state.burstLost += 1;
    wheel.put(state.burstSent === BURST ? SUSPECT_AFTER : 1, ECHO_EVENTS.burst, index);
  }

  function endBurst(state: EchoState, now: number): void {
    const at = state.burstLost === BURST ? now - SUSPECT_AFTER * STEP_MS : state.burstAnsweredAt;
    state.burstSent = -1;
    state.isDoubted = state.burstLost === BURST;
    put(state, state.confirm, at, state.burstLost / BURST, true);
  }

  return {
    round,
    packet,
    burst,
    confirm(agent, subject) {
      const index = byName.get(`${agent}|${subject}`);
      if (index === undefined || !world.isRunning(stateAt(index).target.agent)) return;
      startBurst(stateAt(index), index, 1);
    },
  };
}

function createState({ network }: StormPlan, target: EchoTarget): EchoState {
  const agent = network.agents[target.agent]?.id ?? '';
  const { subject } = target;
  const series = (metric: MetricName): Series => ({
    metric,
    subject,
    agent,
    ...(metric === 'icmp_confirm_loss_ratio' ? {} : { every: durationMs(ROUND * STEP_MS) }),
  });
  return {
    target,
    loss: series('icmp_loss_ratio'),
    rtt: series('icmp_rtt_ms'),
    confirm: series('icmp_confirm_loss_ratio'),
    way: DEAD,
    wayVersion: -1,
    slotAt: 0,
    roundAt: 0,
    sent: 0,
    lost: 0,
    answeredAt: 0,
    fates: -1,
    isQuick: false,
    isDoubted: false,
    hasBurst: false,
    burstSent: -1,
    burstLost: 0,
    burstAnsweredAt: 0,
  };
}
