import { METRICS } from '../../protocol/model/metrics.ts';
import { type DurationMs, epochMs } from '../../protocol/model/units.ts';
import type { HistoryFile, HistoryStore, NumberedSeries } from '../ports/history.ts';
import { AS_IT_IS, type ColumnInput, encodeBundle } from './bundle-codec.ts';
import { findSeries } from './find.ts';
import { HeadBook } from './head-book.ts';
import { readRange } from './range.ts';
import { DAY_MS } from './rollup.ts';
import { asStored, createColumnReader, type ReadSamples, readSamples } from './samples.ts';
import { scaleOf } from './scale.ts';

/** Blobs kept open: a few bundles over some days. */
const OPENED_BYTES = 8 * 1024 * 1024;

/** A stored history without a server: what is in a running server's memory is not in it. */
export function createHistoryFile(store: HistoryStore): HistoryFile {
  const book = new HeadBook(store.series(), store.positions().bundles);
  const isStored = new Set([...book.slots.keys()]);
  const columns = createColumnReader(store.blob, OPENED_BYTES);
  const find = (key: string): NumberedSeries | undefined => book.slots.get(key)?.series;

  const samples: ReadSamples = (key, from, to) => {
    const series = find(key);
    return series && readSamples(store, series, [], { from, to }, () => {}, columns);
  };

  return {
    find: (query) =>
      findSeries(
        [...book.slots.values()].map(({ series }) => series),
        query,
      ),
    series: find,
    samples(key, from, to) {
      const read = samples(key, from, to);
      return read && asStored(read, METRICS[find(key)!.metric].kind === 'counter');
    },
    range: (query) => readRange({ store, series: find, read: samples, onCorrupt() {} }, query),
    write({ agent, metric, subject, bits, every }, { at, value }) {
      const key = `${agent}|${metric}|${subject}` as const;
      const told = { agent, metric, subject, ...(bits && { bits }), ...(every && { every }) };
      const { series } = book.slot(key, told, Number.MAX_SAFE_INTEGER);
      const order = [...at.keys()].sort((a, b) => at[a]! - at[b]!);
      const kept = order.filter((n, i) => at[n] !== at[order[i + 1] ?? -1]);
      for (const rows of byDay(kept, at)) {
        const times = Float64Array.from(rows, (n) => at[n]!);
        const column = columnOf(series, rows, value);
        const encoded = encodeBundle([{ times, rows: rows.length, columns: [column] }]);
        const { blob, from, to } = encoded;
        const { bundle } = series;
        store.seal({
          chunk: { bundle, from: epochMs(from), to: epochMs(to), samples: encoded.samples, blob },
          newSeries: isStored.has(key) ? [] : [series],
          bundlePosition: 0,
          sealedPosition: 0,
        });
        isStored.add(key);
      }
    },
    close: () => store.close(),
  };
}

function byDay(rows: readonly number[], at: Float64Array): readonly number[][] {
  return [...Map.groupBy(rows, (n) => Math.floor(at[n]! / DAY_MS)).values()];
}

function columnOf(
  { id, metric }: NumberedSeries,
  rows: readonly number[],
  value: Float64Array | BigUint64Array,
): ColumnInput {
  const { isCounter, digits, perUnit } = scaleOf(metric);
  if (isCounter) {
    const data = BigUint64Array.from(rows, (n) => BigInt(value[n]!));
    return { number: id, isCounter, digits, data };
  }
  const whole = Float64Array.from(rows, (n) => Math.round(Number(value[n]) * perUnit));
  const fits = whole.every((one) => Math.abs(one) <= Number.MAX_SAFE_INTEGER);
  if (fits) return { number: id, isCounter, digits, data: whole };
  const data = Float64Array.from(rows, (n) => Number(value[n]));
  return { number: id, isCounter, digits: AS_IT_IS, data };
}

/** Bytes a day that the history grows by at its present pace, and what it will take in the end. */
export function predictUse(
  usage: ReturnType<HistoryStore['usage']>,
  { rawFor, rollupFor }: { readonly rawFor: DurationMs; readonly rollupFor: DurationMs },
): { readonly bytesPerDay: number; readonly finalBytes: number } | undefined {
  const { firstAt, lastAt, chunkBytes, rollupBytes, fileBytes } = usage;
  if (firstAt === undefined || lastAt === undefined || lastAt <= firstAt) return undefined;
  const days = (lastAt - firstAt) / DAY_MS;
  // Pages are not quite full; what is measured now holds for later too.
  const overhead = Math.max(1, Math.min(2, fileBytes / Math.max(1, chunkBytes + rollupBytes)));
  const rawPerDay = (chunkBytes / days) * overhead;
  // Before the first day is rolled up: a quarter, as measured on mixed series.
  const rolledPerDay = rollupBytes > 0 ? (rollupBytes / days) * overhead : rawPerDay / 4;
  return {
    bytesPerDay: rawPerDay + rolledPerDay,
    finalBytes: (rawPerDay * rawFor + rolledPerDay * rollupFor) / DAY_MS,
  };
}
