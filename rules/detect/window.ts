import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

/**
 * The samples of the trailing time, as triples of time, sum and count in one flat array. Beyond
 * MAX_POINTS neighbours are joined, so that memory is bounded whatever the interval.
 */
export interface SampleWindow {
  points: number[];
  /** Index of the oldest triple that still counts. */
  head: number;
}

const MAX_POINTS = 128;
const WIDTH = 3;

export const createWindow = (): SampleWindow => ({ points: [], head: 0 });

/** Adds a sample; `at` must not go back. Keeps what lies in (at - over, at]. */
export function push(window: SampleWindow, at: EpochMs, value: number, over: DurationMs): void {
  const { points } = window;
  let { head } = window;
  while (head < points.length && (points[head] as number) <= at - over) head += WIDTH;
  if (head > 0 && head * 2 >= points.length) {
    points.copyWithin(0, head);
    points.length -= head;
    head = 0;
  }
  window.head = head;
  const last = points.length - WIDTH;
  const slot = over / MAX_POINTS;
  if (last >= head && Math.floor(at / slot) === Math.floor((points[last] as number) / slot)) {
    points[last + 1] = (points[last + 1] as number) + value;
    points[last + 2] = (points[last + 2] as number) + 1;
  } else points.push(at, value, 1);
}

/** Mean of the samples; NaN of an empty window. Summed anew each time, so that no error grows. */
export function meanOf({ points, head }: SampleWindow): number {
  let sum = 0;
  let count = 0;
  for (let i = head; i < points.length; i += WIDTH) {
    sum += points[i + 1] as number;
    count += points[i + 2] as number;
  }
  return sum / count;
}
