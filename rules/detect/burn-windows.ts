import { type DurationMs, hours, minutes } from '../../protocol/model/units.ts';

/**
 * Good and bad minutes of the last three days: rings of 60 minutes, 72 times five minutes and 72 hours,
 * one number per bucket (bad minutes, those told by other rules, beginnings of bad runs; each below 128).
 */
export type BurnRings = number[];

interface Ring {
  readonly offset: number;
  readonly size: number;
  /** Minutes in a bucket. */
  readonly step: number;
}
const RINGS: readonly Ring[] = [
  { offset: 3, size: 60, step: 1 },
  { offset: 63, size: 72, step: 5 },
  { offset: 135, size: 72, step: 60 },
];
const PLACES = 207;
const BASE = 128;

export interface Burnt {
  readonly bad: number;
  readonly told: number;
  readonly runs: number;
}

/** The longest window that the rings can hold. */
export const MOST_WINDOW: DurationMs = hours(72);
const MINUTE = minutes(1);

/** The first three places hold the newest bucket of each ring. */
export const createRings = (): BurnRings => new Array<number>(PLACES).fill(0);

/** Adds to the bucket of a minute. @param minute since 1970, never going back; burnt at most 60 each */
export function noteBad(rings: BurnRings, minute: number, { bad, told, runs }: Burnt): void {
  const value = bad + told * BASE + runs * BASE * BASE;
  RINGS.forEach((ring, index) => {
    turn(rings, ring, index, minute);
    const place = ring.offset + (Math.floor(minute / ring.step) % ring.size);
    rings[place] = (rings[place] as number) + value;
  });
}

/** Empties the buckets that time has passed over. */
function turn(rings: BurnRings, ring: Ring, index: number, minute: number): void {
  const now = Math.floor(minute / ring.step);
  const newest = rings[index] as number;
  if (now <= newest) return;
  const passed = Math.min(ring.size, now - newest);
  for (let i = 0; i < passed; i++) rings[ring.offset + ((now - i) % ring.size)] = 0;
  rings[index] = now;
}

/** What was bad in the trailing window. @param over 5 min .. 3 d */
export function burntIn(rings: BurnRings, minute: number, over: DurationMs): Burnt {
  const wanted = over / MINUTE;
  const index = RINGS.findIndex(({ size, step }) => size * step >= wanted);
  const ring = RINGS[index];
  if (ring === undefined) return { bad: 0, told: 0, runs: 0 };
  turn(rings, ring, index, minute);
  const now = Math.floor(minute / ring.step);
  let [bad, told, runs] = [0, 0, 0];
  for (let i = 0; i < Math.ceil(wanted / ring.step); i++) {
    const value = rings[ring.offset + ((now - i + ring.size) % ring.size)] as number;
    if (value === 0) continue;
    bad += value % BASE;
    told += Math.floor(value / BASE) % BASE;
    runs += Math.floor(value / (BASE * BASE));
  }
  return { bad, told, runs };
}
