import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Watched } from './watched.ts';

export type ReachProbe = 'icmp' | 'stamp' | 'snmp';
export const REACH_PROBES: readonly ReachProbe[] = ['icmp', 'stamp', 'snmp'];

/** Whether a subject answers one probe of one agent. Times of samples, 0 = never. Plain data. */
export interface ProbeReach {
  answeredAt: EpochMs;
  /** Last sample that had no answer at all. */
  missedAt: EpochMs;
  patience: DurationMs;
  /** Start of the run without any answer; 0 = it answers. */
  downSince: EpochMs;
  /** First sample with any loss since all was well. */
  lossSince: EpochMs;
  /** Loss of the newest partly lost round of that run, 0..1. */
  lossBefore: number;
  /** Wholly lost bursts in the run. */
  bursts: number;
  /** The last 30 rounds, newest in bit 0, 1 = wholly lost. */
  rounds: number;
}

/** The first packet of a burst leaves this much before the last one, which dates it. */
const BURST_LASTS = 900;
const ROUNDS_MASK = 0x3fffffff;
const NEVER = epochMs(0);

export const createReach = (): ProbeReach => ({
  answeredAt: NEVER,
  missedAt: NEVER,
  patience: 0 as DurationMs,
  downSince: NEVER,
  lossSince: NEVER,
  lossBefore: 0,
  bursts: 0,
  rounds: 0,
});

/** A round: `loss` of its packets unanswered, 0..1. True when there was an answer. */
export function noteRound(
  reach: ProbeReach,
  at: EpochMs,
  loss: number,
  patience: DurationMs,
): boolean {
  reach.patience = patience;
  if (loss < 1) {
    reach.rounds = (reach.rounds << 1) & ROUNDS_MASK;
    // A round that was half over when the target died arrives after the burst, but is older.
    noteAnswer(reach, at);
    if (loss === 0) clearLoss(reach);
    else noteLoss(reach, at, loss);
    return true;
  }
  reach.rounds = ((reach.rounds << 1) | 1) & ROUNDS_MASK;
  noteMiss(reach, at, at);
  return false;
}

/** A burst of ten: true when there was an answer. */
export function noteBurst(reach: ProbeReach, at: EpochMs, loss: number): boolean {
  if (loss < 1) {
    reach.rounds = 0;
    noteAnswer(reach, at);
    return true;
  }
  noteMiss(reach, at, epochMs(at - BURST_LASTS));
  reach.bursts += 1;
  return false;
}

/** An SNMP poll: answered or not. */
export function notePoll(
  reach: ProbeReach,
  at: EpochMs,
  isAnswered: boolean,
  patience: DurationMs,
): void {
  reach.patience = patience;
  if (isAnswered) noteAnswer(reach, at);
  else noteMiss(reach, at, at);
}

function noteAnswer(reach: ProbeReach, at: EpochMs): void {
  if (at > reach.answeredAt) reach.answeredAt = at;
  if (at <= reach.downSince) return;
  reach.downSince = NEVER;
  reach.bursts = 0;
}

function noteMiss(reach: ProbeReach, at: EpochMs, from: EpochMs): void {
  if (at > reach.missedAt) reach.missedAt = at;
  if (reach.downSince === NEVER) {
    if (from < reach.answeredAt && at <= reach.answeredAt) return;
    reach.downSince = epochMs(Math.max(from, reach.answeredAt + 1));
  }
  if (reach.lossSince === NEVER) noteLoss(reach, from, 0);
}

function noteLoss(reach: ProbeReach, at: EpochMs, loss: number): void {
  if (reach.lossSince === NEVER || at < reach.lossSince) reach.lossSince = at;
  if (loss > 0) reach.lossBefore = loss;
}

function clearLoss(reach: ProbeReach): void {
  reach.lossSince = NEVER;
  reach.lossBefore = 0;
}

/** How many of the newest `outOf` rounds were wholly lost. */
export function lostRounds(reach: ProbeReach, outOf: number): number {
  let bits = outOf >= 30 ? reach.rounds : reach.rounds & ((1 << outOf) - 1);
  let count = 0;
  for (; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}

/**
 * The probe that contradicts "down": another one, of any agent, that had an answer after the run
 * without answers began and has not missed since, while its word is fresh.
 */
export function contradiction(
  watched: Watched,
  own: ReachProbe,
  since: EpochMs,
  at: EpochMs,
): { readonly agent: string; readonly probe: ReachProbe } | undefined {
  for (const view of watched.shared.views) {
    for (const probe of REACH_PROBES) {
      const other = view.reach[probe];
      if (other === undefined || (view === watched && probe === own)) continue;
      const isAnswering = other.answeredAt > since && other.answeredAt > other.missedAt;
      if (isAnswering && at - other.answeredAt <= other.patience) {
        return { agent: view.agent, probe };
      }
    }
  }
  return undefined;
}
