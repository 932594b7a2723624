import type { DatabaseSync } from 'node:sqlite';
import type { EpochMs } from '../../../protocol/model/units.ts';
import type { TicketMessage, TicketMessageType } from '../../../protocol/wire/ticket-payload.ts';
import type { TicketView } from '../../../protocol/wire/views.ts';
import type { Outbox, OutboxRow } from '../../ports/outbox.ts';

interface Row {
  readonly id: number;
  readonly destination: string;
  readonly incident: string;
  readonly type: TicketMessageType;
  readonly message_id: string;
  readonly message: string;
  readonly not_before: EpochMs;
  readonly attempts: number;
  readonly state: OutboxRow['state'];
  readonly last_answer: string | null;
  readonly created_at: EpochMs;
  readonly settled_at: EpochMs | null;
}

const rowOf = (row: Row): OutboxRow => ({
  id: row.id,
  destination: row.destination,
  incident: row.incident,
  type: row.type,
  messageId: row.message_id,
  message: JSON.parse(row.message) as TicketMessage,
  notBefore: row.not_before,
  attempts: row.attempts,
  state: row.state,
  ...(row.last_answer === null ? {} : { lastAnswer: row.last_answer }),
  createdAt: row.created_at,
});

/** The oldest undelivered row of each incident at each destination: the only one that may go out. */
const HEADS = `SELECT min(id) AS id FROM outbox WHERE state IN ('waiting', 'sending')
  GROUP BY destination, incident`;

export interface DeliveryLog {
  /** Newest first; of one incident when asked. */
  deliveries(query: { incident?: string; limit: number }): readonly (Omit<OutboxRow, 'message'> & {
    readonly settledAt?: EpochMs;
  })[];
}

export function createOutbox(db: DatabaseSync): Outbox & DeliveryLog {
  const insert = db.prepare(
    `INSERT INTO outbox (destination, incident, type, message_id, message, not_before, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const undelivered = db.prepare(
    `SELECT * FROM outbox WHERE destination = ? AND incident = ?
       AND state IN ('waiting', 'sending') ORDER BY id`,
  );
  const replace = db.prepare(
    `UPDATE outbox SET message = ?, not_before = ?
      WHERE id = ? AND attempts = 0 AND state = 'waiting'`,
  );
  const remove = db.prepare(
    "DELETE FROM outbox WHERE id = ? AND attempts = 0 AND state = 'waiting'",
  );
  const due = db.prepare(
    `SELECT outbox.* FROM outbox JOIN (${HEADS}) AS head ON head.id = outbox.id
      WHERE not_before <= ? ORDER BY not_before, outbox.id LIMIT ?`,
  );
  const nextDue = db.prepare(
    `SELECT min(not_before) AS at FROM outbox JOIN (${HEADS}) AS head ON head.id = outbox.id
      WHERE state = 'waiting'`,
  );
  const sending = db.prepare(
    "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?",
  );
  const delivered = db.prepare(
    "UPDATE outbox SET state = 'delivered', settled_at = ?, last_answer = ? WHERE id = ?",
  );
  const retry = db.prepare(
    "UPDATE outbox SET state = 'waiting', not_before = ?, last_answer = ? WHERE id = ?",
  );
  const failed = db.prepare("UPDATE outbox SET state = 'failed', last_answer = ? WHERE id = ?");
  // A row without an answer still waits for openAfter: only what was tried or postponed is pulled forward.
  const hurry = db.prepare(
    `UPDATE outbox SET not_before = ?2
      WHERE destination = ?1 AND state = 'waiting' AND last_answer IS NOT NULL AND not_before > ?2`,
  );
  const saveTicket = db.prepare(
    `INSERT INTO tickets (incident, destination, body) VALUES (?, ?, ?)
     ON CONFLICT (incident, destination) DO UPDATE SET body = excluded.body`,
  );
  const ticket = db.prepare('SELECT body FROM tickets WHERE incident = ? AND destination = ?');
  const tickets = db.prepare('SELECT body FROM tickets WHERE incident = ? ORDER BY destination');
  const ofIncident = db.prepare('SELECT * FROM outbox WHERE incident = ? ORDER BY id DESC LIMIT ?');
  const recent = db.prepare('SELECT * FROM outbox ORDER BY id DESC LIMIT ?');

  /** A message that may have left must stay as it is: its webhook-id stands for its content. */
  const untouched = (id: number, changes: number | bigint): void => {
    if (changes !== 1) throw new Error(`outbox row ${id} was attempted or is gone`);
  };
  const rows = (found: unknown): readonly OutboxRow[] => (found as Row[]).map(rowOf);
  const view = ({ body }: { body: string }): TicketView => JSON.parse(body) as TicketView;

  return {
    insert(row) {
      const message = JSON.stringify(row.message);
      insert.run(
        row.destination,
        row.incident,
        row.type,
        row.messageId,
        message,
        row.notBefore,
        row.createdAt,
      );
    },
    undelivered: (destination, incident) => rows(undelivered.all(destination, incident)),
    replace: (id, message, notBefore) =>
      untouched(id, replace.run(JSON.stringify(message), notBefore, id).changes),
    remove: (id) => untouched(id, remove.run(id).changes),
    due: (now, limit) => rows(due.all(now, limit)),
    nextDueAt: () => (nextDue.get() as { at: EpochMs | null }).at ?? undefined,
    sending: (id) => void sending.run(id),
    delivered: (id, at, answer) => void delivered.run(at, answer, id),
    retry: (id, notBefore, answer) => void retry.run(notBefore, answer, id),
    failed: (id, answer) => void failed.run(answer, id),
    hurry: (destination, now) => void hurry.run(destination, now),
    saveTicket: (incident, saved) =>
      void saveTicket.run(incident, saved.destination, JSON.stringify(saved)),
    ticket(destination, incident) {
      const row = ticket.get(incident, destination) as { body: string } | undefined;
      return row && view(row);
    },
    tickets: (incident) => (tickets.all(incident) as { body: string }[]).map(view),
    recent: (limit) => rows(recent.all(limit)),
    deliveries({ incident: id, limit }) {
      const found = id === undefined ? recent.all(limit) : ofIncident.all(id, limit);
      return (found as unknown as Row[]).map((row) => {
        const { message: _body, ...rest } = rowOf(row);
        return { ...rest, ...(row.settled_at === null ? {} : { settledAt: row.settled_at }) };
      });
    },
  };
}
