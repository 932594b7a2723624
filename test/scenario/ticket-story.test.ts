import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { IncidentFactKind } from '../../protocol/model/fact.ts';
import type { IncidentState, Priority } from '../../protocol/model/incident.ts';
import { type EpochMs, seconds } from '../../protocol/model/units.ts';
import type { DeliveryOutcome } from '../../server/ports/delivery.ts';
import { planDeliveries } from '../../server/ticket/plan.ts';
import { createTicketer, type Ticketer } from '../../server/ticket/ticketer.ts';
import { createMemoryOutbox } from '../support/memory-outbox.ts';
import { fact, START, WAN } from '../support/ticket-facts.ts';

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

const DESTINATIONS = [
  { id: 'desk', openAfter: { 1: seconds(0), 2: seconds(30), 3: seconds(120) } },
];

/** What may happen to an incident in each of its states, and the state after it. */
const MOVES: Record<
  'none' | IncidentState,
  readonly (readonly [IncidentFactKind, IncidentState])[]
> = {
  none: [['incident.opened', 'open']],
  open: [
    ['incident.updated', 'open'],
    ['incident.acknowledged', 'acknowledged'],
    ['incident.resolved', 'resolved'],
    ['incident.closed', 'closed'],
    ['incident.merged', 'resolved'],
  ],
  acknowledged: [
    ['incident.updated', 'acknowledged'],
    ['incident.unacknowledged', 'open'],
    ['incident.resolved', 'resolved'],
  ],
  resolved: [['incident.reopened', 'open']],
  closed: [['incident.reopened', 'open']],
};

const step = fc.record({
  incident: fc.integer({ min: 0, max: 3 }),
  move: fc.nat(),
  priority: fc.integer({ min: 1, max: 4 }),
  isMaterial: fc.boolean(),
  pause: fc.constantFrom(0, 0, 1, 20, 200),
  isCrash: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});
/** What becomes of an attempt: taken, taken but the answer is lost, or not taken. */
const outcomes = fc.array(fc.constantFrom('taken', 'taken', 'lost', 'busy', 'down', 'denied'), {
  minLength: 1,
  maxLength: 40,
});

interface Outside {
  state: 'open' | 'resolved';
  readonly first: string;
}

/** A receiver that drops repeats by message id and keeps one ticket per incident. */
function createDesk(script: readonly string[]) {
  const tickets = new Map<string, Outside>();
  const bodies = new Map<string, string>();
  const attempts = { count: 0, isFair: false };
  const receive = (messageId: string, id: string, type: string, body: string): void => {
    // The same id means the same content: otherwise a dropped repeat would lose something.
    expect(bodies.get(messageId) ?? body).toBe(body);
    if (bodies.has(messageId)) return;
    bodies.set(messageId, body);
    const ticket = tickets.get(id) ?? { state: 'open', first: type };
    ticket.state = type === 'incident.resolved' ? 'resolved' : 'open';
    tickets.set(id, ticket);
  };
  const outcome = (fate: string | undefined): DeliveryOutcome => {
    if (fate === 'busy') return { kind: 'later', scope: 'message', answer: '500' };
    if (fate === 'denied') return { kind: 'unauthorised', answer: '401' };
    if (fate === 'taken') return { kind: 'delivered', answer: '200', number: 'T-1' };
    return { kind: 'later', scope: 'destination', answer: 'no answer' };
  };
  return {
    tickets,
    attempts,
    deliver: async (
      _d: string,
      messageId: string,
      message: { type: string; data: { id: string } },
    ) => {
      const fate = attempts.isFair ? 'taken' : script[attempts.count++ % script.length];
      if (fate === 'taken' || fate === 'lost') {
        receive(messageId, message.data.id, message.type, JSON.stringify(message));
      }
      return outcome(fate);
    },
  };
}

interface Known {
  readonly state: IncidentState;
  readonly priority: Priority;
}

/** What the receiver shows once everything was delivered. */
function expectTruth(id: string, last: Known, ticket: Outside | undefined): void {
  const isLive = last.state === 'open' || last.state === 'acknowledged';
  const isTicketed = last.priority <= 3;
  if (isLive && isTicketed) expect([id, ticket?.state]).toEqual([id, 'open']);
  if (!isLive && ticket !== undefined) expect([id, ticket.state]).toEqual([id, 'resolved']);
  if (ticket !== undefined) expect(ticket.first).toBe('incident.opened');
}

test('whatever happens and however the receiver behaves: one ticket per incident, opened first, true in the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), outcomes, async (steps, script) => {
      vi.setSystemTime(START);
      const outbox = createMemoryOutbox();
      const desk = createDesk(script);
      const start = (): Ticketer =>
        createTicketer({
          outbox,
          delivery: desk,
          clock: { now: () => Date.now() as EpochMs },
          log: { info: () => {}, warn: () => {}, error: () => {} },
          destinations: DESTINATIONS,
          random: () => 0.5,
        });
      let ticketer = start();
      const known = new Map<string, Known>();
      const facts = steps.entries();
      for (const [position, one] of facts) {
        const id = `i-${one.incident}`;
        const moves = MOVES[known.get(id)?.state ?? 'none'];
        const [kind, state] = moves[one.move % moves.length]!;
        const s = (Date.now() - START) / 1000;
        const priority = one.priority as Priority;
        // Another priority is always worth telling (see IncidentFact.material).
        const material = one.isMaterial || priority !== known.get(id)?.priority;
        known.set(id, { state, priority });
        const what = fact(kind, s, { id, state, priority, openedAt: START }, { material });
        const context = { position, now: Date.now() as EpochMs, inventory: WAN };
        planDeliveries(outbox, [what], DESTINATIONS, context);
        if (one.isCrash) {
          void ticketer.stop(0);
          ticketer = start();
        }
        ticketer.wake();
        await vi.advanceTimersByTimeAsync(one.pause * 1000);
      }
      desk.attempts.isFair = true;
      await vi.advanceTimersByTimeAsync(5 * 3_600_000);
      for (const [id, last] of known) expectTruth(id, last, desk.tickets.get(id));
      const left = outbox.rows.filter(({ state }) => state === 'waiting' || state === 'sending');
      expect(left).toEqual([]);
      await ticketer.stop(0);
      await vi.runAllTimersAsync();
    }),
    { numRuns: 150 },
  );
});
