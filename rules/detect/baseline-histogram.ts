/**
 * What a series usually is: a histogram with buckets that widen with the value, whose older entries
 * fade. Constant memory, one addition a point, every quantile by interpolation (after the log-linear
 * histograms of Circllhist and DDSketch, VLDB 2019, with exponential decay).
 *
 * Only the buckets in use are kept: a round trip that swings between 18 and 60 ms needs 60 of them.
 * Counts are whole numbers, so that a snapshot is short and exact.
 */
export interface Histogram {
  readonly scale: Scale;
  /** Bucket of `counts[0]`; buckets below 0 hold values below 0. */
  first: number;
  counts: Uint32Array;
  total: number;
  /** The time at which an entry weighs `UNIT`; later ones weigh more. 0 = empty. */
  originAt: number;
}

/** Linear up to `unit`, then buckets of the relative width `step`. */
export interface Scale {
  readonly unit: number;
  readonly step: number;
}

/**
 * Half of what is known is older than this. Measured on a ring of days: one day .64, two .66, four
 * .67, seven .69 (F1); a half-life of 3 to 5 days is one plateau, and this one sees a whole week.
 */
export const HALF_LIFE = 3.5 * 86_400_000;

/** Weight of an entry at `originAt`: small, so that counts stay below 2^32, and fine to 3 %. */
const UNIT = 16;
/** Entries gain weight until they count 2^8 units; then all counts are scaled down once. */
const MAX_DOUBLINGS = 8;
/** Room added at an end, so that a widening series does not copy its counts each time. */
const SLACK = 8;
/** 700 buckets of 4 bytes: at most 2.8 KB, whatever the series does. */
const MAX_BUCKETS = 700;

export const createHistogram = (scale: Scale): Histogram => ({
  scale,
  first: 0,
  counts: new Uint32Array(0),
  total: 0,
  originAt: 0,
});

/** Adds one entry; `at` must not go back by more than a minute or two. */
export function addTo(histogram: Histogram, at: number, value: number): void {
  if (histogram.originAt === 0) histogram.originAt = at;
  let doublings = (at - histogram.originAt) / HALF_LIFE;
  if (doublings > MAX_DOUBLINGS) {
    fade(histogram, doublings);
    histogram.originAt = at;
    doublings = 0;
  }
  const weight = Math.max(1, Math.round(UNIT * 2 ** doublings));
  const index = place(histogram, bucketOf(histogram.scale, value));
  (histogram.counts[index] as number) += weight;
  histogram.total += weight;
}

/**
 * The values that these shares (0..1, ascending) of what is known lie below, into `values` from the
 * place `first` on; NaN of an empty histogram.
 */
export function quantiles(
  { scale, first: lowest, counts, total }: Histogram,
  shares: readonly number[],
  values: number[],
  first = 0,
): void {
  let i = 0;
  let before = 0;
  for (let n = 0; n < shares.length; n++) {
    const wanted = (shares[n] as number) * total;
    while (i < counts.length - 1 && before + (counts[i] as number) < wanted) {
      before += counts[i] as number;
      i += 1;
    }
    const count = counts[i] ?? 0;
    const part = count > 0 ? (wanted - before) / count : 0;
    values[first + n] = total > 0 ? edgeOf(scale, lowest + i + part) : Number.NaN;
  }
}

/** Share of what is known that lies above the value, 0..1. */
export function shareAbove({ scale, first, counts, total }: Histogram, value: number): number {
  let above = 0;
  for (let i = Math.max(0, bucketOf(scale, value) - first + 1); i < counts.length; i++) {
    above += counts[i] as number;
  }
  return total > 0 ? above / total : 0;
}

/** asinh of the greatest number there is; a quotient may still be beyond it. */
const FARTHEST = 711;

/** asinh is linear near 0 and a logarithm beyond, and takes values below 0 as they come. */
function bucketOf({ unit, step }: Scale, value: number): number {
  const place = Math.asinh(value / unit);
  return Math.floor(Math.max(-FARTHEST, Math.min(FARTHEST, place)) / step);
}

const edgeOf = ({ unit, step }: Scale, edge: number): number => Math.sinh(edge * step) * unit;

function fade(histogram: Histogram, doublings: number): void {
  const { counts } = histogram;
  const factor = 2 ** -doublings;
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    const left = Math.round((counts[i] as number) * factor);
    counts[i] = left;
    total += left;
  }
  histogram.total = total;
}

/** Index of the bucket in `counts`, with room made; far outliers share the outermost bucket. */
function place(histogram: Histogram, bucket: number): number {
  const { first, counts } = histogram;
  const index = bucket - first;
  if (index >= 0 && index < counts.length) return index;
  if (counts.length === 0) {
    histogram.first = bucket - SLACK;
    histogram.counts = new Uint32Array(2 * SLACK);
    return SLACK;
  }
  if (index < 0) return growDown(histogram, bucket);
  const length = Math.min(MAX_BUCKETS, index + SLACK);
  if (length > counts.length) {
    const wider = new Uint32Array(length);
    wider.set(counts);
    histogram.counts = wider;
  }
  return Math.min(index, histogram.counts.length - 1);
}

function growDown(histogram: Histogram, bucket: number): number {
  const { first, counts } = histogram;
  const room = Math.min(MAX_BUCKETS - counts.length, first - bucket + SLACK);
  if (room > 0) {
    const wider = new Uint32Array(counts.length + room);
    wider.set(counts, room);
    histogram.first = first - room;
    histogram.counts = wider;
  }
  return Math.max(0, bucket - histogram.first);
}

/** As JSON: first bucket, origin, then counts, where a number below 0 stands for so many zeros. */
export type HistogramState = readonly number[];

export function histogramState({ first, counts, originAt }: Histogram): HistogramState {
  const state = [first, originAt];
  let zeros = 0;
  for (const count of counts) {
    if (count === 0) {
      zeros += 1;
      continue;
    }
    if (zeros > 0) state.push(-zeros);
    zeros = 0;
    state.push(count);
  }
  if (zeros > 0) state.push(-zeros);
  return state;
}

export function restoreHistogram(scale: Scale, state: HistogramState): Histogram {
  const [first = 0, originAt = 0, ...runs] = state;
  const counts = Uint32Array.from(
    runs.flatMap((run) => (run < 0 ? new Array<number>(-run).fill(0) : [run])),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { scale, first, counts, total, originAt };
}
