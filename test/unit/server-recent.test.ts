import { expect, test } from 'vitest';
import type { Sample, Series } from '../../protocol/model/sample.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { addEntries, type SeriesTable } from '../../server/pipeline/dictionary.ts';
import { createRecent } from '../../server/recent.ts';

const table: SeriesTable = [];
addEntries(
  table,
  'agent-1',
  Array.from({ length: 100 }, (_, index) => ({
    index,
    metric: 'icmp_rtt_ms',
    subject: `link:l${index}`,
  })),
);
const series = (n: number): Series => table[n]!;
const key = (n: number) => `agent-1|icmp_rtt_ms|link:l${n}` as const;
const sample = (n: number, at: number, value: number | bigint = at): Sample => ({
  series: series(n),
  at: epochMs(at),
  value,
});
const batch = (samples: Sample[], lane: 'live' | 'backfill' = 'live') => ({
  agent: 'agent-1',
  lane,
  samples,
});

test('the newest samples of a series come oldest first, both ends included', () => {
  const recent = createRecent({ pointsPerSeries: 5, maxPoints: 1000 });
  for (let at = 1; at <= 23; at++) recent.listener.observed(batch([sample(0, at)]));
  const times = (from: number, to: number) =>
    recent.range(key(0), epochMs(from), epochMs(to))?.map((point) => point.at);
  // A series keeps sixteen at least.
  expect(times(0, 99)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
  expect(times(10, 12)).toEqual([10, 11, 12]);
  expect(recent.latest(key(0))).toEqual({ at: 23, value: 23 });
  expect(recent.range(key(1), epochMs(0), epochMs(9))).toBeUndefined();
});

test('late samples, backfill and raw counters have no place in a graph of the newest', () => {
  const recent = createRecent();
  recent.listener.observed(batch([sample(0, 10), sample(0, 9), sample(0, 10), sample(1, 5, 7n)]));
  recent.listener.observed(batch([sample(0, 20)], 'backfill'));
  expect(recent.range(key(0), epochMs(0), epochMs(99))).toEqual([{ at: 10, value: 10 }]);
  expect(recent.latest(key(1))).toBeUndefined();
  expect(recent.samples()).toBe(5);
});

test('derived figures are kept beside what agents sent', () => {
  const recent = createRecent();
  recent.derived('agent-1', 'if_in_utilisation_ratio', 'interface:r1/ge-0', epochMs(5), 0.5);
  const name = 'agent-1|if_in_utilisation_ratio|interface:r1/ge-0';
  expect(recent.latest(name)).toEqual({ at: 5, value: 0.5 });
});

test('with more series each keeps fewer, and the newest ones stay', () => {
  const recent = createRecent({ pointsPerSeries: 100, maxPoints: 800 });
  for (let at = 1; at <= 200; at++) recent.listener.observed(batch([sample(0, at)]));
  expect(recent.size()).toEqual({ series: 1, points: 100 });
  for (let n = 1; n < 20; n++) {
    for (let at = 1; at <= 60; at++) recent.listener.observed(batch([sample(n, at)]));
  }
  recent.listener.observed(batch([sample(0, 201)]));
  expect(recent.range(key(0), epochMs(0), epochMs(999))?.map(({ at }) => at)).toEqual(
    Array.from({ length: 40 }, (_, i) => 162 + i),
  );
  const { points } = recent.size();
  expect(points).toBeLessThan(2000);
});

test('too many series push out the quietest half', () => {
  const recent = createRecent({ pointsPerSeries: 16, maxPoints: 16 * 10 });
  for (let n = 0; n < 11; n++) recent.listener.observed(batch([sample(n, 100 + n)]));
  expect(recent.size().series).toBe(6);
  expect(recent.latest(key(0))).toBeUndefined();
  expect(recent.latest(key(10))?.value).toBe(110);
  recent.listener.observed(batch([sample(0, 300)]));
  expect(recent.latest(key(0))?.value).toBe(300);
});
