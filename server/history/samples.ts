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
import { type DecodedColumn, type OpenBundle, openBundle } from './bundle-codec.ts';
import type { Bundle, Head } from './head-book.ts';
import { readColumn } from './round.ts';
import { scaleOf } from './scale.ts';

/** Opens a chunk; a reader of many series of one bundle opens each chunk once. */
export type OpenChunk = (chunk: StoredChunk) => OpenBundle;

export const openChunk: OpenChunk = ({ blob }) => openBundle(blob);

/** Remembers the chunks that were opened last. */
export function createOpenChunks(limit: number): OpenChunk {
  const opened = new Map<number, OpenBundle>();
  return (chunk) => {
    const known = opened.get(chunk.id);
    if (known !== undefined) return known;
    const made = openBundle(chunk.blob);
    if (opened.size >= limit) opened.clear();
    opened.set(chunk.id, made);
    return made;
  };
}

/** Samples of a series by its name; undefined when there is no such series. */
export type ReadSamples = (key: SeriesKey, from: EpochMs, to: EpochMs) => SeriesSamples | undefined;

/**
 * Everything on record of one series between two instants.
 * @param heads what is not sealed yet, the late one first
 */
export function readSamples(
  store: Pick<HistoryStore, 'chunks'> & Partial<Pick<HistoryStore, 'gaps'>>,
  { id, bundle, metric }: NumberedSeries,
  heads: readonly Head[],
  range: { readonly from: EpochMs; readonly to: EpochMs },
  onCorrupt: (chunk: number) => void,
  open: OpenChunk = openChunk,
): SeriesSamples {
  const { from, to } = range;
  const parts: DecodedColumn[] = [];
  const gaps: HistoryGap[] = [...(store.gaps?.(from, to) ?? [])];
  const chunks = [...store.chunks(-bundle, from, to), ...store.chunks(bundle, from, to)];
  // Of two samples of one time the one that was sealed later holds.
  chunks.sort((a, b) => a.id - b.id);
  for (const chunk of chunks) {
    try {
      const part = open(chunk).read(id);
      if (part !== undefined) parts.push(part);
    } catch (error) {
      if (!(error instanceof CorruptChunkError)) throw error;
      onCorrupt(chunk.id);
      const because = `stored chunk ${chunk.id} is damaged: ${error.message}`;
      gaps.push({ from: chunk.from, to: chunk.to, because });
    }
  }
  for (const { bundle: inMemory, place, round } of heads) {
    parts.push(...frozenParts(inMemory, id, from, to));
    parts.push(readColumn(round, place, from, to));
  }
  return { ...merge(parts, scaleOf(metric).isCounter, from, to), gaps };
}

function* frozenParts({ frozen }: Bundle, id: number, from: number, to: number) {
  for (const round of frozen?.rounds ?? []) {
    const place = round.columns.findIndex(({ number }) => number === id);
    if (place >= 0) yield readColumn(round, place, from, to);
  }
}

/** One after the other where they follow each other; else by time, of one time the last one. */
function merge(
  parts: readonly DecodedColumn[],
  isCounter: boolean,
  from: number,
  to: number,
): DecodedColumn {
  const full = parts.filter(({ at }) => at.length > 0);
  full.sort((a, b) => a.at[0]! - b.at[0]!);
  const isInOrder = full.every((part, i) => i === 0 || full[i - 1]!.at.at(-1)! < part.at[0]!);
  const joined = isInOrder ? join(full, isCounter) : interleave(parts, isCounter);
  return clip(joined, from, to);
}

function join(parts: readonly DecodedColumn[], isCounter: boolean): DecodedColumn {
  const length = parts.reduce((sum, { at }) => sum + at.length, 0);
  const at = new Float64Array(length);
  const value = isCounter ? new BigUint64Array(length) : new Float64Array(length);
  let next = 0;
  for (const part of parts) {
    at.set(part.at, next);
    value.set(part.value as never, next);
    next += part.at.length;
  }
  return { at, value };
}

function interleave(parts: readonly DecodedColumn[], isCounter: boolean): DecodedColumn {
  const all = join(parts, isCounter);
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
