import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { SeriesPoint } from './baseline-points.ts';

/**
 * On which level a series lies now, and whether it has left it for good: a two-sided segmenter for
 * the change log. It remembers four hours of the present level; what stays beyond that level's
 * spread for twenty minutes on one side begins the next one. Plain JSON.
 */
export interface Level {
  /** Points of the level, oldest first, at most `MAX_POINTS`, not denser than `SPACING`. */
  points: number[];
  lastAt: EpochMs;
  /** How many of `points` the three figures below are of; 0 = to be computed. */
  age: number;
  middle: number;
  low: number;
  high: number;
  /** The run beyond the level: its side (0 = none), where it began, its points. */
  side: -1 | 0 | 1;
  since: EpochMs;
  run: number[];
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

export const createLevel = (): Level => ({
  points: [],
  lastAt: epochMs(0),
  age: 0,
  middle: 0,
  low: 0,
  high: 0,
  side: 0,
  since: epochMs(0),
  run: [],
});

/** One point further; the change when the new level is sure. @param leastStep in the series' unit */
export function follow(
  level: Level,
  point: SeriesPoint,
  leastStep: number,
): LevelChange | undefined {
  if (level.points.length < MIN_POINTS) {
    remember(level, point);
    return undefined;
  }
  if (level.age === 0) measure(level);
  const side = sideOf(level, point.value, leastStep);
  if (side === 0) {
    // What came back was noise of this level: it belongs to its spread.
    if (level.run.length > 0) for (const value of level.run) keep(level, value);
    endRun(level);
    remember(level, point);
    return undefined;
  }
  if (side !== level.side) {
    endRun(level);
    level.side = side;
    level.since = point.since;
  }
  level.run.push(point.value);
  const lasts = point.at + point.spans - level.since;
  if (lasts < SETTLED_AFTER || level.run.length < MIN_POINTS) return undefined;
  return settle(level, point);
}

function settle(level: Level, { at }: SeriesPoint): LevelChange {
  const before = level.middle;
  level.points = level.run.slice(-MAX_POINTS);
  const { since } = level;
  endRun(level);
  measure(level);
  level.lastAt = at;
  return { since, before, after: level.middle };
}

function sideOf({ middle, low, high }: Level, value: number, leastStep: number): -1 | 0 | 1 {
  const sigma = (high - low) / QUARTILES_PER_SIGMA;
  const step = Math.max(SIGMAS * sigma, leastStep, LEAST_SHARE * Math.abs(middle));
  if (value > middle + step && value > high) return 1;
  return value < middle - step && value < low ? -1 : 0;
}

function remember(level: Level, { at, value }: SeriesPoint): void {
  // A little less, since polls are never exactly so far apart.
  if (at - level.lastAt < SPACING * 0.75) return;
  level.lastAt = at;
  keep(level, value);
}

function keep(level: Level, value: number): void {
  level.points.push(value);
  if (level.points.length > MAX_POINTS) level.points.shift();
  if (level.age > 0) level.age = level.age >= REFRESH ? 0 : level.age + 1;
}

function endRun(level: Level): void {
  level.side = 0;
  if (level.run.length > 0) level.run = [];
}

const sorted = new Float64Array(MAX_POINTS);

function measure(level: Level): void {
  const { points } = level;
  const view = sorted.subarray(0, points.length);
  view.set(points);
  view.sort();
  level.low = at(view, 0.25);
  level.middle = at(view, 0.5);
  level.high = at(view, 0.75);
  level.age = 1;
}

function at(view: Float64Array, share: number): number {
  const place = (view.length - 1) * share;
  const i = Math.floor(place);
  const below = view[i] as number;
  return below + (place - i) * ((view[i + 1] ?? below) - below);
}
