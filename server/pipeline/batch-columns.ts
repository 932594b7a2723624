import type { SampleBatch } from '../../protocol/wire/batch.ts';
import { type Problem, problem } from '../../protocol/wire/problem.ts';

/** A batch of the wire with its samples in columns, one row for each sample. */
export interface BatchColumns extends Omit<SampleBatch, 'gauges' | 'counters'> {
  readonly gauges: GaugeColumns;
  readonly counters: CounterColumns;
}

/** Columns of equal length: index of the series, milliseconds after the batch's `at`, value. */
export interface GaugeColumns {
  readonly series: Float64Array;
  readonly at: Float64Array;
  readonly value: Float64Array;
}

/** As gauges; exact. */
export interface CounterColumns {
  readonly series: Float64Array;
  readonly at: Float64Array;
  readonly value: BigUint64Array;
}

/** Ends the reading from the depth of a column; never leaves this file. */
class WrongBatch extends Error {}

const LARGEST = (1n << 64n) - 1n;

/** Of a batch whose schema has been checked; a wrong one gives no samples at all. */
export function columnsOf(batch: SampleBatch): BatchColumns | Problem {
  try {
    return { ...batch, gauges: gaugesOf(batch), counters: countersOf(batch) };
  } catch (error) {
    if (error instanceof WrongBatch) return problem('malformed', error.message);
    throw error;
  }
}

function gaugesOf({ gauges }: SampleBatch): GaugeColumns {
  const { series, at, value } = gauges;
  if (series.length !== at.length || at.length !== value.length) {
    throw new WrongBatch(
      `gauges: columns differ in length (series ${series.length}, at ${at.length}, value ${value.length})`,
    );
  }
  // JSON has no infinity, but 1e999 parses to it.
  const odd = value.findIndex((one) => !Number.isFinite(one));
  if (odd >= 0) throw new WrongBatch(`gauges/value/${odd}: not a finite number`);
  return {
    series: Float64Array.from(series),
    at: Float64Array.from(at),
    value: Float64Array.from(value),
  };
}

function countersOf({ counters }: SampleBatch): CounterColumns {
  const length = counters.reduce((sum, { at }) => sum + at.length, 0);
  const columns = {
    series: new Float64Array(length),
    at: new Float64Array(length),
    value: new BigUint64Array(length),
  };
  let row = 0;
  for (const [index, counter] of counters.entries()) {
    const values = valuesOf(counter, index);
    columns.series.fill(counter.series, row, row + values.length);
    columns.at.set(counter.at, row);
    columns.value.set(values, row);
    row += values.length;
  }
  return columns;
}

function valuesOf({ at, base, delta }: SampleBatch['counters'][number], column: number): bigint[] {
  if (delta.length !== at.length - 1) {
    throw new WrongBatch(`counters/${column}: ${at.length} times need ${at.length - 1} deltas`);
  }
  let value = BigInt(base);
  const values = [value];
  for (const [i, step] of delta.entries()) {
    if (!Number.isSafeInteger(step)) {
      throw new WrongBatch(`counters/${column}/delta/${i}: larger than 2^53, so not exact`);
    }
    value += BigInt(step);
    values.push(value);
  }
  const odd = values.find((one) => one < 0n || one > LARGEST);
  if (odd === undefined) return values;
  throw new WrongBatch(`counters/${column}: ${odd} does not fit 64 bits`);
}
