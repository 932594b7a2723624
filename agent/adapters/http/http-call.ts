import type { Agent as HttpAgent, IncomingMessage, RequestOptions } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type HttpCall = (options: {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}) => Promise<HttpAnswer>;

/** Answers are small; the largest is a configuration of 20,000 targets. */
const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * Calls one server over kept-alive connections. node:http, not fetch: undici is another 10 MB of
 * resident memory. Rejects when there is no whole answer within the time limit.
 */
export async function openHttp(url: URL): Promise<{ call: HttpCall; close(): void }> {
  const http = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  // Live, backfill, heartbeat and the long poll beside each other.
  const agent: HttpAgent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const base = url.pathname.replace(/\/$/, '');
  const call: HttpCall = ({ method, path, headers, body, timeoutMs, signal }) =>
    new Promise((resolve, reject) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const options: RequestOptions = {
        agent,
        method,
        headers: { ...headers, 'content-length': String(body?.length ?? 0) },
        signal: limit,
      };
      const request = http.request(new URL(base + path, url), options, (response) => {
        collect(response, limit).then(resolve, reject);
      });
      request.on('error', (cause) => reject(limit.aborted ? limit.reason : cause));
      request.end(body);
    });
  return { call, close: () => agent.destroy() };
}

async function collect(response: IncomingMessage, limit: AbortSignal): Promise<HttpAnswer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response) {
    limit.throwIfAborted();
    size += (part as Buffer).length;
    if (size > MAX_ANSWER) throw new Error('the answer is too large');
    parts.push(part as Buffer);
  }
  const { statusCode = 0, headers } = response;
  return { status: statusCode, headers, body: Buffer.concat(parts) };
}
