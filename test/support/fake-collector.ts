import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { Value } from 'typebox/value';
import type {
  Dictionary,
  DictionaryEntry,
  Heartbeat,
  SampleBatch,
} from '../../protocol/wire/batch.ts';
import { SampleBatch as BatchSchema } from '../../protocol/wire/batch.ts';
import { type Problem, type ProblemCode, problem } from '../../protocol/wire/problem.ts';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly at: number;
}

/**
 * A collector that keeps the agent's side of the wire honest: schema, order per lane, content hash,
 * dictionary. What it accepted can be looked at; what it answers can be turned.
 */
export interface FakeCollector {
  readonly url: string;
  readonly requests: FakeRequest[];
  readonly batches: SampleBatch[];
  readonly heartbeats: Heartbeat[];
  readonly dictionaries: Dictionary[];
  /** Breaches of the wire's rules by the agent. */
  readonly breaches: string[];
  config: { etag: string; value: unknown } | undefined;
  /** Answers to the next requests to a path, before the ordinary ones. */
  refuse(
    path: string,
    code: ProblemCode | { status: number },
    extra?: { times?: number; retryAfter?: string; expected?: number },
  ): void;
  /** Forgets every dictionary, as a restored server does. */
  forgetDictionaries(): void;
  /** Values of one metric that were accepted, in the order of their acceptance. */
  values(metric: string): Array<{ subject: string; at: number; value: number | bigint }>;
  close(): Promise<void>;
}

interface Refusal {
  path: string;
  code: ProblemCode | { status: number };
  times: number;
  retryAfter?: string;
  expected?: number;
}

export async function openFakeCollector(token: string): Promise<FakeCollector> {
  const refusals: Refusal[] = [];
  const hashes = new Map<string, string>();
  const acknowledged = new Map<string, number>();
  const dictionaries = new Map<string, Map<number, DictionaryEntry>>();
  const waiting = new Set<() => void>();
  const seen: Array<{ batch: SampleBatch; entries: Map<number, DictionaryEntry> }> = [];
  let config: FakeCollector['config'];

  const server = createServer((request, response) => {
    void answer(request, response).catch((err: unknown) => {
      fake.breaches.push(String(err));
      response.destroy();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://x');
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = '', headers } = request;
    fake.requests.push({ method, path: url.pathname, headers, at: performance.now() });
    const refusal = refusals.find((one) => one.path === url.pathname && one.times > 0);
    if (refusal !== undefined) {
      refusal.times -= 1;
      refuseWith(response, refusal);
    } else if (headers.authorization !== `Bearer ${token}`) {
      send(response, 401, problem('unauthenticated', 'unknown token'));
    } else if (url.pathname === '/v1/agent/config') {
      await answerConfig(request, response, url);
    } else {
      answerPost(url.pathname, headers, Buffer.concat(parts), response);
    }
  }

  function answerPost(
    path: string,
    headers: IncomingMessage['headers'],
    raw: Buffer,
    response: ServerResponse,
  ): void {
    const bytes = decode(raw, headers['content-encoding']);
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    if (path === '/v1/heartbeat') {
      fake.heartbeats.push(body as Heartbeat);
      send(response, 200, { config: '' });
    } else if (path === '/v1/dictionary') {
      const dictionary = body as Dictionary;
      fake.dictionaries.push(dictionary);
      for (const entry of dictionary.entries) learn(dictionary.spool, entry);
      send(response, 200, {});
    } else {
      const hash = createHash('sha256').update(bytes).digest('hex');
      answerBatch(response, body as SampleBatch, hash, Number(headers['vedette-oldest']));
    }
  }

  function learn(spool: string, entry: DictionaryEntry): void {
    const known = dictionaries.get(spool) ?? new Map<number, DictionaryEntry>();
    dictionaries.set(spool, known);
    const before = known.get(entry.index);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(entry)) {
      fake.breaches.push(`index ${entry.index} has two meanings`);
    }
    known.set(entry.index, entry);
  }

  function answerBatch(
    response: ServerResponse,
    batch: SampleBatch,
    hash: string,
    oldest: number,
  ): void {
    const wrong = judge(batch, hash, oldest);
    if (wrong !== undefined) {
      send(response, wrong.status, wrong);
      return;
    }
    const lane = `${batch.spool}|${batch.lane}`;
    if (!hashes.has(`${lane}|${batch.sequence}`)) {
      for (const entry of batch.dictionary) learn(batch.spool, entry);
      hashes.set(`${lane}|${batch.sequence}`, hash);
      acknowledged.set(lane, Math.max(acknowledged.get(lane) ?? 0, batch.sequence));
      fake.batches.push(batch);
      seen.push({ batch, entries: dictionaries.get(batch.spool) ?? new Map() });
    }
    send(response, 200, {
      acknowledged: {
        live: acknowledged.get(`${batch.spool}|live`) ?? 0,
        backfill: acknowledged.get(`${batch.spool}|backfill`) ?? 0,
      },
      config: config?.etag ?? '',
    });
  }

  function judge(batch: SampleBatch, hash: string, oldest: number): Problem | undefined {
    if (!Value.Check(BatchSchema, batch)) {
      fake.breaches.push(`malformed: ${JSON.stringify([...Value.Errors(BatchSchema, batch)][0])}`);
      return problem('malformed', 'schema');
    }
    const lane = `${batch.spool}|${batch.lane}`;
    const known = hashes.get(`${lane}|${batch.sequence}`);
    if (known !== undefined && known !== hash) {
      fake.breaches.push(`other content under ${lane}|${batch.sequence}`);
      return problem('cloned-agent', 'other content');
    }
    if (known !== undefined) return undefined;
    const expected = Math.max((acknowledged.get(lane) ?? 0) + 1, oldest);
    if (batch.sequence !== expected) return problem('sequence-gap', 'gap', { expected });
    const own = new Set(batch.dictionary.map((entry) => entry.index));
    const used = [...batch.gauges.series, ...batch.counters.map((column) => column.series)];
    const entries = dictionaries.get(batch.spool);
    const isUnknown = used.some((index) => !own.has(index) && !entries?.has(index));
    return isUnknown ? problem('dictionary-unknown', 'who is this?') : undefined;
  }

  async function answerConfig(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const isCurrent = () => request.headers['if-none-match'] === config?.etag;
    if (config !== undefined && isCurrent()) {
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
        response.on('close', resolve);
        setTimeout(resolve, Number(url.searchParams.get('wait')) * 1000).unref();
      });
    }
    if (config === undefined) {
      send(response, 404, problem('not-found', 'no such agent'));
    } else if (isCurrent()) {
      send(response, 304, undefined);
    } else {
      response.setHeader('etag', config.etag);
      send(response, 200, config.value);
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeCollector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    batches: [],
    heartbeats: [],
    dictionaries: [],
    breaches: [],
    get config() {
      return config;
    },
    set config(value) {
      config = value;
      for (const wake of waiting) wake();
      waiting.clear();
    },
    refuse(path, code, { times = 1, ...extra } = {}) {
      refusals.push({ path, code, times, ...extra });
    },
    forgetDictionaries: () => dictionaries.clear(),
    values: (metric) => seen.flatMap(({ batch, entries }) => valuesOf(batch, entries, metric)),
    async close() {
      for (const wake of waiting) wake();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

function decode(raw: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'zstd') return zstdDecompressSync(raw);
  return encoding === 'gzip' ? gunzipSync(raw) : raw;
}

function valuesOf(
  batch: SampleBatch,
  entries: Map<number, DictionaryEntry>,
  metric: string,
): Array<{ subject: string; at: number; value: number | bigint }> {
  const found: Array<{ subject: string; at: number; value: number | bigint }> = [];
  const add = (index: number, offset: number, value: number | bigint): void => {
    const entry = entries.get(index);
    if (entry?.metric !== metric) return;
    found.push({ subject: entry.subject, at: batch.at + offset, value });
  };
  const { series, at, value } = batch.gauges;
  for (const [i, index] of series.entries()) add(index, at[i] as number, value[i] as number);
  for (const column of batch.counters) {
    let total = BigInt(column.base);
    for (const [i, offset] of column.at.entries()) {
      if (i > 0) total += BigInt(column.delta[i - 1] as number);
      add(column.series, offset, total);
    }
  }
  return found;
}

function refuseWith(response: ServerResponse, refusal: Refusal): void {
  if (refusal.retryAfter !== undefined) response.setHeader('retry-after', refusal.retryAfter);
  if (typeof refusal.code !== 'string') {
    response.writeHead(refusal.code.status).end('<html>not Vedette</html>');
    return;
  }
  const extra = refusal.expected === undefined ? {} : { expected: refusal.expected };
  const body = problem(refusal.code, `as told (${refusal.code})`, extra);
  send(response, body.status, body);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status;
  response.setHeader(
    'content-type',
    status < 400 ? 'application/json' : 'application/problem+json',
  );
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** Polls a condition; fails with `what` when it does not come true in time. */
export async function eventually(
  what: string,
  condition: () => boolean,
  withinMs = 10_000,
): Promise<void> {
  const until = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
