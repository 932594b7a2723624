import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  epochMs,
  seconds,
} from '../../protocol/model/units.ts';
import {
  advance,
  createAlertMachine,
  restartRuns,
  type Verdict,
} from '../../rules/detect/alert-state.ts';
import { addInput, inputAt, type Marking } from '../../rules/detect/inputs.ts';
import { emptyWindow, meanOf, moveToGrow, push } from '../../rules/detect/window.ts';
import { durationText, figureText, metricText } from '../../rules/detect/wording.ts';

const RULE = { holdFor: seconds(10), clearAfter: seconds(20) };

/** Verdicts as letters, one a letter every five seconds: b, n, u; `|` is a gap without data. */
function life(verdicts: string, rule = RULE): string {
  const machine = createAlertMachine();
  const words: Record<string, Verdict> = { b: 'breached', n: 'normal', u: 'unknown' };
  let said = '';
  [...verdicts].forEach((letter, i) => {
    const verdict = words[letter];
    if (verdict === undefined) restartRuns(machine);
    else said += advance(machine, verdict, epochMs(1_000_000 + i * 5_000), rule)?.[0] ?? '.';
  });
  return said;
}

describe('the life of an alert', () => {
  test.each([
    {
      because: 'held for ten seconds it fires, normal for twenty it resolves',
      of: 'nbbbbnnnnnn',
      is: '...f.....r.',
    },
    { because: 'a shorter breach is forgotten', of: 'bbnbbn', is: '......' },
    { because: 'a relapse begins the clearing anew', of: 'bbbnnnbnnnnn', is: '..f........r' },
    { because: 'the unknown neither opens nor closes', of: 'bubuunuuuuuuu', is: '..f..........' },
    { because: 'the unknown does not stop the clock either', of: 'buubnuuun', is: '...f....r' },
    { because: 'a breach before a gap is no breach after it', of: 'bb|bbb', is: '....f' },
    {
      because: 'good samples before a gap do not clear after it',
      of: 'bbbnnn|nnnnn',
      is: '..f.......r',
    },
  ])('$because', ({ of, is }) => {
    expect(life(of)).toBe(is);
  });

  test('without times to hold every change is told at once', () => {
    expect(life('nbnbbn', { holdFor: seconds(0), clearAfter: seconds(0) })).toBe('.frf.r');
  });
});

/** As rules do it: a window that is full moves behind the other numbers, with the field before it. */
function take(
  watched: Marking,
  pointer: number,
  at: EpochMs,
  value: number,
  over: DurationMs,
): void {
  const add = () => push(watched.marks, inputAt(watched.marks, pointer) + 1, at, value, over);
  if (add()) return;
  moveToGrow(watched, pointer, 1);
  expect(add()).toBe(true);
}

describe('the mean of trailing time', () => {
  const samples = fc.array(
    fc.record({
      apart: fc.integer({ min: 500, max: 20_000 }),
      value: fc.integer({ min: 0, max: 500 }),
    }),
    { minLength: 1, maxLength: 120 },
  );

  test('is the plain mean of the samples in the window, whatever the intervals', () => {
    fc.assert(
      fc.property(samples, fc.constantFrom(10_000, 30_000, 60_000), (given, over) => {
        const watched = { marks: [7, 3, 7] };
        addInput(watched, 1, [7, ...emptyWindow(durationMs(over), durationMs(5_000))]);
        const seen: { readonly at: number; readonly value: number }[] = [];
        let at = 1_700_000_000_000;
        for (const { apart, value } of given) {
          at += apart;
          seen.push({ at, value });
          take(watched, 1, epochMs(at), value, durationMs(over));
          const inside = seen.filter((one) => one.at > at - over);
          const mean = inside.reduce((sum, one) => sum + one.value, 0) / inside.length;
          const input = inputAt(watched.marks, 1);
          expect(watched.marks[input]).toBe(7);
          expect(meanOf(watched.marks, input + 1)).toBeCloseTo(mean, 9);
        }
        expect(watched.marks[2]).toBe(7);
      }),
    );
  });

  test('a hundred samples a second stay in bounded room and near the mean', () => {
    const over = durationMs(60_000);
    const watched = { marks: [0] };
    const window = addInput(watched, 0, [7, ...emptyWindow(over, durationMs(0))]);
    expect(window).toBe(1);
    for (let i = 0; i < 20_000; i++) take(watched, 0, epochMs(1e12 + i * 10), i % 10, over);
    const input = inputAt(watched.marks, 0);
    expect(watched.marks.length - input).toBeLessThan(700);
    expect(watched.marks.length).toBeLessThan(2_000);
    expect(meanOf(watched.marks, input + 1)).toBeCloseTo(4.5, 2);
  });

  test('without samples there is no mean', () => {
    expect(meanOf(emptyWindow(durationMs(60_000), durationMs(5_000)), 0)).toBeNaN();
  });
});

describe('words for people', () => {
  test.each([
    [0, '0 s'],
    [12_400, '12 s'],
    [59_900, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [5_430_000, '1 h 30 min'],
    [-5, '0 s'],
  ])('%i ms are %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  test('figures come with their unit and three digits', () => {
    expect(figureText('stamp_loss_ratio', 0.19999999)).toBe('20 %');
    expect(figureText('icmp_rtt_ms', 182.4567)).toBe('182 ms');
    expect(figureText('if_in_errors_per_s', 41.26)).toBe('41.3 /s');
    expect(figureText('device_temperature_celsius', 81)).toBe('81 °C');
    expect(figureText('agent_spool_samples', 123_456.7)).toBe('123457');
  });

  test('metrics have names that a resolver knows', () => {
    expect(metricText('stamp_rtt_ms')).toBe('round trip');
    expect(metricText('if_out_utilisation_ratio')).toBe('line in use, sent');
    expect(metricText('gauge')).toBe('gauge');
  });
});
