import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import { addInput, inputAt, type Marking } from './inputs.ts';
import type { Numbers } from './marks.ts';

/*
 * The samples of the trailing time, in a ring of triples (time, sum, count) that lies among the other
 * numbers of a subject from index `base` on: head, size, room in triples, then the ring.
 */

/** Where the interval is not known. */
const FIRST_POINTS = 4;
/** Beyond so many points neighbours are joined, so that memory is bounded whatever the interval. */
const MAX_POINTS = 128;
const WIDTH = 3;
const HEAD = 0;
const SIZE = 1;
const ROOM = 2;
const RING = 3;

/** An empty window with room for `over`, to be put behind the fields of an input. */
export function emptyWindow(over: DurationMs, every: DurationMs): Numbers {
  // One more than fits: polls are never exactly `every` apart.
  const wanted = every > 0 ? Math.ceil(over / every) + 1 : FIRST_POINTS;
  return windowOf(0, 0, new Array<number>(Math.min(wanted, MAX_POINTS) * WIDTH).fill(0));
}

const windowOf = (head: number, size: number, ring: readonly number[]): Numbers => [
  head,
  size,
  ring.length / WIDTH,
  ...ring,
];

/**
 * Adds a sample; `at` must not go back. Keeps what lies in (at - over, at]. False when there is no room
 * for it: the window must move, see `moveToGrow`, and then take it.
 */
export function push(
  numbers: Numbers,
  base: number,
  at: EpochMs,
  value: number,
  over: DurationMs,
): boolean {
  expire(numbers, base, at - over);
  const size = whole(numbers, base + SIZE);
  if (size > 0 && join(numbers, base, size, at, value, over)) return true;
  const room = whole(numbers, base + ROOM);
  if (size === room) return false;
  const slot = (whole(numbers, base + HEAD) + size) % room;
  const i = base + RING + slot * WIDTH;
  numbers[i] = at;
  numbers[i + 1] = value;
  numbers[i + 2] = 1;
  numbers[base + SIZE] = size + 1;
  return true;
}

/** Mean of the samples; NaN of an empty window. Summed anew each time, so that no error grows. */
export function meanOf(numbers: Numbers, base: number): number {
  const ring = base + RING;
  const end = ring + whole(numbers, base + ROOM) * WIDTH;
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
  const end = ring + whole(numbers, base + ROOM) * WIDTH;
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

function expire(numbers: Numbers, base: number, until: number): void {
  const room = whole(numbers, base + ROOM);
  let head = whole(numbers, base + HEAD);
  let size = whole(numbers, base + SIZE);
  while (size > 0 && (numbers[base + RING + head * WIDTH] as number) <= until) {
    head = head + 1 === room ? 0 : head + 1;
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
  const newest = (whole(numbers, base + HEAD) + size - 1) % whole(numbers, base + ROOM);
  const i = base + RING + newest * WIDTH;
  const part = over / MAX_POINTS;
  if (at - (numbers[i] as number) >= part) return false;
  if (Math.floor(at / part) !== Math.floor((numbers[i] as number) / part)) return false;
  numbers[i + 1] = (numbers[i + 1] as number) + value;
  numbers[i + 2] = (numbers[i + 2] as number) + 1;
  return true;
}

/**
 * An input whose window is full moves behind all other numbers of the subject, with more room.
 * @param pointer where its place is noted; @param fields that stand before the window
 */
export function moveToGrow(watched: Marking, pointer: number, fields: number): void {
  const { marks } = watched;
  const input = inputAt(marks, pointer);
  const ring = ringOf(marks, input + fields);
  const head = whole(marks, input + fields + HEAD);
  const size = whole(marks, input + fields + SIZE);
  const more = Math.max(1, (ring.length / WIDTH) >> 1) * WIDTH;
  const turned = ring.map((_, i) => ring[(i + head * WIDTH) % ring.length] as number);
  const window = windowOf(0, size, [...turned, ...new Array<number>(more).fill(0)]);
  addInput(watched, pointer, [...marks.slice(input, input + fields), ...window]);
}

const ringOf = (numbers: Numbers, base: number): Numbers => {
  const ring = base + RING;
  return numbers.slice(ring, ring + whole(numbers, base + ROOM) * WIDTH);
};

/** As snapshots have it: head, size, ring. */
export const windowState = (numbers: Numbers, base: number): Numbers =>
  // Spread into an array each number would become an object.
  numbers.slice(base, base + ROOM).concat(ringOf(numbers, base));

/** @param state as `windowState` gave it */
export function windowFrom([head = 0, size = 0, ...ring]: readonly number[]): Numbers {
  return windowOf(head, size, ring);
}
