import { describe, expect, test } from 'vitest';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { addRoom } from '../../rules/detect/inputs.ts';
import { createPort } from '../../rules/detect/notes.ts';
import { surgeJudge } from '../../rules/detect/surge.ts';
import { createShared, createWatched, type Feed } from '../../rules/detect/watched.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';

const rule = DEFAULT_RULES.find(({ id }) => id === 'interface-errors');
if (rule?.detector.kind !== 'surge') throw new Error('errors are judged against their usual rate');
const { detector } = rule;

const START = 1_700_000_000_000;
const HOUR = 3_600;

/** Park and Miller's generator: the same luck in every run. */
function luck(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A Poisson count (Knuth), for small means; the normal limit for big ones. */
function poisson(mean: number, next: () => number): number {
  if (mean > 50) {
    const z = Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
    return Math.max(0, Math.round(mean + z * Math.sqrt(mean)));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = next(); product > limit; product *= next()) count += 1;
  return count;
}

/** One port whose errors come at `rateAt(second)` a second; the judge as the engine feeds it. */
function port(every: number, seed = 1) {
  const judge = surgeJudge(detector);
  const next = luck(seed);
  const watched = createWatched('a', createShared('interface:r/1'));
  const base = addRoom(watched, judge.first);
  const feed = {
    watched,
    learned: undefined,
    patience: durationMs(4e3 * every),
  } as unknown as Feed;
  let second = 0;
  const give = (value: number, input = 0) => {
    feed.at = epochMs(START + second * 1000);
    feed.every = durationMs(every * 1000);
    feed.span = durationMs(second === 0 ? 0 : every * 1000);
    feed.value = value;
    return judge.observe(base, input, feed);
  };
  return {
    watched,
    give,
    finding: () => judge.finding(base, watched, feed.at),
    /** Polls for so long; the second of the first poll that is breached. */
    run(seconds: number, rateAt: (second: number) => number): number | undefined {
      const end = second + seconds;
      let found: number | undefined;
      for (; second < end; second += every) {
        const verdict = give(poisson(rateAt(second) * every, next) / every);
        if (verdict === 'breached' && found === undefined) found = second;
      }
      return found;
    },
    now: () => second,
  };
}

describe('errors against their usual rate', () => {
  test.each([
    { rate: 0.001, because: 'an error in a quarter of an hour' },
    { rate: 0.02, because: 'one in 50 s, the edge of what any line is granted' },
    { rate: 0.5, because: 'a bad line that is known to be bad' },
    { rate: 0.9, because: 'a very bad one below the limit for young series' },
  ])('stay quiet for 20 days at the usual $rate a second: $because', ({ rate }) => {
    for (const seed of [1, 2, 3]) {
      expect(port(30, seed).run(20 * 24 * HOUR, () => rate)).toBeUndefined();
    }
  });

  test.each([
    { every: 30, rate: 0.2, within: 300 },
    { every: 30, rate: 2, within: 90 },
    { every: 60, rate: 0.2, within: 360 },
    { every: 60, rate: 50, within: 180 },
    { every: 300, rate: 0.2, within: 1_200 },
    { every: 5, rate: 2, within: 90 },
  ])('a clean line with $rate a second, polled every $every s, is told within $within s', (one) => {
    for (const seed of [1, 2, 3]) {
      const clean = port(one.every, seed);
      expect(clean.run(24 * HOUR, () => 0)).toBeUndefined();
      const began = clean.now();
      const told = clean.run(2 * HOUR, () => one.rate);
      expect(told).toBeDefined();
      expect((told ?? 0) - began).toBeLessThanOrEqual(one.within);
    }
  });

  test('four times the usual rate of a bad line is told, twice is not', () => {
    const bad = port(30);
    bad.run(10 * 24 * HOUR, () => 0.5);
    expect(bad.run(12 * HOUR, () => 0.9)).toBeUndefined();
    expect(bad.run(HOUR, () => 3)).toBeDefined();
    const { usual, observed, sureness, learningSince } = bad.finding();
    expect(usual?.middle).toBeGreaterThan(0.45);
    expect(usual?.middle).toBeLessThan(0.6);
    expect(observed).toBeGreaterThan(2);
    expect(sureness).toBeGreaterThan(0.99);
    expect(learningSince).toBe(START);
  });

  test('while nothing is known only what is bad anywhere is told', () => {
    expect(port(30).run(3 * HOUR, () => 0.5)).toBeUndefined();
    expect(port(30).run(3 * HOUR, () => 5)).toBeDefined();
  });

  test('few errors of very many packets do not matter', () => {
    const busy = port(30);
    busy.watched.port = { ...createPort(), speedBps: 1e10, inBps: 9e9 };
    // 9 Gbit/s are about 1.6 million packets a second: 2 errors in a million do not matter.
    expect(busy.run(24 * HOUR, () => 3)).toBeUndefined();
    expect(busy.run(HOUR, () => 40)).toBeDefined();
    expect(busy.finding().text).toMatch(/about 1 of \d+ packets/);
  });

  test('a steady rate is one alert, and becomes usual after some days', () => {
    const line = port(60);
    line.run(3 * 24 * HOUR, () => 0);
    line.run(HOUR, () => 2);
    for (let hour = 0; hour < 24; hour++) {
      expect(line.run(HOUR, () => 2)).toBe(line.now() - HOUR);
      expect(line.give(2)).toBe('breached');
    }
    line.run(20 * 24 * HOUR, () => 2);
    expect(line.give(2)).toBe('normal');
  });
});
