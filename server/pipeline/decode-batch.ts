import type { ObservedBatch, Sample } from '../../protocol/model/sample.ts';
import type { AgentId } from '../../protocol/model/subject.ts';
import { type DurationMs, epochMs } from '../../protocol/model/units.ts';
import type { SampleBatch } from '../../protocol/wire/batch.ts';
import { type Problem, problem } from '../../protocol/wire/problem.ts';
import type { SeriesTable } from './dictionary.ts';

export type Decoded =
  | { readonly kind: 'samples'; readonly samples: Sample[]; readonly newest: number }
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
 * exact. A wrong batch gives no samples at all.
 */
export function decodeBatch(
  batch: SampleBatch,
  table: SeriesTable,
  correction: DurationMs,
): Decoded {
  const samples: Sample[] = [];
  const base = batch.at + correction;
  try {
    const gauges = decodeGauges(batch, table, base, samples);
    const counters = decodeCounters(batch, table, base, samples);
    return { kind: 'samples', samples, newest: Math.max(gauges, counters) + batch.at };
  } catch (error) {
    if (error instanceof WrongBatch) return { kind: 'wrong', problem: error.problem };
    throw error;
  }
}

function decodeGauges(
  { gauges }: SampleBatch,
  table: SeriesTable,
  base: number,
  samples: Sample[],
): number {
  const { series, at, value } = gauges;
  if (series.length !== at.length || at.length !== value.length) {
    throw malformed(
      `gauges: columns differ in length (series ${series.length}, at ${at.length}, value ${value.length})`,
    );
  }
  let newest = 0;
  for (let i = 0; i < series.length; i++) {
    const offset = at[i]!;
    const number = value[i]!;
    if (offset > newest) newest = offset;
    // JSON has no infinity, but 1e999 parses to it.
    if (!Number.isFinite(number)) throw malformed(`gauges/value/${i}: not a finite number`);
    const known = lookUp(table, series[i]!, 'gauge');
    samples.push({ series: known, at: epochMs(base + offset), value: number });
  }
  return newest;
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

export const observed = (agent: AgentId, batch: SampleBatch, samples: Sample[]): ObservedBatch => ({
  agent,
  lane: batch.lane,
  samples,
});
