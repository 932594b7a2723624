import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import ICAL from 'ical.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appointmentsOf, MAX_CALENDAR_BYTES } from '../../config/calendar.ts';
import { cronProblem, cronStarts, hasTwoDays } from '../../config/cron.ts';
import { loadConfig } from '../../config/load.ts';
import { createMaintenancePlan, HORIZON_DAYS } from '../../config/maintenance.ts';
import { problemText } from '../../config/problem.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';

const at = (iso: string): EpochMs => epochMs(Date.parse(iso));
const DAY = 86_400_000;

const calendar = (...lines: string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y', ...lines, 'END:VCALENDAR'].join('\r\n');
const event = (...lines: string[]): string =>
  ['BEGIN:VEVENT', 'UID:a', 'SUMMARY:Works', ...lines, 'END:VEVENT'].join('\r\n');

const MARCH = [at('2026-03-01T00:00:00Z'), at('2026-04-05T00:00:00Z')] as const;
const startsOf = (text: string, zone = 'UTC', span: readonly [EpochMs, EpochMs] = MARCH) =>
  appointmentsOf(text, zone, span).map(({ from }) => new Date(from).toISOString().slice(0, 16));

describe('calendars', () => {
  test('a repeated appointment follows the clock on the wall over the change to summer time', () => {
    const text = calendar(
      event(
        'DTSTART;TZID=Europe/Paris:20260104T020000',
        'DTEND;TZID=Europe/Paris:20260104T040000',
        'RRULE:FREQ=WEEKLY;BYDAY=SU',
        'EXDATE;TZID=Europe/Paris:20260308T020000',
        'RDATE;TZID=Europe/Paris:20260310T020000',
      ),
    );
    expect(startsOf(text)).toEqual([
      '2026-03-01T01:00',
      '2026-03-10T01:00',
      '2026-03-15T01:00',
      '2026-03-22T01:00',
      // Two o'clock does not come on the 29th: it is three.
      '2026-03-29T01:00',
      '2026-04-05T00:00',
    ]);
  });

  test('the zones of Outlook are read from the file', () => {
    const zone = [
      'BEGIN:VTIMEZONE',
      'TZID:W. Europe Standard Time',
      'BEGIN:STANDARD',
      'DTSTART:16010101T030000',
      'TZOFFSETFROM:+0200',
      'TZOFFSETTO:+0100',
      'RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10',
      'END:STANDARD',
      'BEGIN:DAYLIGHT',
      'DTSTART:16010101T020000',
      'TZOFFSETFROM:+0100',
      'TZOFFSETTO:+0200',
      'RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3',
      'END:DAYLIGHT',
      'END:VTIMEZONE',
    ];
    const one = (day: string) =>
      event(
        `DTSTART;TZID=W. Europe Standard Time:202603${day}T220000`,
        `DTEND;TZID=W. Europe Standard Time:202603${day}T230000`,
      );
    expect(startsOf(calendar(...zone, one('27'), one('30')))).toEqual([
      '2026-03-27T21:00',
      '2026-03-30T20:00',
    ]);
  });

  test('floating times and whole days are those of the configured zone', () => {
    const text = calendar(
      event('DTSTART:20260310T020000', 'DURATION:PT1H'),
      event('DTSTART;VALUE=DATE:20260312', 'DTEND;VALUE=DATE:20260314'),
      event('DTSTART:20260320T020000', 'DURATION:PT1H', 'STATUS:CANCELLED'),
    );
    const found = appointmentsOf(text, 'Europe/Paris', MARCH);
    expect(found.map(({ from, until }) => [(until - from) / 3_600_000, from])).toEqual([
      [1, at('2026-03-10T01:00:00Z')],
      [48, at('2026-03-11T23:00:00Z')],
    ]);
  });

  test('one that was moved happens only where it was moved to', () => {
    const text = calendar(
      event('DTSTART:20260302T020000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=3'),
      event('DTSTART:20260303T100000Z', 'DURATION:PT1H', 'RECURRENCE-ID:20260303T020000Z'),
    );
    expect(startsOf(text)).toEqual(['2026-03-02T02:00', '2026-03-03T10:00', '2026-03-04T02:00']);
  });

  test('what began before the span and is not over belongs to it', () => {
    const text = calendar(event('DTSTART:20260228T230000Z', 'DURATION:PT2H'));
    expect(startsOf(text)).toEqual(['2026-02-28T23:00']);
  });

  test.each([
    'FREQ=DAILY',
    'FREQ=DAILY;INTERVAL=3',
    'FREQ=DAILY;BYMONTH=3,5;BYMONTHDAY=1,15',
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH',
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU',
    'FREQ=WEEKLY;UNTIL=20260601T000000Z',
    'FREQ=MONTHLY',
    'FREQ=MONTHLY;BYDAY=2SU',
    'FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=2',
    'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1',
    'FREQ=MONTHLY;BYMONTHDAY=6,-1;COUNT=7',
    'FREQ=YEARLY',
    'FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
    'FREQ=YEARLY;BYMONTH=1,3;BYMONTHDAY=15',
  ])('%s falls on the days on which the library says it does', (rule) => {
    const start = '20250106T020000Z';
    const text = calendar(event(`DTSTART:${start}`, 'DURATION:PT1H', `RRULE:${rule}`));
    const span = [at('2025-01-01T00:00:00Z'), at('2027-06-01T00:00:00Z')] as const;
    const iterator = ICAL.Recur.fromString(rule).iterator(
      ICAL.Time.fromDateTimeString('2025-01-06T02:00:00Z'),
    );
    const expected: string[] = [];
    for (let next = iterator.next(); next && next.year < 2028; next = iterator.next()) {
      const iso = next.toJSDate().toISOString().slice(0, 16);
      if (Date.parse(`${iso}Z`) <= span[1]) expected.push(iso);
    }
    // The first occurrence always counts (RFC 5545), also where the rule would not reach it.
    const found = startsOf(text, 'UTC', span).filter(
      (iso, n) => n > 0 || expected[0] === iso || iso !== '2025-01-06T02:00',
    );
    expect(found).toEqual(expected);
  });

  test('where the library is wrong, RFC 5545 counts', () => {
    const text = (rrule: string) =>
      calendar(event('DTSTART:19970519T090000Z', 'DURATION:PT1H', `RRULE:${rrule}`));
    const span = [at('1997-05-01T00:00:00Z'), at('1999-12-31T00:00:00Z')] as const;
    expect(startsOf(text('FREQ=YEARLY;BYDAY=20MO'), 'UTC', span)).toEqual([
      '1997-05-19T09:00',
      '1998-05-18T09:00',
      '1999-05-17T09:00',
    ]);
    const last = startsOf(text('FREQ=DAILY;BYMONTH=2;BYMONTHDAY=-1'), 'UTC', span);
    expect(last.slice(1)).toEqual(['1998-02-28T09:00', '1999-02-28T09:00']);
  });

  const rule = (text: string) =>
    calendar(event('DTSTART:20200101T020000Z', 'DURATION:PT1H', `RRULE:${text}`));
  test.each<[string, string, RegExp]>([
    ['is no calendar', 'hello', /no iCalendar/],
    ['is a card', 'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nEND:VCARD', /BEGIN:VCALENDAR is missing/],
    ['is cut off', 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:2026', /./],
    ['is huge', `BEGIN:VCALENDAR\r\nX:${'x'.repeat(MAX_CALENDAR_BYTES)}`, /larger than/],
    ['repeats every second', rule('FREQ=SECONDLY'), /FREQ=SECONDLY/],
    ['repeats by the hour', rule('FREQ=DAILY;BYHOUR=1,2,3'), /BYHOUR/],
    [
      'repeats since the year 1',
      calendar(event('DTSTART:00010101T020000Z', 'DURATION:PT1H')),
      /no time/,
    ],
    [
      'names no zone of this world',
      calendar(event('DTSTART;TZID=Middle/Earth:20260301T000000', 'DURATION:PT1H')),
      /no time zone "Middle\/Earth"/,
    ],
    [
      'ends before it begins',
      calendar(event('DTSTART:20260302T000000Z', 'DTEND:20260301T000000Z')),
      /end after/,
    ],
    [
      'never ends',
      calendar(event('DTSTART:20260302T000000Z', 'DTEND:20990301T000000Z')),
      /end after/,
    ],
    ['has no start', calendar(event('DURATION:PT1H')), /no DTSTART/],
    [
      'has thousands of events',
      calendar(
        ...Array.from({ length: 2001 }, () => event('DTSTART:20260302T000000Z', 'DURATION:PT1H')),
      ),
      /more than 2000 events/,
    ],
    [
      'counts to a million from long ago, often',
      calendar(
        ...Array.from({ length: 100 }, () =>
          event('DTSTART:19010101T020000Z', 'DURATION:PT1H', 'RRULE:FREQ=YEARLY;COUNT=1000000'),
        ),
      ),
      /too long/,
    ],
    [
      'has a zone that changes daily',
      calendar(
        'BEGIN:VTIMEZONE',
        'TZID:Bad',
        'BEGIN:STANDARD',
        'DTSTART:20200101T000000',
        'TZOFFSETFROM:+0100',
        'TZOFFSETTO:+0200',
        'RRULE:FREQ=SECONDLY',
        'END:STANDARD',
        'END:VTIMEZONE',
        event('DTSTART;TZID=Bad:20260301T000000', 'DURATION:PT1H'),
      ),
      /oftener/,
    ],
  ])('a file that %s is refused, quickly', (_, text, expected) => {
    const started = performance.now();
    expect(() => appointmentsOf(text, 'UTC', MARCH)).toThrow(expected);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test('rules that never fall on a day, and would be searched for for ever, are read at once', () => {
    for (const text of ['FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31', 'FREQ=DAILY;INTERVAL=99999999']) {
      expect(startsOf(rule(text))).toEqual([]);
    }
  });
});

describe('cron expressions', () => {
  const span = [at('2026-03-27T00:00:00Z'), at('2026-03-31T00:00:00Z')] as const;
  const runs = (expression: string, zone: string, max = 100) =>
    cronStarts(expression, zone, span, max)?.map((run) => new Date(run).toISOString().slice(0, 16));

  test('the clock on the wall counts; a time that is left out comes later by the jump', () => {
    expect(runs('30 2 * * *', 'Europe/Paris')).toEqual([
      '2026-03-27T01:30',
      '2026-03-28T01:30',
      '2026-03-29T01:30',
      '2026-03-30T00:30',
    ]);
  });

  test('a time that comes twice counts once', () => {
    const autumn = [at('2026-10-25T00:00:00Z'), at('2026-10-25T12:00:00Z')] as const;
    expect(cronStarts('30 2 * * *', 'Europe/Paris', autumn, 9)).toEqual([
      at('2026-10-25T00:30:00Z'),
    ]);
  });

  test.each([
    ['0 22 * * fri', ['2026-03-27T22:00']],
    ['0 0 29 * *', ['2026-03-29T00:00']],
    ['0 6 * * 1L', ['2026-03-30T06:00']],
    ['0 6,18 28 3 *', ['2026-03-28T06:00', '2026-03-28T18:00']],
  ])('%s', (expression, expected) => {
    expect(runs(expression, 'UTC')).toEqual(expected);
  });

  test('too many, wrong ones, and a day said twice', () => {
    expect(runs('* * * * *', 'UTC')).toBeUndefined();
    expect(cronProblem('0 2 * *')).toContain('expected 5 or 6 fields');
    expect(cronProblem('61 2 * * *')).toContain('minute');
    expect(cronProblem('0 2 * * sun')).toBeUndefined();
    expect(['0 2 1 * 1', '0 2 * * 1', '@daily'].map(hasTwoDays)).toEqual([true, false, false]);
  });
});

describe('the plan of a configuration', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vedette-plan-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function planOf(maintenance: string) {
    const file = path.join(folder, 'vedette.yaml');
    writeFileSync(file, `sites: [{ id: lyon, hub: true }]\nmaintenance:\n${maintenance}`);
    const loaded = await loadConfig(file, {});
    if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'));
    return createMaintenancePlan(loaded);
  }

  test('windows of all three kinds, the open one too, in the order of their beginning', async () => {
    writeFileSync(
      path.join(folder, 'carrier.ics'),
      calendar(event('DTSTART:20260304T020000Z', 'DURATION:PT1H')),
    );
    const plan =
      await planOf(`  - { id: now, name: Upgrade, subjects: ['site:lyon'], from: '2026-03-01T22:00:00+01:00', until: '2026-03-02T02:00:00+01:00' }
  - { id: far, subjects: ['site:lyon'], from: '2027-03-01T22:00:00Z', until: '2027-03-02T02:00:00Z' }
  - { id: gone, subjects: ['site:lyon'], from: '2026-01-01T22:00:00Z', until: '2026-01-02T02:00:00Z' }
  - { id: night, subjects: ['site:lyon'], cron: 0 23 * * sun, timeZone: UTC, lasts: 2h }
  - { id: carrier, subjects: ['site:lyon'], ical: carrier.ics }
`);
    const { windows, problems } = plan.windows(at('2026-03-01T23:30:00Z'));
    expect(problems).toEqual([]);
    expect(windows.slice(0, 3).map(({ id, name }) => [id, name])).toEqual([
      ['now', 'Upgrade'],
      ['night@2026-03-01T23:00Z', 'night'],
      ['carrier@2026-03-04T02:00Z', 'carrier: Works'],
    ]);
    expect(windows.filter(({ id }) => id.startsWith('night'))).toHaveLength(6);
    expect(windows.every(({ until }) => until > at('2026-03-01T23:30:00Z'))).toBe(true);
    const end = at('2026-03-01T23:30:00Z') + HORIZON_DAYS * DAY;
    expect(windows.every(({ from }) => from <= end)).toBe(true);
    expect(new Set(windows.map(({ id }) => id)).size).toBe(windows.length);
  });

  test('a calendar that breaks later is told, and its last good text counts', async () => {
    const file = path.join(folder, 'carrier.ics');
    writeFileSync(file, calendar(event('DTSTART:20260304T020000Z', 'DURATION:PT1H')));
    const plan = await planOf("  - { id: carrier, subjects: ['site:lyon'], ical: carrier.ics }\n");
    const now = at('2026-03-01T00:00:00Z');
    expect(plan.windows(now).windows).toHaveLength(1);
    writeFileSync(file, 'broken');
    const later = plan.windows(now);
    expect(later.windows).toHaveLength(1);
    expect(later.problems.map(problemText)[0]).toMatch(
      /vedette\.yaml:3:51: maintenance\[0\]\.ical: carrier\.ics: this is no iCalendar/,
    );
  });

  test.each([
    ['missing.ics', /no such file/],
    ['/dev/zero', /is no file/],
    ['.', /is no file|cannot be read/],
  ])('%s as a calendar is an error with its place', async (name, expected) => {
    const plan = await planOf(`  - { id: c, subjects: ['site:lyon'], ical: ${name} }\n`);
    const { windows, problems } = plan.windows(at('2026-03-01T00:00:00Z'));
    expect(windows).toEqual([]);
    expect(problems.map(problemText)[0]).toMatch(expected);
    expect(problems[0]?.at.line).toBe(3);
  });

  test('every second for five weeks is too much of a window', async () => {
    const plan = await planOf(
      "  - { id: c, subjects: ['site:lyon'], cron: '* * * * * *', timeZone: UTC, lasts: 1s }\n",
    );
    expect(plan.windows(at('2026-03-01T00:00:00Z')).problems.map(problemText)[0]).toMatch(
      /maintenance\[0\]\.cron: more than 1000 starts/,
    );
  });
});
