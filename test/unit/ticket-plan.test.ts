import { describe, expect, test } from 'vitest';
import type { Fact, IncidentFact } from '../../protocol/model/fact.ts';
import { NEVER_CREATED, planDeliveries } from '../../server/ticket/plan.ts';
import { createMemoryOutbox } from '../support/memory-outbox.ts';
import { at, DESK, fact, START, WAN } from '../support/ticket-facts.ts';

function scene(destinations = [DESK]) {
  const outbox = createMemoryOutbox();
  let position = 0;
  return {
    outbox,
    plan: (...facts: Fact[]) => {
      const now = (facts[0] as IncidentFact | undefined)?.at ?? START;
      planDeliveries(outbox, facts, destinations, {
        position: ++position,
        now,
        inventory: WAN,
        publicUrl: 'https://noc.example.com',
      });
    },
    /** Sends and delivers the oldest message, as the ticketer would. */
    deliver: () => {
      const row = outbox.rows.find(({ state }) => state === 'waiting');
      if (row === undefined) throw new Error('nothing waits');
      outbox.sending(row.id);
      outbox.delivered(row.id, row.notBefore, '200');
      outbox.saveTicket(row.incident, {
        destination: row.destination,
        state: row.type === 'incident.resolved' ? 'resolved' : 'open',
        number: 'T-1001',
        attempts: 1,
        lastAnswer: '200',
      });
      return row.type;
    },
    waiting: () => outbox.rows.filter((row) => row.state === 'waiting').map((row) => row.type),
    ticket: () => outbox.ticket('desk', 'i-42'),
  };
}

describe('when a ticket is opened', () => {
  test.each([
    [1, 10],
    [2, 60],
    [3, 300],
  ] as const)('priority %i waits %i s from the opening of the incident', (priority, s) => {
    const { plan, outbox, ticket } = scene();
    plan(fact('incident.opened', 0, { priority }));
    expect(outbox.rows.map((row) => row.notBefore)).toEqual([at(s)]);
    expect(ticket()).toMatchObject({ state: 'waiting', nextAttemptAt: at(s), attempts: 0 });
  });

  test.each([4, 5] as const)('priority %i is never ticketed', (priority) => {
    const { plan, outbox, ticket } = scene();
    plan(fact('incident.opened', 0, { priority }));
    plan(fact('incident.updated', 5, { priority }, { material: true }));
    plan(fact('incident.acknowledged', 6, { priority }));
    plan(fact('incident.resolved', 9, { priority, state: 'resolved' }));
    expect(outbox.rows).toEqual([]);
    expect(ticket()).toBeUndefined();
  });

  test('each destination has its own patience', () => {
    const { plan, outbox } = scene([DESK, { id: 'log', openAfter: { 5: DESK.openAfter[1]! } }]);
    plan(fact('incident.opened', 0, { priority: 5 }));
    plan(fact('incident.opened', 0, { priority: 1, id: 'i-43' }));
    expect(outbox.rows.map((row) => [row.destination, row.incident])).toEqual([
      ['log', 'i-42'],
      ['desk', 'i-43'],
    ]);
  });

  test('facts that are not about incidents are passed over', () => {
    const { plan, outbox } = scene();
    plan({ kind: 'subject.answered', at: START, subject: 'link:lyon-mpls', agent: 'hub-a' });
    expect(outbox.rows).toEqual([]);
  });

  test('the same input gives the same message id, another input another one', () => {
    const ids = [1, 1, 2].map((position) => {
      const outbox = createMemoryOutbox();
      const context = { position, now: START, inventory: WAN };
      planDeliveries(outbox, [fact('incident.opened', 0)], [DESK], context);
      return outbox.rows[0]?.messageId;
    });
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
    expect(ids[0]).toMatch(/^msg_[\w-]{27}$/);
  });
});

describe('while the opening waits', () => {
  test('updates merge into it, material or not', () => {
    const { plan, outbox } = scene();
    plan(fact('incident.opened', 0, { priority: 3 }));
    plan(fact('incident.updated', 5, { priority: 3, title: 'first' }));
    plan(fact('incident.updated', 8, { priority: 3, title: 'second' }, { material: true }));
    expect(outbox.rows).toHaveLength(1);
    expect(outbox.rows[0]).toMatchObject({
      type: 'incident.opened',
      message: { type: 'incident.opened', data: { title: 'second' } },
      notBefore: at(300),
    });
  });

  test('a raised priority brings it forward, a lowered one puts it off', () => {
    const { plan, outbox } = scene();
    plan(fact('incident.opened', 0, { priority: 3 }));
    plan(fact('incident.updated', 100, { priority: 1 }));
    expect(outbox.rows[0]?.notBefore).toBe(at(10));
    plan(fact('incident.updated', 101, { priority: 3 }));
    expect(outbox.rows[0]?.notBefore).toBe(at(300));
  });

  test('a raised priority starts a ticket that routing had left out', () => {
    const { plan, outbox } = scene();
    plan(fact('incident.opened', 0, { priority: 4 }));
    plan(fact('incident.updated', 100, { priority: 2 }));
    expect(outbox.rows.map((row) => [row.type, row.notBefore])).toEqual([
      ['incident.opened', at(60)],
    ]);
  });

  test('a priority that falls out of routing takes it back, and may bring it back later', () => {
    const { plan, waiting, ticket } = scene();
    plan(fact('incident.opened', 0, { priority: 3 }));
    plan(fact('incident.updated', 5, { priority: 4 }));
    expect(waiting()).toEqual([]);
    expect(ticket()?.lastAnswer).toMatch(/none was created/);
    plan(fact('incident.updated', 9, { priority: 2 }));
    expect(waiting()).toEqual(['incident.opened']);
  });

  test('an acknowledgement is told by the opening itself', () => {
    const { plan, outbox } = scene();
    plan(fact('incident.opened', 0));
    plan(fact('incident.acknowledged', 3, { state: 'acknowledged' }));
    expect(outbox.rows).toHaveLength(1);
    expect(outbox.rows[0]?.message.data.state).toBe('acknowledged');
  });

  test.each(['incident.resolved', 'incident.closed', 'incident.merged'] as const)(
    '%s removes it: no ticket is ever made, and the view says so',
    (kind) => {
      const { plan, outbox, ticket } = scene();
      plan(fact('incident.opened', 0));
      plan(fact(kind, 5, { state: 'resolved' }, { into: 'i-1' }));
      expect(outbox.rows).toEqual([]);
      expect(ticket()).toMatchObject({ state: 'resolved', attempts: 0, lastAnswer: NEVER_CREATED });
    },
  );

  test('an incident that comes back after that waits again', () => {
    const { plan, outbox } = scene();
    plan(fact('incident.opened', 0));
    plan(fact('incident.resolved', 5, { state: 'resolved' }));
    plan(fact('incident.reopened', 30, { reopened: 1 }));
    expect(outbox.rows.map((row) => [row.type, row.notBefore])).toEqual([
      ['incident.opened', at(40)],
    ]);
  });
});

describe('once the opening was attempted', () => {
  test('material updates follow, others do not, and waiting ones merge', () => {
    const { plan, deliver, waiting, outbox } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    plan(fact('incident.updated', 20, { title: 'unimportant' }));
    expect(waiting()).toEqual([]);
    plan(fact('incident.updated', 30, { title: 'one' }, { material: true }));
    plan(fact('incident.updated', 40, { title: 'two' }, { material: true }));
    expect(waiting()).toEqual(['incident.updated']);
    expect(outbox.rows.at(-1)).toMatchObject({
      notBefore: at(30),
      message: { data: { title: 'two' } },
    });
  });

  test('an attempted opening is never changed, even when the answer is still awaited', () => {
    const { plan, outbox, waiting } = scene();
    plan(fact('incident.opened', 0));
    outbox.sending(1);
    outbox.retry(1, at(60), 'no answer');
    plan(fact('incident.updated', 20, { title: 'new' }, { material: true }));
    expect(outbox.rows[0]?.message.data.title).not.toBe('new');
    plan(fact('incident.resolved', 30, { state: 'resolved' }));
    expect(waiting()).toEqual(['incident.opened', 'incident.resolved']);
  });

  test('the end drops waiting updates, keeps acknowledgements, and comes once', () => {
    const { plan, deliver, waiting } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    plan(fact('incident.acknowledged', 15, { state: 'acknowledged' }));
    plan(fact('incident.updated', 20, {}, { material: true }));
    plan(fact('incident.resolved', 30, { state: 'resolved' }));
    plan(fact('incident.closed', 31, { state: 'closed' }));
    expect(waiting()).toEqual(['incident.acknowledged', 'incident.resolved']);
  });

  test('a withdrawn acknowledgement is news', () => {
    const { plan, deliver, waiting } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    plan(fact('incident.unacknowledged', 15));
    expect(waiting()).toEqual(['incident.updated']);
  });

  test('closed by a person is a resolved message that says who', () => {
    const { plan, deliver, outbox } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    plan(
      fact(
        'incident.closed',
        60,
        { state: 'closed' },
        { because: [{ kind: 'person', by: 'ada', text: 'closed by ada: planned work' }] },
      ),
    );
    const { message } = outbox.rows.at(-1)!;
    expect(message.type).toBe('incident.resolved');
    expect(message.data.state).toBe('closed');
    expect(message.data.text).toContain('Closed by ada: planned work.');
  });

  test('absorbed by another incident is a resolved message that names it and its ticket', () => {
    const { plan, deliver, outbox } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    outbox.saveTicket('i-7', { destination: 'desk', state: 'open', number: 'T-7', attempts: 1 });
    const survivor = { id: 'i-7', title: 'Orange in Rhône: 6 circuits down' };
    plan(
      fact('incident.merged', 60, { state: 'resolved' }, { into: 'i-7' }),
      fact('incident.updated', 60, survivor, { material: false }),
    );
    const text = outbox.rows.find((row) => row.type === 'incident.resolved')?.message.data.text;
    expect(text).toContain('part of incident i-7, ticket T-7: Orange in Rhône: 6 circuits down');
    expect(text).not.toContain('Normal again');
    expect(text).toContain('Nothing is mended yet');
  });

  test('back after the end: the same id is opened again, so that its ticket is reopened', () => {
    const { plan, deliver, waiting, outbox } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    plan(fact('incident.resolved', 60, { state: 'resolved' }));
    deliver();
    plan(fact('incident.reopened', 90, { reopened: 1 }));
    expect(waiting()).toEqual(['incident.opened']);
    expect(outbox.rows.at(-1)?.message.data).toMatchObject({ id: 'i-42' });
    expect(outbox.rows.at(-1)?.message.data.text).toContain('It is back');
    expect(outbox.rows.at(-1)?.notBefore).toBe(at(100));
    expect(new Set(outbox.rows.map((row) => row.messageId)).size).toBe(outbox.rows.length);
  });

  test('back for a moment only: the ticket stays resolved', () => {
    const { plan, deliver, waiting, ticket } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    plan(fact('incident.resolved', 60, { state: 'resolved' }));
    deliver();
    plan(fact('incident.reopened', 90, { reopened: 1 }));
    plan(fact('incident.resolved', 95, { state: 'resolved', reopened: 1 }));
    expect(waiting()).toEqual([]);
    expect(ticket()).toMatchObject({ state: 'resolved', number: 'T-1001' });
  });

  test('back before the end was told: the destination hears an update and no end', () => {
    const { plan, deliver, waiting } = scene();
    plan(fact('incident.opened', 0));
    deliver();
    plan(fact('incident.resolved', 60, { state: 'resolved' }));
    plan(fact('incident.reopened', 61, { reopened: 1 }));
    expect(waiting()).toEqual(['incident.updated']);
  });

  test('a ticket that could not be opened gets no further messages', () => {
    const { plan, outbox } = scene();
    plan(fact('incident.opened', 0));
    outbox.sending(1);
    outbox.failed(1, '422');
    outbox.saveTicket('i-42', { destination: 'desk', state: 'failed', attempts: 1 });
    plan(fact('incident.updated', 20, {}, { material: true }));
    plan(fact('incident.acknowledged', 21));
    plan(fact('incident.resolved', 30, { state: 'resolved' }));
    expect(outbox.rows).toHaveLength(1);
  });
});
