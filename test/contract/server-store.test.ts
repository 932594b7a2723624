import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import type { AlertKey } from '../../protocol/model/alert.ts';
import type { Fact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { lockFolder, openDatabase } from '../../server/adapters/sqlite/database.ts';
import type { FactStore } from '../../server/ports/store.ts';
import { fakeIncident } from '../support/fake-incidents.ts';
import { createMemoryFacts } from '../support/memory-facts.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

function openFolder(): { db: ReturnType<typeof openDatabase>; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-store-'));
  closers.push(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'state.db');
  const db = openDatabase(path);
  closers.push(() => db.close());
  return { db, path };
}

const at = (ms: number): EpochMs => epochMs(1_700_000_000_000 + ms);
const LINK = 'link:lyon-mpls';
const ALERT: AlertKey = `link-unreachable|${LINK}|agent-1`;

function incident(id: string, openedAt: number, more: Partial<Incident> = {}): Incident {
  const fake = fakeIncident({
    id,
    title: 'Lyon is down',
    subject: LINK,
    site: 'lyon',
    agent: 'agent-1',
    rule: 'link-unreachable',
    cause: 'circuit down',
    severity: 'critical',
    priority: 1,
    users: 40,
    confidence: 0.9,
    openedAt: at(openedAt),
    metric: 'stamp_loss_ratio',
    limit: 1,
    observed: 1,
    text: 'all lost',
    advice: [],
  });
  return { ...fake, ...more };
}

const told = (kind: 'incident.opened' | 'incident.resolved', view: Incident, ms: number): Fact => ({
  kind,
  at: at(ms),
  incident: view.id,
  view,
  because: [],
  material: true,
});
const resolved = (ms: number): Fact => ({
  kind: 'alert.resolved',
  at: at(ms),
  alert: ALERT,
  subject: LINK,
  because: { kind: 'cleared', text: 'answers' },
});
const answered = (ms: number): Fact => ({
  kind: 'subject.answered',
  at: at(ms),
  subject: LINK,
  agent: 'agent-1',
});

describe.each<[string, () => FactStore]>([
  ['memory', createMemoryFacts],
  ['sqlite', () => openFolder().db.facts],
])('facts in %s', (_name, open) => {
  const nothing = () => {};

  test('facts, incidents and the position are there after the commit', () => {
    const store = open();
    expect(store.committedPosition()).toBe(0);
    const view = incident('A-1', 0);
    store.commit(7, [answered(0), told('incident.opened', view, 0)], nothing);
    expect(store.committedPosition()).toBe(7);
    expect(store.incident('A-1')).toEqual(view);
    expect(store.incident('A-2')).toBeUndefined();
    const [fact, ...rest] = store.factsOf('A-1');
    expect(fact).toMatchObject({ position: 7, ordinal: 1, fact: { kind: 'incident.opened' } });
    expect(rest).toEqual([]);
  });

  test('when what goes alongside fails, nothing of the commit stays', () => {
    const store = open();
    const commit = () =>
      store.commit(3, [told('incident.opened', incident('A-1', 0), 0)], () => {
        throw new Error('no');
      });
    expect(commit).toThrow('no');
    expect(store.committedPosition()).toBe(0);
    expect(store.incident('A-1')).toBeUndefined();
  });

  test('an input cannot be committed twice', () => {
    const store = open();
    const facts = [told('incident.opened', incident('A-1', 0), 0)];
    store.commit(3, facts, nothing);
    expect(() => store.commit(3, facts, nothing)).toThrow();
  });

  test('incidents come newest first, by state, in pages', () => {
    const store = open();
    for (let n = 1; n <= 5; n++) {
      store.commit(n, [told('incident.opened', incident(`A-${n}`, n * 10), n * 10)], nothing);
    }
    const end = incident('A-5', 50, { state: 'resolved', resolvedAt: at(90) });
    store.commit(6, [told('incident.resolved', end, 90)], nothing);
    const ids = (query: Parameters<FactStore['incidents']>[0]) =>
      store.incidents(query).map(({ id }) => id);
    expect(ids({ state: 'open', limit: 10 })).toEqual(['A-4', 'A-3', 'A-2', 'A-1']);
    expect(ids({ state: 'all', limit: 2 })).toEqual(['A-5', 'A-4']);
    expect(ids({ state: 'all', limit: 2, before: at(40) })).toEqual(['A-3', 'A-2']);
  });

  test('the story of an incident has the facts of its alerts while it lasted, and no others', () => {
    const store = open();
    const view = incident('A-1', 0);
    store.commit(1, [resolved(-500_000)], nothing);
    store.commit(2, [told('incident.opened', view, 0)], nothing);
    const end: Incident = { ...view, state: 'resolved', resolvedAt: at(1000) };
    store.commit(3, [resolved(900), told('incident.resolved', end, 1000)], nothing);
    store.commit(4, [resolved(500_000)], nothing);
    expect(store.factsOf('A-1').map(({ position, ordinal }) => `${position}.${ordinal}`)).toEqual([
      '2.0',
      '3.0',
      '3.1',
    ]);
  });
});

test('a database of a newer version is left alone', () => {
  const { db, path } = openFolder();
  db.close();
  closers.pop();
  const raw = new DatabaseSync(path);
  raw.exec('PRAGMA user_version = 99');
  raw.close();
  expect(() => openDatabase(path)).toThrow(/newer version \(99/);
});

test('the health of every subject outlives a restart', () => {
  const { db, path } = openFolder();
  const changed = (health: 'up' | 'down'): Fact => ({
    kind: 'subject.changed',
    at: at(0),
    subject: LINK,
    health,
    because: 'said so',
  });
  db.facts.commit(1, [changed('up')], () => {});
  db.facts.commit(2, [changed('down')], () => {});
  db.close();
  closers.pop();
  const again = openDatabase(path);
  closers.push(() => again.close());
  expect(again.facts.health()).toEqual([changed('down')]);
});

test('a backup taken while another connection writes is whole', async () => {
  const { db, path } = openFolder();
  db.facts.commit(1, [told('incident.opened', incident('A-1', 0), 0)], () => {});
  const other = openDatabase(path);
  const copying = other.backup(`${path}.copy`);
  db.facts.commit(2, [told('incident.opened', incident('A-2', 1), 1)], () => {});
  await copying;
  other.close();
  const copy = openDatabase(`${path}.copy`);
  const position = copy.facts.committedPosition();
  expect(copy.facts.incidents({ state: 'all', limit: 9 })).toHaveLength(position);
  copy.close();
});

test('a state folder has one server; its lock goes with the process', () => {
  const { path } = openFolder();
  const lock = lockFolder(`${path}.lock`);
  expect(() => lockFolder(`${path}.lock`)).toThrow(/another vedette server/);
  lock.release();
  lockFolder(`${path}.lock`).release();
});

test('tokens are shown once, verified, rotated and revoked; only a hash is kept', () => {
  const { db, path } = openFolder();
  const first = db.tokens.create('agent-1', at(0));
  const second = db.tokens.create('agent-1', at(1));
  expect(first.token).toMatch(/^vdt_[A-Za-z0-9_-]{43}$/);
  expect(db.tokens.verify(first.token)).toBe('agent-1');
  expect(db.tokens.verify(second.token)).toBe('agent-1');
  for (const wrong of [
    '',
    'vdt_',
    first.token.slice(0, -1),
    `${first.token}x`,
    `vdt_${'A'.repeat(43)}`,
  ]) {
    expect(db.tokens.verify(wrong)).toBeUndefined();
  }
  // Another process revokes: it holds for the one that is running.
  const other = openDatabase(path);
  expect(other.tokens.revoke(first.id, at(2))).toBe(true);
  expect(other.tokens.revoke(first.id, at(3))).toBe(false);
  other.close();
  expect(db.tokens.verify(first.token)).toBeUndefined();
  expect(db.tokens.verify(second.token)).toBe('agent-1');
  expect(db.tokens.list()).toMatchObject([{ id: first.id, revokedAt: at(2) }, { id: second.id }]);
  expect(JSON.stringify(db.tokens.list())).not.toContain(first.token.slice(4));
  expect(statSync(path).mode & 0o077).toBe(0);
});
