import ICAL from 'ical.js';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import {
  DAY_MS,
  dayNumber,
  instantOf,
  isTimeZone,
  localDay,
} from '../protocol/model/zoned-time.ts';
import { type Budget, occurrences, type Recurrence } from './recurrence.ts';

/** One appointment of a calendar, as it will happen. */
export interface Appointment {
  readonly summary: string;
  readonly from: EpochMs;
  readonly until: EpochMs;
}

/** A calendar that cannot be used, in words for whoever wrote its name down. */
export class CalendarError extends Error {}

/** A year of a carrier's announcements has some hundred; more is another kind of file. */
export const MAX_CALENDAR_BYTES = 1024 * 1024;
const MAX_EVENTS = 2000;
const MAX_APPOINTMENTS = 1000;
/** Days looked at for one file: about half a second at the most. */
const MAX_DAYS = 2_000_000;
const MAX_DURATION_MS = 14 * DAY_MS;
const MAX_ZONE_PARTS = 50;

type Component = InstanceType<typeof ICAL.Component>;
type Property = InstanceType<typeof ICAL.Property>;
type Time = InstanceType<typeof ICAL.Time>;

/** From a clock on the wall to the instant. */
type Clock = (day: number, ms: number) => EpochMs;

interface Moment {
  readonly day: number;
  readonly ms: number;
  readonly isDate: boolean;
  readonly clock: Clock;
}

/**
 * The appointments of an iCalendar text (RFC 5545) that touch `from` to `until`. Repeated ones are
 * unrolled (RRULE by days, weeks, months and years, RDATE, EXDATE, moved single ones); time zones
 * are IANA names or the file's own VTIMEZONE.
 * @param zone of times that name none
 * @throws CalendarError for what cannot be read, or would take too long
 */
export function appointmentsOf(
  text: string,
  zone: string,
  span: readonly [EpochMs, EpochMs],
): Appointment[] {
  if (Buffer.byteLength(text) > MAX_CALENDAR_BYTES) {
    throw new CalendarError(`larger than ${MAX_CALENDAR_BYTES} bytes`);
  }
  const calendar = parse(text);
  const events = calendar.getAllSubcomponents('vevent');
  if (events.length > MAX_EVENTS) throw new CalendarError(`more than ${MAX_EVENTS} events`);
  const reader = createReader(calendar, zone);
  const budget: Budget = { days: MAX_DAYS };
  const moved = movedStarts(events, reader);
  const found: Appointment[] = [];
  for (const event of events) {
    if (event.getFirstPropertyValue('status') === 'CANCELLED') continue;
    found.push(...unroll(event, reader, moved, span, budget));
    if (found.length > MAX_APPOINTMENTS) {
      throw new CalendarError(`more than ${MAX_APPOINTMENTS} appointments in the coming weeks`);
    }
  }
  return found.sort((a, b) => a.from - b.from || (a.summary < b.summary ? -1 : 1));
}

function parse(text: string): Component {
  try {
    const parsed: unknown = ICAL.parse(text);
    const calendar = new ICAL.Component(parsed as unknown[]);
    if (calendar.name === 'vcalendar') return calendar;
  } catch (cause) {
    throw new CalendarError(`this is no iCalendar: ${(cause as Error).message.slice(0, 200)}`);
  }
  throw new CalendarError('this is no iCalendar: BEGIN:VCALENDAR is missing');
}

interface Reader {
  /** @throws CalendarError when it is missing or no time. */
  moment(property: Property | null, what: string): Moment;
  moments(event: Component, name: string): Moment[];
}

function createReader(calendar: Component, floating: string): Reader {
  const clocks = new Map<string, Clock>();

  function clockOf(tzid: string): Clock {
    const known = clocks.get(tzid) ?? zoneClock(calendar, tzid);
    clocks.set(tzid, known);
    return known;
  }

  function momentOf(value: unknown, property: Property, what: string): Moment {
    if (!(value instanceof ICAL.Time)) throw new CalendarError(`${what} is no time`);
    const { year, month, day, hour, minute, second, isDate } = value;
    const isSane = year > 1900 && year < 2200 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    if (!isSane) throw new CalendarError(`${what} is no time: ${String(value).slice(0, 40)}`);
    const isUtc = value.zone === ICAL.Timezone.utcTimezone;
    const tzid = property.getParameter('tzid');
    const zone = isUtc ? 'UTC' : typeof tzid === 'string' ? tzid : floating;
    return {
      day: dayNumber(year, month, day),
      ms: isDate ? 0 : ((hour * 60 + minute) * 60 + second) * 1000,
      isDate,
      clock: clockOf(zone),
    };
  }

  return {
    moment(property, what) {
      if (property === null) throw new CalendarError(`an event has no ${what}`);
      return momentOf(property.getFirstValue(), property, what);
    },
    moments: (event, name) =>
      event
        .getAllProperties(name)
        .flatMap((property) =>
          property.getValues().map((value: unknown) => momentOf(value, property, name)),
        ),
  };
}

const instant = ({ clock, day, ms }: Moment): EpochMs => clock(day, ms);

/** By its IANA name if it is one, else by the VTIMEZONE that the file holds. */
function zoneClock(calendar: Component, tzid: string): Clock {
  if (isTimeZone(tzid)) return (day, ms) => instantOf(day, ms, tzid);
  const component = calendar
    .getAllSubcomponents('vtimezone')
    .find((candidate) => candidate.getFirstPropertyValue('tzid') === tzid);
  if (component === undefined) {
    throw new CalendarError(`there is no time zone "${tzid.slice(0, 80)}", here or in the file`);
  }
  checkZone(component, tzid);
  const zone = new ICAL.Timezone({ component, tzid });
  return (day, ms) => {
    const local = ICAL.Time.fromJSDate(new Date(day * DAY_MS + ms), true);
    return epochMs(day * DAY_MS + ms - zone.utcOffset(local) * 1000);
  };
}

/** Zones change once or twice a year; anything else would be unrolled for ever. */
function checkZone(component: Component, tzid: string): void {
  const parts = component.getAllSubcomponents();
  const rules = parts.flatMap((part) => part.getAllProperties('rrule'));
  const isYearly = rules.every((rule) => {
    const value = rule.getFirstValue();
    return value instanceof ICAL.Recur && value.freq === 'YEARLY' && value.interval === 1;
  });
  const dates = parts.flatMap((part) => part.getAllProperties('rdate'));
  const isEarly = parts.every((part) => {
    const start = part.getFirstPropertyValue('dtstart');
    return start instanceof ICAL.Time && start.year > 1500;
  });
  if (!isYearly || !isEarly || parts.length > MAX_ZONE_PARTS || dates.length > MAX_EVENTS) {
    throw new CalendarError(`time zone "${tzid.slice(0, 80)}" changes oftener than twice a year`);
  }
}

/** Starts of single occurrences that were moved elsewhere, by the event's UID. */
function movedStarts(events: readonly Component[], reader: Reader): Map<string, Set<EpochMs>> {
  const moved = new Map<string, Set<EpochMs>>();
  for (const event of events) {
    const property = event.getFirstProperty('recurrence-id');
    if (property === null) continue;
    const uid = String(event.getFirstPropertyValue('uid'));
    const starts = moved.get(uid) ?? new Set();
    moved.set(uid, starts.add(instant(reader.moment(property, 'RECURRENCE-ID'))));
  }
  return moved;
}

function unroll(
  event: Component,
  reader: Reader,
  moved: ReadonlyMap<string, ReadonlySet<EpochMs>>,
  [from, until]: readonly [EpochMs, EpochMs],
  budget: Budget,
): Appointment[] {
  const start = reader.moment(event.getFirstProperty('dtstart'), 'DTSTART');
  const length = lengthOf(event, reader, start);
  const isMoved = event.getFirstProperty('recurrence-id') !== null;
  const uid = String(event.getFirstPropertyValue('uid'));
  const left = new Set<EpochMs>([
    ...(isMoved ? [] : (moved.get(uid) ?? [])),
    ...reader
      .moments(event, 'exdate')
      .map((out) => instant({ ...out, ms: out.isDate ? start.ms : out.ms })),
  ]);
  const earliest = epochMs(from - length);
  const days = daysOf(event, start, [earliest, until], budget);
  const starts = days.map((day) => instant({ ...start, day }));
  starts.push(...reader.moments(event, 'rdate').map(instant));
  const summary = String(event.getFirstPropertyValue('summary') ?? '').slice(0, 200);
  return [...new Set(starts)]
    .filter((at) => !left.has(at) && at <= until && at + length > from)
    .map((at) => ({ summary, from: at, until: epochMs(at + length) }));
}

/** @throws CalendarError for an end before the start, or too far from it. */
function lengthOf(event: Component, reader: Reader, start: Moment): number {
  const end = event.getFirstProperty('dtend');
  const duration = event.getFirstPropertyValue('duration');
  const length =
    end !== null
      ? instant(reader.moment(end, 'DTEND')) - instant(start)
      : duration instanceof ICAL.Duration
        ? duration.toSeconds() * 1000
        : start.isDate
          ? DAY_MS
          : 0;
  if (length > 0 && length <= MAX_DURATION_MS) return length;
  const name = String(event.getFirstPropertyValue('summary') ?? '').slice(0, 80);
  throw new CalendarError(`"${name}" has to end after it begins, and within 14 days`);
}

function daysOf(
  event: Component,
  start: Moment,
  [from, until]: readonly [EpochMs, EpochMs],
  budget: Budget,
): readonly number[] {
  const rules = event.getAllProperties('rrule').map((property) => property.getFirstValue());
  if (rules.length === 0) return [start.day];
  const found = new Set<number>();
  for (const rule of rules) {
    if (!(rule instanceof ICAL.Recur)) throw new CalendarError('RRULE cannot be read');
    const end = lastOf(rule.until, start);
    const last = Math.min(localDay(until, 'UTC') + 1, end.day);
    const days = occurrences(
      recurrenceOf(rule),
      start.day,
      [localDay(from, 'UTC') - 1, last],
      budget,
    );
    if (days === undefined) throw new CalendarError('it repeats for too long to be unrolled');
    for (const day of days) if (instant({ ...start, day }) <= end.at) found.add(day);
  }
  return [...found];
}

/** UNTIL is a date, a local time, or an instant. */
function lastOf(until: Time | null, start: Moment): { readonly day: number; readonly at: number } {
  if (until === null || until === undefined) return { day: Number.MAX_SAFE_INTEGER, at: Infinity };
  const { year, month, day, hour, minute, second, isDate } = until;
  const date = dayNumber(year, month, day);
  const ms = isDate ? DAY_MS - 1 : ((hour * 60 + minute) * 60 + second) * 1000;
  const isUtc = until.zone === ICAL.Timezone.utcTimezone;
  return { day: date + 1, at: isUtc ? date * DAY_MS + ms : start.clock(date, ms) };
}

const FREQUENCIES = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'] as const;
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const KNOWN_PARTS = ['BYMONTH', 'BYMONTHDAY', 'BYDAY', 'BYSETPOS'];

/** @throws CalendarError for parts that announced work is not repeated by. */
function recurrenceOf(rule: InstanceType<typeof ICAL.Recur>): Recurrence {
  const freq = FREQUENCIES.find((word) => word === rule.freq);
  const parts: Record<string, readonly (string | number)[] | undefined> = rule.parts;
  const other = Object.keys(parts).find((part) => !KNOWN_PARTS.includes(part));
  if (freq === undefined || other !== undefined) {
    throw new CalendarError(
      `RRULE with ${other ?? `FREQ=${rule.freq}`}: only DAILY, WEEKLY, MONTHLY and YEARLY with ${KNOWN_PARTS.join(', ')} are understood`,
    );
  }
  const numbers = (part: string): number[] => (parts[part] ?? []).map(Number);
  return {
    freq,
    interval: Math.max(1, Math.trunc(rule.interval)),
    ...(rule.count && { count: rule.count }),
    byMonth: numbers('BYMONTH'),
    byMonthDay: numbers('BYMONTHDAY'),
    byDay: (parts['BYDAY'] ?? []).map((text) => {
      const [, nth = '', name = ''] = /^([+-]?\d{0,2})([A-Z]{2})$/.exec(String(text)) ?? [];
      return { nth: Number(nth) || 0, weekday: WEEKDAYS.indexOf(name) + 1 };
    }),
    bySetPos: numbers('BYSETPOS'),
    // ical.js counts weekdays from 1 = Sunday.
    weekStart: ((rule.wkst + 5) % 7) + 1,
  };
}
