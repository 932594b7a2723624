import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import {
  addTo,
  createHistogram,
  type Histogram,
  type HistogramState,
  histogramState,
  quantiles,
  restoreHistogram,
  type Scale,
} from './baseline-histogram.ts';
import {
  emptyMinute,
  gather,
  type Minute,
  type MinuteState,
  minuteState,
  restoreMinute,
  type SeriesPoint,
} from './baseline-points.ts';
import { createLevel, follow, type Level, type LevelChange } from './level-segments.ts';
import type { Feed } from './watched.ts';

/** What is learned of one series, whatever rules judge it. At most 3 KB. */
export interface Learned {
  readonly measure: Measure;
  readonly minute: Minute;
  readonly histogram: Histogram;
  readonly level: Level;
  /** First sample ever. */
  since: EpochMs;
  samples: number;
  points: number;
  /** Quantiles by `SHARES` of what came before the newest point. */
  readonly usual: number[];
  /** Changes that may still be told, and when that was last counted. */
  told: number;
  toldAt: EpochMs;
  /** The point that the newest sample completed. Not part of a snapshot: it is judged at once. */
  point: SeriesPoint | undefined;
}

interface Measure {
  readonly scale: Scale;
  /** Smaller steps are no change of level, in the unit of the metric. */
  readonly leastStep: number;
}

export const SHARES = [0.02, 0.05, 0.5, 0.95, 0.98];
export const LOWEST = 0;
export const LOW = 1;
export const MIDDLE = 2;
export const HIGH = 3;
export const HIGHEST = 4;

/** 1.5 % is finer than any margin, and 700 of them reach from 0.2 ms to 7 s; below 0.05 ms a round trip is the noise of the clock. */
const ROUND_TRIP: Measure = { scale: { unit: 0.05, step: 0.015 }, leastStep: 1 };
/** Anything from thousandths to 10^12, either side of 0, in 5 %. */
const ANYTHING: Measure = { scale: { unit: 0.001, step: 0.05 }, leastStep: 0 };

const measureOf = (metric: RuleMetricName): Measure =>
  metric.endsWith('_ms') ? ROUND_TRIP : ANYTHING;

/** The middle of a slow memory hardly moves in so many points. */
const REFRESH = 5;
/** With less nobody can say what is usual: both must be there. */
const WARM_SAMPLES = 60;
const WARM_AFTER = 600_000;
const DAY = 86_400_000;

/** A series that steps all day fills nobody's change log: so many at once, and one more an hour. */
const MAX_TOLD = 24;
const TOLD_EVERY = 3_600_000;

export const createLearned = (metric: RuleMetricName): Learned => ({
  // What every sample needs stands first, then what every minute does.
  minute: emptyMinute(),
  samples: 0,
  point: undefined,
  points: 0,
  histogram: createHistogram(measureOf(metric).scale),
  level: createLevel(),
  usual: [0, 0, 0, 0, 0],
  since: epochMs(0),
  measure: measureOf(metric),
  told: MAX_TOLD,
  toldAt: epochMs(0),
});

/** Takes the sample in; rules then find in `point` and `usual` what there is to judge. */
export function learn(learned: Learned, { at, value, every }: Feed): LevelChange | undefined {
  if (learned.samples === 0) learned.since = at;
  learned.samples += 1;
  const point = gather(learned.minute, at, value, every);
  learned.point = point;
  if (point === undefined) return undefined;
  // What is judged is no part of what it is judged by.
  if (learned.points % REFRESH === 0) quantiles(learned.histogram, SHARES, learned.usual);
  learned.points += 1;
  addTo(learned.histogram, point.at, point.value);
  const change = follow(learned.level, point, learned.measure.leastStep);
  return change !== undefined && mayTell(learned, at) ? change : undefined;
}

function mayTell(learned: Learned, at: EpochMs): boolean {
  const since = Math.floor((at - learned.toldAt) / TOLD_EVERY);
  learned.told = Math.min(MAX_TOLD, learned.told + since);
  if (since > 0) learned.toldAt = at;
  if (learned.told < 1) return false;
  learned.told -= 1;
  return true;
}

/** Whether enough is known to call anything unusual. */
export const isWarm = ({ samples, since, points }: Learned, at: EpochMs): boolean =>
  samples > WARM_SAMPLES && points > REFRESH && at - since >= WARM_AFTER;

/** 0 at the beginning, 1 from one day on: a daily rhythm has not been seen before. */
export const ripeness = ({ since }: Learned, at: EpochMs): number =>
  Math.min(1, Math.max(0, (at - since) / DAY));

/** As JSON; see `restoreLearned`. */
export interface LearnedState {
  readonly minute: MinuteState;
  readonly histogram: HistogramState;
  readonly level: Level;
  readonly figures: readonly number[];
}

export function learnedState(learned: Learned): LearnedState {
  const { minute, histogram, level, since, samples, points, told, toldAt, usual } = learned;
  return {
    minute: minuteState(minute),
    histogram: histogramState(histogram),
    level,
    figures: [since, samples, points, told, toldAt, ...usual],
  };
}

export function restoreLearned(metric: RuleMetricName, state: LearnedState): Learned {
  const learned = createLearned(metric);
  const [since = 0, samples = 0, points = 0, told = 0, toldAt = 0, ...usual] = state.figures;
  return {
    ...learned,
    minute: restoreMinute(state.minute),
    histogram: restoreHistogram(learned.measure.scale, state.histogram),
    level: state.level,
    since: epochMs(since),
    samples,
    points,
    usual,
    told,
    toldAt: epochMs(toldAt),
  };
}
