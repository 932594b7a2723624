import type { Sample, Series } from '../../protocol/model/sample.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { SampleBatch } from '../../protocol/wire/batch.ts';
import { type Problem, problem } from '../../protocol/wire/problem.ts';
import type { SeriesTable } from './dictionary.ts';

export type Decoded =
  | {
      readonly kind: 'samples';
      /** Makes the samples; good until the next batch is read. */
      readonly read: () => Sample[];
      readonly newest: number;
    }
  | { readonly kind: 'wrong'; readonly problem: Problem };

const LIMIT = { 32: 1n << 32n, 64: 1n << 64n } as const;

/** Ends the decoding from the depth of a column; never leaves this file. */
class WrongBatch extends Error {
  readonly problem: Problem;
  constructor(wrong: Problem) {
    super(wrong.detail);
    this.problem = wrong;
  }
}

const malformed = (detail: string): WrongBatch => new WrongBatch(problem('malformed', detail));

/**
 * Samples of a batch whose schema has been checked: dictionary resolved, clock corrected, counters
 * exact. A wrong batch gives no samples at all. Gauges, the bulk, become objects only when they are
 * read: made here they would wait for the disk and survive the young generation of the heap, which
 * costs more than judging them.
 */
export function decodeBatch(
  batch: SampleBatch,
  table: SeriesTable,
  correction: DurationMs,
): Decoded {
  const base = batch.at + correction;
  const counters: Sample[] = [];
  try {
    const gauges = seriesOfGauges(batch, table);
    const newest = Math.max(newestOf(batch), decodeCounters(batch, table, base, counters));
    return {
      kind: 'samples',
      read: () => readSamples(gauges, batch.gauges, base, counters),
      newest: newest + batch.at,
    };
  } catch (error) {
    if (error instanceof WrongBatch) return { kind: 'wrong', problem: error.problem };
    throw error;
  }
}

/** Resolved at once: a later batch may tell the same index anew. */
function seriesOfGauges({ gauges }: SampleBatch, table: SeriesTable): Series[] {
  const { series, at, value } = gauges;
  if (series.length !== at.length || at.length !== value.length) {
    throw malformed(
      `gauges: columns differ in length (series ${series.length}, at ${at.length}, value ${value.length})`,
    );
  }
  const found = new Array<Series>(series.length);
  for (let i = 0; i < series.length; i++) {
    // JSON has no infinity, but 1e999 parses to it.
    if (!Number.isFinite(value[i]!)) throw malformed(`gauges/value/${i}: not a finite number`);
    found[i] = lookUp(table, series[i]!, 'gauge');
  }
  return found;
}

function newestOf({ gauges }: SampleBatch): number {
  let newest = 0;
  for (const offset of gauges.at) if (offset > newest) newest = offset;
  return newest;
}

/** The same objects for every batch: what reads them keeps none. */
const pool: { series: Series; at: EpochMs; value: number }[] = [];

function readSamples(
  series: readonly Series[],
  { at, value }: SampleBatch['gauges'],
  base: number,
  counters: readonly Sample[],
): Sample[] {
  const samples = new Array<Sample>(series.length + counters.length);
  for (let i = 0; i < series.length; i++) {
    let sample = pool[i];
    if (sample === undefined) {
      sample = { series: series[i]!, at: epochMs(0), value: 0.5 };
      pool.push(sample);
    }
    sample.series = series[i]!;
    sample.at = epochMs(base + at[i]!);
    sample.value = value[i]!;
    samples[i] = sample;
  }
  for (let i = 0; i < counters.length; i++) samples[series.length + i] = counters[i]!;
  return samples;
}

function decodeCounters(
  { counters }: SampleBatch,
  table: SeriesTable,
  base: number,
  samples: Sample[],
): number {
  let newest = 0;
  for (const [index, column] of counters.entries()) {
    newest = Math.max(newest, decodeCounter(column, index, table, base, samples));
  }
  return newest;
}

function decodeCounter(
  { series, at, base: first, delta }: SampleBatch['counters'][number],
  column: number,
  table: SeriesTable,
  base: number,
  samples: Sample[],
): number {
  if (delta.length !== at.length - 1) {
    throw malformed(`counters/${column}: ${at.length} times need ${at.length - 1} deltas`);
  }
  const known = lookUp(table, series, 'counter');
  const limit = LIMIT[known.bits ?? 64];
  let value = BigInt(first);
  let newest = 0;
  for (const [index, offset] of at.entries()) {
    if (index > 0) value += stepOf(delta[index - 1]!, column, index);
    if (value < 0n || value >= limit) {
      throw malformed(`counters/${column}: ${value} does not fit ${known.bits} bits`);
    }
    if (offset > newest) newest = offset;
    samples.push({ series: known, at: epochMs(base + offset), value });
  }
  return newest;
}

function stepOf(delta: number, column: number, index: number): bigint {
  if (!Number.isSafeInteger(delta)) {
    throw malformed(`counters/${column}/delta/${index - 1}: larger than 2^53, so not exact`);
  }
  return BigInt(delta);
}

function lookUp(table: SeriesTable, index: number, kind: 'gauge' | 'counter') {
  const known = table[index];
  if (known === undefined) {
    throw new WrongBatch(problem('dictionary-unknown', `series index ${index} is not known here`));
  }
  // Counters have a width and gauges have none: the dictionary saw to that.
  if ((known.bits === undefined) !== (kind === 'gauge')) {
    throw malformed(`series index ${index}: ${known.metric} does not belong among the ${kind}s`);
  }
  return known;
}
