import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withColumns } from '../../server/show/column-text.ts';

const HEAD = { series: 'agent-1|icmp_rtt_ms|link:„Zürich“', gaps: [{ because: 'a "gap"' }] };

const asJson = (at: readonly number[], value: readonly number[]): string =>
  JSON.stringify({ ...HEAD, at, value });

test('columns are written byte for byte as JSON.stringify writes them', () => {
  const instant = fc.integer({ min: 0, max: 20_000_000_000_000 });
  const short = fc
    .tuple(fc.integer({ min: -20_000, max: 3_000_000_000 }), fc.integer({ min: 0, max: 6 }))
    .map(([whole, digits]) => whole / 10 ** digits);
  const edges = fc.constantFrom(
    ...[0, -0, 0.0001, 0.00001, 1e-7, 0.1 + 0.2, 9999, 9999.9999, 10_000, 99_999.5, 100_000],
    ...[214_748.3647, 214_748.3648, 1e12 - 1, 1e12, 1e13 - 1, 1e13, 1e21, 2 ** 53, 5e-324],
    ...[Number.NaN, Number.POSITIVE_INFINITY, -Math.PI * 1e-300],
  );
  const column = fc.oneof(
    fc.array(instant),
    fc.array(short),
    fc.array(edges),
    fc.array(fc.double()),
    fc.array(fc.oneof(instant, short, edges)),
  );
  fc.assert(
    fc.property(column, column, (at, value) => {
      expect(withColumns(HEAD, { at, value }).toString()).toBe(asJson(at, value));
    }),
    { numRuns: 1000 },
  );
});

test('the longest numbers there are have room', () => {
  const longest = Array.from({ length: 100 }, () => -1.2345678901234567e-6);
  expect(withColumns({ a: 1 }, { value: longest }).toString()).toBe(
    JSON.stringify({ a: 1, value: longest }),
  );
});

test('an answer stays as it is when the next one is written', () => {
  const many = Array.from({ length: 5000 }, (_, n) => n / 1000);
  const first = withColumns(HEAD, { at: [1_700_000_000_000], value: many });
  withColumns(HEAD, { at: [], value: many.map((value) => value + 1) });
  expect(first.toString()).toBe(asJson([1_700_000_000_000], many));
});
