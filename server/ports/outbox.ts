import type { IncidentId } from '../../protocol/model/incident.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { TicketMessage, TicketMessageType } from '../../protocol/wire/ticket-payload.ts';
import type { TicketView } from '../../protocol/wire/views.ts';

/** One message to one destination about one incident; messages of one incident stay in order. */
export interface OutboxRow {
  readonly id: number;
  readonly destination: string;
  readonly incident: IncidentId;
  readonly type: TicketMessageType;
  /** webhook-id: the same at every attempt, so that the receiver can drop repeats. */
  readonly messageId: string;
  readonly message: TicketMessage;
  /** Not sent before this time (openAfter, or the next retry). */
  readonly notBefore: EpochMs;
  readonly attempts: number;
  readonly state: 'waiting' | 'sending' | 'delivered' | 'failed';
  readonly lastAnswer?: string;
  readonly createdAt: EpochMs;
  /** When the destination took it or retries were over; shown in the time line. */
  readonly settledAt?: EpochMs;
}

/** Durable, in the same database as the facts; every call is part of the caller's transaction if one is open. */
export interface Outbox {
  insert(row: Omit<OutboxRow, 'id' | 'attempts' | 'state'>): void;
  /** Rows of one incident at one destination that are not delivered or failed, oldest first. */
  undelivered(destination: string, incident: IncidentId): readonly OutboxRow[];
  /** Only for rows never attempted (attempts 0, state waiting). */
  replace(id: number, message: TicketMessage, notBefore: EpochMs): void;
  remove(id: number): void;
  /** Rows to send now: for each (destination, incident) at most its oldest undelivered row, if due. */
  due(now: EpochMs, limit: number): readonly OutboxRow[];
  /** When the next waiting row falls due; undefined when none waits. */
  nextDueAt(): EpochMs | undefined;
  /**
   * Before the request leaves: after a crash it must be sent again, with the same messageId, so
   * `due` returns rows in state sending too. Counts the attempt (attempts + 1).
   */
  sending(id: number): void;
  delivered(id: number, at: EpochMs, answer: string): void;
  /**
   * Back to waiting. Also postpones a row that was not sent (its destination rests), and pulls one
   * forward behind which a new outage waits: attempts stay.
   */
  retry(id: number, notBefore: EpochMs, answer: string): void;
  failed(id: number, answer: string): void;
  /**
   * Pulls every waiting retry of a destination forward to `now` (it has answered again): rows in
   * state waiting with a `lastAnswer`, not those that still wait for openAfter.
   */
  hurry(destination: string, now: EpochMs): void;
  saveTicket(incident: IncidentId, ticket: TicketView): void;
  ticket(destination: string, incident: IncidentId): TicketView | undefined;
  tickets(incident: IncidentId): readonly TicketView[];
  /** For the page and `vedette tickets status`, newest first. */
  recent(limit: number): readonly OutboxRow[];
}
