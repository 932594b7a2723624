import type { IncidentId } from '../../protocol/model/incident.ts';
import { assertNever, type EpochMs, elapsed, later } from '../../protocol/model/units.ts';
import type { TicketView } from '../../protocol/wire/views.ts';
import type { Delivery, DeliveryOutcome } from '../ports/delivery.ts';
import type { Outbox, OutboxRow } from '../ports/outbox.ts';
import { createRests, type DestinationState } from './rest.ts';
import { AWAITED_WITHIN, GIVE_UP_AFTER, retryDelay } from './retry.ts';

/** The part of pino that is used here. */
interface TicketLog {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

export interface TicketerOptions {
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly clock: { now(): EpochMs };
  readonly log: TicketLog;
  readonly destinations: readonly { readonly id: string }[];
  /** Requests in flight at once; one slow destination cannot take all. Default 16. */
  readonly maxInFlight?: number;
  /** 0..1, for jitter. */
  readonly random?: () => number;
  /** A ticket view changed (sent, answered, failed): the page should hear of it. */
  readonly onChange?: (incident: IncidentId) => void;
}

/** Sends what the outbox holds: in order per (destination, incident), incidents side by side. */
export interface Ticketer {
  /** Something may be due: called after every commit. Cheap; many calls in one turn are one. */
  wake(): void;
  /** How a destination does, for readiness and metrics. */
  state(destination: string): DestinationState;
  inFlight(): number;
  /** Starts nothing new and waits for what is in flight, at most `withinMs` (default 10 s). */
  stop(withinMs?: number): Promise<void>;
}

/** Rows looked at in one turn, so that a long queue never holds up the event loop. */
const ROWS_PER_TURN = 64;
const ROWS_WHEN_CROWDED = 1024;
/** Rows may be blocked behind others; then looking again this often is enough. */
const IDLE_LOOK_MS = 1000;
const MAX_TIMER_MS = 60_000;
const STUMBLE_MS = 5000;
/** An aborted request has this long to say so before the server leaves without it. */
const ABORT_GRACE_MS = 500;

export function createTicketer(options: TicketerOptions): Ticketer {
  const { outbox, delivery, clock, log, onChange } = options;
  const { maxInFlight = 16, random = Math.random } = options;
  const known = new Set(options.destinations.map((destination) => destination.id));
  const maxPerDestination = Math.max(1, known.size > 1 ? Math.ceil(maxInFlight / 2) : maxInFlight);
  const rests = createRests();
  const inFlight = new Map<number, { destination: string; done: Promise<void> }>();
  const abort = new AbortController();
  let soon: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  /** Only rows without a free slot were seen: look further, for other destinations. */
  let isCrowded = false;

  function wake(): void {
    if (isStopped || soon !== undefined) return;
    soon = setImmediate(() => {
      soon = undefined;
      turn();
    });
  }

  function turn(): void {
    clearTimeout(timer);
    try {
      const now = clock.now();
      if (look(now)) wake();
      else arm(now);
    } catch (err) {
      stumble(err);
    }
  }

  /** Starts or postpones what is due. True when there may be more to do at once. */
  function look(now: EpochMs): boolean {
    const rows = outbox
      .due(now, (isCrowded ? ROWS_WHEN_CROWDED : ROWS_PER_TURN) + inFlight.size)
      .filter((row) => !inFlight.has(row.id));
    let moved = 0;
    for (const row of rows) if (take(row, now)) moved++;
    const wasCrowded = isCrowded;
    isCrowded = moved === 0 && rows.length >= ROWS_PER_TURN;
    return rows.length >= ROWS_PER_TURN && (moved > 0 || !wasCrowded);
  }

  function arm(now: EpochMs): void {
    const next = outbox.nextDueAt();
    if (next === undefined || isStopped) return;
    const wait = Math.min(next > now ? next - now : IDLE_LOOK_MS, MAX_TIMER_MS);
    timer = setTimeout(wake, wait);
  }

  /** The outbox itself failed (disk full): the rows are still there, so look again a little later. */
  function stumble(err: unknown): void {
    log.error({ err }, 'the outbox cannot be used; tickets wait');
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(wake, STUMBLE_MS);
  }

  /** Starts or postpones a row. False when it has to stay as it is for want of a free slot. */
  function take(row: OutboxRow, now: EpochMs): boolean {
    if (!known.has(row.destination)) {
      outbox.failed(row.id, 'this destination is no longer configured');
      saveView(row, 'failed', 'this destination is no longer configured');
      return true;
    }
    const rest = rests.restUntil(row.destination, now);
    if (rest !== undefined) {
      postpone(row, now, rest);
      return true;
    }
    if (!hasSlot(row.destination)) return false;
    rests.trying(row.destination);
    const done = send(row).then(
      () => {
        inFlight.delete(row.id);
        wake();
      },
      (err: unknown) => {
        inFlight.delete(row.id);
        rests.tried(row.destination);
        stumble(err);
      },
    );
    inFlight.set(row.id, { destination: row.destination, done });
    return true;
  }

  function hasSlot(destination: string): boolean {
    const mine = [...inFlight.values()].filter((flight) => flight.destination === destination);
    return inFlight.size < maxInFlight && mine.length < maxPerDestination;
  }

  function postpone(row: OutboxRow, now: EpochMs, rest: { until: EpochMs; why: string }): void {
    if (isTooOld(row, now)) giveUp(row, rest.why);
    else {
      outbox.retry(row.id, rest.until, rest.why);
      saveView(row, row.attempts > 0 ? viewStateOf(row) : 'waiting', rest.why, rest.until);
    }
  }

  async function send(row: OutboxRow): Promise<void> {
    outbox.sending(row.id);
    const attempt: OutboxRow = { ...row, attempts: row.attempts + 1 };
    saveView(attempt, 'sending');
    let outcome: DeliveryOutcome;
    try {
      outcome = await delivery.deliver(row.destination, row.messageId, row.message, abort.signal);
    } catch (error) {
      const answer = error instanceof Error ? error.message : String(error);
      outcome = { kind: 'later', scope: 'destination', answer };
    }
    rests.tried(row.destination);
    settle(attempt, outcome, clock.now());
  }

  function settle(row: OutboxRow, outcome: DeliveryOutcome, now: EpochMs): void {
    const fields = { destination: row.destination, incident: row.incident, type: row.type };
    switch (outcome.kind) {
      case 'delivered':
        outbox.delivered(row.id, now, outcome.answer);
        saveView(
          row,
          row.type === 'incident.resolved' ? 'resolved' : 'open',
          outcome.answer,
          undefined,
          outcome,
        );
        log.info({ ...fields, attempts: row.attempts }, 'ticket message delivered');
        hurryAfterRest(row.destination, now);
        return;
      case 'later':
        if (outcome.scope === 'message') hurryAfterRest(row.destination, now);
        else if (!abort.signal.aborted) {
          rests.failed(row.destination, now, outcome.answer, outcome.retryAfter);
        }
        again(row, now, outcome.answer, outcome.retryAfter);
        return;
      case 'refused':
        giveUp(row, outcome.answer);
        hurryAfterRest(row.destination, now);
        return;
      case 'unauthorised':
        if (rests.state(row.destination).kind !== 'unauthorised') {
          log.error(
            { destination: row.destination, answer: outcome.answer },
            'destination refuses our credentials; its tickets wait until it accepts them',
          );
        }
        rests.unauthorised(row.destination, now, outcome.answer);
        again(row, now, outcome.answer);
        return;
      case 'gone':
        log.error(
          { destination: row.destination, answer: outcome.answer },
          'destination is gone (410) and switched off; its tickets wait for a new configuration',
        );
        rests.gone(row.destination, outcome.answer);
        again(row, now, outcome.answer);
        return;
      default:
        assertNever(outcome);
    }
  }

  /** The first answer after failures: whatever waits for a retry goes now. */
  function hurryAfterRest(destination: string, now: EpochMs): void {
    if (!rests.answered(destination, now)) return;
    log.info({ destination }, 'destination answers again');
    outbox.hurry(destination, now);
  }

  function again(
    row: OutboxRow,
    now: EpochMs,
    answer: string,
    retryAfter?: Parameters<typeof retryDelay>[2],
  ): void {
    if (isTooOld(row, now)) {
      giveUp(row, answer);
      return;
    }
    const delay = retryDelay(row.attempts, random(), retryAfter);
    const isAwaited = retryAfter === undefined && reopening(row) !== undefined;
    const wait = isAwaited && delay > AWAITED_WITHIN ? AWAITED_WITHIN : delay;
    const notBefore = later(now, wait);
    outbox.retry(row.id, notBefore, answer);
    saveView(row, viewStateOf(row), answer, notBefore);
    if (row.attempts === 3) {
      log.warn(
        { destination: row.destination, incident: row.incident, answer },
        'ticket message not taken after three attempts; still trying',
      );
    }
  }

  const isTooOld = (row: OutboxRow, now: EpochMs): boolean =>
    elapsed(row.createdAt, now) > GIVE_UP_AFTER;

  function giveUp(row: OutboxRow, answer: string): void {
    outbox.failed(row.id, answer);
    log.error(
      {
        destination: row.destination,
        incident: row.incident,
        type: row.type,
        answer,
        attempts: row.attempts,
      },
      'ticket message not delivered: somebody must look',
    );
    if (row.type !== 'incident.opened') {
      saveView(row, 'open', `${row.type} was not taken: ${answer}`);
      return;
    }
    // Without a ticket outside, what follows has nothing to speak about.
    for (const follower of outbox.undelivered(row.destination, row.incident)) {
      if (follower.id !== row.id) outbox.failed(follower.id, 'its ticket could not be opened');
    }
    saveView(row, 'failed', answer);
  }

  function saveView(
    row: OutboxRow,
    state: TicketView['state'],
    answer?: string,
    nextAttemptAt?: EpochMs,
    taken: { readonly number?: string; readonly url?: string } = {},
  ): void {
    const before = outbox.ticket(row.destination, row.incident);
    const next = nextAttemptAt ?? reopening(row)?.notBefore;
    const number = taken.number ?? before?.number;
    const url = taken.url ?? before?.url;
    const lastAnswer = answer ?? before?.lastAnswer;
    outbox.saveTicket(row.incident, {
      destination: row.destination,
      state: state === 'resolved' && next !== undefined ? 'waiting' : state,
      attempts: row.attempts,
      ...(number === undefined ? {} : { number }),
      ...(url === undefined ? {} : { url }),
      ...(next === undefined ? {} : { nextAttemptAt: next }),
      ...(lastAnswer === undefined ? {} : { lastAnswer }),
    });
    onChange?.(row.incident);
  }

  /** An incident that came back while its end was on the way. */
  const reopening = (row: OutboxRow): OutboxRow | undefined =>
    outbox
      .undelivered(row.destination, row.incident)
      .find((other) => other.id !== row.id && other.type === 'incident.opened');

  async function stop(withinMs = 10_000): Promise<void> {
    isStopped = true;
    clearImmediate(soon);
    clearTimeout(timer);
    const aborting = setTimeout(() => abort.abort(), withinMs);
    const { promise: tooLate, resolve } = Promise.withResolvers<void>();
    const leaving = setTimeout(resolve, withinMs + ABORT_GRACE_MS);
    await Promise.race([Promise.all([...inFlight.values()].map(({ done }) => done)), tooLate]);
    clearTimeout(aborting);
    clearTimeout(leaving);
  }

  // A new start is often the fix (credentials, address): nothing waits for its old retry time.
  for (const destination of known) outbox.hurry(destination, clock.now());
  wake();
  return { wake, state: rests.state, inFlight: () => inFlight.size, stop };
}

/** What is outside while a row waits for its next attempt. */
const viewStateOf = (row: OutboxRow): TicketView['state'] =>
  row.type === 'incident.opened' ? 'waiting' : 'open';
