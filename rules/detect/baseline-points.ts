import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { Numbers } from './marks.ts';

/**
 * What the statistical detectors judge (design 6.15): medians of one minute, or the samples
 * themselves where they come no more often. So a fault opens the same tickets at every interval.
 */
export interface SeriesPoint {
  /** First and last sample in it. */
  readonly since: EpochMs;
  readonly at: EpochMs;
  readonly value: number;
  /** For how long it stands: a minute, or the interval of the samples. */
  readonly spans: DurationMs;
}

/**
 * The minute that is being filled: its number, first and last sample, how many values; from another
 * place on, the values.
 */
export type Minute = Numbers;
const SLOT = 0;
const FIRST_AT = 1;
const LAST_AT = 2;
const COUNT = 3;
const VALUES = 4;
/** What stands before anything else in the numbers of a series. */
export const MINUTE_FIELDS = VALUES;

const MINUTE = 60_000;
/** Rounds that come nearly once a minute are points of their own: two would share no median. */
const OWN_POINT = 45_000;
/** More values in a minute than these say nothing more about its median. */
const MAX_VALUES = 60;

export const emptyMinute = (): Minute => [0, 0, 0, 0];

/**
 * Takes one sample; the point that is complete with it. A minute is complete when the first sample
 * of a later one arrives. @param values where its values begin
 */
export function gather(
  minute: Minute,
  at: EpochMs,
  value: number,
  every: DurationMs,
  values = VALUES,
): SeriesPoint | undefined {
  if (every >= OWN_POINT) {
    minute[COUNT] = 0;
    return { since: at, at, value, spans: every };
  }
  const slot = Math.floor(at / MINUTE);
  const isNext = slot !== minute[SLOT] && minute[COUNT] !== 0;
  const point = isNext ? close(minute, values) : undefined;
  const count = (minute[COUNT] as number) | 0;
  if (count === 0) {
    minute[SLOT] = slot;
    minute[FIRST_AT] = at;
  }
  minute[LAST_AT] = at;
  if (count < MAX_VALUES) {
    // The places of the minute before are used again: an array that shrinks is made anew to grow.
    minute[values + count] = value;
    minute[COUNT] = count + 1;
  }
  return point;
}

const sorted = new Float64Array(MAX_VALUES);

function close(minute: Minute, values: number): SeriesPoint {
  const count = (minute[COUNT] as number) | 0;
  for (let i = 0; i < count; i++) insert(i, minute[values + i] as number);
  const half = count >> 1;
  const upper = sorted[half] as number;
  const value = count % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
  minute[COUNT] = 0;
  return {
    since: minute[FIRST_AT] as EpochMs,
    at: minute[LAST_AT] as EpochMs,
    value,
    spans: MINUTE as DurationMs,
  };
}

/** Puts the value among the first `count`: of two or twelve, sooner than any general sort begins. */
function insert(count: number, value: number): void {
  let i = count;
  for (; i > 0 && (sorted[i - 1] as number) > value; i--) sorted[i] = sorted[i - 1] as number;
  sorted[i] = value;
}

/** As JSON: number, first and last sample, then the values. */
export type MinuteState = readonly number[];

export const minuteState = (minute: Minute, values: number): MinuteState => [
  ...minute.slice(0, COUNT),
  ...minute.slice(values, values + (minute[COUNT] as number)),
];

/** Into numbers that end where the values begin. */
export function restoreMinute(state: MinuteState, minute: Minute): void {
  for (let i = 0; i < COUNT; i++) minute[i] = state[i] as number;
  minute[COUNT] = state.length - COUNT;
  for (const value of state.slice(COUNT)) minute.push(value);
}
