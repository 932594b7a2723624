import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MetricName } from '../../protocol/model/metrics.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { encodeBundle } from '../../server/history/bundle-codec.ts';
import { figuresOf } from '../../server/history/figures.ts';
import { DAY_MS, decodeRollup, encodeRollup, ROLLUP_STEP_MS } from '../../server/history/rollup.ts';
import { stepsOf, valueOfSteps } from '../../server/history/steps.ts';
import type { NumberedSeries } from '../../server/ports/history.ts';

const DAY = 20_600;
const NAMES = ['mean', 'min', 'max', 'p50', 'p95'] as const;

const numbered = (id: number, metric: MetricName): NumberedSeries => ({
  id,
  bundle: 1,
  key: seriesKey('agent-0', metric, 'link:wan-1'),
  agent: 'agent-0',
  metric,
  subject: 'link:wan-1',
});

const everyMinute = (values: readonly number[]) => ({
  at: Float64Array.from(values, (_, i) => DAY * DAY_MS + i * 60_000),
  value: Float64Array.from(values),
  gaps: [],
});

const values = fc.double({ min: 0, max: 1e16, noNaN: true });
const shortDecimals = fc
  .tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: -4, max: 9 }))
  .map(([digits, power]) => Number(`${digits}e${power}`));

test('a step is at most 0.25 % from the value, and the step of what it says', () => {
  fc.assert(
    fc.property(fc.oneof(values, fc.double({ min: 0, max: 2, noNaN: true })), (value) => {
      const kept = valueOfSteps(stepsOf(value));
      expect(Math.abs(kept - value)).toBeLessThanOrEqual(Math.max(0.5e-6, value * 0.0025001));
      expect(valueOfSteps(stepsOf(kept))).toBe(kept);
      expect(valueOfSteps(stepsOf(-value)) + kept).toBe(0);
    }),
  );
});

test('short decimals stay what they are', () => {
  fc.assert(
    fc.property(shortDecimals, (value) => {
      expect(valueOfSteps(stepsOf(value))).toBe(value);
    }),
  );
});

test('the larger of two values never has the lower step', () => {
  const near = fc.tuple(values, fc.double({ min: 1, max: 1.01, noNaN: true }));
  fc.assert(
    fc.property(near, ([value, factor]) => {
      expect(stepsOf(value * factor)).toBeGreaterThanOrEqual(stepsOf(value));
    }),
  );
});

test('a day comes back with all figures in their order, each within 0.25 %', () => {
  const kinds = fc.constantFrom<MetricName>('icmp_rtt_ms', 'icmp_loss_ratio', 'if_oper_up');
  const day = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(kinds, day), { minLength: 1, maxLength: 4 }), (made) => {
      const members = made.map(([metric], id) => numbered(id, metric));
      const columns = made.map(([, of]) => everyMinute(of));
      // All have the key of one metric here: they are told apart by what is asked for in turn.
      let asked = 0;
      const blob = encodeRollup(members, DAY, () => columns[asked++]!);
      for (const [n, series] of members.entries()) {
        const wanted = figuresOf(columns[n]!.at, columns[n]!.value, ROLLUP_STEP_MS);
        const got = decodeRollup({ bundle: 1, day: DAY, blob }, series)!;
        expect(got.at).toEqual(wanted.at);
        expect(got.count).toEqual(wanted.count);
        for (const name of NAMES) {
          for (const [i, value] of wanted[name].entries()) {
            const far = Math.max(0.5e-6, Math.abs(value) * 0.0025001);
            expect(Math.abs(got[name][i]! - value)).toBeLessThanOrEqual(far);
          }
        }
        for (const i of got.at.keys()) {
          expect(got.min[i]!).toBeLessThanOrEqual(got.p50[i]!);
          expect(got.p50[i]!).toBeLessThanOrEqual(got.p95[i]!);
          expect(got.p95[i]!).toBeLessThanOrEqual(got.max[i]!);
          expect(got.mean[i]!).toBeLessThanOrEqual(got.max[i]!);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('an interface that was down for one poll in five minutes was not up all of them', () => {
  const series = numbered(0, 'if_oper_up');
  const blob = encodeRollup([series], DAY, () => everyMinute([1, 1, 0, 1, 1]));
  const figures = decodeRollup({ bundle: 1, day: DAY, blob }, series)!;
  expect(figures).toMatchObject({ mean: [0.8], min: [0], max: [1], p50: [1] });
});

test('days that were kept as decimals before are read as they were', () => {
  const series = numbered(3, 'icmp_rtt_ms');
  const columns = [
    { figure: 0, digits: 0, data: [10, 9] },
    { figure: 1, digits: 3, data: [20_417, 21_003] },
    { figure: 2, digits: 3, data: [-1417, -3] },
    { figure: 3, digits: 3, data: [20_000, 4997] },
    { figure: 4, digits: 3, data: [-400, 0] },
    { figure: 5, digits: 3, data: [-10_000, 0] },
  ].map(({ figure, digits, data }) => ({
    number: series.id * 8 + figure,
    isCounter: false,
    digits,
    data: Float64Array.from(data),
  }));
  const at = [DAY * DAY_MS, DAY * DAY_MS + ROLLUP_STEP_MS];
  const { blob } = encodeBundle([{ times: Float64Array.from(at), rows: 2, columns }]);
  expect(decodeRollup({ bundle: 1, day: DAY, blob }, series)).toEqual({
    at: at.map(epochMs),
    count: [10, 9],
    mean: [20.417, 21.003],
    min: [19, 21],
    max: [40.417, 26],
    p50: [20.017, 21.003],
    p95: [30.417, 26],
  });
});
