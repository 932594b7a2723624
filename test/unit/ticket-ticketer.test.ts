import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type EpochMs, epochMs, hours, minutes, seconds } from '../../protocol/model/units.ts';
import type { DeliveryOutcome } from '../../server/ports/delivery.ts';
import { type Destination, planDeliveries } from '../../server/ticket/plan.ts';
import { retryDelay } from '../../server/ticket/retry.ts';
import { createTicketer } from '../../server/ticket/ticketer.ts';
import { createMemoryOutbox } from '../support/memory-outbox.ts';
import { DESK, fact, START, WAN } from '../support/ticket-facts.ts';

const SOON: readonly Destination[] = [
  { id: 'desk', openAfter: { 1: seconds(0) } },
  { id: 'other', openAfter: {} },
];
const TAKEN: DeliveryOutcome = { kind: 'delivered', answer: '200', number: 'T-1' };
const DOWN: DeliveryOutcome = { kind: 'later', scope: 'destination', answer: 'refused' };

interface Sent {
  readonly s: number;
  readonly incident: string;
  readonly type: string;
  readonly messageId: string;
}

type Answer = (sent: Sent, n: number) => DeliveryOutcome | Promise<DeliveryOutcome>;

function desk(answer: Answer = () => TAKEN, destinations = SOON, outbox = createMemoryOutbox()) {
  const sent: Sent[] = [];
  const logged: string[] = [];
  const log = (level: string) => (_fields: object, sentence: string) =>
    void logged.push(`${level} ${sentence}`);
  const ticketer = createTicketer({
    outbox,
    clock: { now: () => Date.now() as EpochMs },
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    destinations,
    random: () => 0,
    delivery: {
      deliver: async (_destination, messageId, message) => {
        const s = (Date.now() - START) / 1000;
        const one = { s, incident: message.data.id, type: message.type, messageId };
        sent.push(one);
        return answer(one, sent.length);
      },
    },
  });
  let position = 0;
  const plan = (...facts: Parameters<typeof planDeliveries>[1]): void => {
    const now = Date.now() as EpochMs;
    planDeliveries(outbox, facts, destinations, { position: ++position, now, inventory: WAN });
    ticketer.wake();
  };
  stops.push(() => ticketer.stop());
  return { outbox, ticketer, sent, logged, plan };
}

const stops: (() => Promise<void>)[] = [];
const pass = (s: number) => vi.advanceTimersByTimeAsync(s * 1000);

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(async () => {
  const stopping = Promise.all(stops.splice(0).map((stop) => stop()));
  await pass(20);
  await stopping;
  vi.useRealTimers();
});

describe('sending', () => {
  test('a ticket leaves in the same turn as the commit when nothing has to be waited for', async () => {
    const { plan, sent } = desk();
    plan(fact('incident.opened', 0));
    await pass(0.001);
    expect(sent).toMatchObject([{ s: 0, incident: 'i-42', type: 'incident.opened' }]);
  });

  test('it waits for openAfter to the second, then keeps number and state', async () => {
    const { plan, sent, outbox } = desk(() => TAKEN, [DESK]);
    plan(fact('incident.opened', 0));
    await pass(9.9);
    expect(sent).toEqual([]);
    await pass(0.2);
    expect(sent).toHaveLength(1);
    expect(outbox.ticket('desk', 'i-42')).toMatchObject({
      state: 'open',
      number: 'T-1',
      attempts: 1,
    });
    plan(fact('incident.resolved', 11, { state: 'resolved' }));
    await pass(1);
    expect(outbox.ticket('desk', 'i-42')).toMatchObject({ state: 'resolved', number: 'T-1' });
  });

  test('messages of one incident keep their order, other incidents do not wait for them', async () => {
    const { plan, sent } = desk(({ incident, type }, n) =>
      incident === 'i-42' && type === 'incident.opened' && n < 3
        ? { kind: 'later', scope: 'message', answer: '500' }
        : TAKEN,
    );
    plan(fact('incident.opened', 0));
    await pass(1);
    plan(fact('incident.resolved', 1, { state: 'resolved' }));
    plan(fact('incident.opened', 1, { id: 'i-43' }));
    await pass(60);
    expect(sent.map(({ incident, type }) => `${incident} ${type}`)).toEqual([
      'i-42 incident.opened',
      'i-43 incident.opened',
      'i-42 incident.opened',
      'i-42 incident.resolved',
    ]);
    expect(sent[0]?.messageId).toBe(sent[2]?.messageId);
  });

  test('what was under way when the server died is sent again with the same id', async () => {
    const outbox = createMemoryOutbox();
    const context = { position: 1, now: START, inventory: WAN };
    planDeliveries(outbox, [fact('incident.opened', 0)], SOON, context);
    outbox.sending(1);
    const { sent } = desk(() => TAKEN, SOON, outbox);
    await pass(1);
    expect(sent).toMatchObject([{ messageId: outbox.rows[0]?.messageId }]);
    expect(outbox.rows[0]).toMatchObject({ state: 'delivered', attempts: 2 });
  });

  test('at most half of the slots go to one destination', async () => {
    const { plan, ticketer } = desk(() => new Promise(() => {}));
    for (let n = 0; n < 100; n++) plan(fact('incident.opened', 0, { id: `i-${n}` }));
    await pass(1);
    expect(ticketer.inFlight()).toBe(8);
  });

  test('a destination that hangs with hundreds of tickets does not hold up another', async () => {
    const both = [SOON[0]!, { id: 'other', openAfter: SOON[0]!.openAfter }];
    const taken: string[] = [];
    const outbox = createMemoryOutbox();
    for (let n = 0; n < 300; n++) {
      const context = { position: n, now: START, inventory: WAN };
      planDeliveries(outbox, [fact('incident.opened', 0, { id: `a-${n}` })], [both[0]!], context);
    }
    const context = { position: 999, now: START, inventory: WAN };
    planDeliveries(outbox, [fact('incident.opened', 0, { id: 'b-1' })], [both[1]!], context);
    desk(
      ({ incident }) => {
        taken.push(incident);
        return incident === 'b-1' ? TAKEN : new Promise(() => {});
      },
      both,
      outbox,
    );
    await pass(5);
    expect(taken).toContain('b-1');
  });
});

describe('when a destination fails', () => {
  test('retries come after 5 s, 20 s, 1, 3, 10, 30 min, 1, 2, 4, 4 h, for three days', async () => {
    const { plan, sent, outbox, logged } = desk(() => ({
      kind: 'later',
      scope: 'message',
      answer: '500',
    }));
    plan(fact('incident.opened', 0));
    await pass(80 * 3600);
    const gaps = sent.map(({ s }, n) => Math.round(s - (sent[n - 1]?.s ?? 0)));
    expect(gaps.slice(0, 11)).toEqual([0, 5, 20, 60, 180, 600, 1800, 3600, 7200, 14400, 14400]);
    expect(outbox.rows[0]?.state).toBe('failed');
    expect(outbox.ticket('desk', 'i-42')).toMatchObject({ state: 'failed', lastAnswer: '500' });
    expect(logged.at(-1)).toMatch(/^error .*somebody must look/);
    expect(sent.at(-1)!.s).toBeGreaterThan(70 * 3600);
  });

  test('a new outage does not wait for hours behind the end of the one before', async () => {
    let isUp = true;
    const { plan, sent } = desk(() =>
      isUp ? TAKEN : { kind: 'later', scope: 'message', answer: '500' },
    );
    plan(fact('incident.opened', 0));
    await pass(1);
    isUp = false;
    plan(fact('incident.resolved', 1, { state: 'resolved' }));
    // The next try would be in ten minutes.
    await pass(300);
    plan(fact('incident.reopened', 301, { reopened: 1 }));
    await pass(9);
    isUp = true;
    await pass(62);
    expect(sent.slice(-2).map(({ type }) => type)).toEqual([
      'incident.resolved',
      'incident.opened',
    ]);
    expect(sent.at(-1)!.s).toBeLessThan(301 + 9 + 62);
  });

  test('one message tries for all, and the first answer brings all of them out', async () => {
    let isUp = false;
    const { plan, sent } = desk(() => (isUp ? TAKEN : DOWN));
    for (let n = 0; n < 30; n++) plan(fact('incident.opened', 0, { id: `i-${n}` }));
    await pass(600);
    // Eight leave together at first; from then on one knocks every minute.
    expect(sent.length).toBeLessThan(25);
    isUp = true;
    const before = sent.length;
    await pass(62);
    expect(new Set(sent.slice(before).map(({ incident }) => incident)).size).toBe(30);
  });

  test('Retry-After is kept, up to four hours', async () => {
    const { plan, sent } = desk((_sent, n) =>
      n === 1 ? { ...DOWN, kind: 'later', retryAfter: minutes(7) } : TAKEN,
    );
    plan(fact('incident.opened', 0));
    plan(fact('incident.opened', 0, { id: 'i-43' }));
    await pass(400);
    expect(sent.filter(({ incident }) => incident === 'i-42')).toHaveLength(1);
    await pass(30);
    expect(sent.filter(({ incident }) => incident === 'i-42')).toHaveLength(2);
    expect(retryDelay(1, 0, hours(1000))).toBe(hours(4));
  });

  test('refused for good: failed, shown, not tried again; what follows it falls with it', async () => {
    const { plan, sent, outbox } = desk(() => ({ kind: 'refused', answer: '422: no such queue' }));
    plan(fact('incident.opened', 0));
    plan(fact('incident.acknowledged', 0, { state: 'acknowledged' }));
    await pass(1);
    await pass(86_400);
    expect(sent).toHaveLength(1);
    expect(outbox.ticket('desk', 'i-42')).toMatchObject({
      state: 'failed',
      lastAnswer: '422: no such queue',
    });
  });

  test('a refused update does not stop the end from being told', async () => {
    const { plan, sent, outbox } = desk(({ type }) =>
      type === 'incident.updated' ? { kind: 'refused', answer: '400' } : TAKEN,
    );
    plan(fact('incident.opened', 0));
    await pass(1);
    plan(fact('incident.updated', 1, {}, { material: true }));
    await pass(1);
    expect(outbox.ticket('desk', 'i-42')).toMatchObject({
      state: 'open',
      lastAnswer: 'incident.updated was not taken: 400',
    });
    plan(fact('incident.resolved', 2, { state: 'resolved' }));
    await pass(1);
    expect(sent.at(-1)?.type).toBe('incident.resolved');
  });

  test('wrong credentials: one loud line, one try in five minutes, everything once they are right', async () => {
    let isRight = false;
    const { plan, sent, logged, ticketer } = desk(() =>
      isRight ? TAKEN : { kind: 'unauthorised', answer: '401' },
    );
    for (let n = 0; n < 20; n++) {
      plan(fact('incident.opened', 0, { id: `i-${n}` }));
      await pass(1);
    }
    await pass(1800);
    expect(sent.length).toBeLessThan(10);
    expect(logged.filter((line) => line.startsWith('error'))).toHaveLength(1);
    expect(ticketer.state('desk').kind).toBe('unauthorised');
    isRight = true;
    await pass(301);
    expect(new Set(sent.slice(-20).map(({ incident }) => incident)).size).toBe(20);
    expect(ticketer.state('desk').kind).toBe('well');
  });

  test('410 switches a destination off, and a new start tries again', async () => {
    const { plan, sent, outbox, ticketer } = desk(() => ({ kind: 'gone', answer: '410' }));
    plan(fact('incident.opened', 0));
    await pass(86_400);
    expect(sent).toHaveLength(1);
    await ticketer.stop();
    const next = desk(() => TAKEN, SOON, outbox);
    await pass(1);
    expect(next.sent).toHaveLength(1);
    expect(outbox.rows[0]?.state).toBe('delivered');
  });

  test('a delivery that throws is tried again', async () => {
    const { plan, sent } = desk((_sent, n) => {
      if (n === 1) throw new Error('socket exploded');
      return TAKEN;
    });
    plan(fact('incident.opened', 0));
    await pass(6);
    expect(sent).toHaveLength(2);
  });

  test('rows of a destination that is no longer configured fail and say so', async () => {
    const outbox = createMemoryOutbox();
    const context = { position: 1, now: START, inventory: WAN };
    planDeliveries(outbox, [fact('incident.opened', 0)], SOON, context);
    desk(() => TAKEN, [{ id: 'other', openAfter: {} }], outbox);
    await pass(1);
    expect(outbox.ticket('desk', 'i-42')).toMatchObject({
      state: 'failed',
      lastAnswer: 'this destination is no longer configured',
    });
  });

  test('an outbox that cannot be written is tried again later and ends nothing', async () => {
    const outbox = createMemoryOutbox();
    let isFull = true;
    const sick = {
      ...outbox,
      sending: (id: number) => {
        if (isFull) throw new Error('disk full');
        outbox.sending(id);
      },
    };
    const { plan, sent, logged } = desk(() => TAKEN, SOON, sick);
    plan(fact('incident.opened', 0));
    await pass(20);
    expect(sent).toEqual([]);
    expect(logged.length).toBeLessThan(10);
    isFull = false;
    await pass(6);
    expect(sent).toHaveLength(1);
  });
});

test('stop waits for what is under way, starts nothing new, and cuts off what hangs', async () => {
  let finish: (outcome: DeliveryOutcome) => void = () => {};
  const { plan, sent, ticketer, outbox } = desk(
    () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  );
  plan(fact('incident.opened', 0));
  await pass(1);
  const stopped = ticketer.stop();
  plan(fact('incident.opened', 0, { id: 'i-43' }));
  finish(TAKEN);
  await stopped;
  await pass(10);
  expect(sent).toHaveLength(1);
  expect(outbox.rows.map((row) => row.state)).toEqual(['delivered', 'waiting']);
  expect(epochMs(Date.now())).toBeGreaterThan(START);
});
