import { METRICS } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { NumberedSeries, StoredRollup } from '../ports/history.ts';
import { type ColumnInput, encodeBundle, type RoundInput } from './bundle-codec.ts';
import { ratesOf } from './derive.ts';
import { type Figures, figuresOf, noFigures } from './figures.ts';
import { openBundle } from './open-bundle.ts';
import type { ReadSamples } from './samples.ts';
import { stepsOf, valueOfSteps } from './steps.ts';

export const ROLLUP_STEP_MS = 300_000;
export const DAY_MS = 86_400_000;
/** Numbers of a bundle are series times this plus the figure. */
const FIGURES = 8;
const FIGURE = {
  count: 0,
  mean: 1,
  min: 2,
  max: 3,
  p50: 4,
  p95: 5,
  middle: 6,
  countInSteps: 7,
} as const;
/** Days of before are kept as decimals; sums of them are put back to decimals by this. */
const FINEST = 1e6;

/** One day of a bundle's series in five-minute figures; of counters the rates. Empty: no samples. */
export function encodeRollup(
  members: readonly NumberedSeries[],
  day: number,
  read: ReadSamples,
): Uint8Array {
  const rounds: (RoundInput & { columns: ColumnInput[] })[] = [];
  const from = epochMs(day * DAY_MS);
  const to = epochMs(from + DAY_MS - 1);
  for (const series of members) {
    const figures = dayOf(series, read, from, to);
    if (figures.at.length === 0) continue;
    // Nearly all have the same five minutes: their times are kept once.
    const made = roundOf(series, figures);
    const same = rounds.find(({ times }) => isSame(times, made.times));
    if (same === undefined) rounds.push(made);
    else same.columns.push(...made.columns);
  }
  return rounds.length === 0 ? new Uint8Array(0) : encodeBundle(rounds).blob;
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function dayOf(series: NumberedSeries, read: ReadSamples, from: EpochMs, to: EpochMs): Figures {
  if (METRICS[series.metric].kind === 'counter') {
    const rates = ratesOf(series, read, from, to);
    return rates ? figuresOf(rates.at, rates.value, ROLLUP_STEP_MS) : noFigures();
  }
  const samples = read(series.key, from, to);
  if (!(samples?.value instanceof Float64Array)) return noFigures();
  return figuresOf(samples.at, samples.value, ROLLUP_STEP_MS);
}

function roundOf({ id }: NumberedSeries, figures: Figures) {
  const rows = figures.at.length;
  const steps = (values: readonly number[]) => Float64Array.from(values, stepsOf);
  const p50 = steps(figures.p50);
  const mean = steps(figures.mean);
  const max = steps(figures.max);
  // The others lie close to the median, and are often the same: their distances are small numbers.
  const from = (reference: Float64Array, values: Float64Array) =>
    values.map((value, i) => value - reference[i]!);
  const column = (figure: number, data: Float64Array): ColumnInput => ({
    number: id * FIGURES + figure,
    isCounter: false,
    digits: 0,
    data,
  });
  return {
    times: Float64Array.from(figures.at),
    rows,
    columns: [
      // In a place of its own: servers of before find no such series, and no false figures.
      column(FIGURE.countInSteps, Float64Array.from(figures.count)),
      column(FIGURE.middle, p50),
      column(FIGURE.mean, from(p50, mean)),
      column(FIGURE.min, from(p50, steps(figures.min))),
      column(FIGURE.max, from(mean, max)),
      column(FIGURE.p95, from(max, steps(figures.p95))),
    ],
  };
}

/** The figures of one series in a stored day; undefined when it had no samples. @throws CorruptChunkError */
export function decodeRollup({ blob }: StoredRollup, { id }: NumberedSeries): Figures | undefined {
  const bundle = openBundle(blob);
  const read = (figure: number) => bundle.read(id * FIGURES + figure);
  const ofSteps = read(FIGURE.countInSteps);
  const inSteps = ofSteps !== undefined;
  const counts = ofSteps ?? read(FIGURE.count);
  if (counts === undefined) return undefined;
  const numbers = (figure: number) => Array.from(read(figure)?.value ?? [], Number);
  const from = (reference: readonly number[], figure: number) =>
    numbers(figure).map((distance, i) => distance + reference[i]!);
  const middle = numbers(FIGURE.middle);
  const mean = inSteps ? from(middle, FIGURE.mean) : numbers(FIGURE.mean);
  const min = from(inSteps ? middle : mean, FIGURE.min);
  const max = from(mean, FIGURE.max);
  const p50 = inSteps ? middle : from(mean, FIGURE.p50);
  const p95 = from(max, FIGURE.p95);
  const back = inSteps ? valueOfSteps : (sum: number) => Math.round(sum * FINEST) / FINEST;
  return {
    at: [...counts.at],
    count: Array.from(counts.value, Number),
    mean: mean.map(back),
    min: min.map(back),
    max: max.map(back),
    p50: p50.map(back),
    p95: p95.map(back),
  };
}
