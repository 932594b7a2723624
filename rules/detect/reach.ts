import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { addInput, inputAt, type Marking } from './inputs.ts';
import { type Marks, REACH, zeros } from './marks.ts';
import type { Watched } from './watched.ts';

export type ReachProbe = 'icmp' | 'stamp' | 'snmp';
const REACH_PROBES: readonly ReachProbe[] = ['icmp', 'stamp', 'snmp'];

/** Whether a subject answers one probe of one agent, as snapshots have it. Times of samples, 0 = never. */
export interface ProbeReach {
  readonly answeredAt: EpochMs;
  /** Last sample that had no answer at all. */
  readonly missedAt: EpochMs;
  readonly patience: DurationMs;
  /** Start of the run without any answer; 0 = it answers. */
  readonly downSince: EpochMs;
  /** First sample with any loss since all was well. */
  readonly lossSince: EpochMs;
  /** Loss of the newest partly lost round of that run, 0..1. */
  readonly lossBefore: number;
  /** Wholly lost bursts in the run. */
  readonly bursts: number;
  /** The last 30 rounds, newest in bit 0, 1 = wholly lost. */
  readonly rounds: number;
}
/** The same as numbers among the marks of the subject. */
export const ANSWERED_AT = 0;
export const MISSED_AT = 1;
export const REACH_PATIENCE = 2;
export const DOWN_SINCE = 3;
export const LOSS_SINCE = 4;
export const LOSS_BEFORE = 5;
export const BURSTS = 6;
const ROUNDS = 7;
const FIELDS = 8;

export type Reach = Partial<Record<ReachProbe, ProbeReach>>;

/** The first packet of a burst leaves this much before the last one, which dates it. */
const BURST_LASTS = 900;
const ROUNDS_MASK = 0x3fffffff;

/** Where the subject's marks note the place of what is known by this probe. */
export const reachPointer = (probe: ReachProbe): number => REACH + REACH_PROBES.indexOf(probe);

/** The place of what is known by a probe, with room made. @param pointer as `reachPointer` gives it */
export const reachOf = (watched: Marking, pointer: number): number =>
  inputAt(watched.marks, pointer) || addInput(watched, pointer, zeros(FIELDS));

/** A round: `loss` of its packets unanswered, 0..1. True when there was an answer. */
export function noteRound(
  marks: Marks,
  reach: number,
  at: EpochMs,
  loss: number,
  patience: DurationMs,
): boolean {
  marks[reach + REACH_PATIENCE] = patience;
  const rounds = inputAt(marks, reach + ROUNDS) << 1;
  if (loss < 1) {
    marks[reach + ROUNDS] = rounds & ROUNDS_MASK;
    // A round that was half over when the target died arrives after the burst, but is older.
    noteAnswer(marks, reach, at);
    if (loss === 0) marks[reach + LOSS_SINCE] = marks[reach + LOSS_BEFORE] = 0;
    else noteLoss(marks, reach, at, loss);
    return true;
  }
  marks[reach + ROUNDS] = (rounds | 1) & ROUNDS_MASK;
  noteMiss(marks, reach, at, at);
  return false;
}

/** A burst of ten: true when there was an answer. */
export function noteBurst(marks: Marks, reach: number, at: EpochMs, loss: number): boolean {
  if (loss < 1) {
    marks[reach + ROUNDS] = 0;
    noteAnswer(marks, reach, at);
    return true;
  }
  noteMiss(marks, reach, at, epochMs(at - BURST_LASTS));
  marks[reach + BURSTS] = (marks[reach + BURSTS] as number) + 1;
  return false;
}

/** An SNMP poll: answered or not. */
export function notePoll(
  marks: Marks,
  reach: number,
  at: EpochMs,
  isAnswered: boolean,
  patience: DurationMs,
): void {
  marks[reach + REACH_PATIENCE] = patience;
  if (isAnswered) noteAnswer(marks, reach, at);
  else noteMiss(marks, reach, at, at);
}

function noteAnswer(marks: Marks, reach: number, at: EpochMs): void {
  if (at > (marks[reach + ANSWERED_AT] as number)) marks[reach + ANSWERED_AT] = at;
  if (at <= (marks[reach + DOWN_SINCE] as number)) return;
  marks[reach + DOWN_SINCE] = 0;
  marks[reach + BURSTS] = 0;
}

function noteMiss(marks: Marks, reach: number, at: EpochMs, from: EpochMs): void {
  if (at > (marks[reach + MISSED_AT] as number)) marks[reach + MISSED_AT] = at;
  if (marks[reach + DOWN_SINCE] === 0) {
    const answeredAt = marks[reach + ANSWERED_AT] as number;
    if (from < answeredAt && at <= answeredAt) return;
    marks[reach + DOWN_SINCE] = Math.max(from, answeredAt + 1);
  }
  if (marks[reach + LOSS_SINCE] === 0) noteLoss(marks, reach, from, 0);
}

function noteLoss(marks: Marks, reach: number, at: EpochMs, loss: number): void {
  const since = marks[reach + LOSS_SINCE] as number;
  if (since === 0 || at < since) marks[reach + LOSS_SINCE] = at;
  if (loss > 0) marks[reach + LOSS_BEFORE] = loss;
}

/** How many of the newest `outOf` rounds were wholly lost. */
export function lostRounds(marks: Marks, reach: number, outOf: number): number {
  const rounds = inputAt(marks, reach + ROUNDS);
  let bits = outOf >= 30 ? rounds : rounds & ((1 << outOf) - 1);
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
      if (view === watched && probe === own) continue;
      if (isAnswering(view.marks, inputAt(view.marks, reachPointer(probe)), since, at)) {
        return { agent: view.agent, probe };
      }
    }
  }
  return undefined;
}

function isAnswering(marks: Marks, reach: number, since: EpochMs, at: EpochMs): boolean {
  if (reach === 0) return false;
  const answeredAt = marks[reach + ANSWERED_AT] as number;
  if (answeredAt <= since || answeredAt <= (marks[reach + MISSED_AT] as number)) return false;
  return at - answeredAt <= (marks[reach + REACH_PATIENCE] as number);
}

/** What is known by all probes, for snapshots, in the order in which they were first heard. */
export function reachState({ marks }: Marking): Reach {
  const placeOf = (probe: ReachProbe): number => inputAt(marks, reachPointer(probe));
  const heard = REACH_PROBES.filter((probe) => placeOf(probe) !== 0);
  if (heard.length > 1) heard.sort((a, b) => placeOf(a) - placeOf(b));
  const state: Reach = {};
  for (const probe of heard) state[probe] = probeState(marks, placeOf(probe));
  return state;
}

function probeState(marks: Marks, reach: number): ProbeReach {
  const of = (field: number): number => marks[reach + field] as number;
  return {
    answeredAt: of(ANSWERED_AT) as EpochMs,
    missedAt: of(MISSED_AT) as EpochMs,
    patience: of(REACH_PATIENCE) as DurationMs,
    downSince: of(DOWN_SINCE) as EpochMs,
    lossSince: of(LOSS_SINCE) as EpochMs,
    lossBefore: of(LOSS_BEFORE),
    bursts: of(BURSTS),
    rounds: of(ROUNDS),
  };
}

/** @param state as `reachState` gave it */
export function loadReach(watched: Marking, state: Reach): void {
  for (const [probe, known] of Object.entries(state)) {
    addInput(watched, reachPointer(probe as ReachProbe), [
      known.answeredAt,
      known.missedAt,
      known.patience,
      known.downSince,
      known.lossSince,
      known.lossBefore,
      known.bursts,
      known.rounds,
    ]);
  }
}
