import {
  DAY_MS,
  dateOf,
  instantOf,
  localDay,
  offsetAt,
  weekdayOf,
} from '../protocol/model/zoned-time.ts';

/** Clocks are set twice a year: this far ahead every change of the coming year is seen. */
const DAYS_AHEAD = 400;

interface Gap {
  readonly day: number;
  /** Milliseconds since local midnight that are left out. */
  readonly from: number;
  readonly to: number;
}

const gaps = new Map<string, readonly Gap[]>();

/** The days of the coming year on which clocks in the zone are set forward. */
function gapsOf(zone: string): readonly Gap[] {
  const known = gaps.get(zone);
  if (known !== undefined) return known;
  const today = localDay(Date.now(), zone);
  const found: Gap[] = [];
  for (let day = today; day < today + DAYS_AHEAD; day++) {
    const midnight = instantOf(day, 0, zone);
    const jump = offsetAt(midnight + DAY_MS, zone) - offsetAt(midnight, zone);
    if (jump > 0) found.push(gapAt(day, jump, zone));
  }
  gaps.set(zone, found);
  return found;
}

/** The quarter of an hour after which the wall clock jumps. */
function gapAt(day: number, jump: number, zone: string): Gap {
  const before = offsetAt(instantOf(day, 0, zone), zone);
  let from = 0;
  while (from < DAY_MS && offsetAt(day * DAY_MS + from - before, zone) === before) from += 900_000;
  return { day, from, to: from + jump };
}

/**
 * The next date on which a time of day is left out because clocks are set forward; undefined when
 * it always comes.
 * @param days weekdays that matter, 1 = Monday
 */
export function neverComes(
  zone: string,
  clock: string,
  days: readonly number[],
): string | undefined {
  const [hour = 0, minute = 0] = clock.split(':').map(Number);
  const ms = (hour * 60 + minute) * 60_000;
  const gap = gapsOf(zone).find(
    ({ day, from, to }) => ms >= from && ms < to && ms > 0 && days.includes(weekdayOf(day)),
  );
  if (gap === undefined) return undefined;
  const { year, month, day } = dateOf(gap.day);
  return [year, month, day].map((part) => String(part).padStart(2, '0')).join('-');
}
