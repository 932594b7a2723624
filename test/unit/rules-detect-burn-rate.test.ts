import { describe, expect, test } from 'vitest';
import { hours, minutes } from '../../protocol/model/units.ts';
import { burntIn, createRings, noteBad } from '../../rules/detect/burn-windows.ts';
import { DEFAULT_RULES } from '../../rules/packs/default.ts';
import { at, batch, desk, sample, secondOf, settings } from '../support/detection.ts';

describe('bad minutes in windows', () => {
  const bad = { bad: 1, told: 0, runs: 1 };

  test('are counted in each window while it holds them', () => {
    const rings = createRings();
    const now = 28_000_000;
    noteBad(rings, now, bad);
    expect(burntIn(rings, now, minutes(5)).bad).toBe(1);
    expect(burntIn(rings, now + 4, minutes(5)).bad).toBe(1);
    expect(burntIn(rings, now + 5, minutes(5)).bad).toBe(0);
    expect(burntIn(rings, now + 59, hours(1)).bad).toBe(1);
    expect(burntIn(rings, now + 60, hours(1)).bad).toBe(0);
    expect(burntIn(rings, now + 350, hours(6))).toEqual({ bad: 1, told: 0, runs: 1 });
    expect(burntIn(rings, now + 71 * 60, hours(72)).bad).toBe(1);
    expect(burntIn(rings, now + 73 * 60, hours(72)).bad).toBe(0);
  });

  test('a full window holds every minute, and its memory is small plain JSON', () => {
    const rings = createRings();
    for (let minute = 28_000_000; minute < 28_000_000 + 5_000; minute++) {
      noteBad(rings, minute, { bad: 1, told: 1, runs: minute % 10 === 0 ? 1 : 0 });
    }
    const last = 28_000_000 + 4_999;
    expect(burntIn(rings, last, hours(1))).toEqual({ bad: 60, told: 60, runs: 6 });
    const day = burntIn(rings, last, hours(72));
    expect(day.bad).toBe(day.told);
    expect(day.bad).toBeGreaterThan(71 * 60);
    expect(day.bad).toBeLessThanOrEqual(72 * 60);
    expect(JSON.stringify(rings).length).toBeLessThan(2_500);
  });
});

const well = { loss: 0 };

/** A link whose loss is `lossAt(second)`, seen every `every` s, under the given rules. */
function link(end: number, every: number, lossAt: (s: number) => number, rules = DEFAULT_RULES) {
  const noc = desk(settings({ rules }));
  for (let s = 0, n = 0; s < end; s += every, n++) {
    const loss = lossAt(s);
    const samples = [
      sample(s, 'stamp_loss_ratio', loss, { every }),
      ...(loss < 1 ? [sample(s, 'stamp_rtt_ms', 20, { every })] : []),
      ...(loss === 1 ? [sample(s + 0.9, 'stamp_confirm_loss_ratio', 1)] : []),
    ];
    noc.facts.push(...noc.engine.observe(batch(samples), { now: at(s + 1), position: n }));
  }
  return noc;
}
const only = DEFAULT_RULES.filter(({ id }) => id === 'link-error-budget');
const HOUR = 3_600;

describe('the error budget of a link', () => {
  test('four bad minutes that nobody told of burn it 14.4 times too fast', () => {
    const noc = link(3 * HOUR, 5, (s) => (s >= HOUR && s < HOUR + 600 ? 0.4 : well.loss), only);
    const [fired] = noc.fired('link-error-budget');
    const after = secondOf(fired?.firedAt ?? 0) - HOUR;
    expect(after).toBeGreaterThan(3 * 60);
    expect(after).toBeLessThanOrEqual(8 * 60);
    expect(fired?.severity).toBe('warning');
    expect(fired?.evidence.onsetAt).toBeLessThanOrEqual(at(HOUR + 60));
    expect(fired?.evidence.text).toMatch(/bad minutes in 1 h .* error budget of 99.9 %/);
  });

  test.each([5, 60, 240])(
    'one outage has its own alert, and the budget stays silent, rounds every %i s',
    (every) => {
      const from = 40 * every;
      const noc = link(from + 2 * HOUR + 60 * every, every, (s) =>
        Number(s >= from && s < from + 2 * HOUR),
      );
      expect(noc.fired('link-unreachable')).toHaveLength(1);
      expect(noc.fired('link-error-budget')).toEqual([]);
    },
  );

  test('many short outages add up to trouble that none of them is', () => {
    // Two minutes in every half hour.
    const noc = link(8 * HOUR, 5, (s) => Number(s > HOUR && s % 1_800 < 120));
    expect(noc.fired('link-unreachable').length).toBeGreaterThan(5);
    expect(noc.fired('link-error-budget').length).toBeGreaterThan(0);
    expect(noc.fired('link-error-budget').length).toBeLessThanOrEqual(3);
    expect(noc.fired('link-error-budget')[0]?.evidence.text).toContain('stretches');
  });

  test('a single bad minute, or 1 % of loss for three days, is no burn', () => {
    const minute = link(4 * HOUR, 5, (s) => (s >= HOUR && s < HOUR + 60 ? 0.6 : 0), only);
    expect(minute.alerts()).toEqual([]);
    let turn = 0;
    const steady = link(72 * HOUR, 5, () => (turn++ % 20 === 7 ? 0.2 : 0), only);
    expect(steady.alerts()).toEqual([]);
  });

  test('it is over six hours after the last bad minute, whatever was burnt', () => {
    const noc = link(20 * HOUR, 60, (s) => (s >= HOUR && s < 2 * HOUR ? 0.6 : 0), only);
    const last = noc.alerts().at(-1) ?? '';
    expect(last).toMatch(/^resolved@/);
    const ended = Number(last.match(/@([\d.]+)/)?.[1]);
    expect(ended).toBeLessThanOrEqual(9 * HOUR);
  });
});
