import { describe, expect, test } from 'vitest';
import type { Fact, ServiceState } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { Inventory, MaintenanceWindow, Service } from '../../protocol/model/inventory.ts';
import { EMPTY_INVENTORY } from '../../protocol/model/inventory.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { OwnTrouble } from '../../protocol/wire/views.ts';
import { openDatabase } from '../../server/adapters/sqlite/database.ts';
import { nowAndNext } from '../../server/show/announced.ts';
import { ownTroubles } from '../../server/show/own-troubles.ts';
import { createStatusModel, type StatusModel } from '../../server/show/status-model.ts';
import { buildTimeline } from '../../server/show/timeline.ts';
import { fakeIncident, incidentFact } from '../support/fake-incidents.ts';
import { busyMorning, trendsAt } from '../support/fake-scenes.ts';

/** A Monday, 07:59:50 UTC. */
const T0 = epochMs(Date.UTC(2026, 2, 2, 7, 59, 50));
const later = (seconds: number): EpochMs => epochMs(T0 + seconds * 1000);

const TILLS: Service = {
  id: 'tills',
  name: 'Tills',
  needs: { subject: 'site:lyon' },
  users: 9,
  criticality: 'high',
  hours: { timeZone: 'UTC', weekly: [{ days: [1], from: '08:00', to: '18:00' }] },
  costPerHour: { amount: 38, currency: 'EUR' },
};
const INVENTORY: Inventory = { ...EMPTY_INVENTORY, services: [TILLS] };

interface Setup {
  readonly maintenance?: readonly MaintenanceWindow[];
  readonly own?: () => readonly OwnTrouble[];
}

const model = (setup: Setup = {}): StatusModel =>
  createStatusModel({
    version: '1',
    inventory: INVENTORY,
    watches: [],
    latest: () => undefined,
    tickets: () => [],
    ...setup,
  });

const told = (state: ServiceState, at = T0): Fact => ({
  kind: 'service.changed',
  at,
  service: 'tills',
  state,
  because: ['site:lyon'],
  text: `Tills is ${state}: Lyon`,
});

const window = (name: string, from: number, until: number): MaintenanceWindow => ({
  id: `${name}@${from}`,
  name,
  subjects: ['site:lyon'],
  from: later(from),
  until: later(until),
});

describe('services', () => {
  test('a service is healthy until told otherwise, and its formula stays inside', () => {
    const [tills] = model().view(T0).services;
    expect(tills).toMatchObject({ id: 'tills', state: 'healthy', isOpen: false, users: 9 });
    expect(tills).not.toHaveProperty('needs');
    expect(tills).not.toHaveProperty('since');
  });

  test('what was told is shown with its reason, and only what changed goes out', () => {
    const one = model();
    const before = one.revision(T0);
    one.apply([told('down')], T0);
    const { change } = one.changeSince(before, later(2));
    expect(change?.services).toMatchObject([
      { state: 'down', because: 'Tills is down: Lyon', since: T0 },
    ]);
    expect(one.changeSince(one.revision(later(3)), later(3)).isEmpty).toBe(true);
  });

  test('hours turn without a fact', () => {
    const one = model();
    expect(one.view(T0).services[0]).toMatchObject({ isOpen: false, turnsAt: later(10) });
    const { change } = one.changeSince(one.revision(later(9)), later(11));
    expect(change?.services).toMatchObject([{ isOpen: true }]);
  });

  test('a service that was removed or is unknown is not shown', () => {
    const one = model();
    one.apply([{ ...told('down'), service: 'none' } as Fact], T0);
    expect(one.view(later(2)).services).toHaveLength(1);
    one.configure(EMPTY_INVENTORY, []);
    expect(one.view(later(4)).services).toEqual([]);
  });

  test('the state comes back from the database after a restart', () => {
    const db = openDatabase(':memory:');
    db.facts.commit(1, [told('at-risk'), told('down', later(1))], () => {});
    const one = model();
    one.apply(db.facts.health(), T0);
    expect(one.view(later(2)).services[0]).toMatchObject({ state: 'down', since: later(1) });
    db.close();
  });
});

describe('announced work', () => {
  test('all that is in force, and of each name the next one, soonest first', () => {
    const all = [
      window('nightly', 200, 300),
      window('nightly', 100, 150),
      window('now', -10, 10),
      window('over', -20, -10),
      window('other', 50, 60),
    ];
    expect(nowAndNext(all, T0).map(({ id }) => id)).toEqual(['now@-10', 'other@50', 'nightly@100']);
  });

  test('a window that ends leaves the status, and a reload brings new ones', () => {
    const one = model({ maintenance: [window('now', -10, 10)] });
    expect(one.view(T0).maintenance).toHaveLength(1);
    const { change } = one.changeSince(one.revision(T0), later(11));
    expect(change?.maintenance).toEqual([]);
    one.configure(INVENTORY, [], [window('new', 20, 30)]);
    expect(one.view(later(13)).maintenance).toMatchObject([{ name: 'new' }]);
  });
});

describe("the server's own troubles", () => {
  test('they go out when they come and when they are over, once each', () => {
    let troubles: readonly OwnTrouble[] = [];
    const one = model({ own: () => troubles });
    const revision = one.revision(T0);
    troubles = [{ id: 'history', text: 'full' }];
    expect(one.changeSince(revision, later(2)).change?.own).toEqual(troubles);
    expect(one.changeSince(one.revision(later(4)), later(6)).isEmpty).toBe(true);
    troubles = [];
    const { change } = one.changeSince(one.revision(later(6)), later(8));
    expect(change?.own).toEqual([]);
  });

  test('a stopped history and a stalled store are told, each with its reason', () => {
    const well = { stoppedBy: undefined, stoppedAt: undefined };
    expect(ownTroubles(undefined, well)).toEqual([]);
    const found = ownTroubles('EIO', { stoppedBy: 'no space left', stoppedAt: T0 });
    expect(found.map(({ id, since }) => [id, since])).toEqual([
      ['store', undefined],
      ['history', T0],
    ]);
    expect(found.map(({ text }) => text).join()).toMatch(/EIO.*no space left/);
  });
});

describe('the change log on record', () => {
  test('changes and forecasts are found by kind, subject and age, newest first', () => {
    const db = openDatabase(':memory:');
    const [change, forecast] = trendsAt(T0);
    if (change === undefined || forecast === undefined) throw new Error('the scene has two');
    const second = { ...change, at: epochMs(change.at + 1), subject: 'link:other' as const };
    db.facts.commit(1, [change, forecast, second], () => {});
    const trends = (query: object) =>
      db.facts.trends({ kind: 'level.changed', since: epochMs(0), limit: 10, ...query });
    expect(trends({})).toEqual([second, change]);
    expect(trends({ limit: 1 })).toEqual([second]);
    expect(trends({ subject: change.subject })).toEqual([change]);
    expect(trends({ since: second.at })).toEqual([second]);
    expect(trends({ kind: 'limit.forecast' })).toEqual([forecast]);
    db.close();
  });

  test('an incident finds the merges into it', () => {
    const db = openDatabase(':memory:');
    const [into, from] = busyMorning(T0).map(fakeIncident) as [Incident, Incident];
    const view = { ...from, mergedInto: into.id };
    const merged = Object.assign(incidentFact('incident.merged', view, T0), { into: into.id });
    db.facts.commit(1, [incidentFact('incident.opened', into, T0), merged], () => {});
    expect(db.facts.factsOf(into.id).map(({ fact }) => fact)).toContainEqual(merged);
    db.close();
  });
});

describe('what a person decided', () => {
  test('stands in the time line, also when nobody outside must hear of it', () => {
    const [one] = busyMorning(T0).map(fakeIncident) as [Incident];
    const decided = Object.assign(incidentFact('incident.updated', one, T0), {
      material: false,
      because: [{ kind: 'person', by: 'Mira', text: 'Mira works on it by hand: on it' }],
    });
    const entries = buildTimeline(one, [{ position: 1, ordinal: 0, fact: decided }], []);
    expect(entries.at(-1)?.text).toBe('Mira works on it by hand: on it.');
  });

  test('an absorbed incident is named where it went', () => {
    const [into, from] = busyMorning(T0).map(fakeIncident) as [Incident, Incident];
    const fact = Object.assign(incidentFact('incident.merged', from, T0), { into: into.id });
    const stored = [{ position: 1, ordinal: 0, fact }];
    expect(buildTimeline(into, stored, []).at(-1)?.text).toContain(`Absorbed incident ${from.id}`);
    expect(buildTimeline(from, stored, []).at(-1)?.text).toContain(`part of incident ${into.id}`);
  });
});
