import type { RemoteWriter, WriteOutcome } from '../../ports/remote-write.ts';
import { type Answer, outcomeOf } from './answer.ts';
import { createEncoder } from './encode.ts';

export interface RemoteWriteOptions {
  readonly url: string;
  /** Further headers, with secrets in clear (authorization, X-Scope-OrgID …). */
  readonly headers?: Readonly<Record<string, string>>;
  readonly version: string;
  /** For one whole exchange. Default 30 s. */
  readonly timeoutMs?: number;
}

const MAX_ANSWER_BYTES = 4096;

/** Remote write 1.0 (Prometheus, Mimir, Thanos, VictoriaMetrics …): protobuf, snappy, HTTP POST. */
export function createRemoteWriter(options: RemoteWriteOptions): RemoteWriter {
  const { url, version, timeoutMs = 30_000 } = options;
  const encode = createEncoder();
  const headers = {
    ...options.headers,
    'content-encoding': 'snappy',
    'content-type': 'application/x-protobuf',
    'user-agent': `vedette/${version}`,
    'x-prometheus-remote-write-version': '0.1.0',
  };
  const closing = new AbortController();

  async function write(
    columns: Parameters<RemoteWriter['write']>[0],
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    const body = encode(columns);
    // The deadline is for the whole exchange: a receiver that drips bytes must not hold the queue.
    const deadline = AbortSignal.any([signal, closing.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body: body as Uint8Array<ArrayBuffer>,
        redirect: 'manual',
        signal: deadline,
      });
      const answer: Answer = {
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        body: await beginning(response),
      };
      return outcomeOf(answer, Date.now());
    } catch (error) {
      return { kind: 'later', scope: 'destination', answer: reasonOf(error, timeoutMs) };
    }
  }

  return { write, close: () => closing.abort() };
}

/** Reads to the end when it is short, so that the connection can be used again. */
async function beginning(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8');
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`;
  if (error.name === 'AbortError') return 'interrupted: the server is stopping';
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
