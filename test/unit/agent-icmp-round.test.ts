import { describe, expect, test } from 'vitest';
import type { RoundOrder } from '../../agent/adapters/icmp/messages.ts';
import { createOutbox } from '../../agent/adapters/icmp/outbox.ts';
import {
  elapsedMs,
  moveToNextPacket,
  type Round,
  recordSent,
} from '../../agent/adapters/icmp/round.ts';
import { createRoundTable } from '../../agent/adapters/icmp/round-table.ts';
import type { SenderSocket } from '../../agent/adapters/icmp/sender-sockets.ts';
import { parseAddress } from '../../agent/adapters/icmp/socket-address.ts';
import { createStampSessions } from '../../agent/adapters/icmp/stamp-sessions.ts';

const ORDER: RoundOrder = {
  key: 1,
  kind: 'icmp',
  address: '10.0.0.1',
  port: 862,
  count: 3,
  spacing: 100,
  timeout: 1000,
  suspectAfter: 300,
};
const SOCKET: SenderSocket = {
  fd: -1,
  transport: 'raw',
  family: 4,
  port: 1,
  sessions: createStampSessions(),
  inUse: 0,
  lastUsedAt: 0,
};

/** A table with a clock of our own; `send` decides what becomes of each packet. */
function createTable(send = leave) {
  const over: Round[] = [];
  const suspects: { readonly key: number; readonly at: number }[] = [];
  let now = 0;
  const table = createRoundTable({
    randomWord: () => 42,
    onSend: (round, at) => send(round, at),
    onSuspect: (round) => suspects.push({ key: round.order.key, at: now }),
    onOver: (round) => over.push(round),
  });
  return {
    table,
    over,
    suspects,
    open: (order: Partial<RoundOrder> = {}): Round =>
      table.open(
        { ...ORDER, ...order },
        { address: parseAddress('10.0.0.1')!, socket: SOCKET },
        now,
      )!,
    /** Lets time pass, stopping at each due time. */
    until(end: number): void {
      while (table.nextDueAt <= end) {
        now = Math.max(now, table.nextDueAt);
        table.run(now, 1000);
      }
      now = end;
    },
  };
}

function leave(round: Round, now: number): void {
  const seconds = Math.floor(now / 1000);
  const nanoseconds = (now % 1000) * 1e6;
  recordSent(round, { seconds, nanoseconds, steadyMs: now, sequence: round.sent });
  moveToNextPacket(round, now);
}

const rtts = (round: Round): number[] =>
  Array.from({ length: round.sent }, (_, i) => round.packets[i * 7 + 3] as number);

describe('a round', () => {
  test('sends at its spacing and ends at the timeout of its last packet when nobody answers', () => {
    const { over, open, until } = createTable();
    const round = open();
    until(0);
    expect(round.sent).toBe(1);
    until(99);
    expect(round.sent).toBe(1);
    until(200);
    expect(round.sent).toBe(3);
    until(1199);
    expect(over).toEqual([]);
    until(1200);
    expect(over).toEqual([round]);
    expect(rtts(round)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  test('ends at once when everything is answered, in any order', () => {
    const { table, over, open, until } = createTable();
    const round = open();
    until(200);
    for (const index of [2, 0, 1]) table.answer(round, index, 10 + index, 210);
    expect(over).toEqual([round]);
    expect(rtts(round)).toEqual([10, 11, 12]);
    expect(table.size).toBe(0);
    expect(table.nextDueAt).toBe(Number.POSITIVE_INFINITY);
  });

  test('does not count twice, nor what was never sent, nor what took too long', () => {
    const { table, open, until } = createTable();
    const round = open();
    until(0);
    expect(table.answer(round, 0, 5, 5)).toBe(true);
    expect(table.answer(round, 0, 6, 6)).toBe(false);
    expect(table.answer(round, 1, 6, 6)).toBe(false);
    expect(table.answer(round, 65_535, 6, 6)).toBe(false);
    until(100);
    expect(table.answer(round, 1, 1000.1, 1100)).toBe(false);
    expect(table.answer(round, 1, 1000, 1100)).toBe(true);
  });

  test('is not found by a slot of another round, nor after its end', () => {
    const { table, open, until } = createTable();
    const round = open();
    expect(table.find(round.slot, round.nonce)).toBe(round);
    expect(table.find(round.slot, round.nonce + 1)).toBeUndefined();
    expect(table.find(4_000_000_000, round.nonce)).toBeUndefined();
    until(5000);
    expect(table.find(round.slot, round.nonce)).toBeUndefined();
  });

  test('whose packets are all refused ends with nothing sent and nothing lost', () => {
    const { over, suspects, open, until } = createTable((round, now) => {
      round.unsent = { because: 'no-route', text: 'no way' };
      moveToNextPacket(round, now);
    });
    open();
    until(200);
    expect(over).toMatchObject([{ sent: 0, unsent: { because: 'no-route' } }]);
    expect(suspects).toEqual([]);
  });

  test('keeps its spacing after the machine stood still', () => {
    const { table, open } = createTable();
    const round = open({ suspectAfter: 5000 });
    table.run(0, 1);
    table.run(10_000, 1);
    expect(round.sent).toBe(2);
    expect(table.nextDueAt).toBe(10_100);
  });

  test('of more than 65,536 is refused', () => {
    const { table } = createTable();
    const way = { address: parseAddress('10.0.0.1')!, socket: SOCKET };
    for (let key = 0; key < 65_536; key += 1) table.open({ ...ORDER, key, count: 1 }, way, 0);
    expect(table.open(ORDER, way, 0)).toBeUndefined();
  });
});

describe('suspicion', () => {
  test('comes once, as soon as one packet was unanswered that long', () => {
    const { suspects, open, until } = createTable();
    open();
    until(299);
    expect(suspects).toEqual([]);
    until(5000);
    expect(suspects).toEqual([{ key: 1, at: 300 }]);
  });

  test('looks at the oldest unanswered packet, not at answered ones', () => {
    const { table, suspects, open, until } = createTable();
    const round = open();
    until(100);
    table.answer(round, 0, 20, 120);
    until(399);
    expect(suspects).toEqual([]);
    until(400);
    expect(suspects).toEqual([{ key: 1, at: 400 }]);
  });

  test('does not come when all is answered, or when nobody asked', () => {
    const { table, suspects, open, until } = createTable();
    const round = open();
    for (const [index, at] of [0, 100, 200].entries()) {
      until(at);
      table.answer(round, index, 1, at + 1);
    }
    const { suspectAfter: _, ...unwatched } = ORDER;
    table.open({ ...unwatched, key: 2 }, { address: round.address, socket: SOCKET }, 300);
    until(9000);
    expect(suspects).toEqual([]);
  });
});

test('elapsed time is by the stamps, unless the wall clock was set meanwhile', () => {
  const { open, until } = createTable();
  const round = open();
  until(0);
  const at = (seconds: number, ms: number) => ({ seconds, nanoseconds: ms * 1e6 });
  expect(elapsedMs(round, 0, at(0, 12), 15)).toBe(12);
  expect(elapsedMs(round, 0, at(100, 0), 15)).toBe(15);
  expect(elapsedMs(round, 0, at(-100, 0), 15)).toBe(15);
});

test('main hears of many rounds in one message, and of suspects at once', () => {
  const { table, over, open, until } = createTable();
  const posted: { readonly say: string }[] = [];
  const outbox = createOutbox((message) => posted.push(message));
  const first = open({ key: 7, count: 1 });
  open({ key: 8, count: 1, kind: 'stamp' });
  until(0);
  table.answer(first, 0, 2, 2);
  until(5000);
  for (const round of over) outbox.add(round);
  outbox.refuse({ ...ORDER, key: 9 }, { because: 'bad-address', text: 'none' });
  outbox.suspect(8);
  outbox.flush(0);
  expect(posted[0]).toEqual({ say: 'suspects', keys: [8] });
  const { figures, remarks } = posted[1] as unknown as {
    figures: Float64Array;
    remarks: unknown[];
  };
  expect(remarks).toEqual([{ key: 9, unsent: { because: 'bad-address', text: 'none' } }]);
  const time = expect.any(Number) as unknown as number;
  const lost = Number.NaN;
  expect([...figures]).toEqual([7, time, 1, 1, 2, 8, time, 1, 3, lost, lost, lost, 9, time, 0, 1]);
  expect(outbox.dueAt).toBe(Number.POSITIVE_INFINITY);
  outbox.add(first);
  outbox.flush(9);
  expect(posted.length).toBe(2);
  expect(outbox.dueAt).toBe(10);
  outbox.flush(10);
  expect(posted.length).toBe(3);
});
