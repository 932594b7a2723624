import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TicketMessage } from '../protocol/wire/ticket-payload.ts';

/** What a receiver of webhooks saw, every attempt of it. */
export interface SeenMessage {
  readonly id: string;
  readonly type: TicketMessage['type'];
  readonly incident: string;
  /** Of the exact body. */
  readonly hash: string;
  readonly isTaken: boolean;
}

/** A receiver with moods: some answers are errors, some come late. */
export async function startCrashSink(random: () => number): Promise<{
  readonly url: string;
  readonly seen: readonly SeenMessage[];
  /** From now on every answer is yes, at once. */
  behave(): void;
  close(): Promise<void>;
}> {
  const seen: SeenMessage[] = [];
  let isMoody = true;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The sender was killed in the middle of its request.
      return;
    }
    const body = Buffer.concat(chunks);
    const message = JSON.parse(body.toString()) as TicketMessage;
    const isTaken = !isMoody || random() > 0.1;
    seen.push({
      id: String(request.headers['webhook-id']),
      type: message.type,
      incident: message.data.id,
      hash: createHash('sha256').update(body).digest('hex'),
      isTaken,
    });
    if (isMoody) await new Promise((resolve) => setTimeout(resolve, random() * 60));
    response.writeHead(isTaken ? 200 : 503, { 'content-type': 'application/json' });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    seen,
    behave: () => {
      isMoody = false;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
