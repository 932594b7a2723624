import { createHash } from 'node:crypto';
import {
  type Fact,
  type IncidentFact,
  type IncidentFactKind,
  isIncidentFact,
} from '../../protocol/model/fact.ts';
import type { Incident, Priority } from '../../protocol/model/incident.ts';
import type { Inventory } from '../../protocol/model/inventory.ts';
import { type DurationMs, type EpochMs, later } from '../../protocol/model/units.ts';
import type { TicketMessageType } from '../../protocol/wire/ticket-payload.ts';
import type { TicketView } from '../../protocol/wire/views.ts';
import type { Outbox, OutboxRow } from '../ports/outbox.ts';
import { ticketMessage } from './payload.ts';
import type { Survivor, Telling } from './telling.ts';

/** Where tickets go, as routing sees it. */
export interface Destination {
  readonly id: string;
  /** How long an incident must last before it is ticketed; a priority that is absent never is. */
  readonly openAfter: { readonly [P in Priority]?: DurationMs };
}

export interface PlanContext {
  /** Position of the input that the facts came from: message ids derive from it. */
  readonly position: number;
  readonly now: EpochMs;
  readonly inventory: Inventory;
  readonly publicUrl?: string;
}

export const NEVER_CREATED = 'resolved before a ticket was due: none was created';

/**
 * Turns incident facts into outbox rows, inside the transaction that commits the facts.
 *
 *   opened ─▶ row waits for openAfter ◀─ updates merge into it
 *     │ resolved before the first attempt: the row goes, no ticket is ever made
 *     ▼ attempted
 *   material updates, acknowledgements and the end follow in order; waiting updates merge
 *
 * One id, one ticket. An incident that comes back is `incident.opened` with the same `data.id`
 * (a receiver that knows the id reopens its ticket; one that forgot it makes a new one, so the
 * trouble is never silent). One that was absorbed gets `incident.resolved` naming the survivor.
 */
export function planDeliveries(
  outbox: Outbox,
  facts: readonly Fact[],
  destinations: readonly Destination[],
  context: PlanContext,
): void {
  const incidentFacts = facts.filter(isIncidentFact);
  for (const [ordinal, fact] of incidentFacts.entries()) {
    for (const destination of destinations) {
      PLANS[fact.kind]({ outbox, destination, context, fact, ordinal, all: incidentFacts });
    }
  }
}

interface Planning {
  readonly outbox: Outbox;
  readonly destination: Destination;
  readonly context: PlanContext;
  readonly fact: IncidentFact;
  /** Number of the fact within its input. */
  readonly ordinal: number;
  readonly all: readonly IncidentFact[];
}

/** What each kind of fact does to the messages of its incident. */
const PLANS = {
  'incident.opened': (planning) => open(planning, planning.fact.view.openedAt),
  'incident.reopened': reopen,
  'incident.updated': (planning) => update(planning, planning.fact.material),
  'incident.unacknowledged': (planning) => update(planning, true),
  'incident.acknowledged': acknowledge,
  'incident.resolved': end,
  'incident.closed': end,
  'incident.merged': end,
} as const satisfies Record<IncidentFactKind, (planning: Planning) => void>;

const undelivered = ({ outbox, destination, fact }: Planning): readonly OutboxRow[] =>
  outbox.undelivered(destination.id, fact.incident);

const ticketOf = ({ outbox, destination, fact }: Planning): TicketView | undefined =>
  outbox.ticket(destination.id, fact.incident);

/** Never attempted, so nobody outside knows of it and it may still change. */
const isUntouched = (row: OutboxRow): boolean => row.state === 'waiting' && row.attempts === 0;

const untouched = (rows: readonly OutboxRow[], type: TicketMessageType): OutboxRow | undefined =>
  rows.findLast((row) => row.type === type && isUntouched(row));

/** When the destination wants to hear of the incident; undefined = its priority is not ticketed. */
function dueAt({ destination }: Planning, incident: Incident, from: EpochMs): EpochMs | undefined {
  const wait = destination.openAfter[incident.priority];
  return wait === undefined ? undefined : later(from, wait);
}

function open(planning: Planning, from: EpochMs): void {
  const notBefore = dueAt(planning, planning.fact.view, from);
  if (notBefore === undefined) return;
  insert(planning, 'incident.opened', notBefore);
  saveTicket(planning, { state: 'waiting', nextAttemptAt: notBefore });
}

function update(planning: Planning, isMaterial: boolean): void {
  const { fact, outbox } = planning;
  if (!isLive(fact.view)) return;
  const rows = undelivered(planning);
  const opening = untouched(rows, 'incident.opened');
  if (opening !== undefined) {
    mergeIntoOpening(planning, opening);
    return;
  }
  const ticket = ticketOf(planning);
  if (ticket === undefined || ticket.state === 'resolved') {
    // Not ticketed so far, or taken back: a raised priority starts a ticket.
    open(planning, fact.view.openedAt);
    return;
  }
  if (!isMaterial || ticket.state === 'failed') return;
  const waiting = rows.at(-1);
  if (waiting?.type === 'incident.updated' && isUntouched(waiting)) {
    outbox.replace(waiting.id, message(planning, 'incident.updated'), waiting.notBefore);
  } else {
    insert(planning, 'incident.updated', planning.context.now);
  }
}

const isLive = (incident: Incident): boolean =>
  incident.state === 'open' || incident.state === 'acknowledged';

/** A raised priority brings the ticket forward, a lowered one puts it off or takes it back. */
function mergeIntoOpening(planning: Planning, opening: OutboxRow): void {
  const { fact, outbox } = planning;
  const from = fact.view.reopened > 0 ? opening.createdAt : fact.view.openedAt;
  const notBefore = dueAt(planning, fact.view, from);
  if (notBefore === undefined) {
    takeBack(planning, opening, 'its priority fell below what is ticketed: none was created');
    return;
  }
  outbox.replace(opening.id, message(planning, 'incident.opened'), notBefore);
  saveTicket(planning, { state: 'waiting', nextAttemptAt: notBefore });
}

function acknowledge(planning: Planning): void {
  const opening = untouched(undelivered(planning), 'incident.opened');
  const state = ticketOf(planning)?.state ?? 'resolved';
  // Without a ticket outside it is a change like any other: its priority may ask for one.
  if (opening !== undefined || state === 'resolved') update(planning, false);
  else if (state !== 'failed') insert(planning, 'incident.acknowledged', planning.context.now);
}

function end(planning: Planning): void {
  const { outbox, context } = planning;
  const rows = undelivered(planning);
  const opening = untouched(rows, 'incident.opened');
  if (opening !== undefined) {
    takeBack(planning, opening, NEVER_CREATED);
    return;
  }
  const ticket = ticketOf(planning);
  const isOver = ticket?.state === 'resolved' || rows.at(-1)?.type === 'incident.resolved';
  if (ticket === undefined || ticket.state === 'failed' || isOver) return;
  // The end says all that a waiting update would have said.
  for (const row of rows) {
    if (row.type === 'incident.updated' && isUntouched(row)) outbox.remove(row.id);
  }
  insert(planning, 'incident.resolved', context.now);
}

/** Removes an opening that nobody has heard of, and what waits behind it. */
function takeBack(planning: Planning, opening: OutboxRow, why: string): void {
  for (const row of undelivered(planning)) {
    if (row.id >= opening.id) planning.outbox.remove(row.id);
  }
  const ticket = ticketOf(planning);
  const isKnownOutside = (ticket?.attempts ?? 0) > 0;
  saveTicket(planning, {
    state: 'resolved',
    lastAnswer: isKnownOutside ? 'it was back for too short a time to reopen the ticket' : why,
  });
}

function reopen(planning: Planning): void {
  const { fact, outbox, context } = planning;
  const resolution = untouched(undelivered(planning), 'incident.resolved');
  if (resolution === undefined) {
    open(planning, fact.at);
    return;
  }
  // The destination has not heard of the end: for it the trouble only went on.
  outbox.remove(resolution.id);
  insert(planning, 'incident.updated', context.now);
}

function insert(planning: Planning, type: Telling['type'], notBefore: EpochMs): void {
  const { outbox, destination, context, fact, ordinal } = planning;
  outbox.insert({
    destination: destination.id,
    incident: fact.incident,
    type,
    messageId: messageId(fact.incident, context.position, ordinal, destination.id, type),
    message: message(planning, type),
    notBefore,
    createdAt: context.now,
  });
  if (type === 'incident.opened') hurryBefore(planning, notBefore);
}

/** What the destination did not take before is tried again by then: a new outage waits behind it. */
function hurryBefore({ outbox, destination, fact }: Planning, notBefore: EpochMs): void {
  const [head] = outbox.undelivered(destination.id, fact.incident);
  const isStuck = head?.state === 'waiting' && head.lastAnswer !== undefined;
  if (isStuck && head.notBefore > notBefore) outbox.retry(head.id, notBefore, head.lastAnswer);
}

/** The same input gives the same id, so a replay after a crash cannot double a message. */
function messageId(...parts: readonly (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  return `msg_${hash.slice(0, 27)}`;
}

function message(planning: Planning, type: Telling['type']): OutboxRow['message'] {
  const { fact, context } = planning;
  const survivor = survivorOf(planning);
  return ticketMessage({ type, fact, ...(survivor ? { survivor } : {}) }, context);
}

function survivorOf({ fact, all, outbox, destination }: Planning): Survivor | undefined {
  if (fact.kind !== 'incident.merged' || fact.into === undefined) return undefined;
  const title = all.find((other) => other.incident === fact.into)?.view.title;
  const ticket = outbox.ticket(destination.id, fact.into)?.number;
  return { id: fact.into, ...(title ? { title } : {}), ...(ticket ? { ticket } : {}) };
}

/** Keeps what the destination told us (number, address, attempts) and replaces the rest. */
function saveTicket(
  planning: Planning,
  change: Pick<TicketView, 'state'> & Partial<Pick<TicketView, 'nextAttemptAt' | 'lastAnswer'>>,
): void {
  const { outbox, destination, fact } = planning;
  const { number, url, attempts = 0 } = ticketOf(planning) ?? {};
  outbox.saveTicket(fact.incident, {
    destination: destination.id,
    ...(number === undefined ? {} : { number }),
    ...(url === undefined ? {} : { url }),
    attempts,
    ...change,
  });
}
