import { describe, expect, test } from 'vitest';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import {
  type CounterContext,
  type CounterReading,
  LINE_RATE_TOLERANCE,
  toRate,
} from '../../rules/detect/counter-rate.ts';
import {
  createDeviceClock,
  noteBoots,
  noteUptime,
  uptimeOutcome,
} from '../../rules/detect/device-clock.ts';

const at = (second: number): EpochMs => epochMs(1_700_000_000_000 + second * 1000);
const read = (second: number, value: bigint, bits: 0 | 32 | 64 = 64): CounterReading => ({
  at: at(second),
  value,
  bits,
});
const context = (changes: Partial<CounterContext> = {}): CounterContext => ({
  restartedAt: epochMs(0),
  discontinuityAt: epochMs(0),
  maxPerSecond: 0,
  gapAfter: durationMs(120_000),
  ...changes,
});
const OCTETS = { mbit: (n: number) => (n * 1e6) / 8 };

describe('a counter becomes a rate', () => {
  test.each([
    {
      because: 'it simply grew',
      before: read(0, 1000n),
      now: read(30, 4000n),
      with: context(),
      is: { kind: 'rate', perSecond: 100, wrapped: 0 },
    },
    {
      because: 'above 2^53 the difference is still exact',
      before: read(0, 9_007_199_254_740_993n),
      now: read(30, 9_007_199_254_740_996n),
      with: context(),
      is: { kind: 'rate', perSecond: 0.1, wrapped: 0 },
    },
    {
      because: '32 bits wrapped on a 100 Mbit/s line, which takes 343.6 s at least',
      before: read(0, 4_294_967_000n, 32),
      now: read(30, 704n, 32),
      with: context({ maxPerSecond: OCTETS.mbit(100) }),
      is: { kind: 'rate', perSecond: 1000 / 30, wrapped: 32 },
    },
    {
      because: '64 bits wrapped',
      before: read(0, 18_446_744_073_709_551_000n),
      now: read(30, 2384n),
      with: context({ maxPerSecond: OCTETS.mbit(1000) }),
      is: { kind: 'rate', perSecond: 100, wrapped: 64 },
    },
    {
      because: 'without a line rate less than half the range is a wrap',
      before: read(0, 4_294_967_295n, 32),
      now: read(30, 29n, 32),
      with: context(),
      is: { kind: 'rate', perSecond: 1, wrapped: 32 },
    },
    {
      because: 'somebody cleared the counters: no line counts that far in 30 s',
      before: read(0, 1_000_000n, 32),
      now: read(30, 500n, 32),
      with: context({ maxPerSecond: OCTETS.mbit(100) }),
      is: { kind: 'cleared' },
    },
    {
      because: 'without a line rate more than half the range is a clearing',
      before: read(0, 1_000_000n, 32),
      now: read(30, 500n, 32),
      with: context(),
      is: { kind: 'cleared' },
    },
    {
      because: 'a 64-bit counter that goes back was cleared',
      before: read(0, 1_000_000_000_000n),
      now: read(30, 500n),
      with: context({ maxPerSecond: OCTETS.mbit(10_000) }),
      is: { kind: 'cleared' },
    },
    {
      because: 'it went back and nobody knows its width',
      before: read(0, 10n, 0),
      now: read(30, 5n, 0),
      with: context(),
      is: { kind: 'cleared' },
    },
    {
      because: '32 bits wrap in 3.4 s at 10 Gbit/s: a difference after 30 s means nothing',
      before: read(0, 0n, 32),
      now: read(30, 5000n, 32),
      with: context({ maxPerSecond: OCTETS.mbit(10_000) }),
      is: { kind: 'ambiguous' },
    },
    {
      because: 'twice the line rate cannot be',
      before: read(0, 0n),
      now: read(30, BigInt(OCTETS.mbit(200) * 30)),
      with: context({ maxPerSecond: OCTETS.mbit(100) }),
      is: { kind: 'impossible' },
    },
    {
      because: 'the device restarted between the readings',
      before: read(0, 5000n),
      now: read(30, 900_000n),
      with: context({ restartedAt: at(30) }),
      is: { kind: 'rebooted' },
    },
    {
      because: 'a restart before both readings is history',
      before: read(30, 0n),
      now: read(60, 300n),
      with: context({ restartedAt: at(30) }),
      is: { kind: 'rate', perSecond: 10, wrapped: 0 },
    },
    {
      because: 'ifCounterDiscontinuityTime moved',
      before: read(0, 5000n),
      now: read(30, 9000n),
      with: context({ discontinuityAt: at(30) }),
      is: { kind: 'discontinuity' },
    },
    {
      because: 'another column of another width is another counter',
      before: read(0, 5000n, 32),
      now: read(30, 9_000_000n, 64),
      with: context(),
      is: { kind: 'discontinuity' },
    },
    {
      because: 'the agent was away',
      before: read(0, 0n),
      now: read(3600, 1000n),
      with: context(),
      is: { kind: 'gap' },
    },
    {
      because: 'the same reading came twice',
      before: read(30, 10n),
      now: read(30, 20n),
      with: context(),
      is: { kind: 'repeated' },
    },
    {
      because: 'an older reading came late',
      before: read(60, 10n),
      now: read(30, 20n),
      with: context(),
      is: { kind: 'repeated' },
    },
  ])('$is.kind, because $because', ({ before, now, with: given, is }) => {
    expect(toRate(before, now, given)).toEqual(is);
  });

  test('a full line read a little late is still believed', () => {
    const counted = BigInt(Math.floor(OCTETS.mbit(100) * 30 * (LINE_RATE_TOLERANCE - 0.01)));
    expect(
      toRate(read(0, 0n), read(30, counted), context({ maxPerSecond: OCTETS.mbit(100) })).kind,
    ).toBe('rate');
  });
});

describe('uptime tells a restart', () => {
  const WRAP = 2 ** 32;
  test.each([
    { because: 'it grew with time', before: 1000, now: 4000, after: 30, is: 'running' },
    { because: 'it went back', before: 1_000_000, now: 500, after: 30, is: 'restarted' },
    { because: '497.1 days are over', before: WRAP - 1000, now: 2000, after: 30, is: 'wrapped' },
    {
      because: 'it went back just before the wrap, to another value than the wrap gives',
      before: WRAP - 1000,
      now: 1_000_000,
      after: 30,
      is: 'restarted',
    },
    {
      because: 'it grew, but it is shorter than the time that passed',
      before: 1000,
      now: 30_000,
      after: 3600,
      is: 'restarted',
    },
    { because: 'clocks differ by seconds', before: 0, now: 2500, after: 30, is: 'running' },
  ])('$is, because $because', ({ before, now, after, is }) => {
    expect(uptimeOutcome({ ticks: before, at: at(0) }, { ticks: now, at: at(after) })).toBe(is);
  });

  test('the first reading is no restart, and one restart is told once', () => {
    const clock = createDeviceClock();
    expect(noteUptime(clock, at(0), 500_000)).toBeUndefined();
    expect(noteBoots(clock, at(0), 7)).toBeUndefined();
    expect(noteUptime(clock, at(30), 1200)).toBe(12_000);
    expect(noteBoots(clock, at(30), 8)).toBeUndefined();
    expect(clock.bootedAt).toBe(at(18));
  });

  test('more engine boots are a restart even where the uptime is silent about it', () => {
    const clock = createDeviceClock();
    noteUptime(clock, at(0), 500);
    noteBoots(clock, at(0), 7);
    noteUptime(clock, at(30), 3500);
    expect(noteBoots(clock, at(30), 8)).toBe(35_000);
    expect(clock.restartedAt).toBe(at(30));
  });
});
