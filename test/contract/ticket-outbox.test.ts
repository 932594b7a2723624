import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { openDatabase } from '../../server/adapters/sqlite/database.ts';
import type { Outbox } from '../../server/ports/outbox.ts';
import { testMessage } from '../../server/ticket/test-message.ts';
import { createMemoryOutbox } from '../support/memory-outbox.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

function openSqlite(): Outbox {
  const folder = mkdtempSync(path.join(tmpdir(), 'vedette-outbox-'));
  closers.push(() => rmSync(folder, { recursive: true }));
  const db = openDatabase(path.join(folder, 'state.db'));
  closers.push(() => db.close());
  return db.outbox;
}

const at = (ms: number): EpochMs => epochMs(1_700_000_000_000 + ms);

/** What the ticketer and the planner rely on, whatever keeps the rows. */
describe.each([
  ['memory', createMemoryOutbox],
  ['sqlite', openSqlite],
] as const)('an outbox in %s', (_name, open) => {
  let count = 0;
  const insert = (outbox: Outbox, incident: string, notBefore = 0, destination = 'desk') =>
    outbox.insert({
      destination,
      incident,
      type: 'incident.opened',
      messageId: `msg_${++count}`,
      message: testMessage(at(0)),
      notBefore: at(notBefore),
      createdAt: at(0),
    });

  test('gives the oldest row of each incident and destination, if it is due', () => {
    const outbox = open();
    insert(outbox, 'a');
    insert(outbox, 'a');
    insert(outbox, 'b', 50);
    insert(outbox, 'b');
    insert(outbox, 'a', 0, 'other');
    expect(outbox.due(at(10), 9).map((row) => `${row.destination} ${row.incident}`)).toEqual([
      'desk a',
      'other a',
    ]);
    expect(outbox.due(at(10), 1)).toHaveLength(1);
    expect(outbox.due(at(50), 9)).toHaveLength(3);
    expect(outbox.undelivered('desk', 'a')).toHaveLength(2);
  });

  test('a row that is on its way is due again after a crash, with its attempt counted', () => {
    const outbox = open();
    insert(outbox, 'a');
    const [row] = outbox.due(at(0), 9);
    outbox.sending(row!.id);
    expect(outbox.due(at(0), 9)).toMatchObject([
      { id: row!.id, messageId: row!.messageId, state: 'sending', attempts: 1 },
    ]);
    expect(row?.attempts).toBe(0);
  });

  test('a retry waits, keeps its attempts and its answer; a postponed row was not attempted', () => {
    const outbox = open();
    insert(outbox, 'a');
    insert(outbox, 'b');
    const [a, b] = outbox.due(at(0), 9);
    outbox.sending(a!.id);
    outbox.retry(a!.id, at(500), '503');
    outbox.retry(b!.id, at(700), 'resting');
    expect(outbox.due(at(499), 9)).toEqual([]);
    expect(outbox.nextDueAt()).toBe(at(500));
    const rows = outbox.due(at(700), 9);
    expect(rows.map(({ attempts, lastAnswer }) => [attempts, lastAnswer])).toEqual([
      [1, '503'],
      [0, 'resting'],
    ]);
  });

  test('hurry brings out retries and postponed rows, not those that wait for openAfter', () => {
    const outbox = open();
    insert(outbox, 'a');
    insert(outbox, 'b', 900);
    insert(outbox, 'c', 0, 'other');
    for (const row of outbox.due(at(0), 9)) outbox.retry(row.id, at(900), 'down');
    outbox.hurry('desk', at(5));
    expect(outbox.due(at(5), 9).map(({ incident }) => incident)).toEqual(['a']);
  });

  test('delivered and failed rows let the next one of their incident come', () => {
    const outbox = open();
    insert(outbox, 'a');
    insert(outbox, 'a');
    insert(outbox, 'a');
    const ids = outbox.undelivered('desk', 'a').map(({ id }) => id);
    outbox.delivered(ids[0]!, at(1), '200');
    expect(outbox.due(at(1), 9)[0]?.id).toBe(ids[1]);
    outbox.failed(ids[1]!, '422');
    expect(outbox.due(at(1), 9)[0]?.id).toBe(ids[2]);
    expect(outbox.recent(9).map(({ state }) => state)).toEqual(['waiting', 'failed', 'delivered']);
  });

  test('a row that was never attempted can be changed and removed', () => {
    const outbox = open();
    insert(outbox, 'a', 100);
    const [row] = outbox.undelivered('desk', 'a');
    outbox.replace(row!.id, { ...testMessage(at(3)), type: 'incident.updated' }, at(2));
    expect(outbox.due(at(2), 9)[0]?.message.type).toBe('incident.updated');
    outbox.remove(row!.id);
    expect(outbox.nextDueAt()).toBeUndefined();
  });

  test('a message id is taken once', () => {
    const outbox = open();
    insert(outbox, 'a');
    count--;
    expect(() => insert(outbox, 'a')).toThrow();
  });

  test('ticket views are kept by destination and incident', () => {
    const outbox = open();
    outbox.saveTicket('a', { destination: 'desk', state: 'waiting', attempts: 0 });
    outbox.saveTicket('a', { destination: 'desk', state: 'open', attempts: 1, number: 'T-1' });
    outbox.saveTicket('a', { destination: 'other', state: 'failed', attempts: 2 });
    expect(outbox.ticket('desk', 'a')).toEqual({
      destination: 'desk',
      state: 'open',
      attempts: 1,
      number: 'T-1',
    });
    expect(outbox.tickets('a')).toHaveLength(2);
    expect(outbox.ticket('desk', 'b')).toBeUndefined();
  });
});
