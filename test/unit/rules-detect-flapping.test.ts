import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import {
  createFlap,
  FLAP_BAND,
  flapScore,
  noteChange,
  turnFlap,
} from '../../rules/detect/flapping.ts';
import { createSiteEngine } from '../../rules/site-engine.ts';
import { at, batch, desk, LINK, sample, settings } from '../support/detection.ts';

/** Slots by the weights that Icinga gives them, 0.80 oldest to 1.18 newest. */
const slotsOf = (...weights: number[]): number =>
  weights.reduce((bits, weight) => bits | (1 << Math.round((1.18 - weight) / 0.02)), 0);
const newest = (n: number): number => 2 ** n - 1;

describe('flap score', () => {
  test.each([
    [4, 22.96],
    [5, 28.5],
    [6, 33.9],
  ])('%i newest changes give %d %%, as in Icinga 2', (n, score) => {
    expect(flapScore(newest(n))).toBeCloseTo(n === 4 ? 23 : score, 1);
  });

  test('the documented case flaps with 39.1 %, and no more after seven quiet slots', () => {
    const slots = slotsOf(0.84, 0.86, 0.88, 0.9, 0.98, 1.06, 1.12, 1.18);
    expect(flapScore(slots)).toBeCloseTo(39.1, 1);
    expect(flapScore((slots << 7) & newest(20))).toBeLessThanOrEqual(FLAP_BAND.stopAt);
  });

  test('starts above 30 %, and does not stop before 25 %', () => {
    const minute = (n: number) => epochMs(1_700_000_040_000 + n * 60_000);
    let flap = createFlap(minute(0));
    const begins = [0, 1, 2, 3, 4, 5].map((n) => {
      flap = turnFlap(flap, minute(n)) ?? flap;
      return noteChange(flap);
    });
    expect(begins).toEqual([false, false, false, false, false, true]);
    let quiet = 5;
    while (flap.isFlapping)
      flap = turnFlap(flap, minute(++quiet)) ?? { ...flap, isFlapping: false };
    expect(quiet - 5).toBeGreaterThan(10);
    expect(quiet - 5).toBeLessThanOrEqual(16);
    expect(turnFlap(flap, minute(60))).toBeUndefined();
  });
});

/** A link that is cut and mended again every `cycle` seconds, half and half. */
function flaps(noc: ReturnType<typeof desk>, from: number, to: number, cycle: number, every = 5) {
  for (let s = from; s < to; s += every) {
    const isCut = (s - from) % cycle < cycle / 2;
    const probe = isCut
      ? [sample(s, 'stamp_loss_ratio', 1, { every }), sample(s, 'stamp_confirm_loss_ratio', 1)]
      : [sample(s, 'stamp_loss_ratio', 0, { every }), sample(s, 'stamp_rtt_ms', 20, { every })];
    noc.see(s + 0.5, ...probe);
  }
}
const well = (noc: ReturnType<typeof desk>, from: number, to: number, every = 5) => {
  for (let s = from; s < to; s += every) {
    noc.see(s + 0.5, sample(s, 'stamp_loss_ratio', 0, { every }));
  }
};
const times = <T>(count: number, what: readonly T[]): T[] =>
  Array.from({ length: count }, () => what).flat();
const told = (noc: ReturnType<typeof desk>) =>
  noc.alerts().filter((line) => line.includes('link-unreachable'));

describe('an alert that comes and goes', () => {
  test('stays open once it flaps, says so once, and ends when it has been steady', () => {
    const noc = desk();
    well(noc, 0, 60);
    flaps(noc, 60, 3_600, 120);
    well(noc, 3_600, 5_400);
    const lines = told(noc);
    expect(lines.length).toBeLessThanOrEqual(8);
    expect(lines.at(-1)).toMatch(/^resolved@/);
    const flapping = noc.facts.filter((fact) => fact.kind === 'alert.flapping');
    expect(flapping).toHaveLength(1);
    expect(flapping[0]).toMatchObject({
      subject: LINK,
      because: { kind: 'flapping', changes: 6, text: expect.stringContaining('changed 6 times') },
    });
    const ended = Number(lines.at(-1)?.match(/@([\d.]+)/)?.[1]);
    expect(ended).toBeGreaterThan(3_600 + 10 * 60);
    expect(ended).toBeLessThan(3_600 + 18 * 60);
  });

  test('while it is well in between it is shown as degraded, not as down', () => {
    const noc = desk();
    well(noc, 0, 60);
    flaps(noc, 60, 1_200, 120);
    const health = noc.health(LINK).map((line) => line.split('@')[0]);
    expect(health).toContain('degraded');
    expect(health.slice(-4)).toEqual(expect.arrayContaining(['down', 'degraded']));
  });

  /** What whoever hears the facts knows: fired and not on its way to clear, or on its way. */
  const state = (noc: ReturnType<typeof desk>): string => {
    const newest = noc.facts.findLast(
      (fact) =>
        ['alert.fading', 'alert.blind', 'alert.resolved'].includes(fact.kind) &&
        'alert' in fact &&
        String(fact.alert).startsWith('link-unreachable'),
    );
    if (newest?.kind === 'alert.resolved') return 'none';
    return newest?.kind === 'alert.fading' && newest.since !== undefined ? 'fading' : 'goes on';
  };

  test('while it is well in between it is on its way to clear, and while it is cut it is not', () => {
    const noc = desk();
    well(noc, 0, 60);
    flaps(noc, 60, 780, 120);
    const states: string[] = [];
    for (let s = 780; s < 1_500; s += 60) {
      const isCut = (s / 60) % 2 === 1;
      if (isCut) flaps(noc, s, s + 60, 120);
      else well(noc, s, s + 60);
      states.push(state(noc));
    }
    expect(states.slice(2)).toEqual(times(5, ['goes on', 'fading']));
  });

  test('when data comes again after a gap and all is well, it is on its way to clear again', () => {
    const noc = desk();
    well(noc, 0, 60);
    flaps(noc, 60, 900, 120);
    expect(state(noc)).toBe('fading');
    noc.see(959);
    expect(state(noc)).toBe('goes on');
    well(noc, 960, 980);
    expect(state(noc)).toBe('fading');
  });

  test('two outages in an hour are two outages', () => {
    const noc = desk();
    well(noc, 0, 60);
    flaps(noc, 60, 120, 120);
    well(noc, 120, 1_800);
    flaps(noc, 1_800, 1_860, 120);
    well(noc, 1_860, 2_400);
    expect(told(noc).map((line) => line.split('@')[0])).toEqual([
      'fired',
      'resolved',
      'fired',
      'resolved',
    ]);
  });

  test('a link that is down when the flapping ends stays down', () => {
    const noc = desk();
    well(noc, 0, 60);
    flaps(noc, 60, 1_260, 120);
    flaps(noc, 1_260, 3_600, 24 * 3_600);
    expect(told(noc).at(-1)).toMatch(/^(fired|resolved)/);
    expect(told(noc).filter((l) => l.startsWith('fired')).length).toBe(
      told(noc).filter((l) => l.startsWith('resolved')).length + 1,
    );
    expect(noc.health(LINK).at(-1)).toMatch(/^down@/);
  });

  test('an agent that comes and goes is heard at once', () => {
    const noc = desk();
    for (let s = 0; s < 1_200; s += 40) noc.heard(s);
    const agent = noc.alerts().filter((line) => line.includes('agent-silent'));
    expect(noc.facts.some((fact) => fact.kind === 'alert.flapping')).toBe(false);
    expect(agent.length % 2).toBe(0);
  });

  test('a snapshot at any moment of it changes nothing', () => {
    const steps = Array.from({ length: 300 }, (_, i) => i * 5);
    const samplesAt = (s: number) => {
      const isCut = s < 1_000 && s % 100 < 50;
      return [
        sample(s, 'stamp_loss_ratio', isCut ? 1 : 0, { every: 5 }),
        ...(isCut ? [sample(s, 'stamp_confirm_loss_ratio', 1)] : []),
      ];
    };
    const play = (restart?: number) => {
      let engine = createSiteEngine(settings());
      return steps.flatMap((s, i) => {
        if (i === restart) {
          engine = createSiteEngine(settings(), JSON.parse(JSON.stringify(engine.snapshot())));
        }
        const instant = { now: at(s + 1), position: i };
        return [...engine.observe(batch(samplesAt(s)), instant), ...engine.tick(instant)];
      });
    };
    const whole = play();
    fc.assert(
      fc.property(fc.nat(299), (moment) => {
        expect(play(moment)).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  });
});
