import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { addRoom } from '../../rules/detect/inputs.ts';
import { profileJudge } from '../../rules/detect/profile.ts';
import { createShared, createWatched, type Feed } from '../../rules/detect/watched.ts';
import {
  createProfile,
  HOURS,
  hourOf,
  noteHour,
  usualAt,
  usualEver,
  weekHour,
} from '../../rules/detect/week-profile.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';

const rule = DEFAULT_RULES.find(({ id }) => id === 'interface-unusual-load');
if (rule?.detector.kind !== 'profile') throw new Error('load is judged by its rhythm');
const { detector } = rule;

/** Monday, 2023-11-13T00:00Z. */
const MONDAY = 1_699_833_600_000;
const HOUR = 3_600;
const DAY = 24 * HOUR;

describe('the profile of a week', () => {
  test('weeks begin on Monday', () => {
    expect(weekHour(hourOf(MONDAY))).toBe(0);
    expect(weekHour(hourOf(MONDAY + 3_600_000))).toBe(1);
  });

  test('an hour is the median of three weeks, and one odd week makes nothing usual', () => {
    const profile = createProfile();
    const ten = 10;
    for (const value of [0.4, 0.42, 0.9]) noteHour(profile, ten, value);
    expect(usualAt(profile, ten).high).toBeCloseTo(0.42, 3);
    for (const value of [0.9]) noteHour(profile, ten, value);
    expect(usualAt(profile, ten).high).toBeCloseTo(0.9, 3);
    expect(usualAt(profile, ten + 5).known).toBe(0);
    expect(usualEver(profile).known).toBe(1);
  });

  test('keeps any figure to a thousandth, in plain JSON of less than 3 KB', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 5e5, noNaN: true }),
        fc.nat(HOURS - 1),
        (value, hour) => {
          const profile = createProfile();
          for (let week = 0; week < 5; week++) noteHour(profile, hour, value);
          const stored = JSON.parse(JSON.stringify(profile)) as number[];
          expect(stored).toEqual(profile);
          expect(Math.abs(usualAt(stored, hour).middle / value - 1)).toBeLessThan(0.001);
        },
      ),
    );
    const full = createProfile();
    for (let i = 0; i < 3 * HOURS; i++) noteHour(full, i, Math.random() * 1e5);
    expect(JSON.stringify(full).length).toBeLessThan(3_000);
  });
});

/** Load of an office line: 60 % in working hours of weekdays, 5 % else, with some noise. */
function office(second: number): number {
  const hour = (second / HOUR) % 24;
  const isWork = Math.floor(second / DAY) % 7 < 5 && hour >= 8 && hour < 18;
  const wave = 0.02 * Math.sin(second / 977) + 0.015 * Math.sin(second / 3_331);
  return (isWork ? 0.6 : 0.05) + wave;
}

function line(every = 60) {
  const judge = profileJudge(detector);
  const watched = createWatched('a', createShared('interface:r/1'));
  let base = addRoom(watched, judge.first);
  const patience = durationMs(3_000 * every + 5_000);
  const feed = { watched, learned: undefined, patience } as unknown as Feed;
  let second = 0;
  return {
    run(seconds: number, loadAt: (second: number) => number): { at: number; verdict: string }[] {
      const turns: { at: number; verdict: string }[] = [];
      let last = '';
      for (const end = second + seconds; second < end; second += every) {
        feed.at = epochMs(MONDAY + second * 1000);
        feed.every = durationMs(every * 1000);
        feed.span = durationMs(second === 0 ? 0 : every * 1000);
        feed.value = loadAt(second);
        const verdict = judge.observe(base, 0, feed);
        if (verdict !== last) turns.push({ at: second, verdict });
        last = verdict;
      }
      return turns;
    },
    finding: () => judge.finding(base, watched, feed.at),
    reload() {
      const state = JSON.parse(JSON.stringify(judge.save(base, watched)));
      base = addRoom(watched, judge.first);
      judge.load(base, watched, state);
    },
  };
}

describe('load by the hour of the week', () => {
  test.each([30, 60, 300])('an office is quiet for five weeks, polled every %i s', (every) => {
    expect(
      line(every)
        .run(5 * 7 * DAY, office)
        .map(({ verdict }) => verdict),
    ).toEqual(['normal']);
  });

  test.each([30, 60, 300])('60 % at three in the night is told, polled every %i s', (every) => {
    const port = line(every);
    port.run(21 * DAY, office);
    const night = 21 * DAY + 3 * HOUR;
    const turns = port.run(DAY, (s) => (s >= night && s < night + 2 * HOUR ? 0.6 : office(s)));
    expect(turns.map(({ verdict }) => verdict)).toEqual(['normal', 'breached', 'normal']);
    const [, begun, ended] = turns;
    expect((begun?.at ?? 0) - night).toBeGreaterThan(8 * 60);
    expect((begun?.at ?? 0) - night).toBeLessThanOrEqual(20 * 60);
    expect((ended?.at ?? 0) - night - 2 * HOUR).toBeLessThanOrEqual(50 * 60);
  });

  test('it says what is usual at this hour, since when it learns, and when it began', () => {
    const port = line();
    port.run(21 * DAY, office);
    port.run(4 * HOUR, (s) => (s >= 21 * DAY + 3 * HOUR ? 0.7 : office(s)));
    expect(port.finding()).toMatchObject({
      onsetAt: MONDAY + (21 * DAY + 3 * HOUR) * 1000,
      observed: 0.7,
      learningSince: MONDAY,
      text: expect.stringContaining('at this hour of the week usually'),
    });
    const { usual, sureness } = port.finding();
    expect(usual?.middle).toBeCloseTo(0.05, 1);
    expect(sureness).toBeGreaterThan(0.8);
  });

  test('before two weeks only what is above all hours is told, without a rhythm', () => {
    const port = line();
    port.run(8 * DAY, office);
    // 60 % at night is not more than any hour has had.
    expect(port.run(DAY, (s) => (s % DAY < 6 * HOUR ? 0.6 : office(s)))).toHaveLength(1);
    const turns = port.run(3 * HOUR, () => 0.95);
    expect(turns.map(({ verdict }) => verdict)).toEqual(['normal', 'breached']);
    expect(port.finding().text).toContain('baseline younger than two weeks');
  });

  test('a new rhythm is usual after two weeks', () => {
    const port = line();
    port.run(21 * DAY, office);
    const backup = (s: number) => ((s / HOUR) % 24 < 5 ? 0.7 : office(s));
    expect(port.run(7 * DAY, backup).some(({ verdict }) => verdict === 'breached')).toBe(true);
    port.run(8 * DAY, backup);
    expect(port.run(7 * DAY, backup).map(({ verdict }) => verdict)).toEqual(['normal']);
  });

  test('a snapshot in the middle changes nothing', () => {
    const [whole, cut] = [line(300), line(300)];
    const loadAt = (s: number) => (s > 22 * DAY && s % DAY < HOUR ? 0.8 : office(s));
    whole.run(20 * DAY, loadAt);
    cut.run(20 * DAY, loadAt);
    cut.reload();
    expect(cut.run(9 * DAY, loadAt)).toEqual(whole.run(9 * DAY, loadAt));
  });
});
