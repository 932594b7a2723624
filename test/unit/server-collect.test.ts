import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { batch, DICTIONARY, LINK, type Rig, SPOOL, startRig } from '../support/server-rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const inLog = async (): Promise<number> =>
  (await rig.records()).filter((r) => r.kind === 'batch' || r.kind === 'dictionary').length;

describe('a batch that is refused changes nothing', () => {
  const future = Date.now() + 3_600_000;
  test.each<[string, unknown, Record<string, string>, number, string]>([
    ['no JSON', '{', {}, 400, 'malformed'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400, 'malformed'],
    ['null', 'null', {}, 400, 'malformed'],
    ['an unknown field', { ...batch(1), extra: 1 }, {}, 400, 'malformed'],
    ['a prototype in disguise', '{"__proto__":{"v":1}}', {}, 400, 'malformed'],
    ['sequence 0', batch(0), {}, 400, 'malformed'],
    ['another version', { ...batch(1), v: 9 }, {}, 400, 'unsupported-version'],
    ['another agent', { ...batch(1), agent: 'agent-2' }, {}, 403, 'wrong-agent'],
    [
      'columns of different lengths',
      batch(1, { gauges: { series: [0, 1], at: [0], value: [1, 2] } }),
      {},
      400,
      'malformed',
    ],
    ['an infinite value', JSON.stringify(batch(1)).replace('18.2', '1e999'), {}, 400, 'malformed'],
    [
      'a metric that does not exist',
      batch(1, { dictionary: [{ index: 0, metric: 'no_such', subject: LINK }] }),
      {},
      422,
      'unknown-metric',
    ],
    [
      'a subject of somebody else',
      batch(1, { dictionary: [{ index: 0, metric: 'icmp_rtt_ms', subject: 'link:paris' }] }),
      {},
      403,
      'foreign-subject',
    ],
    [
      'an interface of a device that is not polled',
      batch(1, {
        dictionary: [{ index: 0, metric: 'if_oper_up', subject: 'interface:paris-r1/ge-0' }],
      }),
      {},
      403,
      'foreign-subject',
    ],
    [
      'the name of a foreign interface',
      batch(1, { interfaces: [{ subject: 'interface:paris-r1/x', ifIndex: 1, name: 'x' }] }),
      {},
      403,
      'foreign-subject',
    ],
    [
      'one index for two series',
      batch(1, {
        dictionary: [
          { index: 0, metric: 'icmp_rtt_ms', subject: LINK },
          { index: 0, metric: 'icmp_jitter_ms', subject: LINK },
        ],
      }),
      {},
      409,
      'dictionary-conflict',
    ],
    ['an index nobody told', batch(1, { dictionary: [] }), {}, 409, 'dictionary-unknown'],
    [
      'a counter among the gauges',
      batch(1, { gauges: { series: [2], at: [0], value: [5] } }),
      {},
      400,
      'malformed',
    ],
    [
      'a counter beyond 64 bits',
      batch(1, {
        counters: [{ series: 2, at: [0, 1], base: '18446744073709551615', delta: [1] }],
      }),
      {},
      400,
      'malformed',
    ],
    [
      'a counter with a missing delta',
      batch(1, { counters: [{ series: 2, at: [0, 1], base: '1', delta: [] }] }),
      {},
      400,
      'malformed',
    ],
    ['samples of the future', batch(1, { at: future }), {}, 422, 'from-the-future'],
    ['a clock in the future', batch(1), { 'vedette-sent-at': `${future}` }, 422, 'from-the-future'],
    ['a header that is no number', batch(1), { 'vedette-oldest': 'many' }, 400, 'malformed'],
    ['a gap', batch(3, { dictionary: DICTIONARY }), {}, 409, 'sequence-gap'],
    [
      'a sequence it should not hold',
      batch(3, { dictionary: DICTIONARY }),
      { 'vedette-oldest': '4' },
      400,
      'malformed',
    ],
    ['another encoding', batch(1), { 'content-encoding': 'br' }, 415, 'unsupported-encoding'],
    ['garbage as gzip', 'no gzip', { 'content-encoding': 'gzip' }, 400, 'malformed'],
    ['garbage as zstd', 'no zstd', { 'content-encoding': 'zstd' }, 400, 'malformed'],
    ['nothing at all', '', { 'content-type': '' }, 400, 'malformed'],
    [
      'garbage as gzip without a type',
      'x',
      { 'content-encoding': 'gzip', 'content-type': '' },
      400,
      'malformed',
    ],
    ['no token', batch(1), { authorization: '' }, 401, 'unauthenticated'],
    ['a wrong token', batch(1), { authorization: 'Bearer vdt_x' }, 401, 'unauthenticated'],
  ])('%s', async (_name, body, headers, status, code) => {
    const answer = await rig.post(body, headers);
    expect(answer.body).toMatchObject({ status, code, type: `urn:vedette:problem:${code}` });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(String(answer.body['detail']).length).toBeGreaterThan(5);
    expect(await inLog()).toBe(0);
    expect(rig.engine.state().samples).toBe(0);
    // And nothing of it is remembered: the honest batch goes through.
    expect((await rig.post(batch(1))).status).toBe(200);
  });
});

test('more than the limit after decompression is 413, however small it was sent', async () => {
  for (const compress of [gzipSync, zstdCompressSync]) {
    const encoding = compress === gzipSync ? 'gzip' : 'zstd';
    const bomb = compress(Buffer.alloc(50 * 1024 * 1024, ' '));
    expect(bomb.length).toBeLessThan(100_000);
    const answer = await rig.post(bomb, { 'content-encoding': encoding });
    expect(answer.body).toMatchObject({ code: 'too-large', status: 413 });
  }
  const many = Array.from({ length: 20_001 }, () => 0);
  const full = batch(1, { gauges: { series: many, at: many, value: many } });
  expect((await rig.post(full)).body).toMatchObject({ code: 'too-large' });
  expect(await inLog()).toBe(0);
});

test('plain, gzip and zstd bodies mean the same', async () => {
  const bodies: [Buffer, Record<string, string>][] = [
    [Buffer.from(JSON.stringify(batch(1))), {}],
    [gzipSync(JSON.stringify(batch(2))), { 'content-encoding': 'gzip' }],
    [zstdCompressSync(JSON.stringify(batch(3))), { 'content-encoding': 'zstd' }],
    [gzipSync(JSON.stringify(batch(4))), { 'content-encoding': 'gzip', 'content-type': '' }],
  ];
  for (const [index, [body, headers]] of bodies.entries()) {
    const answer = await rig.post(body, headers);
    expect(answer.body).toEqual({
      acknowledged: { live: index + 1, backfill: 0 },
      config: 'rev-1',
    });
  }
  expect(rig.engine.state().samples).toBe(8);
});

test('the same batch again is acknowledged and has no effect; another content is a clone', async () => {
  const first = batch(1);
  expect((await rig.post(first)).status).toBe(200);
  const second = batch(2);
  expect((await rig.post(second)).status).toBe(200);
  const answers = await Promise.all([rig.post(first), rig.post(second), rig.post(second)]);
  for (const { status, body } of answers) {
    expect(status).toBe(200);
    expect(body['acknowledged']).toEqual({ live: 2, backfill: 0 });
  }
  expect(await inLog()).toBe(2);
  expect(rig.engine.state().samples).toBe(4);
  const other = batch(2, { gauges: { series: [1], at: [0], value: [99] } });
  expect((await rig.post(other)).body).toMatchObject({ code: 'cloned-agent', status: 409 });
  expect(await inLog()).toBe(2);
  // With a new spool id the same agent goes on from 1.
  const renewed = batch(1, { spool: 'ffffffffffffffff' });
  expect((await rig.post(renewed)).body['acknowledged']).toEqual({ live: 1, backfill: 0 });
});

test('a spool that was set back beyond memory is told from an old repeat by its time', async () => {
  const rig = await startRig({ rateLimit: { perSecond: 1e6, burst: 1e6 } });
  const at = Date.now() - 3_600_000;
  const make = (n: number) =>
    batch(n, { at: at + n * 1000, dictionary: n === 1 ? DICTIONARY : [] });
  for (let n = 1; n <= 600; n += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => rig.post(make(n + i))));
  }
  expect((await rig.post(make(3))).status).toBe(200);
  const madeLater = batch(3, { at: at + 601_000 });
  expect((await rig.post(madeLater)).body).toMatchObject({ code: 'cloned-agent' });
  await rig.close();
});

test('several requests in flight keep their order, and a repeat of one waits for it', async () => {
  const bodies = Array.from({ length: 20 }, (_, i) => batch(i + 1));
  const answers = await Promise.all([...bodies, ...bodies].map((body) => rig.post(body)));
  expect(answers.map((a) => a.status)).toEqual(Array(40).fill(200));
  expect(await inLog()).toBe(20);
  const records = (await rig.records()).filter((r) => r.kind === 'batch');
  expect(records.map((r) => JSON.parse(r.body.toString()).sequence)).toEqual(
    bodies.map((_, i) => i + 1),
  );
});

test('reordered batches are refused with the sequence that is wanted', async () => {
  await rig.post(batch(1));
  const early = await rig.post(batch(4));
  expect(early.body).toMatchObject({ code: 'sequence-gap', expected: 2 });
  expect((await rig.post(batch(2))).status).toBe(200);
  // The agent lost 3: it says so, and the lane moves on.
  expect((await rig.post(batch(5), { 'vedette-oldest': '4' })).body).toMatchObject({ expected: 4 });
  const answer = await rig.post(batch(4), { 'vedette-oldest': '4' });
  expect(answer.body['acknowledged']).toEqual({ live: 4, backfill: 0 });
});

test('lanes count for themselves', async () => {
  await rig.post(batch(1));
  const backfill = await rig.post(batch(1, { lane: 'backfill', dictionary: [] }));
  expect(backfill.body['acknowledged']).toEqual({ live: 1, backfill: 1 });
});

test('an unknown dictionary is asked for, sent, and the batch then goes through', async () => {
  const lost = batch(7, { dictionary: [] });
  const headers = { 'vedette-oldest': '7' };
  expect((await rig.post(lost, headers)).body).toMatchObject({ code: 'dictionary-unknown' });
  const dictionary = { v: 1, agent: 'agent-1', spool: SPOOL, entries: DICTIONARY };
  expect((await rig.post(dictionary, {}, '/v1/dictionary')).status).toBe(200);
  expect((await rig.post(lost, headers)).status).toBe(200);
  const foreign = {
    ...dictionary,
    entries: [{ index: 9, metric: 'icmp_rtt_ms', subject: 'link:paris' }],
  };
  const answer = await rig.post(foreign, {}, '/v1/dictionary');
  expect(answer.body).toMatchObject({ code: 'foreign-subject' });
});

test('counters arrive exact beyond 2^53, and a reset may step back', async () => {
  const base = '9007199254740993';
  await rig.post(
    batch(1, { counters: [{ series: 2, at: [0, 10, 20], base, delta: [2, -9007199254740991] }] }),
  );
  const [record] = (await rig.records()).filter((r) => r.kind === 'batch');
  expect(JSON.parse(record!.body.toString()).counters[0].base).toBe(base);
  expect(rig.engine.state().samples).toBe(5);
});

test('a heartbeat is heard, a foreign or malformed one is not', async () => {
  const heartbeat = {
    v: 1,
    agent: 'agent-1',
    spool: SPOOL,
    version: '0.1.0',
    spoolSamples: 0,
    spoolBytes: 0,
    dropped: 0,
    lagMs: 1,
    engines: [],
  };
  expect((await rig.post(heartbeat, {}, '/v1/heartbeat')).body).toEqual({ config: 'rev-1' });
  const other = { ...heartbeat, agent: 'agent-2' };
  expect((await rig.post(other, {}, '/v1/heartbeat')).body).toMatchObject({ code: 'wrong-agent' });
  const { version: _, ...bare } = heartbeat;
  expect((await rig.post(bare, {}, '/v1/heartbeat')).body).toMatchObject({ code: 'malformed' });
  expect((await rig.records()).filter((r) => r.kind === 'heartbeat')).toHaveLength(1);
});

test('a revoked token is refused at once', async () => {
  const { id } = rig.db.tokens.list()[0]!;
  rig.db.tokens.revoke(id, rig.pipeline.now());
  expect((await rig.post(batch(1))).body).toMatchObject({ code: 'unauthenticated' });
});

test('hostile bytes never get more than a refusal', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
        fc.json(),
        fc
          .record({ sequence: fc.jsonValue(), gauges: fc.jsonValue(), at: fc.jsonValue() })
          .map((odd) => JSON.stringify({ ...batch(1), ...(odd as object) })),
      ),
      fc.constantFrom({}, { 'content-encoding': 'gzip' }, { 'content-encoding': 'zstd' }),
      async (body, headers) => {
        const { status } = await rig.post(body, headers as Record<string, string>);
        expect([400, 403, 409, 413, 422]).toContain(status);
      },
    ),
    { numRuns: 200 },
  );
  expect(await inLog()).toBe(0);
});

test('too many requests of one agent are slowed down', async () => {
  const slow = await startRig({ rateLimit: { perSecond: 1, burst: 3 } });
  const statuses = [];
  for (let n = 1; n <= 4; n++) statuses.push((await slow.post(batch(n))).status);
  const answer = await slow.post(batch(5));
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect(answer.body).toMatchObject({ code: 'rate-limited' });
  expect(answer.headers['retry-after']).toBe('1');
  await slow.close();
});

test('the clock of an agent is measured, and corrected within its limits', async () => {
  const at = Date.now() - 60_000;
  const sent = () => ({ 'vedette-sent-at': `${Date.now() - 60_000}` });
  for (let n = 1; n <= 3; n++) {
    const body = batch(n, { at, gauges: { series: [1], at: [n], value: [n] } });
    expect((await rig.post(body, sent())).status).toBe(200);
  }
  const { observed } = rig;
  const error = Math.abs(observed.at(-1)!.samples[0]!.at - (at + 3 + 60_000));
  expect(error).toBeLessThan(500);
});

describe('agent configuration', () => {
  const get = (headers: Record<string, string> = {}, wait = '') =>
    rig.app.inject({
      url: `/v1/agent/config${wait}`,
      headers: { authorization: `Bearer ${rig.token}`, ...headers },
    });

  test('comes with its revision, and 304 when it is known', async () => {
    const answer = await get();
    expect(answer.json()).toMatchObject({ revision: 'rev-1', agent: 'agent-1' });
    expect(answer.headers['etag']).toBe('"rev-1"');
    expect((await get({ 'if-none-match': '"rev-1"' })).statusCode).toBe(304);
    expect((await get({}, '?wait=x')).statusCode).toBe(400);
  });

  test('a long poll ends when the engine wants a probe, and brings it', async () => {
    const waiting = get({ 'if-none-match': '"rev-1"' }, '?wait=20');
    await rig.app.inject({ url: '/v1/agent/config' });
    const at = rig.pipeline.now();
    const fact = {
      kind: 'confirm.requested',
      at,
      agent: 'agent-1',
      subject: LINK,
      until: (at + 5000) as typeof at,
    } as const;
    await expect.poll(() => rig.waiting()).toBe(1);
    rig.configs.tell([fact], 77);
    const answer = (await waiting).json();
    expect(answer.confirm).toEqual([{ id: 'c77.0.0', target: 't-link', until: fact.until }]);
    expect(answer.revision).not.toBe('rev-1');
    // The acknowledgement names the new revision too.
    expect((await rig.post(batch(1))).body['config']).toBe(answer.revision);
  });

  test('an agent that is in no configuration is told so', async () => {
    const { token } = rig.db.tokens.create('stranger', rig.pipeline.now());
    const answer = await get({ authorization: `Bearer ${token}` });
    expect(answer.json()).toMatchObject({ code: 'not-found' });
  });
});

test('random bytes as a token are refused without a trace', async () => {
  for (let n = 0; n < 20; n++) {
    const token = `vdt_${randomBytes(32).toString('base64url')}`;
    const answer = await rig.post(batch(1), { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(401);
  }
});
