import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { createDeviceClock, noteBoots, noteUptime } from './device-clock.ts';
import type { Plan } from './plans.ts';
import { noteBurst, notePoll, noteRound, reachOf } from './reach.ts';
import type { Sink } from './sink.ts';
import type { Feed, Port, Watched } from './watched.ts';

const ANSWER_SLOT = 5_000;

/** What a sample says beside its rules: that the subject answers, restarted, has another speed. */
export function noteSample(plan: Plan, feed: Feed, sink: Sink, now: EpochMs): void {
  const { role } = plan;
  if (role === 'clock') noteClock(plan, feed, sink, now);
  else if (role === 'port') notePort(plan, feed);
  else if (role !== 'plain') tellAnswer(feed, sink, noteReach(plan, feed));
}

/** True when there was an answer. */
function noteReach(
  { role, reach: pointer }: Plan,
  { at, value, patience, watched }: Feed,
): boolean {
  const reach = reachOf(watched, pointer);
  const { marks } = watched;
  if (role === 'loss') return noteRound(marks, reach, at, value, patience);
  if (role === 'burst') return noteBurst(marks, reach, at, value);
  notePoll(marks, reach, at, value > 0, patience);
  return value > 0;
}

/** Tells of answers at most once every five seconds, and at once after a miss. */
function tellAnswer({ watched, at }: Feed, sink: Sink, isAnswer: boolean): void {
  const { kind } = watched;
  if (kind !== 'device' && kind !== 'link') return;
  const slot = Math.floor(at / ANSWER_SLOT);
  if (isAnswer && (!watched.isGood || slot > watched.answeredSlot)) {
    watched.answeredSlot = slot;
    sink.push(at, { kind: 'subject.answered', at, subject: watched.key, agent: watched.agent });
  }
  watched.isGood = isAnswer;
}

function noteClock(plan: Plan, { watched, at, value }: Feed, sink: Sink, now: EpochMs): void {
  watched.clock ??= createDeviceClock();
  const told = plan.metric === 'device_uptime_ticks' ? noteUptime : noteBoots;
  const uptime = told(watched.clock, at, value);
  if (uptime === undefined) return;
  sink.push(at, { kind: 'device.restarted', at: now, subject: watched.key, uptime });
}

export const createPort = (): Port => ({
  speedBps: 0,
  discontinuityTicks: -1,
  discontinuityAt: epochMs(0),
  inBps: 0,
  outBps: 0,
});

function notePort(plan: Plan, { watched, at, value }: Feed): void {
  watched.port ??= createPort();
  const { port } = watched;
  if (plan.metric === 'if_speed_bps') {
    port.speedBps = Math.max(0, value);
    return;
  }
  const isKnown = port.discontinuityTicks >= 0;
  if (isKnown && port.discontinuityTicks !== value) port.discontinuityAt = at;
  port.discontinuityTicks = value;
}

/** What a port carries, for rules that judge other figures by it. */
export function noteLoad({ port }: Watched, judged: RuleMetricName, share: number): void {
  if (port === undefined) return;
  if (judged === 'if_in_utilisation_ratio') port.inBps = share * port.speedBps;
  else port.outBps = share * port.speedBps;
}
