import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import type { RangeView } from '../../protocol/wire/views.ts';
import { answerError } from '../../server/show/problems.ts';
import { registerRange } from '../../server/show/range.ts';
import {
  type HistoryRig,
  HOUR,
  keyOf,
  sample,
  seriesOf,
  startHistoryRig,
  T0,
} from '../support/history-rig.ts';

const RTT = seriesOf('icmp_rtt_ms');
const LOSS = seriesOf('icmp_loss_ratio');
const open: { app: FastifyInstance; rig: HistoryRig }[] = [];

afterEach(async () => {
  for (const { app, rig } of open.splice(0)) {
    await app.close();
    await rig.close();
  }
});

async function api(rounds: number) {
  const rig = startHistoryRig();
  const app = Fastify();
  app.setErrorHandler(answerError);
  registerRange(app, rig.history, {});
  open.push({ app, rig });
  for (let n = 0; n < rounds; n++) {
    const at = T0 + n * 30_000;
    rig.feed([sample(RTT, at, n === 50 ? 900 : 20), sample(LOSS, at, n % 2 ? 0.2 : 0)]);
  }
  await rig.history.sealAll();
  const get = async (url: string) => {
    const answer = await app.inject({ url });
    return { status: answer.statusCode, body: answer.json() };
  };
  return { get };
}

const range = (from: number, to: number, more = '') =>
  `/api/v1/range?series=${encodeURIComponent(keyOf(RTT))}&from=${from}&to=${to}${more}`;

test('a short range comes sample by sample, a spike of one sample included', async () => {
  const { get } = await api(120);
  const { body } = await get(range(T0, T0 + HOUR));
  expect(body).toMatchObject({ series: keyOf(RTT), metric: 'icmp_rtt_ms', form: 'raw' });
  expect(body.value).toHaveLength(120);
  expect(body.value[50]).toBe(900);
  expect(body).not.toHaveProperty('gaps');
});

test('with a step it comes in buckets, with quantiles and the loss of the same probe', async () => {
  const { get } = await api(120);
  const body = (await get(range(T0, T0 + HOUR, '&step=300000'))).body as RangeView;
  expect(body.form).toBe('buckets');
  expect(body.at).toEqual(Array.from({ length: 12 }, (_, n) => T0 + n * 300_000));
  expect(body.count).toEqual(Array(12).fill(10));
  expect(body.max?.[5]).toBe(900);
  expect(body.min?.[5]).toBe(20);
  expect(body.p50?.[5]).toBe(20);
  expect(body.p95?.[5]).toBe(900);
  expect(body.value[5]).toBe(108);
  expect(body.loss?.[5]).toBeCloseTo(0.1, 9);
});

test('a year comes in buckets that fit a picture', async () => {
  const { get } = await api(120);
  const { status, body } = await get(range(T0 - 365 * 24 * HOUR, T0 + HOUR));
  expect(status).toBe(200);
  expect(body).toMatchObject({ form: 'buckets', step: 6 * HOUR, count: [120] });
});

test.each([
  ['a step that gives too many buckets', range(T0, T0 + 90 * 24 * HOUR, '&step=1000')],
  ['a step of nothing', range(T0, T0 + HOUR, '&step=0')],
  ['an end before the beginning', range(T0 + 1, T0)],
  ['a range of a thousand years', range(0, 1000 * 365 * 24 * HOUR)],
  ['a series without a metric', '/api/v1/range?series=a&from=1&to=2'],
  ['a subject of no kind', '/api/v1/series?subject=lyon'],
  ['a metric of no catalogue', '/api/v1/series?metric=nothing'],
  ['a page without end', '/api/v1/series?limit=100000'],
])('%s is refused', async (_, url) => {
  const { get } = await api(1);
  expect((await get(url)).status).toBe(400);
});

test('an unknown series is not found', async () => {
  const { get } = await api(1);
  const url = range(T0, T0 + 1).replace('link%3Al1', 'link%3Anone');
  expect((await get(url)).status).toBe(404);
});

test('series are listed in pages that follow each other', async () => {
  const { get } = await api(1);
  const first = (await get('/api/v1/series?limit=1&subject=link:l1')).body;
  expect(first.series).toEqual([
    { series: keyOf(LOSS), agent: 'agent-1', metric: 'icmp_loss_ratio', subject: 'link:l1' },
  ]);
  const cursor = encodeURIComponent(first.nextCursor);
  const rest = (await get(`/api/v1/series?limit=2&subject=link:l1&cursor=${cursor}`)).body;
  const metrics = rest.series.map(({ metric }: { metric: string }) => metric);
  expect(metrics).toEqual(['icmp_rtt_ms', 'path_mos']);
  expect(rest).not.toHaveProperty('nextCursor');
});
