import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { Numbers } from './window.ts';

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

/** The minute that is being filled: its number, first and last sample, then its values. Plain JSON. */
export type Minute = Numbers;
const SLOT = 0;
const FIRST_AT = 1;
const LAST_AT = 2;
const VALUES = 3;

const MINUTE = 60_000;
/** Rounds that come nearly once a minute are points of their own: two would share no median. */
const OWN_POINT = 45_000;
/** More values in a minute than these say nothing more about its median. */
const MAX_VALUES = 60;

export const emptyMinute = (): Minute => [0, 0, 0];

/**
 * Takes one sample; the point that is complete with it. A minute is complete when the first sample
 * of a later one arrives.
 */
export function gather(
  minute: Minute,
  at: EpochMs,
  value: number,
  every: DurationMs,
): SeriesPoint | undefined {
  if (every >= OWN_POINT) {
    minute.length = VALUES;
    return { since: at, at, value, spans: every };
  }
  const slot = Math.floor(at / MINUTE);
  const isNext = slot !== minute[SLOT] && minute.length > VALUES;
  const point = isNext ? close(minute) : undefined;
  if (minute.length === VALUES) {
    minute[SLOT] = slot;
    minute[FIRST_AT] = at;
  }
  minute[LAST_AT] = at;
  if (minute.length < VALUES + MAX_VALUES) minute.push(value);
  return point;
}

function close(minute: Minute): SeriesPoint {
  const values = minute.slice(VALUES).sort((a, b) => a - b);
  const half = values.length >> 1;
  const upper = values[half] as number;
  const value = values.length % 2 === 1 ? upper : ((values[half - 1] as number) + upper) / 2;
  const point = {
    since: minute[FIRST_AT] as EpochMs,
    at: minute[LAST_AT] as EpochMs,
    value,
    spans: MINUTE as DurationMs,
  };
  minute.length = VALUES;
  return point;
}
