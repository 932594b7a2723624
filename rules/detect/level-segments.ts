import type { EpochMs } from '../../protocol/model/units.ts';
import type { SeriesPoint } from './baseline-points.ts';
import type { Numbers } from './marks.ts';

/**
 * On which level a series lies now, and whether it has left it for good: a two-sided segmenter for
 * the change log. It remembers four hours of the present level; what stays beyond that level's
 * spread for twenty minutes on one side begins the next one.
 */
export interface Level {
  /** Points of the level, oldest first, at most `MAX_POINTS`, not denser than `SPACING`. */
  points: number[];
  /** The points of the run beyond the level. */
  run: number[];
  /** What every point needs, among the other numbers of the series, from the place `base` on. */
  readonly numbers: Numbers;
  readonly base: number;
}
const LAST_AT = 0;
/** How many of `points` the three figures below are of; 0 = to be computed. */
const AGE = 1;
const MIDDLE = 2;
const LOW = 3;
const HIGH = 4;
/** The run beyond the level: its side (-1, 1; 0 = none), and where it began. */
const SIDE = 5;
const SINCE = 6;
/** How many `points` there are. */
const COUNT = 7;
export const LEVEL_FIELDS = 8;

/** As JSON. */
export interface LevelState {
  readonly points: readonly number[];
  readonly lastAt: number;
  readonly age: number;
  readonly middle: number;
  readonly low: number;
  readonly high: number;
  readonly side: number;
  readonly since: number;
  readonly run: readonly number[];
}

/** A series settled on another level. */
export interface LevelChange {
  readonly since: EpochMs;
  readonly before: number;
  readonly after: number;
}

const MAX_POINTS = 60;
const SPACING = 240_000;
/** With fewer points of it nobody can say what a level is. */
const MIN_POINTS = 4;
/** The figures of a level move slowly: sorting it for every point would cost more than all else. */
const REFRESH = 5;
/**
 * A quarter of an hour is a burst, not a level. On the open RTT series 16 min gives F1 .62, 20 min
 * .63, 24 min .60 (labels within two samples).
 */
export const SETTLED_AFTER = 20 * 60_000;
/** A smaller share of the level is no change that a person would look for (own choice). */
const LEAST_SHARE = 0.01;
/** Step over the spread by quartiles, as a normal sigma. */
const SIGMAS = 1.5;
const QUARTILES_PER_SIGMA = 1.349;

export const createLevel = (numbers: Numbers, base: number): Level => ({
  points: [],
  run: [],
  numbers,
  base,
});

export function levelState({ points, run, numbers, base }: Level): LevelState {
  const of = (field: number): number => numbers[base + field] as number;
  return {
    points,
    lastAt: of(LAST_AT),
    age: of(AGE),
    middle: of(MIDDLE),
    low: of(LOW),
    high: of(HIGH),
    side: of(SIDE),
    since: of(SINCE),
    run,
  };
}

export function restoreLevel(level: Level, state: LevelState): void {
  const { points, run, lastAt, age, middle, low, high, side, since } = state;
  level.points = [...points];
  level.run = [...run];
  [lastAt, age, middle, low, high, side, since, points.length].forEach((figure, field) => {
    level.numbers[level.base + field] = figure;
  });
}

/** One point further; the change when the new level is sure. @param leastStep in the series' unit */
export function follow(
  level: Level,
  point: SeriesPoint,
  leastStep: number,
): LevelChange | undefined {
  const { numbers, base } = level;
  if ((numbers[base + COUNT] as number) < MIN_POINTS) {
    remember(level, point);
    return undefined;
  }
  if (numbers[base + AGE] === 0) measure(level);
  const side = sideOf(level, point.value, leastStep);
  if (side === 0) {
    endRun(level, true);
    remember(level, point);
    return undefined;
  }
  if (side !== numbers[base + SIDE]) {
    endRun(level, false);
    numbers[base + SIDE] = side;
    numbers[base + SINCE] = point.since;
  }
  level.run.push(point.value);
  const lasts = point.at + point.spans - (numbers[base + SINCE] as number);
  if (lasts < SETTLED_AFTER || level.run.length < MIN_POINTS) return undefined;
  return settle(level, point);
}

function settle(level: Level, { at }: SeriesPoint): LevelChange {
  const { numbers, base } = level;
  const before = numbers[base + MIDDLE] as number;
  level.points = level.run.slice(-MAX_POINTS);
  numbers[base + COUNT] = level.points.length;
  const since = numbers[base + SINCE] as EpochMs;
  endRun(level, false);
  measure(level);
  numbers[base + LAST_AT] = at;
  return { since, before, after: numbers[base + MIDDLE] as number };
}

function sideOf({ numbers, base }: Level, value: number, leastStep: number): -1 | 0 | 1 {
  const middle = numbers[base + MIDDLE] as number;
  const low = numbers[base + LOW] as number;
  const high = numbers[base + HIGH] as number;
  const sigma = (high - low) / QUARTILES_PER_SIGMA;
  const step = Math.max(SIGMAS * sigma, leastStep, LEAST_SHARE * Math.abs(middle));
  if (value > middle + step && value > high) return 1;
  return value < middle - step && value < low ? -1 : 0;
}

function remember(level: Level, { at, value }: SeriesPoint): void {
  const { numbers, base } = level;
  // A little less, since polls are never exactly so far apart.
  if (at - (numbers[base + LAST_AT] as number) < SPACING * 0.75) return;
  numbers[base + LAST_AT] = at;
  keep(level, value);
}

function keep({ points, numbers, base }: Level, value: number): void {
  points.push(value);
  if (points.length > MAX_POINTS) points.shift();
  numbers[base + COUNT] = points.length;
  const age = numbers[base + AGE] as number;
  if (age > 0) numbers[base + AGE] = age >= REFRESH ? 0 : age + 1;
}

/** @param isNoise what came back was noise of this level: it belongs to its spread */
function endRun(level: Level, isNoise: boolean): void {
  const { numbers, base, run } = level;
  if (numbers[base + SIDE] === 0) return;
  numbers[base + SIDE] = 0;
  if (isNoise) for (const value of run) keep(level, value);
  level.run = [];
}

const sorted = new Float64Array(MAX_POINTS);

function measure({ points, numbers, base }: Level): void {
  const view = sorted.subarray(0, points.length);
  view.set(points);
  view.sort();
  numbers[base + LOW] = at(view, 0.25);
  numbers[base + MIDDLE] = at(view, 0.5);
  numbers[base + HIGH] = at(view, 0.75);
  numbers[base + AGE] = 1;
}

function at(view: Float64Array, share: number): number {
  const place = (view.length - 1) * share;
  const i = Math.floor(place);
  const below = view[i] as number;
  return below + (place - i) * ((view[i + 1] ?? below) - below);
}
