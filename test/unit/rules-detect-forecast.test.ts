import { describe, expect, test } from 'vitest';
import type { TrendFact } from '../../protocol/model/fact.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { forecastJudge } from '../../rules/detect/forecast.ts';
import { addRoom } from '../../rules/detect/inputs.ts';
import { trendOf } from '../../rules/detect/trend-line.ts';
import { createShared, createWatched, type Feed } from '../../rules/detect/watched.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';

const rule = DEFAULT_RULES.find(({ id }) => id === 'interface-load-forecast');
if (rule?.detector.kind !== 'forecast') throw new Error('load is forecast');
const { detector } = rule;

const START = 1_699_833_600_000;
const DAY_S = 86_400;
const DAY = DAY_S * 1000;

/** Park and Miller's generator and Box and Muller's normal numbers: the same luck in every run. */
function luck(seed: number) {
  let state = seed;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  next();
  return {
    next,
    normal: () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
  };
}

const days = (n: number, of: (day: number) => number) => Array.from({ length: n }, (_, i) => of(i));

describe('a robust line', () => {
  test('finds the slope of a week that grows, whatever the weekends and a lost week do', () => {
    const values = days(42, (d) => (d % 7 > 4 ? 0.1 : 0.5) + 0.003 * d);
    expect(trendOf(values)?.slope).toBeCloseTo(0.003, 6);
    const holed = values.map((value, d) => (d >= 14 && d < 21 ? Number.NaN : value));
    expect(trendOf(holed)?.slope).toBeCloseTo(0.003, 6);
    const spiked = values.map((value, d) => (d % 11 === 0 ? 1 : value));
    expect(trendOf(spiked)?.slope).toBeCloseTo(0.003, 3);
  });

  test('a step, a fall, a level and a short past are no trend', () => {
    expect(trendOf(days(42, (d) => (d < 20 ? 0.3 : 0.6) + 0.001 * (d % 5)))).toBeUndefined();
    expect(trendOf(days(42, (d) => 0.8 - 0.004 * d))).toBeUndefined();
    expect(trendOf(days(42, () => 0.5))).toBeUndefined();
    expect(trendOf(days(20, (d) => 0.3 + 0.01 * d))).toBeUndefined();
  });

  test('noise without a trend is taken for one in less than one of 100 series', () => {
    let found = 0;
    for (let seed = 1; seed <= 1_000; seed++) {
      const { normal } = luck(seed * 7_919);
      let drift = 0;
      const values = days(42, () => {
        // Days that follow each other have something in common.
        drift = 0.4 * drift + 0.03 * normal();
        return 0.5 + drift;
      });
      if (trendOf(values) !== undefined) found += 1;
    }
    expect(found).toBeLessThanOrEqual(10);
  });
});

/** One port whose daily peak is `peakAt(day)`: two busy hours at it, the night at a tenth. */
function forecasts(dayCount: number, peakAt: (day: number) => number, every = 300) {
  const judge = forecastJudge(detector);
  const watched = createWatched('a', createShared('interface:r/1'));
  const base = addRoom(watched, judge.first);
  const facts: Extract<TrendFact, { kind: 'limit.forecast' }>[] = [];
  const feed = {
    watched,
    learned: undefined,
    every: durationMs(every * 1000),
    patience: durationMs(3_000 * every + 5_000),
  } as unknown as Feed;
  for (let second = 0; second < dayCount * DAY_S; second += every) {
    const hour = (second / 3_600) % 24;
    const peak = peakAt(Math.floor(second / DAY_S));
    feed.at = epochMs(START + second * 1000);
    feed.span = durationMs(second === 0 ? 0 : every * 1000);
    feed.value = hour >= 10 && hour < 12 ? peak : peak / 10;
    expect(judge.observe(base, 0, feed)).toBe('normal');
    const fact = judge.trend?.();
    if (fact?.kind === 'limit.forecast') facts.push(fact);
    expect(judge.trend?.()).toBeUndefined();
  }
  return { facts, state: judge.save(base, watched) };
}

describe('when a limit is reached', () => {
  test('a line that grows is told at most once a day, with a day that comes true', () => {
    // 40 % today, one point every two days: 80 % on day 80.
    const { facts } = forecasts(45, (d) => 0.4 + 0.005 * d + 0.01 * Math.sin(d * d));
    expect(facts.length).toBeGreaterThan(10);
    expect(facts.length).toBeLessThanOrEqual(45);
    const last = facts.at(-1);
    expect(((last?.reachedAt ?? 0) - START) / DAY).toBeGreaterThan(74);
    expect(((last?.reachedAt ?? 0) - START) / DAY).toBeLessThan(86);
    expect(last?.earliest).toBeLessThanOrEqual(last?.reachedAt ?? 0);
    expect(last?.latest ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(last?.reachedAt ?? 0);
    expect(last).toMatchObject({ limit: 0.8, metric: 'if_in_utilisation_ratio' });
    expect(last?.text).toMatch(
      /daily peaks of \d.* rise by .* a week and reach 80 % in about \d+ days/,
    );
  });

  test.each([
    ['in half a year', (d: number) => 0.3 + 0.002 * d],
    ['never', () => 0.5],
    ['already', (d: number) => 0.85 + 0.002 * d],
  ])('what is reached %s is not told', (_when, peakAt) => {
    expect(forecasts(45, peakAt).facts).toEqual([]);
  });

  test('the interval holds the day in about 8 of 10 cases', () => {
    let [held, told] = [0, 0];
    for (let seed = 1; seed <= 300; seed++) {
      const { normal } = luck(seed * 104_729);
      const slope = 0.006;
      const values = days(42, (d) => 0.35 + slope * d + 0.03 * normal());
      const line = trendOf(values);
      if (line === undefined) continue;
      told += 1;
      const reach = (limit: number, by: number) => line.day + (limit - line.level) / by;
      const truth = (0.8 - 0.35) / slope;
      const from = reach(0.8 - line.noise, line.slopeHigh);
      const to =
        line.slopeLow > 0 ? reach(0.8 + line.noise, line.slopeLow) : Number.POSITIVE_INFINITY;
      if (truth >= from && truth <= to) held += 1;
    }
    expect(told).toBeGreaterThan(250);
    expect(held / told).toBeGreaterThan(0.75);
    expect(held / told).toBeLessThan(0.995);
  });

  test('its memory is small, plain JSON, and does not grow', () => {
    const size = (n: number) =>
      JSON.stringify(forecasts(n, (d) => 0.1 + 0.001 * (d % 9), 900).state).length;
    expect(size(80)).toBeLessThan(3_000);
    expect(size(160)).toBeLessThan(3_000);
  });
});
