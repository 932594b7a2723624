import type { IncidentId } from '../../protocol/model/incident.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { TicketView } from '../../protocol/wire/views.ts';
import type { Outbox, OutboxRow } from '../../server/ports/outbox.ts';

type Row = { -readonly [K in keyof OutboxRow]: OutboxRow[K] };

const isOpen = (row: Row): boolean => row.state === 'waiting' || row.state === 'sending';

/** A reader holds what it read, not the row: a database gives copies too. */
const copies = (rows: readonly Row[]): OutboxRow[] => rows.map((row) => ({ ...row }));

/** The outbox port in memory: the reference that the SQLite adapter is compared with. */
export function createMemoryOutbox(): Outbox & { readonly rows: readonly OutboxRow[] } {
  const rows: Row[] = [];
  const tickets = new Map<string, TicketView>();
  let nextId = 1;
  const find = (id: number): Row => {
    const row = rows.find((candidate) => candidate.id === id);
    if (row === undefined) throw new Error(`no outbox row ${id}`);
    return row;
  };
  const untouched = (id: number): Row => {
    const row = find(id);
    if (row.attempts > 0 || row.state !== 'waiting') throw new Error(`row ${id} was attempted`);
    return row;
  };
  /** The oldest undelivered row of every (destination, incident). */
  const heads = (): Row[] => {
    const seen = new Set<string>();
    return rows.filter((row) => {
      const key = `${row.destination}|${row.incident}`;
      if (!isOpen(row) || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  };
  return {
    rows,
    insert: (row) => {
      if (rows.some((other) => other.messageId === row.messageId)) {
        throw new Error(`message ${row.messageId} is already in the outbox`);
      }
      rows.push({ ...structuredClone(row), id: nextId++, attempts: 0, state: 'waiting' });
    },
    undelivered: (destination, incident) =>
      copies(
        rows.filter(
          (row) => row.destination === destination && row.incident === incident && isOpen(row),
        ),
      ),
    replace: (id, message, notBefore) => {
      Object.assign(untouched(id), { message: structuredClone(message), notBefore });
    },
    remove: (id) => {
      rows.splice(rows.indexOf(untouched(id)), 1);
    },
    due: (now: EpochMs, limit) =>
      copies(
        heads()
          .filter((row) => row.notBefore <= now)
          .sort((a, b) => a.notBefore - b.notBefore || a.id - b.id)
          .slice(0, limit),
      ),
    nextDueAt: () => {
      const waiting = heads().filter((row) => row.state === 'waiting');
      if (waiting.length === 0) return undefined;
      return waiting.reduce((a, b) => (b.notBefore < a.notBefore ? b : a)).notBefore;
    },
    sending: (id) => {
      const row = find(id);
      Object.assign(row, { state: 'sending', attempts: row.attempts + 1 });
    },
    delivered: (id, _at, answer) => {
      Object.assign(find(id), { state: 'delivered', lastAnswer: answer });
    },
    retry: (id, notBefore, answer) => {
      Object.assign(find(id), { state: 'waiting', notBefore, lastAnswer: answer });
    },
    failed: (id, answer) => {
      Object.assign(find(id), { state: 'failed', lastAnswer: answer });
    },
    hurry: (destination, now) => {
      for (const row of rows) {
        const isRetry = row.state === 'waiting' && row.lastAnswer !== undefined;
        if (row.destination === destination && isRetry && row.notBefore > now) row.notBefore = now;
      }
    },
    saveTicket: (incident: IncidentId, ticket) => {
      tickets.set(`${ticket.destination}|${incident}`, ticket);
    },
    ticket: (destination, incident) => tickets.get(`${destination}|${incident}`),
    tickets: (incident) =>
      [...tickets].filter(([key]) => key.endsWith(`|${incident}`)).map(([, view]) => view),
    recent: (limit) => copies([...rows].reverse().slice(0, limit)),
  };
}
