import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

/**
 * The samples of the trailing time, in a ring of triples (time, sum, count) that lies in an array of
 * plain numbers from index `base` on: head, size, then the ring. One array per series instead of
 * objects halves the memory of a series; it is JSON as it is.
 */
export type Numbers = number[];

/** Where the interval is not known. */
const FIRST_POINTS = 4;
/** Beyond so many points neighbours are joined, so that memory is bounded whatever the interval. */
const MAX_POINTS = 128;
const WIDTH = 3;
const HEAD = 0;
const SIZE = 1;
const RING = 2;

/**
 * An empty window with room for `over`, to be put behind the other numbers of a series. Exact room
 * matters: an array that grows by pushing takes up to 28 places more than it needs.
 */
export function emptyWindow(over: DurationMs, every: DurationMs): Numbers {
  // One more than fits: polls are never exactly `every` apart.
  const wanted = every > 0 ? Math.ceil(over / every) + 1 : FIRST_POINTS;
  return new Array<number>(RING + Math.min(wanted, MAX_POINTS) * WIDTH).fill(0);
}

/** Adds a sample; `at` must not go back. Keeps what lies in (at - over, at]. */
export function push(
  numbers: Numbers,
  base: number,
  at: EpochMs,
  value: number,
  over: DurationMs,
): void {
  expire(numbers, base, at - over);
  const size = whole(numbers, base + SIZE);
  if (size > 0 && join(numbers, base, size, at, value, over)) return;
  let capacity = capacityOf(numbers, base);
  if (size === capacity) capacity = grow(numbers, base, capacity);
  const slot = (whole(numbers, base + HEAD) + size) % capacity;
  const i = base + RING + slot * WIDTH;
  numbers[i] = at;
  numbers[i + 1] = value;
  numbers[i + 2] = 1;
  numbers[base + SIZE] = size + 1;
}

/** Mean of the samples; NaN of an empty window. Summed anew each time, so that no error grows. */
export function meanOf(numbers: Numbers, base: number): number {
  const ring = base + RING;
  const end = numbers.length;
  let i = ring + whole(numbers, base + HEAD) * WIDTH;
  let sum = 0;
  let count = 0;
  for (let left = whole(numbers, base + SIZE); left > 0; left--) {
    sum += numbers[i + 1] as number;
    count += numbers[i + 2] as number;
    i += WIDTH;
    if (i === end) i = ring;
  }
  return sum / count;
}

/**
 * Largest (or smallest) sample; NaN of an empty window. Of joined neighbours their mean counts, so
 * beyond 128 samples in a window a single peak is seen flatter than it was.
 */
export function extremeOf(numbers: Numbers, base: number, isMax: boolean): number {
  const ring = base + RING;
  const end = numbers.length;
  let i = ring + whole(numbers, base + HEAD) * WIDTH;
  let found = Number.NaN;
  for (let left = whole(numbers, base + SIZE); left > 0; left--) {
    const value = (numbers[i + 1] as number) / (numbers[i + 2] as number);
    if (Number.isNaN(found) || (isMax ? value > found : value < found)) found = value;
    i += WIDTH;
    if (i === end) i = ring;
  }
  return found;
}

/** Head and size as machine integers: the remainder of two floating numbers takes a call. */
const whole = (numbers: Numbers, place: number): number => (numbers[place] as number) | 0;

const capacityOf = (numbers: Numbers, base: number): number =>
  ((numbers.length - base - RING) / WIDTH) | 0;

function expire(numbers: Numbers, base: number, until: number): void {
  const capacity = capacityOf(numbers, base);
  let head = whole(numbers, base + HEAD);
  let size = whole(numbers, base + SIZE);
  while (size > 0 && (numbers[base + RING + head * WIDTH] as number) <= until) {
    head = head + 1 === capacity ? 0 : head + 1;
    size -= 1;
  }
  numbers[base + HEAD] = head;
  numbers[base + SIZE] = size;
}

/** Adds to the newest point when it is of the same small part of the time. */
function join(
  numbers: Numbers,
  base: number,
  size: number,
  at: EpochMs,
  value: number,
  over: DurationMs,
): boolean {
  const newest = (whole(numbers, base + HEAD) + size - 1) % capacityOf(numbers, base);
  const i = base + RING + newest * WIDTH;
  const part = over / MAX_POINTS;
  if (at - (numbers[i] as number) >= part) return false;
  if (Math.floor(at / part) !== Math.floor((numbers[i] as number) / part)) return false;
  numbers[i + 1] = (numbers[i + 1] as number) + value;
  numbers[i + 2] = (numbers[i + 2] as number) + 1;
  return true;
}

/** Turns the ring so that it begins at 0, and adds room. */
function grow(numbers: Numbers, base: number, capacity: number): number {
  const head = numbers[base + HEAD] as number;
  const ring = numbers.slice(base + RING);
  const more = Math.max(1, capacity >> 1);
  for (let i = 0; i < more * WIDTH; i++) numbers.push(0);
  for (let i = 0; i < ring.length; i++) {
    numbers[base + RING + i] = ring[(i + head * WIDTH) % ring.length] as number;
  }
  numbers[base + HEAD] = 0;
  return capacity + more;
}
