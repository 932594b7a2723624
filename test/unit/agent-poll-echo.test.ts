import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { datedBy, echoFigures, NO_JITTER } from '../../agent/poll/echo-figures.ts';
import { echoLimits } from '../../agent/poll/echo-policy.ts';
import { createEchoTask } from '../../agent/poll/echo-task.ts';
import { createNames } from '../../agent/poll/names.ts';
import { createProbeNotes } from '../../agent/poll/notes.ts';
import { createPoller } from '../../agent/poll/poller.ts';
import type { PollReport } from '../../agent/poll/report.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { IcmpTarget, StampTarget } from '../../protocol/wire/agent-config.ts';
import {
  createFakeClock,
  createFakeEchoEngine,
  createFakeLog,
  FAKE_START,
  type FakeClock,
} from '../support/agent-fakes.ts';

const lost = Number.NaN;
const figuresOf = (rtts: number[], before = NO_JITTER) =>
  echoFigures({ sent: rtts.length, rttMs: Float64Array.from(rtts) }, before);

describe('the figures of a round', () => {
  test.each([
    { rtts: [1, 2, 3, 4, 5], median: 3, p95: 5, loss: 0, because: 'odd number' },
    { rtts: [4, 1, 3, 2], median: 2.5, p95: 4, loss: 0, because: 'even number, unordered' },
    { rtts: [lost, 2, lost, 4], median: 3, p95: 4, loss: 0.5, because: 'lost ones do not count' },
    { rtts: [10, 2], median: 6, p95: 10, loss: 0, because: 'sorted as numbers, not as text' },
  ])('$because', ({ rtts, median, p95, loss }) => {
    const { figures } = figuresOf(rtts);
    expect(figures.rtt?.medianMs).toBe(median);
    expect(figures.rtt?.p95Ms).toBe(p95);
    expect(figures.lossRatio).toBe(loss);
  });

  test('a round without an answer has loss only, and keeps the jitter for later', () => {
    const { figures, jitter } = figuresOf([lost, lost], { jitterMs: 3, lastRttMs: 9 });
    expect(figures).toEqual({ sent: 2, answered: 0, lossRatio: 1 });
    expect(jitter).toEqual({ jitterMs: 3, lastRttMs: 9 });
  });

  test('jitter follows RFC 3550 and goes on across rounds', () => {
    // J = 0 + (|16 - 0|... first difference 16: 16/16 = 1; then 8: 1 + (8 - 1)/16 = 1.4375.
    const first = figuresOf([10, 26]);
    expect(first.figures.jitterMs).toBe(1);
    const second = figuresOf([lost, 18], first.jitter);
    expect(second.figures.jitterMs).toBe(1.4375);
  });

  test('IPDV is the mean step between neighbours that were both answered', () => {
    expect(figuresOf([10, 14, lost, 20, 18]).figures.ipdvMs).toBe(3);
    expect(figuresOf([10, lost, 20]).figures.ipdvMs).toBeUndefined();
  });

  test('for any answers: min <= median <= p95 <= max, loss between 0 and 1', () => {
    const rtt = fc.oneof(fc.double({ min: 0, max: 1e4, noNaN: true }), fc.constant(lost));
    fc.assert(
      fc.property(fc.array(rtt, { minLength: 1, maxLength: 100 }), (rtts) => {
        const { figures } = figuresOf(rtts);
        expect(figures.lossRatio).toBeGreaterThanOrEqual(0);
        expect(figures.lossRatio).toBeLessThanOrEqual(1);
        expect(figures.answered === 0).toBe(figures.rtt === undefined);
        if (figures.rtt === undefined) return;
        const { minMs, medianMs, p95Ms, maxMs } = figures.rtt;
        expect(minMs <= medianMs && medianMs <= p95Ms && p95Ms <= maxMs).toBe(true);
      }),
    );
  });

  test('a round speaks for its last answered packet, or its last sent one', () => {
    const round = (rtts: number[]) => ({
      startedAt: epochMs(1000),
      rttMs: Float64Array.from(rtts),
    });
    expect(datedBy(round([1, 1, lost, lost]), 500)).toBe(1500);
    expect(datedBy(round([lost, lost, lost]), 500)).toBe(2000);
  });
});

test.each([
  { timeout: 1000, usual: undefined, jitter: undefined, suspect: 1000, confirm: 1000 },
  { timeout: 1000, usual: 1, jitter: 0.1, suspect: 200, confirm: 300 },
  { timeout: 1000, usual: 80, jitter: 10, suspect: 360, confirm: 360 },
  { timeout: 1000, usual: 600, jitter: 50, suspect: 1000, confirm: 1000 },
])('suspicion and burst wait $suspect and $confirm ms at a usual RTT of $usual', (row) => {
  expect(echoLimits(row.timeout, row.usual, row.jitter)).toEqual({
    suspectAfter: row.suspect,
    confirmTimeout: row.confirm,
  });
});

describe('a target in its rounds', () => {
  const target: IcmpTarget = {
    id: 'r1-icmp',
    probe: 'icmp',
    subject: 'device:r1',
    address: '192.0.2.1',
    count: 5,
    every: 5000,
    timeout: 1000,
  };
  let clock: FakeClock;
  let reports: Array<PollReport & { shippedAt: number }>;
  /** Outages as [from, to) on the elapsed clock. */
  let outages: Array<[number, number]>;

  beforeEach(() => {
    clock = createFakeClock();
    reports = [];
    outages = [];
  });

  function start(settings: IcmpTarget | StampTarget = target, rttMs = 10) {
    const engine = createFakeEchoEngine(clock, (at) =>
      outages.some(([from, to]) => at >= from && at < to) ? lost : rttMs,
    );
    const notes = createProbeNotes();
    const poller = createPoller({ clock, log: createFakeLog() });
    const task = createEchoTask(settings, {
      engine,
      clock,
      notes,
      names: createNames({ lookUp: async () => undefined, clock }),
      submit: (report) => reports.push({ ...report, shippedAt: clock.elapsed() }),
    });
    poller.set(task);
    return { engine, notes, poller, task };
  }
  const values = (metric: string) =>
    reports.flatMap((report) =>
      report.samples
        .filter((sample) => sample.metric === metric)
        .map((sample) => ({
          value: sample.value,
          at: sample.at - FAKE_START,
          shippedAt: report.shippedAt,
          isUrgent: report.isUrgent === true,
        })),
    );

  test('echoes are spread evenly over the round and the next round follows without a gap', async () => {
    const sends: number[] = [];
    const engine = createFakeEchoEngine(clock, (at) => {
      sends.push(at);
      return 10;
    });
    const poller = createPoller({ clock, log: createFakeLog() });
    poller.set(
      createEchoTask(target, {
        engine,
        clock,
        notes: createProbeNotes(),
        names: createNames({ lookUp: async () => undefined, clock }),
        submit: (report) => reports.push({ ...report, shippedAt: clock.elapsed() }),
      }),
    );
    await clock.advance(30_000);
    const steps = sends.slice(1).map((at, i) => at - (sends[i] as number));
    expect(new Set(steps)).toEqual(new Set([1000]));
    expect(values('icmp_loss_ratio').length).toBeGreaterThanOrEqual(4);
    expect(values('icmp_rtt_ms')[0]).toMatchObject({ value: 10, isUrgent: false });
    expect(values('icmp_confirm_loss_ratio')).toEqual([]);
  });

  test('an outage is confirmed and shipped about two seconds after it begins', async () => {
    start();
    for (let i = 0; i < 20; i++) outages.push([60_000 + i * 60_137, 80_000 + i * 60_137]);
    await clock.advance(20 * 61_000);
    const delays = outages.map(([from, to]) => {
      const found = values('icmp_confirm_loss_ratio').find(
        (sample) => sample.shippedAt >= from && sample.shippedAt < to,
      );
      expect(found).toMatchObject({ value: 1, isUrgent: true });
      return (found?.shippedAt as number) - from;
    });
    delays.sort((a, b) => a - b);
    expect(delays[10]).toBeLessThan(2100);
    expect(delays.at(-1)).toBeLessThan(2600);
  });

  test('an outage that goes on is confirmed again once in every round', async () => {
    start();
    outages.push([20_300, 50_300]);
    await clock.advance(50_000);
    const bursts = values('icmp_confirm_loss_ratio');
    expect(bursts.length).toBeGreaterThanOrEqual(5);
    expect(bursts.length).toBeLessThanOrEqual(7);
    expect(bursts.every((sample) => sample.value === 1)).toBe(true);
    expect(values('icmp_loss_ratio').filter((sample) => sample.value === 1).length).toBeGreaterThan(
      3,
    );
  });

  test('recovery is shipped about a second after it happens, and the round goes on', async () => {
    start();
    outages.push([20_300, 43_700]);
    await clock.advance(60_000);
    const first = values('icmp_rtt_ms').find((sample) => sample.at >= 43_700);
    expect(first?.isUrgent).toBe(true);
    expect((first?.shippedAt as number) - 43_700).toBeLessThan(1100);
    const after = values('icmp_loss_ratio').filter((sample) => sample.at > 45_000);
    expect(after.length).toBeGreaterThanOrEqual(3);
    expect(after.every((sample) => sample.value === 0)).toBe(true);
  });

  test('a short outage within one round is over at once too', async () => {
    start();
    outages.push([20_300, 23_300]);
    await clock.advance(60_000);
    const down = values('icmp_confirm_loss_ratio').find((sample) => sample.value === 1);
    const up = values('icmp_rtt_ms').find((sample) => sample.at >= 23_300);
    expect(down?.shippedAt).toBeLessThan(23_000);
    expect(up?.shippedAt).toBeLessThan(24_500);
  });

  test('a half-answered round is never dated after the burst that found the outage', async () => {
    start();
    for (let i = 0; i < 30; i++) outages.push([60_000 + i * 60_137, 80_000 + i * 60_137]);
    await clock.advance(30 * 61_000);
    for (const [from, to] of outages) {
      const down = values('icmp_confirm_loss_ratio').find((sample) => sample.shippedAt > from);
      const answered = values('icmp_rtt_ms').filter(
        (sample) => sample.at > (down?.at as number) && sample.at < to,
      );
      expect(answered).toEqual([]);
    }
  });

  test('a single lost echo starts one burst, which is answered, and no doubt', async () => {
    const { engine } = start();
    outages.push([20_000, 21_000]);
    await clock.advance(40_000);
    expect(values('icmp_confirm_loss_ratio')).toMatchObject([{ value: expect.any(Number) }]);
    expect(values('icmp_confirm_loss_ratio')[0]?.value).toBeLessThan(1);
    expect(engine.requests.filter((request) => request.count === 10)).toHaveLength(1);
    expect(engine.requests.some((request) => request.count === 1)).toBe(false);
  });

  test('a loss that is only noticed with the time-out still starts the burst', async () => {
    start({ ...target, timeout: 200 });
    outages.push([20_000, 30_000]);
    await clock.advance(30_000);
    expect(values('icmp_confirm_loss_ratio')[0]).toMatchObject({ value: 1, isUrgent: true });
  });

  test('what did not leave the machine is no loss: nothing is shipped, a note says why', async () => {
    const { engine, notes } = start();
    await clock.advance(10_000);
    const before = reports.length;
    engine.unsent = { because: 'no-route', text: 'the network is unreachable' };
    await clock.advance(30_000);
    expect(reports.length - before).toBeLessThanOrEqual(1);
    expect(values('icmp_loss_ratio').every((sample) => sample.value === 0)).toBe(true);
    expect(notes.summary('icmp')).toContain('no-route');
    engine.unsent = undefined;
    await clock.advance(10_000);
    expect(notes.summary('icmp')).toBeUndefined();
  });

  test('doubt is not lifted by packets that could not leave', async () => {
    const { engine } = start();
    outages.push([20_300, 90_000]);
    await clock.advance(30_000);
    engine.unsent = { because: 'no-route', text: 'the network is unreachable' };
    const before = reports.length;
    await clock.advance(20_000);
    expect(reports.slice(before).flatMap((report) => report.samples).length).toBeLessThanOrEqual(1);
    engine.unsent = undefined;
    await clock.advance(10_000);
    expect(values('icmp_confirm_loss_ratio').at(-1)).toMatchObject({ value: 1 });
  });

  test('a name that does not resolve is not measured and not lost', async () => {
    const { notes } = start({ ...target, address: 'nowhere.invalid' });
    await clock.advance(20_000);
    expect(reports).toEqual([]);
    expect(notes.summary('icmp')).toContain('nowhere.invalid does not resolve');
  });

  test('a confirmation asked for by the server reports ten echoes at once', async () => {
    const { task } = start();
    await clock.advance(12_000);
    void task.confirm();
    await clock.advance(1500);
    expect(values('icmp_confirm_loss_ratio')).toMatchObject([{ value: 0, isUrgent: true }]);
  });

  test('after it is closed, a target ships nothing more', async () => {
    const { poller } = start();
    outages.push([20_300, 90_000]);
    await clock.advance(25_000);
    poller.close();
    const before = reports.length;
    await clock.advance(20_000);
    expect(reports).toHaveLength(before);
  });

  test('a wall clock that is set back is followed', async () => {
    start();
    await clock.advance(20_000);
    clock.setWall(-3_600_000);
    await clock.advance(20_000);
    expect(values('icmp_rtt_ms').at(-1)?.at).toBeLessThan(-3_500_000);
  });

  test('one-way figures come only where both clocks are synchronised', async () => {
    const stamp: StampTarget = {
      ...target,
      probe: 'stamp',
      subject: 'link:l1',
      port: 862,
      source: '192.0.2.9',
      dscp: 46,
    };
    const { engine } = start(stamp);
    await clock.advance(12_000);
    expect(engine.requests[0]).toMatchObject({
      kind: 'stamp',
      port: 862,
      source: '192.0.2.9',
      dscp: 46,
      count: 5,
    });
    expect(values('stamp_loss_ratio')[0]).toMatchObject({ value: 0 });
    expect(values('stamp_forward_ms')).toEqual([]);
  });
});
