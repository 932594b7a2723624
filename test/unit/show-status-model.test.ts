import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fact, Health } from '../../protocol/model/fact.ts';
import type { Inventory } from '../../protocol/model/inventory.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { StatusView, TicketView } from '../../protocol/wire/views.ts';
import type { SamplePoint } from '../../server/ports/show.ts';
import { createStatusModel, type StatusModel } from '../../server/show/status-model.ts';
import {
  type FakeIncident,
  fakeIncident,
  incidentFact,
  openingFacts,
} from '../support/fake-incidents.ts';
import { busyMorning } from '../support/fake-scenes.ts';

const T0 = epochMs(1_700_000_000_000);
const at = (s: number): EpochMs => epochMs(T0 + s * 1000);
const [LYON] = busyMorning(T0) as [FakeIncident];

const INVENTORY: Inventory = {
  sites: [{ id: 'lyon', name: 'Lyon', hub: false, users: 84 }],
  devices: [{ id: 'lyon-r1', name: 'Lyon router', site: 'lyon', address: '192.0.2.1' }],
  links: [
    { id: 'mpls', name: 'MPLS', kind: 'wan', site: 'lyon', ends: [], underlays: [] },
    { id: 'dia', name: 'DIA', kind: 'internet', site: 'lyon', ends: [], underlays: [] },
  ],
  agents: [{ id: 'lyon-a1', site: 'lyon' }],
};
const WATCHES = [{ agent: 'lyon-a1', subjects: ['device:lyon-r1', 'link:mpls', 'link:dia'] }];

interface Setup {
  readonly samples?: Record<string, SamplePoint>;
  readonly tickets?: Record<string, TicketView[]>;
}

function model({ samples = {}, tickets = {} }: Setup = {}): StatusModel {
  return createStatusModel({
    version: '1',
    inventory: INVENTORY,
    watches: WATCHES,
    latest: (series) => samples[series],
    tickets: (id) => tickets[id] ?? [],
  });
}

const changed = (subject: SubjectKey, health: Health, because = 'test'): Fact => ({
  kind: 'subject.changed',
  at: T0,
  subject,
  health,
  because,
});
const allUp = [
  changed('device:lyon-r1', 'up'),
  changed('link:mpls', 'up'),
  changed('link:dia', 'up'),
];
const siteHealth = (view: StatusView) => view.sites[0]?.health;

describe('health', () => {
  test('what was never measured is unknown, not up', () => {
    const view = model().view(T0);
    expect(siteHealth(view)).toBe('unknown');
    expect(view.links.map((link) => link.health)).toEqual(['unknown', 'unknown']);
    expect(view.agents[0]).toMatchObject({ state: 'never-seen', engines: [] });
  });

  test('the worst of its parts decides for a site, and its reason names the part', () => {
    const one = model();
    one.heard('lyon-a1', { at: T0 });
    one.apply(allUp, T0);
    expect(siteHealth(one.view(T0))).toBe('up');
    one.apply([changed('link:dia', 'degraded', 'loss 4 %')], T0);
    expect(one.view(T0).sites[0]).toMatchObject({ health: 'degraded', because: 'DIA: loss 4 %' });
    one.apply([changed('device:lyon-r1', 'down', 'no answer')], T0);
    expect(one.view(T0).sites[0]).toMatchObject({
      health: 'down',
      because: 'Lyon router: no answer',
    });
    one.apply(allUp, T0);
    expect(siteHealth(one.view(T0))).toBe('up');
  });

  test('a silent agent makes unknown what only it watches, never up', () => {
    const one = model();
    one.heard('lyon-a1', { at: T0 });
    one.apply(allUp, T0);
    expect(siteHealth(one.view(at(11)))).toBe('up');
    const view = one.view(at(13));
    expect(view.agents[0]?.state).toBe('silent');
    expect(view.sites[0]).toMatchObject({ health: 'unknown' });
    expect(view.links[0]).toMatchObject({ health: 'unknown', because: 'agent lyon-a1 is silent' });
    one.heard('lyon-a1', { at: at(14) });
    expect(siteHealth(one.view(at(14.5)))).toBe('up');
  });

  test('what was found down stays down when the agent falls silent', () => {
    const one = model();
    one.heard('lyon-a1', { at: T0 });
    one.apply([...allUp, changed('link:mpls', 'down')], T0);
    expect(siteHealth(one.view(at(60)))).toBe('down');
  });

  test('facts about things outside the inventory are ignored', () => {
    const one = model();
    one.heard('stranger', { at: T0 });
    one.apply([changed('link:none', 'down'), changed('interface:none/x', 'down')], T0);
    one.learned([{ subject: 'interface:none/x', ifIndex: 1, name: 'x' }]);
    expect(siteHealth(one.view(T0))).toBe('unknown');
  });

  test('interfaces are listed under their device, with their health, in the order of ifIndex', () => {
    const one = model();
    const port = (name: string, ifIndex: number) => ({
      subject: `interface:lyon-r1/${name}` as const,
      ifIndex,
      name,
    });
    one.learned([port('ge-1', 2), port('ge-0', 1)]);
    one.apply([changed('interface:lyon-r1/ge-1', 'down')], T0);
    // It answers, but it is not well, and neither is its site.
    one.heard('lyon-a1', { at: T0 });
    one.apply([changed('device:lyon-r1', 'up')], T0);
    const [lyon] = one.view(T0).sites;
    expect(lyon?.devices[0]).toMatchObject({ health: 'degraded', because: 'trouble at ge-1' });
    expect(lyon?.health).not.toBe('up');
    expect(one.view(T0).sites[0]?.devices[0]?.interfaces).toMatchObject([
      { name: 'ge-0', health: 'unknown' },
      { name: 'ge-1', health: 'down' },
    ]);
  });
});

describe('figures of a link', () => {
  const samples = (loss: number, when: EpochMs): Record<string, SamplePoint> => ({
    'lyon-a1|stamp_loss_ratio|link:mpls': { at: when, value: loss },
    'lyon-a1|stamp_rtt_ms|link:mpls': { at: when, value: 12.345 },
    'lyon-a1|icmp_loss_ratio|link:dia': { at: when, value: 0 },
    'lyon-a1|icmp_rtt_ms|link:dia': { at: when, value: 7 },
  });
  const live = (setup: Setup, now: EpochMs) => {
    const one = model(setup);
    one.heard('lyon-a1', { at: now });
    one.apply(allUp, now);
    return one.view(now).links;
  };

  test('come from the probe that has fresh ones', () => {
    const links = live({ samples: samples(0.05, T0) }, at(5));
    expect(links[0]).toMatchObject({ rttMs: 12.3, lossRatio: 0.05, measuredAt: T0 });
    expect(links[1]).toMatchObject({ rttMs: 7, lossRatio: 0 });
  });

  test('are absent when they are older than a minute', () => {
    expect(live({ samples: samples(0, T0) }, at(61))[0]).not.toHaveProperty('rttMs');
  });

  test('have no round trip while everything is lost', () => {
    const [mpls] = live({ samples: samples(1, T0) }, T0);
    expect(mpls).toMatchObject({ lossRatio: 1 });
    expect(mpls).not.toHaveProperty('rttMs');
  });
});

describe('incidents', () => {
  const opened = openingFacts(LYON);
  const ended = (seconds: number, id = LYON.id): Fact =>
    incidentFact(
      'incident.resolved',
      { ...fakeIncident({ ...LYON, id }), state: 'resolved', resolvedAt: at(seconds) },
      at(seconds),
    );

  test('carry their tickets, read again when told', () => {
    const tickets: Record<string, TicketView[]> = {};
    const one = model({ tickets });
    one.apply(opened, T0);
    expect(one.view(T0).incidents[0]?.tickets).toEqual([]);
    tickets[LYON.id] = [{ destination: 'desk', state: 'open', attempts: 1 }];
    one.ticketsChanged(LYON.id);
    expect(one.view(T0).incidents[0]?.tickets).toMatchObject([{ state: 'open' }]);
    one.ticketsChanged('unknown');
  });

  test('that were absorbed leave the list, and readers hear of it', () => {
    const one = model();
    one.apply(opened, T0);
    const before = one.revision(T0);
    one.apply([incidentFact('incident.merged', fakeIncident(LYON), T0)], T0);
    expect(one.view(T0).incidents).toEqual([]);
    expect(one.changeSince(before, T0).change?.removedIncidents).toEqual([LYON.id]);
  });

  test('that ended stay for a day, at most twenty of them, the newest', () => {
    const one = model();
    one.apply(
      Array.from({ length: 25 }, (_, n) => ended(n, `inc-${n}`)),
      at(30),
    );
    const ids = one.view(at(31)).incidents.map((incident) => incident.id);
    expect(ids).toHaveLength(20);
    expect(ids).toContain('inc-24');
    expect(ids).not.toContain('inc-4');
    expect(one.view(at(25 * 3600)).incidents).toEqual([]);
  });

  test('on record are there again after a start', () => {
    const one = model();
    one.restore([fakeIncident(LYON)]);
    expect(one.view(T0).incidents).toMatchObject([{ id: LYON.id, state: 'open' }]);
  });
});

describe('changes', () => {
  test('hold what is new and nothing else', () => {
    const one = model();
    one.heard('lyon-a1', { at: T0 });
    one.apply(allUp, T0);
    const before = one.revision(T0);
    expect(one.changeSince(before, T0)).toMatchObject({ isEmpty: true, change: { now: T0 } });
    one.apply([changed('link:dia', 'down')], T0);
    const { change } = one.changeSince(before, T0);
    expect(change?.links).toMatchObject([{ id: 'dia', health: 'down' }]);
    expect(change?.sites).toMatchObject([{ id: 'lyon', health: 'down' }]);
    expect(change).not.toHaveProperty('agents');
    expect(change).not.toHaveProperty('incidents');
  });

  test.each([-1, 999_999, Number.NaN])('since revision %d are a whole view', (since) => {
    expect(model().changeSince(since, T0).change).toBeUndefined();
  });

  test('after a new configuration are a whole view for everybody', () => {
    const one = model();
    const before = one.revision(T0);
    one.configure({ ...INVENTORY, links: [] }, WATCHES);
    expect(one.changeSince(before, T0).change).toBeUndefined();
    expect(one.view(T0).links).toEqual([]);
  });

  test('applied one after another give the view, whatever happened', () => {
    const step = fc.oneof(
      fc.record({
        subject: fc.constantFrom<SubjectKey>(
          'device:lyon-r1',
          'link:mpls',
          'link:dia',
          'site:lyon',
        ),
        health: fc.constantFrom<Health>('up', 'degraded', 'down', 'unknown'),
      }),
      fc.constantFrom('heard' as const, 'opened' as const, 'merged' as const),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat(9)), { maxLength: 40 }), (steps) => {
        const one = model();
        let now: EpochMs = T0;
        let copy = one.view(now);
        let revision = one.revision(now);
        for (const [what, seconds] of steps) {
          now = epochMs(now + seconds * 1000);
          perform(one, what, now);
          const next = one.changeSince(revision, now);
          copy = next.change === undefined ? one.view(now) : patched(copy, next.change);
          revision = next.revision;
        }
        expect(sorted(copy)).toEqual(sorted({ ...one.view(now), now: copy.now }));
      }),
    );
  });
});

const opened = () => openingFacts(LYON);

type Step = 'heard' | 'opened' | 'merged' | { subject: SubjectKey; health: Health };

function perform(one: StatusModel, what: Step, now: EpochMs): void {
  if (what === 'heard') one.heard('lyon-a1', { at: now });
  else if (what === 'opened') one.apply(opened(), now);
  else if (what === 'merged')
    one.apply([incidentFact('incident.merged', fakeIncident(LYON), now)], now);
  else one.apply([changed(what.subject, what.health)], now);
}

type Change = NonNullable<ReturnType<StatusModel['changeSince']>['change']>;

function patched(view: StatusView, change: Change): StatusView {
  const over = <T extends { id: string }>(old: readonly T[], next: readonly T[] = []) => [
    ...new Map([...old, ...next].map((row) => [row.id, row])).values(),
  ];
  return {
    ...view,
    incidents: over(view.incidents, change.incidents).filter(
      (one) => !change.removedIncidents?.includes(one.id),
    ),
    sites: over(view.sites, change.sites),
    links: over(view.links, change.links),
    agents: over(view.agents, change.agents),
  };
}

const sorted = (view: StatusView) => ({
  ...view,
  sites: view.sites.toSorted((a, b) => a.id.localeCompare(b.id)),
  links: view.links.toSorted((a, b) => a.id.localeCompare(b.id)),
  incidents: view.incidents.toSorted((a, b) => a.id.localeCompare(b.id)),
});
