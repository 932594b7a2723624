import { createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TicketMessage } from '../protocol/wire/ticket-payload.ts';

/** A ticket as the made-up incident system keeps it. */
interface SinkTicket {
  readonly number: string;
  /** Incident id: one id, one ticket. */
  readonly id: string;
  readonly state: 'open' | 'resolved';
  readonly title: string;
  readonly priority: number;
  readonly text: string;
  readonly openedAt: number;
  readonly resolvedAt?: number;
  /** Types of the messages it took, in order of arrival. */
  readonly history: readonly string[];
  readonly reopened: number;
}

/** One accepted message, repeats left out. */
interface SinkMessage {
  readonly webhookId: string;
  readonly receivedAt: number;
  readonly message: TicketMessage;
}

export interface SinkOptions {
  /** 0 (default) takes a free one. */
  readonly port?: number;
  /** `whsec_…` */
  readonly secret: string;
  readonly now?: () => number;
  readonly onMessage?: (message: SinkMessage, ticket: SinkTicket | undefined) => void;
  /** Decides the answer to a verified message before it is taken; undefined = take it. */
  readonly misbehave?: (
    message: TicketMessage,
    request: number,
  ) => { status: number; headers?: Record<string, string>; body?: string } | 'silence' | undefined;
}

export interface Sink {
  readonly url: string;
  readonly port: number;
  tickets(): readonly SinkTicket[];
  messages(): readonly SinkMessage[];
  /** Requests that were refused: bad signature, stale time stamp, malformed. */
  rejected(): readonly string[];
  /** Repeats of a webhook-id, answered again and not taken twice. */
  repeats(): number;
  close(): Promise<void>;
}

const TOLERANCE_S = 300;
const MAX_BODY_BYTES = 512 * 1024;

/**
 * A small incident system on loopback: verifies signatures by itself (Standard Webhooks 1.0.0),
 * drops repeats by webhook-id, keeps one ticket per incident and answers with its number.
 * `GET /` shows the tickets as JSON.
 */
export async function startSink(options: SinkOptions): Promise<Sink> {
  const { now = Date.now, onMessage, misbehave } = options;
  const key = Buffer.from(options.secret.replace(/^whsec_/, ''), 'base64');
  const tickets = new Map<string, SinkTicket>();
  const messages: SinkMessage[] = [];
  const seen = new Set<string>();
  const rejected: string[] = [];
  let repeats = 0;
  let requests = 0;

  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      send(response, 200, { tickets: [...tickets.values()] });
      return;
    }
    if (request.method !== 'POST') {
      send(response, 405, { error: 'GET or POST' });
      return;
    }
    readBody(request).then(
      (body) => take(request.headers, body, response),
      (error: unknown) => refuse(response, 413, String(error)),
    );
  });

  function take(headers: http.IncomingHttpHeaders, body: Buffer, response: http.ServerResponse) {
    const problem = verify(key, headers, body, now());
    if (problem !== undefined) return refuse(response, 401, problem);
    const message = parse(body);
    if (message === undefined) return refuse(response, 400, 'not a ticket message');
    const trick = misbehave?.(message, ++requests);
    if (trick === 'silence') return undefined;
    if (trick !== undefined) {
      response.writeHead(trick.status, trick.headers).end(trick.body ?? '');
      return undefined;
    }
    accept(String(headers['webhook-id']), message);
    const number = tickets.get(message.data.id)?.number;
    send(response, 200, number === undefined ? {} : { number, url: `${url}/${number}` });
    return undefined;
  }

  function accept(webhookId: string, message: TicketMessage): void {
    if (seen.has(webhookId)) {
      repeats++;
      return;
    }
    seen.add(webhookId);
    const received = { webhookId, receivedAt: now(), message };
    messages.push(received);
    if (message.type !== 'test') keep(message, received.receivedAt);
    onMessage?.(received, tickets.get(message.data.id));
  }

  function keep(message: TicketMessage, at: number): void {
    const { id, title, priority, text } = message.data;
    const before = tickets.get(id);
    const isEnd = message.type === 'incident.resolved';
    tickets.set(id, {
      number: before?.number ?? `T-${1001 + tickets.size}`,
      id,
      state: isEnd ? 'resolved' : 'open',
      title,
      priority,
      text,
      openedAt: before?.openedAt ?? at,
      ...(isEnd ? { resolvedAt: at } : {}),
      history: [...(before?.history ?? []), message.type],
      reopened: (before?.reopened ?? 0) + (before?.state === 'resolved' && !isEnd ? 1 : 0),
    });
  }

  function refuse(response: http.ServerResponse, status: number, why: string): void {
    rejected.push(why);
    send(response, status, { error: why });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    tickets: () => [...tickets.values()],
    messages: () => messages,
    rejected: () => rejected,
    repeats: () => repeats,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What is wrong with a request; undefined when it is signed by our key within five minutes. */
function verify(
  key: Buffer,
  headers: http.IncomingHttpHeaders,
  body: Buffer,
  now: number,
): string | undefined {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') {
    return 'webhook-id, webhook-timestamp or webhook-signature is missing';
  }
  if (!/^\d{1,12}$/.test(timestamp)) return 'webhook-timestamp is not a number of seconds';
  if (Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE_S) return 'webhook-timestamp is stale';
  const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body);
  const expected = hmac.digest();
  const isGood = signatures.split(' ').some((signature) => {
    if (!signature.startsWith('v1,')) return false;
    const given = Buffer.from(signature.slice(3), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return isGood ? undefined : 'no signature matches';
}

function parse(body: Buffer): TicketMessage | undefined {
  try {
    const message = JSON.parse(body.toString('utf8')) as Partial<TicketMessage>;
    const isWhole = typeof message.type === 'string' && typeof message.data?.id === 'string';
    return isWhole ? (message as TicketMessage) : undefined;
  } catch {
    return undefined;
  }
}

async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: http.ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
