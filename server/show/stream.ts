import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { ShownStatus } from '../ports/show.ts';

export interface StreamOptions {
  readonly status: ShownStatus;
  readonly now: () => EpochMs;
  /** More streams than this are refused; a page needs one, shared by its tabs. */
  readonly maxClients?: number;
  /** Time between two messages, ms: two a second at most. */
  readonly gatherEvery?: number;
  readonly pingEvery?: number;
}

/** Server-sent events to any number of readers, gathered, without a queue per reader. */
export interface Stream {
  /** False when there are too many readers already; then nothing was written. */
  open(response: ServerResponse, lastEventId: string | undefined): boolean;
  readonly clients: number;
  /** Messages that a slow reader did not get, all of them part of a later one. */
  readonly skipped: number;
  close(): void;
}

interface Client {
  readonly response: ServerResponse;
  /** What this reader has; -1 = nothing usable. */
  revision: number;
  sentAt: number;
  pingedAt: number;
  blockedSince: number | undefined;
}

/** Without any change a message with the time alone says that the stream lives. */
const HEARTBEAT_MS = 2_000;
/** A reader that took nothing for so long is gone, whatever its socket says. */
const GIVE_UP_MS = 30_000;

/**
 * A message id is `boot-revision`: within one life of the server any id can be resumed from, because
 * changes are told from revisions and not from a queue. A slow reader is left alone until it has
 * read what it got; then one message holds all it missed, or a snapshot if that is too long ago.
 */
export function createStream(options: StreamOptions): Stream {
  const { status, now, maxClients = 64, gatherEvery = 500, pingEvery = 15_000 } = options;
  const boot = randomBytes(4).toString('hex');
  const clients = new Set<Client>();
  let timer: NodeJS.Timeout | undefined;
  let skipped = 0;

  return {
    open(response, lastEventId) {
      if (clients.size >= maxClients) return false;
      const time = now();
      const client: Client = {
        response,
        revision: revisionOf(lastEventId, boot),
        sentAt: time,
        pingedAt: time,
        blockedSince: undefined,
      };
      clients.add(client);
      response.on('close', () => drop(client));
      response.on('error', () => drop(client));
      response.on('drain', () => {
        client.blockedSince = undefined;
      });
      write(client, 'retry: 2000\n\n');
      send(client, time, new Map());
      timer ??= setInterval(gather, gatherEvery);
      return true;
    },
    get clients() {
      return clients.size;
    },
    get skipped() {
      return skipped;
    },
    close() {
      for (const client of [...clients]) {
        client.response.end();
        drop(client);
      }
    },
  };

  function drop(client: Client): void {
    clients.delete(client);
    if (clients.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function gather(): void {
    const time = now();
    // Readers are mostly at the same revision: each distinct message is made once.
    const made = new Map<number, string>();
    for (const client of [...clients]) attend(client, time, made);
  }

  function attend(client: Client, time: EpochMs, made: Map<number, string>): void {
    if (client.blockedSince !== undefined) {
      skipped += 1;
      if (time - client.blockedSince > GIVE_UP_MS) client.response.destroy();
      return;
    }
    if (time - client.pingedAt >= pingEvery) {
      client.pingedAt = time;
      write(client, ': ping\n\n');
    }
    const isDue = time - client.sentAt >= HEARTBEAT_MS;
    if (isDue || client.revision !== status.revision(time)) send(client, time, made);
  }

  function send(client: Client, time: EpochMs, made: Map<number, string>): void {
    const text = made.get(client.revision) ?? message(client.revision, time);
    made.set(client.revision, text);
    client.revision = status.revision(time);
    client.sentAt = time;
    write(client, text);
  }

  function message(since: number, time: EpochMs): string {
    const { revision, change } = status.changeSince(since, time);
    const isWhole = change === undefined;
    const body = JSON.stringify(isWhole ? status.view(time) : change);
    return `id: ${boot}-${revision}\nevent: ${isWhole ? 'snapshot' : 'change'}\ndata: ${body}\n\n`;
  }

  function write(client: Client, text: string): void {
    if (!client.response.write(text)) client.blockedSince ??= now();
  }
}

/** Revision of one of our own ids; -1 for a foreign, older or malformed one. */
function revisionOf(id: string | undefined, boot: string): number {
  const match = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id ?? '');
  return match?.[1] === boot ? Number(match[2]) : -1;
}
