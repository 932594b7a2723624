import http from 'node:http';
import https from 'node:https';
import { guardedLookup } from './address.ts';

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** At most MAX_ANSWER_BYTES; the rest is not read. */
  readonly body: string;
}

const MAX_ANSWER_BYTES = 64 * 1024;

export interface Poster {
  post(
    url: string,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer>;
  close(): void;
}

/**
 * One POST, redirects never followed, connections kept. node:http and not fetch, because only here
 * can the address be checked after the name is resolved (see guardedLookup).
 */
export function createPoster(timeoutMs: number): Poster {
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: 16, lookup: guardedLookup }),
    https: new https.Agent({ keepAlive: true, maxSockets: 16, lookup: guardedLookup }),
  };
  const post: Poster['post'] = (url, headers, body, signal) =>
    new Promise((resolve, reject) => {
      const isTls = url.startsWith('https:');
      // The deadline is for the whole exchange: a receiver that drips bytes must not hold a slot.
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const request = (isTls ? https : http).request(url, {
        method: 'POST',
        agent: isTls ? agents.https : agents.http,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        signal: deadline,
      });
      request.on('error', (error) => reject(deadline.aborted ? deadline.reason : error));
      request.on('response', (response) => {
        readBounded(response).then(
          (text) =>
            resolve({
              status: response.statusCode ?? 0,
              retryAfter: response.headers['retry-after'],
              location: response.headers.location,
              body: text,
            }),
          (error: unknown) => reject(deadline.aborted ? deadline.reason : error),
        );
      });
      request.end(body);
    });
  return {
    post,
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

async function readBounded(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8');
}
