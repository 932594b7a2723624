import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import type { Sample } from '../../protocol/model/sample.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { encodeBundle, FIXED } from '../../server/history/bundle-codec.ts';
import { openBundle } from '../../server/history/open-bundle.ts';
import { createColumnReader } from '../../server/history/samples.ts';
import type { Sealer } from '../../server/history/sealing.ts';
import {
  DAY,
  type HistoryRig,
  type HistoryRigOptions,
  HOUR,
  keyOf,
  sample,
  seriesOf,
  startHistoryRig,
  T0,
} from '../support/history-rig.ts';

const open: HistoryRig[] = [];
const start = (options?: HistoryRigOptions): HistoryRig => {
  const rig = startHistoryRig(options);
  open.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of open.splice(0).reverse()) await rig.close();
});

const RTT = seriesOf('icmp_rtt_ms');
const LOSS = seriesOf('icmp_loss_ratio');
const OCTETS = seriesOf('if_in_octets_total', 'interface:r1/ge-0');
const SPEED = seriesOf('if_speed_bps', 'interface:r1/ge-0');
const STEP = 30_000;
const rtt = (n: number) => (20_000 + ((n * 7919) % 1000)) / 1000;
const octets = (n: number) => 9_007_199_254_740_000n + BigInt(n) * 375_000_000n;

/** Round `n`, as an agent would send it. */
const round = (n: number): Sample[] => {
  const at = T0 + n * STEP;
  return [
    sample(RTT, at, rtt(n)),
    sample(LOSS, at, n % 10 === 0 ? 0.2 : 0),
    sample(SPEED, at + 7, 1e9),
    sample(OCTETS, at + 7, octets(n)),
  ];
};
const feedRounds = (rig: HistoryRig, from: number, to: number) => {
  for (let n = from; n < to; n++) rig.feed(round(n), 'live', n + 1);
};
const all = (rig: HistoryRig, series = RTT) =>
  rig.history.samples(keyOf(series), epochMs(0), epochMs(T0 + 99 * DAY))!;
const expectWhole = (rig: HistoryRig, rounds: number) => {
  const counts = Array.from({ length: rounds }, (_, n) => n);
  expect([...all(rig).value]).toEqual(counts.map(rtt));
  expect([...all(rig).at]).toEqual(counts.map((n) => T0 + n * STEP));
  expect([...all(rig, OCTETS).value]).toEqual(counts.map(octets));
};

test('every sample is read back exactly, from memory, while it is sealed, and from the disk', async () => {
  const rig = start();
  feedRounds(rig, 0, 700);
  expectWhole(rig, 700);
  await rig.history.settled();
  expectWhole(rig, 700);
  await rig.history.sealAll();
  expectWhole(rig, 700);
  expect(rig.history.state()).toMatchObject({ sealedSamples: 2800, waiting: 0, series: 4 });
  expect(rig.history.sealedPosition()).toBe(700);
});

test('a crash at any moment loses and doubles nothing: the log is read from the sealed position', async () => {
  let rig = start();
  for (const crashAt of [150, 290, 310, 555]) {
    feedRounds(rig, rig.history.sealedPosition(), crashAt);
    if (crashAt % 2 === 0) await rig.history.settled();
    const after = rig.again();
    open.push(after);
    rig = after;
  }
  feedRounds(rig, rig.history.sealedPosition(), 800);
  expectWhole(rig, 800);
  await rig.history.sealAll();
  expectWhole(rig, 800);
  expect(rig.store.usage().chunkSamples).toBe(3200);
});

test('a series that first came after its bundle was sealed survives the crash after it', async () => {
  const rig = start();
  feedRounds(rig, 0, 10);
  await rig.history.sealAll();
  const late = seriesOf('icmp_rtt_max_ms');
  rig.feed([sample(late, T0 + 20 * STEP, 5)], 'live', 11);
  rig.feed([sample(RTT, T0 + 21 * STEP, 6)], 'live', 12);
  const after = rig.again();
  open.push(after);
  after.feed([sample(late, T0 + 20 * STEP, 5)], 'live', 11);
  after.feed([sample(RTT, T0 + 21 * STEP, 6)], 'live', 12);
  expect([...all(after, late).value]).toEqual([5]);
  expect(all(after).value.at(-1)).toBe(6);
});

test('late samples land in their own time, and what comes again is not counted twice', async () => {
  const rig = start();
  feedRounds(rig, 0, 100);
  feedRounds(rig, 200, 700);
  await rig.history.settled();
  for (let n = 90; n < 210; n++) rig.feed(round(n), 'backfill', 1000 + n);
  expectWhole(rig, 700);
  await rig.history.sealAll();
  expectWhole(rig, 700);
});

test('of two values of one time the later one holds, in memory and across chunks', async () => {
  const rig = start();
  feedRounds(rig, 0, 5);
  rig.feed([sample(RTT, T0 + 2 * STEP, 77)]);
  expect(rig.history.state().repeatedSamples).toBe(1);
  expect(all(rig).value[2]).toBe(77);
  await rig.history.sealAll();
  rig.feed([sample(RTT, T0 + 3 * STEP, 78)], 'backfill');
  await rig.history.sealAll();
  expect([...all(rig).value]).toEqual([rtt(0), rtt(1), 77, 78, rtt(4)]);
});

test('samples out of order within minutes are put in order', () => {
  const rig = start();
  for (const n of [0, 1, 5, 3, 4, 2]) rig.feed(round(n));
  expectWhole(rig, 6);
});

test('samples of a time to come and of a time that is over are refused and counted', () => {
  const rig = start();
  rig.feed(round(0));
  const now = T0;
  rig.history.observed(
    {
      agent: 'agent-1',
      lane: 'live',
      samples: [sample(RTT, now + HOUR, 1), sample(RTT, now - 15 * DAY, 1)],
    },
    { now: epochMs(now), position: 9 },
  );
  expect(rig.history.state().refusedSamples).toBe(2);
  expect([...all(rig).value]).toEqual([rtt(0)]);
});

test('numbers too large for their resolution and irregular times are kept as they came', async () => {
  const odd = seriesOf('gauge', 'device:r9', 0);
  const values = [1e300, -0.5, 1 / 3, 2 ** 60, 5e-324];
  const rig = start();
  values.forEach((value, n) => {
    rig.feed([sample(odd, T0 + n ** 5 * 17, value)]);
  });
  await rig.history.sealAll();
  expect([...all(rig, odd).value]).toEqual(values);
});

test('a damaged chunk is a gap with a name, counted once, and the rest is there', async () => {
  const rig = start();
  feedRounds(rig, 0, 350);
  await rig.history.sealAll();
  feedRounds(rig, 350, 700);
  await rig.history.sealAll();
  const db = new DatabaseSync(rig.path);
  const chunk = db
    .prepare('SELECT id, from_at, to_at, blob FROM chunks WHERE from_at > ? ORDER BY id LIMIT 1')
    .get(T0) as { id: number; from_at: number; to_at: number; blob: Uint8Array };
  chunk.blob[FIXED + 3]! ^= 4;
  db.prepare('UPDATE chunks SET blob = ? WHERE id = ?').run(chunk.blob, chunk.id);
  db.close();
  const { value, gaps } = all(rig);
  expect(value).toHaveLength(350);
  expect(gaps).toEqual([
    {
      from: chunk.from_at,
      to: chunk.to_at,
      because: `stored chunk ${chunk.id} is damaged: its checksum differs`,
    },
  ]);
  const range = await rig.history.range({
    series: keyOf(OCTETS),
    from: epochMs(T0),
    to: epochMs(T0 + DAY),
  });
  expect(range?.gaps).toHaveLength(1);
  expect(rig.history.state().corruptChunks).toBe(1);
  expect(rig.said.filter((said) => said.includes('damaged'))).toHaveLength(1);
});

test('while nothing can be sealed the history says so, and goes on when it can again', async () => {
  let isFull = true;
  const wrap = (sealer: Sealer): Sealer => ({
    ...sealer,
    seal: async (job) => (isFull ? { kind: 'failed', because: 'no room' } : sealer.seal(job)),
  });
  const rig = start({ wrap });
  feedRounds(rig, 0, 300);
  await rig.history.settled();
  expect(rig.history.state()).toMatchObject({ stoppedBy: 'no room', sealedSamples: 0 });
  expect(rig.said).toContain('the history is stopped: samples are judged but not kept');
  // The log must not fill what is left of the disk for our sake.
  expect(rig.history.sealedPosition()).toBe(Number.MAX_SAFE_INTEGER);
  feedRounds(rig, 300, 400);
  expectWhole(rig, 400);
  isFull = false;
  await rig.history.sealAll();
  await rig.history.sealAll();
  expect(rig.history.state().stoppedBy).toBeUndefined();
  expectWhole(rig, 400);
  expect(rig.store.usage().chunkSamples).toBe(1600);
});

test('what cannot be sealed is bounded in memory, and what is given up is counted', async () => {
  const wrap = (sealer: Sealer): Sealer => ({
    ...sealer,
    seal: async () => ({ kind: 'failed', because: 'no room' }),
  });
  const rig = start({ wrap, maxWaiting: 1600 });
  feedRounds(rig, 0, 1000);
  const { waiting, lostSamples } = rig.history.state();
  expect(waiting).toBeLessThanOrEqual(1800);
  expect(waiting + lostSamples).toBe(4000);
});

test('the time of samples that were given up is a named gap, also after a restart', async () => {
  let isFull = true;
  const wrap = (sealer: Sealer): Sealer => ({
    ...sealer,
    seal: async (job) => (isFull ? { kind: 'failed', because: 'no room' } : sealer.seal(job)),
  });
  const rig = start({ wrap, maxWaiting: 1600 });
  feedRounds(rig, 0, 1000);
  const { at } = all(rig);
  isFull = false;
  await rig.history.sealAll();
  await rig.history.sealAll();
  const expected = [{ from: at.at(-1)! + STEP, to: T0 + 999 * STEP + 7 }];
  const after = rig.again();
  open.push(after);
  for (const one of [rig, after]) {
    expect(all(one).gaps).toMatchObject(expected);
    expect(all(one).gaps[0]?.because).toContain('given up');
    const early = one.history.samples(keyOf(RTT), epochMs(T0), epochMs(T0 + HOUR));
    expect(early?.gaps).toEqual([]);
  }
});

test('a series of which nothing is left is forgotten at the next start', async () => {
  const rig = start({ rawFor: durationMs(2 * DAY) });
  feedRounds(rig, 0, 10);
  await rig.history.sealAll();
  rig.setNow(T0 + 500 * DAY);
  await rig.history.keep();
  const after = rig.again();
  open.push(after);
  expect(after.history.series(keyOf(RTT))).toBeUndefined();
  after.feed([sample(RTT, T0 + 500 * DAY, 7)], 'live', 11);
  const range = after.history.samples(keyOf(RTT), epochMs(0), epochMs(T0 + 501 * DAY));
  expect([...range!.value]).toEqual([7]);
});

test('days that are over become five-minute figures; old samples and old figures go', async () => {
  const rig = start({ rawFor: durationMs(2 * DAY) });
  const perDay = DAY / STEP;
  for (let n = 0; n < 3.2 * perDay; n++) {
    rig.feed(round(n));
    if (n % 200 === 0) await rig.history.settled();
  }
  await rig.history.sealAll();
  const before = await rig.history.range({
    series: keyOf(RTT),
    from: epochMs(T0),
    to: epochMs(T0 + DAY - 1),
    step: durationMs(300_000),
  });
  await rig.history.keep();
  expect(all(rig).at[0]).toBeGreaterThan(T0 + HOUR * 20);
  const query = { from: epochMs(T0), to: epochMs(T0 + 3 * DAY), step: durationMs(300_000) };
  const rolled = await rig.history.range({ ...query, series: keyOf(RTT) });
  expect(rolled?.at.slice(0, 288)).toEqual(before?.at);
  for (const name of ['value', 'min', 'max', 'p50', 'p95'] as const) {
    expect(rolled?.[name]?.length).toBe(rolled?.at.length);
    rolled?.[name]?.slice(0, 288).forEach((figure, n) => {
      expect(figure / before![name]![n]!).toBeGreaterThan(0.9975);
      expect(figure / before![name]![n]!).toBeLessThan(1.0025);
    });
  }
  expect(rolled?.loss?.slice(0, 3)).toEqual([0.02, 0.02, 0.02].map((l) => expect.closeTo(l, 3)));
  expect(rolled?.count?.slice(0, 800).every((n) => n === 10)).toBe(true);
  const share = `agent-1|if_in_utilisation_ratio|interface:r1/ge-0` as const;
  const shares = await rig.history.range({ ...query, series: share });
  // 375 MB in 30 s over 1 Gbit/s.
  expect(shares!.value.length).toBeGreaterThan(860);
  for (const value of shares!.value) expect(value).toBeCloseTo(0.1, 3);
  rig.setNow(T0 + 500 * DAY);
  await rig.history.keep();
  expect(rig.store.usage()).toMatchObject({ chunkSamples: 0, rollupBytes: 0 });
});

test('rates are those that detection would judge: no rate over a restart, exact beyond 2^53', async () => {
  const uptime = seriesOf('device_uptime_ticks', 'device:r1');
  const rig = start();
  const values = [0, 1, 2, 3, 23, 24].map(octets);
  values.forEach((value, n) => {
    const at = T0 + n * STEP;
    const ticks = n < 3 ? 500_000 + n * 3000 : (n - 3) * 3000 + 10;
    rig.feed([sample(uptime, at, ticks), sample(SPEED, at, 1e9), sample(OCTETS, at, value)]);
  });
  const range = await rig.history.range({
    series: 'agent-1|if_in_utilisation_ratio|interface:r1/ge-0',
    from: epochMs(T0),
    to: epochMs(T0 + HOUR),
  });
  // Round 3 followed a restart; in round 4 more was counted than the line carries.
  expect(Array.from(range!.at, (at) => (at - T0) / STEP)).toEqual([1, 2, 5]);
  for (const value of range?.value ?? []) expect(value).toBeCloseTo(0.1, 9);
});

test('series are found by subject, metric and agent, a page at a time, rates beside their counters', () => {
  const rig = start();
  feedRounds(rig, 0, 1);
  const first = rig.history.find({ limit: 3 });
  expect(first).toEqual({
    series: [
      'agent-1|icmp_loss_ratio|link:l1',
      'agent-1|icmp_rtt_ms|link:l1',
      'agent-1|if_in_octets_total|interface:r1/ge-0',
    ],
    hasMore: true,
  });
  const rest = rig.history.find({ limit: 3, after: first.series.at(-1)! });
  expect(rest).toEqual({
    series: [
      'agent-1|if_in_utilisation_ratio|interface:r1/ge-0',
      'agent-1|if_speed_bps|interface:r1/ge-0',
      'agent-1|path_mos|link:l1',
    ],
    hasMore: false,
  });
  expect(rig.history.find({ limit: 9, subject: 'link:l1', metric: 'icmp_rtt_ms' }).series).toEqual([
    keyOf(RTT),
  ]);
  expect(rig.history.find({ limit: 9, agent: 'nobody' }).series).toEqual([]);
});

test('chunks stay open as long as they are asked for, and not more of them than fit', () => {
  const asked: number[] = [];
  const { blob } = encodeBundle([]);
  const columns = createColumnReader((id) => {
    asked.push(id);
    return id === 9 ? undefined : blob;
  }, 2.5 * openBundle(blob).bytes);
  for (const id of [1, 2, 1, 3, 1, 2, 9]) columns([{ id }], 1);
  // The third put the second out, not the first.
  expect(asked).toEqual([1, 2, 3, 2, 9]);
  // Deleted meanwhile.
  expect(columns([{ id: 9 }], 1)).toEqual([undefined]);
});

test('unknown series have no samples and no range', async () => {
  const rig = start();
  const key = 'agent-1|icmp_rtt_ms|link:none';
  expect(rig.history.samples(key, epochMs(0), epochMs(1))).toBeUndefined();
  expect(
    await rig.history.range({ series: key, from: epochMs(0), to: epochMs(1) }),
  ).toBeUndefined();
  expect(rig.history.latest(key)).toBeUndefined();
});
