import { dateOf, dayNumber, weekdayOf } from '../protocol/model/zoned-time.ts';

/** The part of RFC 5545 RRULE that announced work is repeated by: whole days, weeks, months, years. */
export interface Recurrence {
  readonly freq: 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';
  readonly interval: number;
  readonly count?: number;
  readonly byMonth: readonly number[];
  /** -1 = the last day of the month. */
  readonly byMonthDay: readonly number[];
  /** Weekday 1 = Monday; `nth` 2 = the second, -1 = the last, 0 = each. */
  readonly byDay: readonly { readonly nth: number; readonly weekday: number }[];
  readonly bySetPos: readonly number[];
  /** First day of a week. */
  readonly weekStart: number;
}

/** How many days may be looked at in all; a hostile file must not take longer. */
export interface Budget {
  days: number;
}

interface Day {
  readonly number: number;
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const dayOf = (number: number): Day => ({ number, ...dateOf(number) });
const monthLength = ({ year, month }: Day): number =>
  (month === 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, month + 1, 1)) -
  dayNumber(year, month, 1);

/** Number of the period that a day lies in; every `interval`-th counts. */
function periodOf(rule: Recurrence, { number, year, month }: Day): number {
  switch (rule.freq) {
    case 'DAILY':
      return number;
    case 'WEEKLY':
      return Math.floor((number + 3 - (rule.weekStart - 1)) / 7);
    case 'MONTHLY':
      return year * 12 + month;
    default:
      return year;
  }
}

function boundsOf(rule: Recurrence, day: Day): readonly [number, number] {
  switch (rule.freq) {
    case 'DAILY':
      return [day.number, day.number];
    case 'WEEKLY': {
      const first = periodOf(rule, day) * 7 - 3 + (rule.weekStart - 1);
      return [first, first + 6];
    }
    case 'MONTHLY': {
      const first = dayNumber(day.year, day.month, 1);
      return [first, first + monthLength(day) - 1];
    }
    default:
      return [dayNumber(day.year, 1, 1), dayNumber(day.year, 12, 31)];
  }
}

/** The nth of its weekday, counted from either end of the month, or of the year. */
function isNth(rule: Recurrence, day: Day, nth: number): boolean {
  if (nth === 0) return true;
  const isOfYear = rule.freq === 'YEARLY' && rule.byMonth.length === 0;
  const first = isOfYear ? dayNumber(day.year, 1, 1) : dayNumber(day.year, day.month, 1);
  const last = isOfYear ? dayNumber(day.year, 12, 31) : first + monthLength(day) - 1;
  return nth > 0
    ? Math.floor((day.number - first) / 7) + 1 === nth
    : Math.floor((last - day.number) / 7) + 1 === -nth;
}

/** What the rule does not say is as in the first occurrence. */
function fitsDefaults(rule: Recurrence, day: Day, start: Day): boolean {
  if (rule.byDay.length > 0 || rule.byMonthDay.length > 0 || rule.freq === 'DAILY') return true;
  if (rule.freq === 'WEEKLY') return weekdayOf(day.number) === weekdayOf(start.number);
  const isMonth = rule.freq === 'MONTHLY' || rule.byMonth.length > 0 || day.month === start.month;
  return isMonth && day.day === start.day;
}

function fits(rule: Recurrence, day: Day, start: Day): boolean {
  const { byMonth, byMonthDay, byDay } = rule;
  if (byMonth.length > 0 && !byMonth.includes(day.month)) return false;
  const fromEnd = day.day - monthLength(day) - 1;
  const isDay = byMonthDay.includes(day.day) || byMonthDay.includes(fromEnd);
  if (byMonthDay.length > 0 && !isDay) return false;
  const weekday = weekdayOf(day.number);
  const isWeekday = byDay.some((one) => one.weekday === weekday && isNth(rule, day, one.nth));
  if (byDay.length > 0 && !isWeekday) return false;
  return fitsDefaults(rule, day, start);
}

/**
 * The days on which the rule falls, in order: from `from` to `last`, never before `start`, which
 * always counts. Days are looked at one by one, so that no rule can hold up the reader: libraries
 * search on for an occurrence that never comes (DAILY;BYMONTH=2;BYMONTHDAY=31).
 * @returns undefined when the budget is spent
 */
export function occurrences(
  rule: Recurrence,
  start: number,
  [from, last]: readonly [number, number],
  budget: Budget,
): number[] | undefined {
  const first = dayOf(start);
  const origin = periodOf(rule, first);
  const found: number[] = [];
  let left = rule.count ?? Number.POSITIVE_INFINITY;
  let period = { id: Number.NaN, days: [] as number[] };

  function isAtPosition(day: Day): boolean {
    const id = periodOf(rule, day);
    if (period.id !== id) {
      const [begin, end] = boundsOf(rule, day);
      const days: number[] = [];
      for (let number = begin; number <= end; number++) {
        budget.days -= 1;
        if (number >= start && fits(rule, dayOf(number), first)) days.push(number);
      }
      period = { id, days };
    }
    const at = period.days.indexOf(day.number);
    return rule.bySetPos.includes(at + 1) || rule.bySetPos.includes(at - period.days.length);
  }

  // Occurrences that are counted have to be counted from the first one on.
  for (
    let number = rule.count === undefined ? Math.max(start, from) : start;
    number <= last;
    number++
  ) {
    if (left <= 0) break;
    if (--budget.days < 0) return undefined;
    const day = dayOf(number);
    const isInStep = (periodOf(rule, day) - origin) % rule.interval === 0;
    const isDue =
      number === start ||
      (isInStep && fits(rule, day, first) && (rule.bySetPos.length === 0 || isAtPosition(day)));
    if (!isDue) continue;
    left -= 1;
    if (number >= from) found.push(number);
  }
  return found;
}
