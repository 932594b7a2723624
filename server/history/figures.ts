/** Figures of equal stretches of time, oldest first; stretches without samples are left out. */
export interface Figures {
  /** Begin of each stretch. */
  readonly at: number[];
  readonly count: number[];
  readonly mean: number[];
  readonly min: number[];
  readonly max: number[];
  readonly p50: number[];
  readonly p95: number[];
}

export const noFigures = (): Figures => ({
  at: [],
  count: [],
  mean: [],
  min: [],
  max: [],
  p50: [],
  p95: [],
});

let sorted = new Float64Array(256);

/** Of samples in the order of time. Quantiles by nearest rank: always a value that was measured. */
export function figuresOf(at: Float64Array, value: Float64Array, step: number): Figures {
  const figures = noFigures();
  let first = 0;
  while (first < at.length) {
    const begin = Math.floor(at[first]! / step) * step;
    let end = first + 1;
    while (end < at.length && at[end]! < begin + step) end++;
    add(figures, begin, value, first, end);
    first = end;
  }
  return figures;
}

function add(figures: Figures, begin: number, value: Float64Array, from: number, to: number): void {
  const count = to - from;
  if (sorted.length < count) sorted = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const one = value[from + i]!;
    sum += one;
    sorted[i] = one;
  }
  sort(sorted, count);
  figures.at.push(begin);
  figures.count.push(count);
  figures.mean.push(sum / count);
  figures.min.push(sorted[0]!);
  figures.max.push(sorted[count - 1]!);
  figures.p50.push(sorted[Math.ceil(count * 0.5) - 1]!);
  figures.p95.push(sorted[Math.ceil(count * 0.95) - 1]!);
}

/** Ten values are the rule: inserting them is several times faster than the built-in sort. */
function sort(values: Float64Array, count: number): void {
  if (count > 64) {
    values.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const one = values[i]!;
    let j = i;
    while (j > 0 && values[j - 1]! > one) {
      values[j] = values[j - 1]!;
      j--;
    }
    values[j] = one;
  }
}

/**
 * Longer stretches of shorter ones. Count, mean, min and max are exact; the quantiles are those of
 * the stretches' own quantiles, weighed by their counts: near, and never outside what was measured.
 */
export function coarser(fine: Figures, step: number): Figures {
  const figures = noFigures();
  let first = 0;
  while (first < fine.at.length) {
    const begin = Math.floor(fine.at[first]! / step) * step;
    let end = first + 1;
    while (end < fine.at.length && fine.at[end]! < begin + step) end++;
    merge(figures, fine, begin, first, end);
    first = end;
  }
  return figures;
}

function merge(into: Figures, fine: Figures, begin: number, from: number, to: number): void {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    count += fine.count[i]!;
    sum += fine.mean[i]! * fine.count[i]!;
    min = Math.min(min, fine.min[i]!);
    max = Math.max(max, fine.max[i]!);
  }
  into.at.push(begin);
  into.count.push(count);
  into.mean.push(sum / count);
  into.min.push(min);
  into.max.push(max);
  into.p50.push(weighted(fine.p50, fine.count, from, to, count * 0.5));
  into.p95.push(weighted(fine.p95, fine.count, from, to, count * 0.95));
}

function weighted(
  values: readonly number[],
  counts: readonly number[],
  from: number,
  to: number,
  rank: number,
): number {
  const order = Array.from({ length: to - from }, (_, i) => from + i);
  order.sort((a, b) => values[a]! - values[b]!);
  let seen = 0;
  for (const i of order) {
    seen += counts[i]!;
    if (seen >= rank) return values[i]!;
  }
  return values[order.at(-1)!]!;
}

export function append(into: Figures, more: Figures): void {
  for (const name of Object.keys(into) as (keyof Figures)[]) {
    for (const value of more[name]) into[name].push(value);
  }
}
