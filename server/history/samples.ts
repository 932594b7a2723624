import type { SeriesKey } from '../../protocol/model/sample.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type {
  HistoryGap,
  HistoryStore,
  NumberedSeries,
  SeriesSamples,
  StoredChunk,
} from '../ports/history.ts';
import { CorruptChunkError } from './bits.ts';
import type { Bundle, Head } from './head-book.ts';
import {
  type DecodedColumn,
  type OpenBundle,
  openBundles,
  type PartOfBlob,
} from './open-bundle.ts';
import { readColumn } from './round.ts';

/** Undefined: the chunk has none of that series, or was deleted meanwhile. */
export type ReadColumn = DecodedColumn | CorruptChunkError | undefined;

/** Columns of one series, of each chunk one; a reader of many series of a bundle opens each chunk once. */
export type ReadColumns = (
  chunks: readonly Pick<StoredChunk, 'id'>[],
  series: number,
) => readonly ReadColumn[];

/** What is not larger is kept whole while it is open: its head is most of it. */
const SMALL = 8 * 1024;

/**
 * How blobs are read: whole, for readers of all series of a bundle, or kept open by the head alone. A
 * day of one series is 13 blobs, 30 kB each, of which it needs an eighth.
 */
export type ReadBlob = (chunk: number) => Uint8Array | PartOfBlob | undefined;

/** SQLite reads the whole row for any part of it, so what is opened is read once. */
export function keepingHeads(store: Pick<HistoryStore, 'blob' | 'part'>): ReadBlob {
  return (chunk) => {
    const blob = store.blob(chunk);
    if (blob === undefined || blob.length <= SMALL) return blob;
    return { blob, later: (at, length) => store.part(chunk, at, length) ?? NOTHING };
  };
}

const NOTHING = new Uint8Array(0);

/** Remembers the chunks that were asked for last, so many bytes in memory together. */
export function createColumnReader(readBlob: ReadBlob, maxBytes: number): ReadColumns {
  /** The one that was asked for longest ago comes first. */
  const opened = new Map<number, OpenBundle>();
  let held = 0;

  function forget(id: number, bytes: number): void {
    opened.delete(id);
    held -= bytes;
  }

  function remember(id: number, one: OpenBundle): void {
    opened.set(id, one);
    held += one.bytes;
    for (const [oldest, { bytes }] of opened) {
      if (held <= maxBytes || oldest === id) return;
      forget(oldest, bytes);
    }
  }

  function known(id: number): OpenBundle | undefined {
    const one = opened.get(id);
    if (one === undefined) return undefined;
    forget(id, one.bytes);
    remember(id, one);
    return one;
  }

  return (chunks, series) => {
    const columns: ReadColumn[] = [];
    const missing: { place: number; id: number; blob: Uint8Array | PartOfBlob }[] = [];
    for (const [place, { id }] of chunks.entries()) {
      const bundle = known(id);
      columns.push(bundle && columnOf(bundle, series));
      const blob = bundle ? undefined : readBlob(id);
      if (blob !== undefined) missing.push({ place, id, blob });
    }
    const bundles = openBundles(missing.map(({ blob }) => blob));
    for (const [n, { place, id, blob }] of missing.entries()) {
      const bundle = bundles[n]!;
      columns[place] = columnOf(bundle, series, blob);
      if (!(bundle instanceof CorruptChunkError)) remember(id, bundle);
    }
    return columns;
  };
}

function columnOf(
  bundle: OpenBundle | CorruptChunkError,
  series: number,
  atHand?: Uint8Array | PartOfBlob,
): ReadColumn {
  if (bundle instanceof CorruptChunkError) return bundle;
  try {
    return bundle.read(series, atHand instanceof Uint8Array ? atHand : atHand?.blob);
  } catch (error) {
    if (error instanceof CorruptChunkError) return error;
    throw error;
  }
}

/**
 * Samples of one series. Counters are whole numbers in a Float64Array as long as that is exact:
 * bigints are several times slower, and rates of a year are made of millions of them.
 */
export type Read = SeriesSamples;

/** As the port wants them: counters always as bigints. */
export function asStored(samples: Read, isCounter: boolean): SeriesSamples {
  const { value } = samples;
  return isCounter && value instanceof Float64Array ? { ...samples, value: toBig(value) } : samples;
}

function toBig(values: Float64Array | BigUint64Array): BigUint64Array {
  if (values instanceof BigUint64Array) return values;
  const counters = new BigUint64Array(values.length);
  for (let i = 0; i < values.length; i++) counters[i] = BigInt(values[i]!);
  return counters;
}

/** Samples of a series by its name; undefined when there is no such series. */
export type ReadSamples = (key: SeriesKey, from: EpochMs, to: EpochMs) => Read | undefined;

/**
 * Everything on record of one series between two instants.
 * @param heads what is not sealed yet, the late one first
 */
export function readSamples(
  store: Pick<HistoryStore, 'chunks'> & Partial<Pick<HistoryStore, 'gaps'>>,
  { id, bundle }: NumberedSeries,
  heads: readonly Head[],
  range: { readonly from: EpochMs; readonly to: EpochMs },
  onCorrupt: (chunk: number) => void,
  columns: ReadColumns,
): Read {
  const { from, to } = range;
  const parts: DecodedColumn[] = [];
  const gaps: HistoryGap[] = [...(store.gaps?.(from, to) ?? [])];
  // Of two samples of one time the one that was sealed later holds.
  const chunks = store.chunks(bundle, from, to);
  for (const [i, part] of columns(chunks, id).entries()) {
    if (!(part instanceof CorruptChunkError)) {
      if (part !== undefined) parts.push(part);
      continue;
    }
    const chunk = chunks[i]!;
    onCorrupt(chunk.id);
    const because = `stored chunk ${chunk.id} is damaged: ${part.message}`;
    gaps.push({ from: chunk.from, to: chunk.to, because });
  }
  for (const { bundle: inMemory, place, round } of heads) {
    parts.push(...frozenParts(inMemory, id, from, to));
    parts.push(readColumn(round, place, from, to));
  }
  return { ...merge(parts, from, to), gaps };
}

function* frozenParts({ frozen }: Bundle, id: number, from: number, to: number) {
  for (const round of frozen?.rounds ?? []) {
    const place = round.columns.findIndex(({ number }) => number === id);
    if (place >= 0) yield readColumn(round, place, from, to);
  }
}

/** One after the other where they follow each other; else by time, of one time the last one. */
function merge(parts: readonly DecodedColumn[], from: number, to: number): DecodedColumn {
  const full = parts.filter(({ at }) => at.length > 0);
  full.sort((a, b) => a.at[0]! - b.at[0]!);
  const isInOrder = full.every((part, i) => i === 0 || full[i - 1]!.at.at(-1)! < part.at[0]!);
  const joined = isInOrder ? join(full) : interleave(parts);
  return clip(joined, from, to);
}

function join(parts: readonly DecodedColumn[]): DecodedColumn {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const isBig = parts.some((part) => part.value instanceof BigUint64Array);
  const length = parts.reduce((sum, { at }) => sum + at.length, 0);
  const at = new Float64Array(length);
  const value = isBig ? new BigUint64Array(length) : new Float64Array(length);
  let next = 0;
  for (const part of parts) {
    at.set(part.at, next);
    value.set((isBig ? toBig(part.value) : part.value) as never, next);
    next += part.at.length;
  }
  return { at, value };
}

function interleave(parts: readonly DecodedColumn[]): DecodedColumn {
  const all = join(parts);
  const order = Array.from(all.at.keys());
  // The sort is stable: of one time, what was sealed later comes later.
  order.sort((a, b) => all.at[a]! - all.at[b]!);
  const kept = order.filter((n, i) => all.at[n] !== all.at[order[i + 1] ?? -1]);
  const at = Float64Array.from(kept, (n) => all.at[n]!);
  const { value } = all;
  return value instanceof BigUint64Array
    ? { at, value: BigUint64Array.from(kept, (n) => value[n]!) }
    : { at, value: Float64Array.from(kept, (n) => value[n]!) };
}

function clip({ at, value }: DecodedColumn, from: number, to: number): DecodedColumn {
  const begin = firstFrom(at, from);
  const end = firstFrom(at, to + 1);
  if (begin === 0 && end === at.length) return { at, value };
  return { at: at.subarray(begin, end), value: value.subarray(begin, end) };
}

/** Index of the first time not before `from`. */
export function firstFrom(at: Float64Array, from: number): number {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
