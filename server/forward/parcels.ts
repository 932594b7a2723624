import {
  type ObservedBatch,
  type Series,
  type SeriesKey,
  seriesKey,
} from '../../protocol/model/sample.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { ForwardedSeries } from '../ports/remote-write.ts';

/** Samples that travel together: of one input, and either all late or all newer than what went before. */
export interface Parcel {
  /** Of the input they came with. */
  readonly position: number;
  /** Nothing of the same input comes after it. */
  readonly isLast: boolean;
  readonly isLate: boolean;
  readonly series: readonly Series[];
  readonly at: readonly number[];
  readonly value: readonly number[];
}

interface Known {
  readonly series: Series;
  newestAt: number;
}

/**
 * Cuts batches into parcels. Other stores refuse a whole request for one sample that is older than
 * the newest of its series, so late samples (backfill, or out of order) travel apart from the rest.
 * @param size samples of one parcel at most
 */
export function createParcels(size: number): (batch: ObservedBatch, position: number) => Parcel[] {
  // A series told again by another dictionary is another object with the same name.
  const byKey = new Map<SeriesKey, Known>();
  const byObject = new WeakMap<Series, Known>();

  function knownOf(series: Series): Known {
    let known = byObject.get(series);
    if (known !== undefined) return known;
    const key = seriesKey(series.agent, series.metric, series.subject);
    known = byKey.get(key) ?? { series, newestAt: -1 };
    byKey.set(key, known);
    byObject.set(series, known);
    return known;
  }

  return ({ samples }, position) => {
    const late = emptyColumns();
    const fresh = emptyColumns();
    for (const { series, at, value } of samples) {
      const known = knownOf(series);
      const isLate = at <= known.newestAt;
      if (!isLate) known.newestAt = at;
      const columns = isLate ? late : fresh;
      columns.series.push(known.series);
      columns.at.push(at);
      columns.value.push(Number(value));
    }
    const parcels = [...cut(late, true, position, size), ...cut(fresh, false, position, size)];
    const last = parcels.pop();
    return last === undefined ? [] : [...parcels, { ...last, isLast: true }];
  };
}

interface Columns {
  readonly series: Series[];
  readonly at: number[];
  readonly value: number[];
}

const emptyColumns = (): Columns => ({ series: [], at: [], value: [] });

function* cut(
  { series, at, value }: Columns,
  isLate: boolean,
  position: number,
  size: number,
): Generator<Parcel> {
  for (let from = 0; from < series.length; from += size) {
    const to = from + size;
    yield {
      position,
      isLast: false,
      isLate,
      series: series.slice(from, to),
      at: at.slice(from, to),
      value: value.slice(from, to),
    };
  }
}

/** One column for each series, times ascending, as receivers want them. */
export function columnsOf(parcels: readonly Parcel[]): ForwardedSeries[] {
  const columns = new Map<Series, { series: Series; at: EpochMs[]; value: number[] }>();
  for (const { series: all, at, value } of parcels) {
    for (const [i, series] of all.entries()) {
      let column = columns.get(series);
      if (column === undefined) {
        column = { series, at: [], value: [] };
        columns.set(series, column);
      }
      column.at.push(epochMs(at[i]!));
      column.value.push(value[i]!);
    }
  }
  const found = [...columns.values()];
  return parcels.some(({ isLate }) => isLate) ? found.map(inOrder) : found;
}

/** Ascending, one sample for each time (the last one said). */
function inOrder({ series, at, value }: ForwardedSeries): ForwardedSeries {
  const byTime = new Map(at.map((time, i) => [time, value[i]!]));
  const times = [...byTime.keys()].sort((a, b) => a - b);
  return { series, at: times, value: times.map((time) => byTime.get(time)!) };
}
