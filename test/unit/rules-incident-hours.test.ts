import { describe, expect, test } from 'vitest';
import type { ServiceHours } from '../../protocol/model/inventory.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import {
  dateOf,
  dayNumber,
  instantOf,
  isTimeZone,
  offsetAt,
  weekdayOf,
} from '../../protocol/model/zoned-time.ts';
import { isOpen, nextChange, openTime } from '../../rules/incident/hours.ts';

const at = (iso: string): EpochMs => epochMs(Date.parse(iso));

const OFFICE: ServiceHours = {
  timeZone: 'Europe/Paris',
  weekly: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }],
};

describe('local time', () => {
  test('the calendar agrees with the machine over four hundred years', () => {
    for (let day = -50_000; day < 100_000; day += 97) {
      const date = new Date(day * 86_400_000);
      const parts = {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
      };
      expect(dateOf(day)).toEqual(parts);
      expect(dayNumber(parts.year, parts.month, parts.day)).toBe(day);
      expect(weekdayOf(day)).toBe(date.getUTCDay() || 7);
    }
  });

  test.each([
    ['an ordinary winter day', 2026, 1, 5, '08:00', '2026-01-05T07:00:00Z'],
    ['an ordinary summer day', 2026, 7, 6, '08:00', '2026-07-06T06:00:00Z'],
    ['a time that never comes is later by the jump', 2026, 3, 29, '02:30', '2026-03-29T01:30:00Z'],
    ['a time that comes twice is its first', 2026, 10, 25, '02:30', '2026-10-25T00:30:00Z'],
    ['midnight of the short day', 2026, 3, 29, '00:00', '2026-03-28T23:00:00Z'],
    ['the evening of the short day', 2026, 3, 29, '18:00', '2026-03-29T16:00:00Z'],
  ])('Paris: %s', (_, year, month, day, clock, expected) => {
    const [hour = 0, minute = 0] = clock.split(':').map(Number);
    const ms = (hour * 60 + minute) * 60_000;
    expect(instantOf(dayNumber(year, month, day), ms, 'Europe/Paris')).toBe(Date.parse(expected));
  });

  test('zones with odd offsets, and words that are no zones', () => {
    expect(offsetAt(at('2026-01-01T00:00:00Z'), 'Asia/Kathmandu')).toBe(5.75 * 3_600_000);
    expect(offsetAt(at('2026-01-01T00:00:00Z'), 'America/St_Johns')).toBe(-3.5 * 3_600_000);
    const words = ['Europe/Paris', 'UTC', 'Europe/Lyon', '+02:00', '', 'a'.repeat(100)];
    expect(words.map(isTimeZone)).toEqual([true, true, false, false, false, false]);
  });
});

describe('service hours', () => {
  test.each([
    ['2026-01-05T06:59:59Z', false, 'a minute before eight in Paris'],
    ['2026-01-05T07:00:00Z', true, 'eight o’clock in winter'],
    ['2026-07-06T06:00:00Z', true, 'eight o’clock in summer, an hour earlier in UTC'],
    ['2026-01-05T17:00:00Z', false, 'six in the evening is over'],
    ['2026-01-10T10:00:00Z', false, 'Saturday'],
  ])('%s: open %s, because it is %s', (iso, expected) => {
    expect(isOpen(OFFICE, at(iso))).toBe(expected);
  });

  test('hours over midnight belong to the day they begin', () => {
    const night: ServiceHours = {
      timeZone: 'UTC',
      weekly: [{ days: [5], from: '22:00', to: '06:00' }],
    };
    expect(isOpen(night, at('2026-01-09T23:00:00Z'))).toBe(true);
    expect(isOpen(night, at('2026-01-10T05:59:00Z'))).toBe(true);
    expect(isOpen(night, at('2026-01-10T23:00:00Z'))).toBe(false);
  });

  test('twenty-four hours in a row have no gap at midnight', () => {
    const always: ServiceHours = {
      timeZone: 'Europe/Paris',
      weekly: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }],
    };
    expect(nextChange(always, at('2026-03-28T12:00:00Z'))).toBeUndefined();
    const week = 7 * 86_400_000;
    const from = at('2026-03-25T00:00:00Z');
    expect(openTime(always, from, epochMs(from + week))).toBe(week);
  });

  test('the day on which clocks are set forward is an hour shorter, and the sum knows it', () => {
    const whole: ServiceHours = {
      timeZone: 'Europe/Paris',
      weekly: [{ days: [7], from: '00:00', to: '24:00' }],
    };
    const sum = openTime(whole, at('2026-03-28T00:00:00Z'), at('2026-03-31T00:00:00Z'));
    expect(sum).toBe(23 * 3_600_000);
  });

  test('the next change is the next opening or closing', () => {
    expect(nextChange(OFFICE, at('2026-01-09T20:00:00Z'))).toBe(at('2026-01-12T07:00:00Z'));
    expect(nextChange(OFFICE, at('2026-01-09T10:00:00Z'))).toBe(at('2026-01-09T17:00:00Z'));
    expect(nextChange(undefined, at('2026-01-09T10:00:00Z'))).toBeUndefined();
  });
});
