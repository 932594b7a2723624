import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAllowance } from '../../agent/adapters/icmp/allowance.ts';

test('a peer gets its second at once, then its rate, and does not save up more', () => {
  const allowance = createAllowance(10, 1000);
  const take = (now: number, times: number): number =>
    Array.from({ length: times }, () => allowance.take('a', now)).filter(Boolean).length;
  expect(take(0, 50)).toBe(10);
  expect(take(100, 50)).toBe(1);
  expect(take(1_000_000, 50)).toBe(10);
});

test('one peer takes nothing from another, but all together have a bound', () => {
  const allowance = createAllowance(10, 25);
  const taken = ['a', 'b', 'c'].map(
    (peer) => Array.from({ length: 20 }, () => allowance.take(peer, 0)).filter(Boolean).length,
  );
  expect(taken).toEqual([10, 10, 5]);
});

test('never more than a second in hand and the rate, whatever the times, even running backwards', () => {
  const asks = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 300 });
  fc.assert(
    fc.property(asks, (times) => {
      const allowance = createAllowance(10, 1000);
      const taken = times.filter((now) => allowance.take('a', now)).length;
      const path = times.reduce((sum, now, i) => sum + Math.abs(now - (times[i - 1] ?? now)), 0);
      expect(taken).toBeLessThanOrEqual(10 + (path * 10) / 1000);
    }),
  );
});
