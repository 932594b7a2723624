import type { Sample, Series } from '../../protocol/model/sample.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { type Problem, problem } from '../../protocol/wire/problem.ts';
import type { BatchColumns, CounterColumns } from './batch-columns.ts';
import type { SeriesTable } from './dictionary.ts';

export type Decoded =
  | {
      readonly kind: 'samples';
      /** Makes the samples; good until the next batch is read. */
      readonly read: () => Sample[];
      readonly newest: number;
    }
  | { readonly kind: 'wrong'; readonly problem: Problem };

/** Ends the decoding from the depth of a column; never leaves this file. */
class WrongBatch extends Error {
  readonly problem: Problem;
  constructor(wrong: Problem) {
    super(wrong.detail);
    this.problem = wrong;
  }
}

/**
 * Samples of a batch: dictionary resolved, clock corrected, counters exact. A wrong batch gives no
 * samples at all. They become objects only when they are read: made here they would wait for the disk
 * and survive the young generation of the heap, which costs more than judging them.
 */
export function decodeBatch(
  batch: BatchColumns,
  table: SeriesTable,
  correction: DurationMs,
): Decoded {
  const base = batch.at + correction;
  const { gauges, counters } = batch;
  try {
    const gaugeSeries = lookUpAll(table, gauges.series, 'gauge');
    const counterSeries = lookUpAll(table, counters.series, 'counter');
    checkWidths(counterSeries, counters);
    return {
      kind: 'samples',
      read() {
        const samples = new Array<Sample>(gaugeSeries.length + counterSeries.length);
        readGauges(samples, gaugeSeries, batch, base);
        readCounters(samples, counterSeries, batch, base);
        return samples;
      },
      newest: batch.at + Math.max(largest(gauges.at), largest(counters.at)),
    };
  } catch (error) {
    if (error instanceof WrongBatch) return { kind: 'wrong', problem: error.problem };
    throw error;
  }
}

/** Resolved at once: a later batch may tell the same index anew. */
function lookUpAll(
  table: SeriesTable,
  series: Float64Array,
  kind: 'gauge' | 'counter',
): readonly Series[] {
  const found = new Array<Series>(series.length);
  for (let i = 0; i < series.length; i++) found[i] = lookUp(table, series[i]!, kind);
  return found;
}

function lookUp(table: SeriesTable, index: number, kind: 'gauge' | 'counter'): Series {
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

function checkWidths(series: readonly Series[], { value }: CounterColumns): void {
  const halves = new Uint32Array(value.buffer, value.byteOffset, 2 * value.length);
  for (let i = 0; i < series.length; i++) {
    if (series[i]!.bits === 32 && halves[2 * i + 1] !== 0) {
      throw malformed(
        `${series[i]!.metric} of ${series[i]!.subject}: ${value[i]} does not fit 32 bits`,
      );
    }
  }
}

const malformed = (detail: string): WrongBatch => new WrongBatch(problem('malformed', detail));

function largest(offsets: Float64Array): number {
  let newest = 0;
  for (let i = 0; i < offsets.length; i++) if (offsets[i]! > newest) newest = offsets[i]!;
  return newest;
}

interface Place<V> {
  series: Series;
  at: EpochMs;
  value: V;
}

/** The same objects for every batch: what reads them keeps none. Two kinds of value, two of object. */
const gaugePlaces: Place<number>[] = [];
const counterPlaces: Place<bigint>[] = [];

function readGauges(
  samples: Sample[],
  series: readonly Series[],
  { gauges: { at, value } }: BatchColumns,
  base: number,
): void {
  for (let i = 0; i < series.length; i++) {
    let place = gaugePlaces[i];
    if (place === undefined) {
      place = { series: series[i]!, at: epochMs(0), value: 0.5 };
      gaugePlaces.push(place);
    }
    place.series = series[i]!;
    place.at = epochMs(base + at[i]!);
    place.value = value[i]!;
    samples[i] = place;
  }
}

/** After the gauges. */
function readCounters(
  samples: Sample[],
  series: readonly Series[],
  { counters: { at, value } }: BatchColumns,
  base: number,
): void {
  const first = samples.length - series.length;
  for (let i = 0; i < series.length; i++) {
    let place = counterPlaces[i];
    if (place === undefined) {
      place = { series: series[i]!, at: epochMs(0), value: 0n };
      counterPlaces.push(place);
    }
    place.series = series[i]!;
    place.at = epochMs(base + at[i]!);
    place.value = value[i]!;
    samples[first + i] = place;
  }
}
