import { describe, expect, test } from 'vitest';
import { eModelRating, fieldRating, mosOf, pathMos } from '../../rules/detect/mos.ts';
import { AGENT, at, batch, desk, LINK, sample, secondOf } from '../support/detection.ts';

describe('mean opinion score', () => {
  test.each([
    [20, 0, 92.72, 4.4],
    [150, 0.01, 85.96, 4.23],
    [200, 0.02, 78.89, 3.98],
    [300, 0.05, 56.72, 2.93],
  ])('E-model: %d ms one way and %d lost give R %d, %d', (delay, loss, rating, mos) => {
    expect(eModelRating(delay, loss)).toBeCloseTo(rating, 2);
    expect(mosOf(eModelRating(delay, loss))).toBeCloseTo(mos, 2);
  });

  test.each([
    [20, 2, 0, 92.35, 4.39],
    [75, 5, 0, 90.83, 4.36],
    [150, 10, 0.01, 84.7, 4.19],
    [150, 30, 0.02, 78.2, 3.95],
    [300, 50, 0.05, 51.7, 2.66],
  ])(
    'field formula: %d ms, jitter %d ms, %d lost give R %d, %d',
    (rtt, jitter, loss, rating, mos) => {
      // The reference rounds halves both ways.
      expect(Math.abs(fieldRating(rtt, jitter, loss) - rating)).toBeLessThanOrEqual(0.00501);
      expect(mosOf(fieldRating(rtt, jitter, loss))).toBeCloseTo(mos, 2);
    },
  );

  test('stays within 1 and 4.5, and never rises with delay, jitter or loss', () => {
    expect(mosOf(-20)).toBe(1);
    expect(mosOf(3)).toBe(1);
    expect(mosOf(120)).toBe(4.5);
    const steps = Array.from({ length: 60 }, (_, i) => i);
    const falls = (figures: number[]) =>
      figures.every((figure, i) => i === 0 || figure <= (figures[i - 1] as number));
    expect(falls(steps.map((i) => pathMos(20 * i, 5, 0.01)))).toBe(true);
    expect(falls(steps.map((i) => pathMos(80, 5 * i, 0.01)))).toBe(true);
    expect(falls(steps.map((i) => pathMos(80, 5, i / 60)))).toBe(true);
  });
});

describe('voice on a path', () => {
  interface Round {
    readonly loss: number;
    readonly rtt?: number;
    readonly jitter?: number;
  }
  function live(minutes: number, every: number, of: (second: number) => Round, probe = 'stamp') {
    const derived: [string, number, number][] = [];
    const noc = desk(undefined, (_agent, metric, subject, when, value) => {
      if (metric === 'path_mos') derived.push([subject, secondOf(when), value]);
    });
    const prefix = probe as 'stamp' | 'icmp';
    for (let s = 0; s < minutes * 60; s += every) {
      const { loss, rtt = 20, jitter = 2 } = of(s);
      const samples = [
        sample(s, `${prefix}_loss_ratio`, loss, { every }),
        ...(loss < 1
          ? [
              sample(s, `${prefix}_rtt_ms`, rtt, { every }),
              sample(s, `${prefix}_jitter_ms`, jitter, { every }),
            ]
          : []),
      ];
      noc.facts.push(...noc.engine.observe(batch(samples, AGENT), { now: at(s + 1), position: s }));
    }
    return { noc, derived };
  }

  test('a score is told once a minute for each path', () => {
    const { derived } = live(10, 5, () => ({ loss: 0 }));
    // The story does not begin on a whole minute.
    expect(derived.length).toBeGreaterThanOrEqual(9);
    expect(derived.length).toBeLessThanOrEqual(10);
    for (const [subject, , mos] of derived) {
      expect(subject).toBe(LINK);
      expect(mos).toBeCloseTo(pathMos(20, 2, 0), 10);
    }
    const apart = derived.slice(1).map(([, second], i) => second - (derived[i]?.[1] ?? 0));
    expect(new Set(apart)).toEqual(new Set([60]));
  });

  test.each([5, 60, 240])('bad voice in rounds every %i s is one alert of a warning', (every) => {
    const bad = 60 * every;
    const until = bad + Math.max(1_800, 20 * every);
    // Each by itself within its limit: 140 ms, and a jitter that nobody judges.
    const { noc } = live((until + 40 * every) / 60, every, (s) =>
      s >= bad && s < until ? { loss: 0, rtt: 140, jitter: 150 } : { loss: 0 },
    );
    const told = noc.alerts().filter((line) => line.includes('voice-quality'));
    expect(told.map((line) => line.split('@')[0])).toEqual(['fired', 'resolved']);
    const [alert] = noc.fired('voice-quality');
    expect(alert?.severity).toBe('warning');
    expect(alert?.evidence).toMatchObject({ metric: 'path_mos', expected: 3.6 });
    expect(alert?.evidence.text).toContain('voice quality');
  });

  test('ICMP serves where there is no STAMP', () => {
    expect(live(5, 5, () => ({ loss: 0 }), 'icmp').derived.length).toBeGreaterThan(3);
  });

  test('bad minutes before and after an outage are no five bad minutes in a row', () => {
    const { noc } = live(15, 5, (s) => {
      if (s >= 200 && s < 450) return { loss: 1 };
      return s >= 125 && s < 500 ? { loss: 0.4 } : { loss: 0 };
    });
    expect(noc.alerts().filter((line) => line.includes('voice-quality'))).toEqual([]);
  });

  test('a minute without any answer has no score: it is an outage', () => {
    const { derived } = live(10, 5, (s) => ({ loss: s >= 120 && s < 480 ? 1 : 0 }));
    expect(derived.length).toBeLessThanOrEqual(5);
    expect(Math.min(...derived.map(([, , mos]) => mos))).toBeGreaterThan(1);
  });
});
