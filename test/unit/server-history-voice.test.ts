import { afterEach, expect, test } from 'vitest';
import { createRandom } from '../../lab/random.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { createSiteEngine } from '../../rules/site-engine.ts';
import { settings } from '../support/detection.ts';
import {
  DAY,
  type HistoryRig,
  HOUR,
  sample,
  seriesOf,
  startHistoryRig,
  T0,
} from '../support/history-rig.ts';

const open: HistoryRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0).reverse()) await rig.close();
});

const EVERY = 5000;
const MOS = 'agent-1|path_mos|link:l1';
const series = (probe: 'icmp' | 'stamp', every: number) => ({
  loss: seriesOf(`${probe}_loss_ratio`, 'link:l1', every),
  rtt: seriesOf(`${probe}_rtt_ms`, 'link:l1', every),
  jitter: seriesOf(`${probe}_jitter_ms`, 'link:l1', every),
});

/** Feeds the same rounds to detection and to the history; returns the scores that detection heard. */
function feedBoth(
  rig: HistoryRig,
  rounds: number,
  every: number,
  isStampAt: (n: number) => boolean,
) {
  const random = createRandom(11);
  const heard: [EpochMs, number][] = [];
  const engine = createSiteEngine(settings(), undefined, (_agent, metric, _subject, at, value) => {
    if (metric === 'path_mos') heard.push([at, value]);
  });
  const roundOf = (probe: 'icmp' | 'stamp', at: number): Sample[] => {
    const { loss, rtt, jitter } = series(probe, every);
    const lost = random.next() < 0.1 ? 1 : random.next() < 0.2 ? 0.2 : 0;
    if (lost === 1) return [sample(loss, at, 1)];
    const delay = Math.round(random.between(20_000, 200_000)) / 1000;
    return [
      sample(loss, at, lost),
      sample(rtt, at, delay),
      sample(jitter, at, Math.round(delay) / 10),
    ];
  };
  for (let n = 0; n < rounds; n++) {
    // Both at one time now and then, and every seventh round is missing.
    if (n % 7 === 6) continue;
    const at = T0 + n * every;
    const samples = [
      ...roundOf('icmp', at),
      ...(isStampAt(n) ? roundOf('stamp', at + (n % 2) * 40) : []),
    ];
    rig.feed(samples, 'live', n + 1);
    const now = epochMs(at + 50);
    engine.observe({ agent: 'agent-1', lane: 'live', samples }, { now, position: n + 1 });
  }
  return heard;
}

test.each([
  { because: 'ICMP alone', isStampAt: () => false },
  { because: 'STAMP beside it from the start', isStampAt: () => true },
  { because: 'STAMP that came later', isStampAt: (n: number) => n > 200 },
])('voice of a path is on record as detection judged it: $because', async ({ isStampAt }) => {
  const rig = startHistoryRig();
  open.push(rig);
  const heard = feedBoth(rig, 720, EVERY, isStampAt);
  expect(heard.length).toBeGreaterThan(50);
  const range = (from: number, to: number) =>
    rig.history.range({ series: MOS, from: epochMs(from), to: epochMs(to) });
  const expectAll = async () => {
    const all = await range(T0, T0 + HOUR);
    expect([...all!.at]).toEqual(heard.map(([at]) => at));
    all!.value.forEach((mos, i) => {
      expect(mos).toBeCloseTo(heard[i]![1], 9);
    });
  };
  await expectAll();
  await rig.history.sealAll();
  await expectAll();
  // A range that begins in the midst of a minute.
  const part = await range(T0 + 0.5 * HOUR + 30_000, T0 + 0.6 * HOUR);
  const wanted = heard.filter(([at]) => at >= T0 + 0.5 * HOUR + 30_000 && at <= T0 + 0.6 * HOUR);
  expect([...part!.at]).toEqual(wanted.map(([at]) => at));
});

test('voice is found by name, once for both probes, and has no range where nothing is measured', async () => {
  const rig = startHistoryRig();
  open.push(rig);
  feedBoth(rig, 30, EVERY, () => true);
  expect(rig.history.find({ limit: 9, metric: 'path_mos' }).series).toEqual([MOS]);
  const series = 'agent-1|path_mos|link:none';
  const range = { from: epochMs(T0), to: epochMs(T0 + HOUR) };
  expect(await rig.history.range({ series, ...range })).toBeUndefined();
});

test('when the samples are rolled up the score is of five minutes, near that of their minutes', async () => {
  const rig = startHistoryRig();
  open.push(rig);
  const { loss, rtt, jitter } = series('icmp', 30_000);
  for (let n = 0; n < 2880; n++) {
    const at = T0 + n * 30_000;
    const slow = 1 + Math.sin(n / 300);
    rig.feed([
      sample(loss, at, n % 10 === 0 ? 0.1 * slow : 0),
      sample(rtt, at, Math.round(40_000 + 90_000 * slow + (n % 5) * 800) / 1000),
      sample(jitter, at, 2 + (n % 3)),
    ]);
  }
  await rig.history.sealAll();
  const query = { series: MOS, step: durationMs(3_600_000) } as const;
  const day = { ...query, from: epochMs(T0), to: epochMs(T0 + DAY - 1) };
  const minutes = await rig.history.range(day);
  rig.setNow(T0 + 1.5 * DAY);
  await rig.history.keep();
  const rolled = await rig.history.range({ ...day, to: epochMs(T0 + 3 * DAY) });
  expect(rolled?.at).toEqual(minutes?.at);
  expect(Math.max(...rolled!.value) - Math.min(...rolled!.value)).toBeGreaterThan(0.1);
  rolled!.value.forEach((mos, i) => {
    expect(Math.abs(mos - minutes!.value[i]!)).toBeLessThan(0.05);
  });
  expect(rolled?.loss).toBeUndefined();
});
