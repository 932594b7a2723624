import { gzipSync, zstdDecompressSync } from 'node:zlib';
import { durationMs } from '../../../protocol/model/units.ts';
import type { BatchAck } from '../../../protocol/wire/batch.ts';
import { OLDEST_HEADER, SENT_AT_HEADER } from '../../../protocol/wire/limits.ts';
import { PROBLEMS, type Problem, type ProblemCode } from '../../../protocol/wire/problem.ts';
import type { Collector, ConfigAnswer, Reply } from '../../ports/collector.ts';
import { type HttpAnswer, openHttp } from './http-call.ts';

export interface CollectorClientOptions {
  readonly url: URL;
  readonly token: string;
  readonly version: string;
  readonly now: () => number;
  /** For one call, ms; the long poll gets its waiting time on top. */
  readonly timeoutMs?: number;
}

/** Beyond this the server is not taken at its word. */
const MAX_RETRY_AFTER = 600_000;

/** The collector over HTTP. Nothing it returns or logs holds the token. */
export async function createCollectorClient(options: CollectorClientOptions): Promise<Collector> {
  const { url, token, version, now, timeoutMs = 10_000 } = options;
  const http = await openHttp(url);
  const closing = new AbortController();
  let encoding: 'zstd' | 'gzip' = 'zstd';

  async function call(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: Uint8Array,
    hold?: { readonly ms: number; readonly signal: AbortSignal },
  ): Promise<HttpAnswer | Extract<Reply<never>, { kind: 'unreachable' }>> {
    try {
      return await http.call({
        method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          'user-agent': `vedette-agent/${version}`,
          [SENT_AT_HEADER]: String(Math.round(now())),
          ...headers,
        },
        ...(body !== undefined && { body }),
        timeoutMs: timeoutMs + (hold?.ms ?? 0),
        signal:
          hold === undefined ? closing.signal : AbortSignal.any([closing.signal, hold.signal]),
      });
    } catch (cause) {
      return { kind: 'unreachable', text: `${url.origin} does not answer: ${reasonOf(cause)}` };
    }
  }

  const postJson = (method: string, path: string, value: unknown) =>
    call(
      method,
      path,
      { 'content-type': 'application/json' },
      Buffer.from(JSON.stringify(value), 'utf8'),
    );

  function postBatch(body: Uint8Array, oldest: number): ReturnType<typeof call> {
    const bytes = encoding === 'zstd' ? body : gzipSync(zstdDecompressSync(body));
    const headers = {
      'content-type': 'application/json',
      'content-encoding': encoding,
      [OLDEST_HEADER]: String(oldest),
    };
    return call('POST', '/v1/samples', headers, bytes);
  }

  return {
    async sendBatch(body, oldest) {
      let answer = await postBatch(body, oldest);
      if ('status' in answer && answer.status === 415 && encoding === 'zstd') {
        encoding = 'gzip';
        answer = await postBatch(body, oldest);
      }
      return toReply(answer, parseAck);
    },
    async sendDictionary(dictionary) {
      return toReply(await postJson('PUT', '/v1/dictionary', dictionary), () => undefined);
    },
    async sendHeartbeat(heartbeat) {
      return toReply(await postJson('POST', '/v1/heartbeat', heartbeat), () => undefined);
    },
    async fetchConfig(etag, waitS, signal) {
      const headers: Record<string, string> = etag === undefined ? {} : { 'if-none-match': etag };
      const path = `/v1/agent/config?wait=${waitS}`;
      const answer = await call('GET', path, headers, undefined, { ms: waitS * 1000, signal });
      if ('status' in answer && answer.status === 304) {
        return { kind: 'accepted', value: 'unchanged' };
      }
      return toReply(answer, parseConfig);
    },
    close() {
      closing.abort(new Error('the agent is stopping'));
      http.close();
    },
  };
}

function toReply<T>(
  answer: HttpAnswer | Extract<Reply<never>, { kind: 'unreachable' }>,
  parse: (answer: HttpAnswer) => T,
): Reply<T> {
  if (!('status' in answer)) return answer;
  if (answer.status < 200 || answer.status >= 300) return toProblem(answer);
  try {
    return { kind: 'accepted', value: parse(answer) };
  } catch (cause) {
    // A captive portal or a proxy's page says 200 too.
    return { kind: 'unreachable', text: `the answer is not Vedette's: ${reasonOf(cause)}` };
  }
}

function parseAck({ body }: HttpAnswer): BatchAck {
  const ack = JSON.parse(body.toString('utf8')) as BatchAck;
  const { live, backfill } = ack.acknowledged;
  if (!Number.isSafeInteger(live) || !Number.isSafeInteger(backfill)) {
    throw new Error('no acknowledgement');
  }
  return ack;
}

function parseConfig({ body, headers }: HttpAnswer): ConfigAnswer {
  const config: unknown = JSON.parse(body.toString('utf8'));
  const { etag } = headers;
  if (etag === undefined) throw new Error('no ETag');
  return { config, etag };
}

function toProblem<T>({ status, headers, body }: HttpAnswer): Reply<T> {
  const problem = parseProblem(body);
  const retryAfter = parseRetryAfter(headers['retry-after']);
  return {
    kind: 'problem',
    code: problem?.code ?? codeOf(status),
    detail: problem?.detail ?? `HTTP ${status}`,
    ...(problem?.expected !== undefined && { expected: problem.expected }),
    ...(retryAfter !== undefined && { retryAfter: durationMs(retryAfter) }),
  };
}

function parseProblem(body: Buffer): Problem | undefined {
  try {
    const problem = JSON.parse(body.toString('utf8')) as Problem | null;
    const isOurs = typeof problem?.code === 'string' && Object.hasOwn(PROBLEMS, problem.code);
    return isOurs ? problem : undefined;
  } catch {
    return undefined;
  }
}

/** For answers of things between us and the server: only what loses no data. */
function codeOf(status: number): ProblemCode {
  if (status === 401 || status === 403 || status === 407) return 'unauthenticated';
  if (status === 404) return 'not-found';
  if (status === 415) return 'unsupported-encoding';
  if (status === 429) return 'rate-limited';
  if (status === 413) return 'too-large';
  return status >= 500 ? 'busy' : 'internal';
}

/** Seconds or an HTTP date, as ms from now. */
function parseRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), MAX_RETRY_AFTER) : undefined;
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return cause.name === 'TimeoutError' ? 'time-out' : cause.message || code || cause.name;
}
