import { METRICS } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { NumberedSeries, StoredRollup } from '../ports/history.ts';
import { type ColumnInput, encodeBundle, type RoundInput } from './bundle-codec.ts';
import { ratesOf } from './derive.ts';
import { type Figures, figuresOf, noFigures } from './figures.ts';
import { openBundle } from './open-bundle.ts';
import type { ReadSamples } from './samples.ts';
import { scaleOf } from './scale.ts';

export const ROLLUP_STEP_MS = 300_000;
export const DAY_MS = 86_400_000;
/** Rates are kept to so many digits of the day's largest: nobody reads more in a picture. */
const RATE_DIGITS = 4;
/** Numbers of a bundle are series times this plus the figure. */
const FIGURES = 8;
const FINEST = 1e6;
const COLUMNS = ['count', 'mean', 'min', 'max', 'p50', 'p95'] as const;

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

function roundOf({ id, metric }: NumberedSeries, figures: Figures) {
  const { isCounter, digits: own } = scaleOf(metric);
  const largest = figures.max.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const wanted = RATE_DIGITS - 1 - Math.floor(Math.log10(largest || 1));
  const digits = isCounter ? Math.min(6, Math.max(0, wanted)) : own;
  const coarse = isCounter && wanted < 0 ? 10 ** -wanted : 1;
  const factor = 10 ** digits / coarse;
  const wholes = (values: readonly number[]) => {
    const made = new Float64Array(values.length);
    for (let i = 0; i < made.length; i++) made[i] = Math.round(values[i]! * factor) * coarse;
    return made;
  };
  const mean = wholes(figures.mean);
  const max = wholes(figures.max);
  // The others lie close to the mean: their distances from it are smaller numbers.
  const from = (reference: Float64Array, values: Float64Array) => {
    for (let i = 0; i < values.length; i++) values[i] = values[i]! - reference[i]!;
    return values;
  };
  const columns: Record<(typeof COLUMNS)[number], Float64Array> = {
    count: Float64Array.from(figures.count),
    mean,
    min: from(mean, wholes(figures.min)),
    max: from(mean, max.slice()),
    p50: from(mean, wholes(figures.p50)),
    p95: from(max, wholes(figures.p95)),
  };
  return {
    times: Float64Array.from(figures.at),
    rows: figures.at.length,
    columns: COLUMNS.map((name, figure) => ({
      number: id * FIGURES + figure,
      isCounter: false,
      digits: name === 'count' ? 0 : digits,
      data: columns[name],
    })),
  };
}

/** The figures of one series in a stored day; undefined when it had no samples. @throws CorruptChunkError */
export function decodeRollup({ blob }: StoredRollup, { id }: NumberedSeries): Figures | undefined {
  const bundle = openBundle(blob);
  const read = (figure: number) => bundle.read(id * FIGURES + figure);
  const counts = read(0);
  if (counts === undefined) return undefined;
  const [count, mean, min, max, p50, p95] = COLUMNS.map((_, figure) =>
    Array.from(read(figure)?.value ?? [], Number),
  ) as [number[], number[], number[], number[], number[], number[]];
  // Sums of decimals are put back to decimals: no resolution is finer.
  const from = (reference: number[]) => (value: number, i: number) =>
    Math.round((value + reference[i]!) * FINEST) / FINEST;
  const largest = max.map(from(mean));
  return {
    at: [...counts.at],
    count,
    mean,
    min: min.map(from(mean)),
    max: largest,
    p50: p50.map(from(mean)),
    p95: p95.map(from(largest)),
  };
}
