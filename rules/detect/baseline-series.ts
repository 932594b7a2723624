import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
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
  gather,
  MINUTE_FIELDS,
  type MinuteState,
  minuteState,
  restoreMinute,
  type SeriesPoint,
} from './baseline-points.ts';
import {
  createLevel,
  follow,
  LEVEL_FIELDS,
  type Level,
  type LevelChange,
  type LevelState,
  levelState,
  restoreLevel,
} from './level-segments.ts';
import type { Numbers } from './marks.ts';
import type { Feed } from './watched.ts';

/**
 * What is learned of one series, whatever rules judge it. Nearly all of it is in one array, since what
 * is scattered in memory costs more than all arithmetic.
 */
export interface Learned {
  /** The minute that is being filled, the fields below, the level, the values of the minute. */
  readonly numbers: Numbers;
  readonly histogram: Histogram;
  readonly level: Level;
  readonly measure: Measure;
  /** The point that the newest sample completed. Not part of a snapshot: it is judged at once. */
  point: SeriesPoint | undefined;
}
/** First sample ever. */
const SINCE = MINUTE_FIELDS;
const SAMPLES = SINCE + 1;
const POINTS = SINCE + 2;
/** Changes that may still be told, and when that was last counted. */
const TOLD = SINCE + 3;
const TOLD_AT = SINCE + 4;
/** Quantiles by `SHARES` of what came before the newest point. */
const USUAL = SINCE + 5;
export const LOWEST = USUAL;
export const LOW = USUAL + 1;
export const MIDDLE = USUAL + 2;
export const HIGH = USUAL + 3;
export const HIGHEST = USUAL + 4;
const LEVEL = USUAL + 5;
const VALUES = LEVEL + LEVEL_FIELDS;

export const SHARES = [0.02, 0.05, 0.5, 0.95, 0.98];

/** What is usual: `LOWEST` to `HIGHEST`. */
export const usually = ({ numbers }: Learned, share: number): number => numbers[share] as number;
export const learnedSince = ({ numbers }: Learned): EpochMs => numbers[SINCE] as EpochMs;

interface Measure {
  readonly scale: Scale;
  /** Smaller steps are no change of level, in the unit of the metric. */
  readonly leastStep: number;
}

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

export function createLearned(metric: RuleMetricName): Learned {
  const numbers = new Array<number>(VALUES).fill(0);
  numbers[TOLD] = MAX_TOLD;
  const measure = measureOf(metric);
  return {
    numbers,
    point: undefined,
    measure,
    histogram: createHistogram(measure.scale),
    level: createLevel(numbers, LEVEL),
  };
}

/** Takes the sample in; rules then find in `point` and `usually` what there is to judge. */
export function learn(learned: Learned, { at, value, every }: Feed): LevelChange | undefined {
  const { numbers } = learned;
  const samples = numbers[SAMPLES] as number;
  if (samples === 0) numbers[SINCE] = at;
  numbers[SAMPLES] = samples + 1;
  const point = gather(numbers, at, value, every, VALUES);
  learned.point = point;
  return point === undefined ? undefined : learnPoint(learned, point, at);
}

function learnPoint(learned: Learned, point: SeriesPoint, at: EpochMs): LevelChange | undefined {
  const { numbers, histogram, level, measure } = learned;
  const points = numbers[POINTS] as number;
  // What is judged is no part of what it is judged by.
  if (points % REFRESH === 0) quantiles(histogram, SHARES, numbers, USUAL);
  numbers[POINTS] = points + 1;
  addTo(histogram, point.at, point.value);
  const change = follow(level, point, measure.leastStep);
  return change !== undefined && mayTell(numbers, at) ? change : undefined;
}

function mayTell(numbers: Numbers, at: EpochMs): boolean {
  const since = Math.floor((at - (numbers[TOLD_AT] as number)) / TOLD_EVERY);
  const told = Math.min(MAX_TOLD, (numbers[TOLD] as number) + since);
  if (since > 0) numbers[TOLD_AT] = at;
  numbers[TOLD] = told < 1 ? told : told - 1;
  return told >= 1;
}

/** Whether enough is known to call anything unusual. */
export const isWarm = ({ numbers }: Learned, at: EpochMs): boolean =>
  (numbers[SAMPLES] as number) > WARM_SAMPLES &&
  (numbers[POINTS] as number) > REFRESH &&
  at - (numbers[SINCE] as number) >= WARM_AFTER;

/** 0 at the beginning, 1 from one day on: a daily rhythm has not been seen before. */
export const ripeness = ({ numbers }: Learned, at: EpochMs): number =>
  Math.min(1, Math.max(0, (at - (numbers[SINCE] as number)) / DAY));

/** As JSON; see `restoreLearned`. */
export interface LearnedState {
  readonly minute: MinuteState;
  readonly histogram: HistogramState;
  readonly level: LevelState;
  /** From `SINCE` to the end of `USUAL`. */
  readonly figures: readonly (number | null)[];
}

export const learnedState = ({ numbers, histogram, level }: Learned): LearnedState => ({
  minute: minuteState(numbers, VALUES),
  histogram: histogramState(histogram),
  level: levelState(level),
  figures: numbers.slice(SINCE, LEVEL),
});

export function restoreLearned(metric: RuleMetricName, state: LearnedState): Learned {
  const learned = createLearned(metric);
  const { numbers, level, measure } = learned;
  state.figures.forEach((figure, i) => {
    // JSON knows no NaN: the quantiles before the first refresh.
    numbers[SINCE + i] = figure ?? Number.NaN;
  });
  restoreLevel(level, state.level);
  restoreMinute(state.minute, numbers);
  return { ...learned, histogram: restoreHistogram(measure.scale, state.histogram) };
}
