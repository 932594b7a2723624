import { type EpochMs, epochMs } from './units.ts';

export const DAY_MS = 86_400_000;
/** No offset has ever changed anywhere but on a quarter of an hour since 1972. */
const QUARTER_MS = 900_000;
/** Offsets kept per zone; then the memory starts anew. */
const MAX_KEPT = 4096;

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, Map<number, number>>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}

/** Whether this machine knows the zone: an IANA name such as Europe/Paris, or UTC. */
export function isTimeZone(zone: string): boolean {
  // "+02:00" has no summer time and is never what somebody means by a zone.
  if (!/^[A-Za-z]/.test(zone) || zone.length > 64) return false;
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, days_from_civil). */
export function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The inverse of `dayNumber` (civil_from_days). */
export function dateOf(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365,
  );
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp + (mp < 10 ? 3 : -9);
  const day = doy - Math.floor((153 * mp + 2) / 5) + 1;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** 1 = Monday … 7 = Sunday. 1970-01-01 was a Thursday. */
export const weekdayOf = (days: number): number => ((((days + 3) % 7) + 7) % 7) + 1;

/** Milliseconds that local time in the zone is ahead of UTC. @throws RangeError for no zone. */
export function offsetAt(at: number, zone: string): number {
  if (zone === 'UTC') return 0;
  let kept = offsets.get(zone);
  if (kept === undefined || kept.size > MAX_KEPT) {
    kept = new Map();
    offsets.set(zone, kept);
  }
  const quarter = Math.floor(at / QUARTER_MS);
  const known = kept.get(quarter);
  if (known !== undefined) return known;
  const start = quarter * QUARTER_MS;
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(start)) part[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  const local = dayNumber(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
  kept.set(quarter, local - start);
  return local - start;
}

/** The local date in the zone, as days since 1970. */
export const localDay = (at: number, zone: string): number =>
  Math.floor((at + offsetAt(at, zone)) / DAY_MS);

/**
 * The instant of a local time. A time that comes twice (clocks set back) is its first; one that
 * never comes (clocks set forward) is as much later as the clocks were set.
 * @param ms since local midnight by the clock on the wall, may be a whole day or more
 */
export function instantOf(days: number, ms: number, zone: string): EpochMs {
  const wall = days * DAY_MS + ms;
  const before = offsetAt(wall - DAY_MS, zone);
  const after = offsetAt(wall + DAY_MS, zone);
  if (before === after || offsetAt(wall - before, zone) === before) return epochMs(wall - before);
  return epochMs(offsetAt(wall - after, zone) === after ? wall - after : wall - before);
}
