import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Lane, ObservedBatch, Series } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { outcomeOf } from '../../server/adapters/remote-write/answer.ts';
import { createMarksFile } from '../../server/adapters/remote-write/marks-file.ts';
import { createRemoteWriter } from '../../server/adapters/remote-write/remote-write.ts';
import { backoff } from '../../server/forward/backoff.ts';
import { createForwarder, type Forwarder } from '../../server/forward/forwarder.ts';
import type { ForwardMarks } from '../../server/ports/remote-write.ts';
import { type Answerer, type FakeStore, startFakeStore } from '../support/fake-store.ts';

const T = 1_700_000_000_000;
const seriesOf = (metric: MetricName, subject: SubjectKey): Series => ({
  metric,
  subject,
  agent: 'hub-a',
});
const RTT = seriesOf('icmp_rtt_ms', 'link:lyon-mpls');
const LOSS = seriesOf('icmp_loss_ratio', 'link:lyon-mpls');

type Point = readonly [Series, number, number | bigint];
const batchOf = (points: readonly Point[], lane: Lane = 'live'): ObservedBatch => ({
  agent: 'hub-a',
  lane,
  samples: points.map(([series, at, value]) => ({ series, at: epochMs(T + at), value })),
});

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const noMarks = (initial: readonly [string, number][] = []): ForwardMarks & { last(): unknown } => {
  let marks: ReadonlyMap<string, number> = new Map(initial);
  return {
    read: () => marks,
    async write(next) {
      marks = new Map(next);
    },
    last: () => Object.fromEntries(marks),
  };
};

interface Bench {
  readonly store: FakeStore;
  readonly forwarder: Forwarder;
  readonly marks: ReturnType<typeof noMarks>;
  readonly said: object[];
  figure(name: string, because?: string): number;
  send(position: number, points: readonly Point[], lane?: Lane): void;
}

async function start(
  answer?: Answerer,
  more: { maxSamples?: number; timeoutMs?: number; samplesPerRequest?: number } = {},
  marks = noMarks(),
): Promise<Bench> {
  const store = await startFakeStore(answer);
  cleanUps.push(store.close);
  const { timeoutMs, ...bounds } = more;
  const writer = createRemoteWriter({
    url: store.url,
    version: '1.2.3',
    headers: { authorization: 'Bearer s3cret' },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const said: object[] = [];
  const forwarder = createForwarder({
    targets: [{ id: 'tsdb', writer, every: durationMs(0) }],
    marks,
    log: { info: () => {}, warn: (fields, sentence) => void said.push({ ...fields, sentence }) },
    random: () => 1,
    ...bounds,
  });
  cleanUps.push(() => forwarder.stop(50));
  return {
    store,
    forwarder,
    marks,
    said,
    figure: (name, because) =>
      [...forwarder.figures()].find(
        (one) => one.name === `remote_write_${name}` && one.labels?.['because'] === because,
      )?.value ?? Number.NaN,
    send: (position, points, lane) =>
      forwarder.observed(batchOf(points, lane), { now: epochMs(T), position }),
  };
}

describe('a request', () => {
  test('is what remote write 1.0 asks for: headers, sorted labels, doubles, milliseconds', async () => {
    const { store, send } = await start();
    const octets: Series = {
      ...seriesOf('if_in_octets_total', 'interface:lyon-r1/Gi0/0 "é"'),
      bits: 64,
    };
    send(1, [
      [RTT, 0, 18.25],
      [octets, 7, 2n ** 60n],
    ]);
    await vi.waitFor(() => expect(store.taken).toHaveLength(2));
    const { headers, series } = store.requests[0]!;
    expect(headers).toMatchObject({
      'content-encoding': 'snappy',
      'content-type': 'application/x-protobuf',
      'x-prometheus-remote-write-version': '0.1.0',
      'user-agent': 'vedette/1.2.3',
      authorization: 'Bearer s3cret',
    });
    expect(series[0]).toEqual({
      labels: [
        ['__name__', 'vedette_icmp_rtt_ms'],
        ['agent', 'hub-a'],
        ['id', 'lyon-mpls'],
        ['kind', 'link'],
      ],
      samples: [{ at: T, value: 18.25 }],
    });
    expect(series[1]).toEqual({
      labels: [
        ['__name__', 'vedette_if_in_octets_total'],
        ['agent', 'hub-a'],
        ['device', 'lyon-r1'],
        ['id', 'lyon-r1/Gi0/0 "é"'],
        ['kind', 'interface'],
      ],
      samples: [{ at: T + 7, value: 2 ** 60 }],
    });
    for (const { labels } of series) {
      expect(labels.map(([name]) => name)).toEqual(labels.map(([name]) => name).toSorted());
    }
  });

  test('holds samples of many inputs, each series once, its times ascending', async () => {
    let release = () => {};
    const { store, send } = await start((_series, response, n) => {
      if (n === 1) release = () => void response.end();
      else response.end();
    });
    send(1, [[RTT, 0, 1]]);
    await vi.waitFor(() => expect(store.requests).toHaveLength(1));
    for (let i = 1; i <= 5; i++)
      send(i + 1, [
        [RTT, i * 10, i],
        [LOSS, i * 10, 0],
      ]);
    release();
    await vi.waitFor(() => expect(store.taken).toHaveLength(11));
    expect(store.requests).toHaveLength(2);
    expect(store.requests[1]?.series.map(({ samples }) => samples.length)).toEqual([5, 5]);
    expect(store.requests[1]?.series[0]?.samples.map(({ at }) => at - T)).toEqual([
      10, 20, 30, 40, 50,
    ]);
  });
});

describe('answers', () => {
  test.each([500, 502, 503, 504, 429])('after %i it is sent again, in order', async (status) => {
    const { store, send, figure, marks, forwarder } = await start((_series, response, n) => {
      if (n <= 1) response.writeHead(status);
      response.end();
    });
    send(1, [[RTT, 0, 1]]);
    send(2, [[RTT, 10, 2]]);
    await vi.waitFor(() => expect(store.taken).toHaveLength(2), { timeout: 3000 });
    expect(store.taken).toEqual([
      `vedette_icmp_rtt_ms{lyon-mpls}@${T}=1`,
      `vedette_icmp_rtt_ms{lyon-mpls}@${T + 10}=2`,
    ]);
    await vi.waitFor(() => expect(figure('samples_total')).toBe(2));
    expect(figure('failures_total')).toBe(1);
    await forwarder.stop(50);
    expect(marks.last()).toEqual({ tsdb: 2 });
  });

  test('Retry-After is obeyed', async () => {
    const at: number[] = [];
    const { store, send } = await start((_series, response, n) => {
      at.push(performance.now());
      if (n === 1) response.writeHead(503, { 'retry-after': '1' });
      response.end();
    });
    send(1, [[RTT, 0, 1]]);
    await vi.waitFor(() => expect(store.taken).toHaveLength(1), { timeout: 4000 });
    expect(at[1]! - at[0]!).toBeGreaterThan(990);
  });

  test('one series that is refused costs itself, not its neighbours, and blocks nothing', async () => {
    const bad = 'l13';
    const { store, send, figure, said } = await start((series, response) => {
      const isBad = series.some(({ labels }) => labels.some(([, value]) => value === bad));
      if (isBad) response.writeHead(400).end('out of order sample');
      else response.end();
    });
    const points = Array.from(
      { length: 100 },
      (_, n): Point => [seriesOf('icmp_rtt_ms', `link:l${n}`), 0, n],
    );
    send(1, points);
    send(2, [[RTT, 10, 1]]);
    await vi.waitFor(() => expect(figure('samples_total')).toBe(100));
    expect(store.taken).toHaveLength(100);
    expect(store.taken.some((text) => text.includes(`{${bad}}`))).toBe(false);
    expect(figure('dropped_samples_total', 'refused')).toBe(1);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({ answer: '400: out of order sample', samples: 1 });
  });

  test('a store that refuses everything is asked a bounded number of times', async () => {
    const { store, send, figure } = await start((_series, response) => {
      response.writeHead(400).end('no');
    });
    send(
      1,
      Array.from({ length: 2000 }, (_, n) => [seriesOf('icmp_rtt_ms', `link:l${n}`), 0, n]),
    );
    await vi.waitFor(() => expect(figure('dropped_samples_total', 'refused')).toBe(2000), {
      timeout: 10_000,
    });
    expect(store.requests.length).toBeLessThanOrEqual(65);
    expect(figure('waiting_samples')).toBe(0);
  });

  test.each([
    ['wrong token', 401],
    ['not allowed', 403],
    ['wrong address', 404],
    ['a redirect', 302],
  ])('%s (%i): dropped, counted, said once, the token nowhere', async (_what, status) => {
    const { send, figure, said } = await start((_series, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('no\u0007\n<b>way</b>');
    });
    send(1, [[RTT, 0, 1]]);
    await vi.waitFor(() => expect(figure('dropped_samples_total', 'refused')).toBe(1));
    send(2, [[RTT, 1, 1]]);
    await vi.waitFor(() => expect(figure('dropped_samples_total', 'refused')).toBe(2));
    expect(said).toHaveLength(1);
    expect(JSON.stringify(said)).toContain(`${status}: no <b>way</b>`);
    expect(JSON.stringify(said)).not.toContain('s3cret');
  });

  test('an answer without end, a cut connection and silence are only delays', async () => {
    const { store, send } = await start(
      (_series, response, n) => {
        if (n === 1) {
          response.writeHead(200);
          const chunk = Buffer.alloc(65_536, 'x');
          const more = () => {
            while (!response.destroyed && response.write(chunk));
          };
          response.on('drain', more).on('error', () => {});
          more();
        } else if (n === 2) response.destroy();
        else if (n === 3) return;
        else response.end();
      },
      { timeoutMs: 300 },
    );
    send(1, [[RTT, 0, 1]]);
    await vi.waitFor(() => expect(store.requests.length).toBeGreaterThan(0));
    send(2, [[RTT, 10, 2]]);
    await vi.waitFor(() => expect(store.taken.at(-1)).toContain('=2'), { timeout: 5000 });
  });

  test.each([
    [204, null, { kind: 'written' }],
    [302, null, { kind: 'refused', isDivisible: false }],
    [413, null, { kind: 'refused', isDivisible: true }],
    [500, null, { kind: 'later', scope: 'request' }],
    [503, '7', { kind: 'later', scope: 'destination', retryAfter: 7000 }],
    [429, 'Tue, 14 Nov 2023 22:13:30 GMT', { kind: 'later', retryAfter: 10_000 }],
  ])('%i with retry-after %s', (status, retryAfter, expected) => {
    expect(outcomeOf({ status, retryAfter, body: '' }, T)).toMatchObject(expected);
  });

  test.each(['-5', 'soon', '1e9', '99999999999', 'Tue, 14 Nov 1999 22:13:30 GMT', ''])(
    'a Retry-After of %j is ignored',
    (retryAfter) => {
      expect(outcomeOf({ status: 503, retryAfter, body: '' }, T)).not.toHaveProperty('retryAfter');
    },
  );

  test('waits double to half a minute, jitter shortens them, a request for rest is bounded', () => {
    expect([1, 2, 3, 7, 50].map((n) => backoff(n, 0))).toEqual([500, 1000, 2000, 30_000, 30_000]);
    expect(backoff(3, 1)).toBe(1000);
    expect(backoff(1, 0, durationMs(3_600_000))).toBe(600_000);
  });
});

describe('the queue', () => {
  test('late samples travel apart from new ones', async () => {
    const { store, send } = await start((series, response) => {
      const isOld = series.some(({ samples }) => samples.some(({ at }) => at < T));
      if (isOld) response.writeHead(400).end('out of bounds');
      else response.end();
    });
    send(1, [[RTT, 10, 1]]);
    await vi.waitFor(() => expect(store.taken).toHaveLength(1));
    send(
      2,
      [
        [RTT, -50, 0],
        [RTT, -60, 0],
        [RTT, 20, 2],
        [LOSS, 20, 0],
      ],
      'backfill',
    );
    await vi.waitFor(() => expect(store.taken).toHaveLength(3));
    const late = store.requests.find(({ series }) => series[0]!.samples[0]!.at < T);
    expect(late?.series).toHaveLength(1);
    expect(late?.series[0]?.samples.map(({ at }) => at - T)).toEqual([-60, -50]);
  });

  test('is bounded: the oldest give way and are counted, order stays', async () => {
    let isDown = true;
    const { store, send, figure, said } = await start(
      (_series, response) => {
        if (isDown) response.writeHead(503);
        response.end();
      },
      { maxSamples: 10, samplesPerRequest: 4 },
    );
    for (let i = 1; i <= 100; i++) send(i, [[RTT, i, i]]);
    await vi.waitFor(() => expect(figure('failures_total')).toBeGreaterThan(0));
    expect(figure('dropped_samples_total', 'overflow')).toBeGreaterThanOrEqual(86);
    expect(figure('waiting_samples')).toBeLessThanOrEqual(14);
    isDown = false;
    await vi.waitFor(() => expect(figure('waiting_samples')).toBe(0), { timeout: 4000 });
    const values = store.taken.map((text) => Number(text.split('=')[1]));
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(values.at(-1)).toBe(100);
    expect(figure('samples_total') + figure('dropped_samples_total', 'overflow')).toBe(100);
    expect(said.length).toBeLessThanOrEqual(2);
  });

  test('an input larger than a request is cut, and its mark waits for the last piece', async () => {
    const { store, send, forwarder, marks } = await start(undefined, { samplesPerRequest: 10 });
    send(
      7,
      Array.from({ length: 25 }, (_, n) => [seriesOf('icmp_rtt_ms', `link:l${n}`), 0, n]),
    );
    await vi.waitFor(() => expect(store.taken).toHaveLength(25));
    expect(store.requests).toHaveLength(3);
    await forwarder.stop(50);
    expect(marks.last()).toEqual({ tsdb: 7 });
  });
});

describe('a restart', () => {
  test('sends again only what came after the mark', async () => {
    const { store, send, figure } = await start(undefined, {}, noMarks([['tsdb', 5]]));
    for (let i = 1; i <= 8; i++) send(i, [[RTT, i, i]]);
    await vi.waitFor(() => expect(figure('samples_total')).toBe(3));
    expect(store.taken.map((text) => text.split('=')[1])).toEqual(['6', '7', '8']);
  });

  test('from a backup, whose log ends before the mark, does not keep new samples back', async () => {
    const { store, send, forwarder } = await start(undefined, {}, noMarks([['tsdb', 900]]));
    forwarder.restored(5);
    send(6, [[RTT, 1, 1]]);
    await vi.waitFor(() => expect(store.taken).toHaveLength(1));
  });

  test('a stop sends what waits, and says what it could not send', async () => {
    const { store, send, forwarder, said } = await start((_series, response, n) => {
      if (n > 1) response.writeHead(503);
      response.end();
    });
    send(1, [[RTT, 1, 1]]);
    await vi.waitFor(() => expect(store.taken).toHaveLength(1));
    send(2, [[RTT, 2, 1]]);
    await forwarder.stop(100);
    expect(said.at(-1)).toMatchObject({ left: 1, sentence: expect.stringContaining('stopped') });
  });

  test('marks survive in a file; a damaged one means none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-marks-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'remote-write.json');
    const marks = createMarksFile(path);
    expect(marks.read()).toEqual(new Map());
    await marks.write(new Map([['a', 12]]));
    expect(createMarksFile(path).read()).toEqual(new Map([['a', 12]]));
    writeFileSync(path, '{"a":-1,"b":"x","c":1e99,"d":3}');
    expect(marks.read()).toEqual(new Map([['d', 3]]));
    writeFileSync(path, readFileSync(path).subarray(0, 5));
    expect(marks.read()).toEqual(new Map());
  });
});
