import { describe, expect, test } from 'vitest';
import type { ServiceState } from '../../protocol/model/fact.ts';
import type { Inventory, Need, Service, ServiceHours } from '../../protocol/model/inventory.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { priorityOf, weigh } from '../../rules/incident/impact.ts';
import { atLeast, judgeNeed, type Standing } from '../../rules/incident/needs.ts';
import { createServiceBook, type ServiceBookState } from '../../rules/incident/services.ts';
import { createSiteWays } from '../../rules/incident/site-ways.ts';
import type { Trouble } from '../../rules/incident/standings.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';

const at = (iso: string): EpochMs => epochMs(Date.parse(iso));

const OFFICE: ServiceHours = {
  timeZone: 'Europe/Paris',
  weekly: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }],
};

const standing = (state: ServiceState): Standing =>
  state === 'healthy' ? { state, culprits: [] } : { state, culprits: ['link:x'] };

describe('formulas', () => {
  test.each<[number, ServiceState[], ServiceState]>([
    [1, ['healthy', 'healthy'], 'healthy'],
    [1, ['healthy', 'down'], 'at-risk'],
    [1, ['down', 'down'], 'down'],
    [1, ['down', 'unknown'], 'unknown'],
    [1, ['degraded', 'down'], 'degraded'],
    [1, ['healthy', 'degraded'], 'at-risk'],
    [1, ['healthy', 'unknown'], 'healthy'],
    [1, ['healthy'], 'healthy'],
    [1, ['down'], 'down'],
    [2, ['healthy', 'healthy', 'healthy'], 'healthy'],
    [2, ['healthy', 'healthy', 'down'], 'at-risk'],
    [2, ['healthy', 'down', 'down'], 'down'],
    [2, ['healthy', 'degraded', 'down'], 'degraded'],
    [2, ['healthy', 'unknown', 'down'], 'unknown'],
    [1, ['healthy', 'healthy', 'down'], 'healthy'],
  ])('%i of %j: %s', (k, states, expected) => {
    expect(atLeast(k, states.map(standing)).state).toBe(expected);
  });

  test('all of, nested in any of, names only what made it so', () => {
    const need: Need = {
      all: [
        { subject: 'device:dc' },
        { any: [{ subject: 'link:a' }, { all: [{ subject: 'link:b' }, { subject: 'link:c' }] }] },
      ],
    };
    const states: Record<string, ServiceState> = { 'link:a': 'down', 'link:c': 'down' };
    const judged = judgeNeed(need, (subject) => {
      const state = states[subject] ?? 'healthy';
      return { state, culprits: state === 'healthy' ? [] : [subject] };
    });
    expect(judged).toEqual({ state: 'down', culprits: ['link:a', 'link:c'] });
  });
});

const link = (id: string, site: string, peer?: string) => ({
  id,
  name: id,
  kind: 'wan' as const,
  site,
  ...(peer === undefined ? {} : { peer }),
  ends: [],
  underlays: [],
});
const site = (id: string, hub = false) => ({ id, name: id, hub, users: 10 });

describe('ways to a hub', () => {
  test('a ring breaks only where both arms are gone, and comes back whole', () => {
    const links = [
      link('h-a', 'a', 'hub'),
      link('a-b', 'a', 'b'),
      link('b-c', 'b', 'c'),
      link('c-h', 'c', 'hub'),
    ];
    const ways = createSiteWays([site('hub', true), site('a'), site('b'), site('c')], links);
    const [ha, ab, bc, ch] = links as [(typeof links)[0], ...typeof links];
    expect(ways.changed(ha, false)).toEqual([]);
    expect([...ways.changed(bc!, false)].sort()).toEqual(['a', 'b']);
    expect(ways.changed(ab!, false)).toEqual([]);
    expect(ways.changed(ha, true)).toEqual(['a']);
    expect(ways.isCutOff('b')).toBe(true);
    expect(ways.changed(ab!, true)).toEqual(['b']);
    expect(ways.changed(ch!, false)).toEqual(['c']);
    expect(ways.changed(ch!, false)).toEqual([]);
  });

  test('an internet circuit leads out by itself', () => {
    const links = [link('inet', 'a'), link('wan', 'a', 'hub')];
    const ways = createSiteWays([site('hub', true), site('a')], links);
    expect(ways.changed(links[1]!, false)).toEqual([]);
    expect(ways.changed(links[0]!, false)).toEqual(['a']);
  });
});

/** Lyon on two circuits; card payments need Lyon and the device in the data centre. */
const CARDS: Service = {
  id: 'cards',
  name: 'Card payments',
  needs: { all: [{ subject: 'site:lyon' }, { subject: 'device:dc' }] },
  users: 142,
  criticality: 'high',
  hours: OFFICE,
  costPerHour: { amount: 38, currency: 'EUR' },
};
const INVENTORY: Inventory = {
  sites: [site('hub', true), site('lyon')],
  devices: [{ id: 'dc', name: 'dc', site: 'hub', address: '192.0.2.1' }],
  links: [link('mpls', 'lyon', 'hub'), link('lte', 'lyon')],
  agents: [
    { id: 'hub-a', site: 'hub' },
    { id: 'lyon-a', site: 'lyon' },
  ],
  services: [
    CARDS,
    {
      id: 'shop',
      name: 'Shop',
      needs: { subject: 'service:cards' },
      users: 5,
      criticality: 'low',
    },
  ],
};

function settingsOf(inventory: Inventory): EngineSettings {
  return {
    installation: 'x',
    inventory,
    rules: DEFAULT_RULES,
    timing: DEFAULT_TIMING,
    watches: [{ agent: 'hub-a', subjects: ['link:mpls', 'link:lte', 'device:dc'] }],
  };
}

function scene(inventory = INVENTORY, state?: ServiceBookState, firing = new Map()) {
  const troubles: Map<SubjectKey, Trouble[]> = firing;
  const book = createServiceBook(
    {
      settings: settingsOf(inventory),
      troublesOn: (subject) => troubles.get(subject) ?? [],
      nameOf: (subject) => subject,
    },
    state,
  );
  return {
    book,
    troubles,
    fails(subject: SubjectKey, trouble: Partial<Trouble> = {}) {
      troubles.set(subject, [{ agent: 'hub-a', isOutage: true, ...trouble }]);
      book.touch(subject);
    },
    mends(subject: SubjectKey) {
      troubles.delete(subject);
      book.touch(subject);
    },
  };
}

const NOON = at('2026-01-05T11:00:00Z');
const NIGHT = at('2026-01-05T23:00:00Z');
const later = (from: EpochMs, minutes: number) => epochMs(from + minutes * 60_000);

describe('a service with two circuits', () => {
  test('is at risk when one is down, down when both are, and tells each change once', () => {
    const { book, fails, mends } = scene();
    expect(book.review(NOON).facts).toEqual([]);
    fails('link:mpls');
    const [first, second] = book.review(NOON).facts;
    expect([first?.service, first?.state]).toEqual(['cards', 'at-risk']);
    expect([second?.service, second?.state]).toEqual(['shop', 'at-risk']);
    expect(first?.because).toEqual(['link:mpls']);
    expect(first?.text).toBe('Card payments works, but nothing is left in reserve: link:mpls');
    expect(book.review(NOON).facts).toEqual([]);
    fails('link:lte');
    expect(book.review(NOON).facts.map((fact) => fact.state)).toEqual(['down', 'down']);
    mends('link:lte');
    mends('link:mpls');
    expect(book.review(NOON).facts.map((fact) => fact.state)).toEqual(['healthy', 'healthy']);
    expect(book.nextDueAt()).toBeUndefined();
  });

  test('has a lower priority at risk than down, and P1 only within its hours', () => {
    const { book, fails } = scene();
    fails('link:mpls');
    book.review(NOON);
    const atRisk = weigh('low', 'high', book.business('i', ['link:mpls'], NOON).services);
    expect(priorityOf(atRisk.impact, atRisk.urgency)).toBe(3);
    fails('link:lte');
    book.review(NOON);
    const subjects: SubjectKey[] = ['link:mpls', 'link:lte'];
    const byDay = weigh('medium', 'high', book.business('i', subjects, NOON).services);
    expect(priorityOf(byDay.impact, byDay.urgency)).toBe(1);
    book.review(NIGHT);
    const [cards] = book.business('i', subjects, NIGHT).services;
    const byNight = weigh('medium', 'high', [cards!]);
    expect(priorityOf(byNight.impact, byNight.urgency)).toBe(3);
  });

  test('costs only while it is down, and only in its hours', () => {
    const { book, fails, mends } = scene();
    const start = at('2026-01-05T16:30:00Z');
    fails('link:mpls');
    fails('link:lte');
    book.review(start);
    const subjects: SubjectKey[] = ['link:mpls', 'link:lte'];
    expect(book.business('i', subjects, start)).toMatchObject({
      users: 142,
      costPerHour: { amount: 38, currency: 'EUR' },
      costSoFar: { amount: 0, currency: 'EUR' },
    });
    expect(book.nextDueAt()).toBe(at('2026-01-05T17:00:00Z'));
    const evening = later(start, 60);
    const review = book.review(evening);
    expect(review.facts).toEqual([]);
    expect(review.incidents).toEqual(['i']);
    expect(review.subjects).toEqual(['link:mpls', 'link:lte']);
    expect(book.business('i', subjects, evening)).toMatchObject({
      costPerHour: { amount: 0, currency: 'EUR' },
      costSoFar: { amount: 19, currency: 'EUR' },
    });
    mends('link:lte');
    mends('link:mpls');
    const end = later(start, 90);
    book.review(end);
    const over = book.business('i', [], end);
    expect(over.costSoFar).toEqual({ amount: 19, currency: 'EUR' });
    expect(over.services.map(({ id, state, downFor }) => [id, state, downFor])).toEqual([
      ['cards', 'healthy', 30 * 60_000],
      ['shop', 'healthy', 90 * 60_000],
    ]);
    expect(book.business('i', [], later(end, 600)).costSoFar?.amount).toBe(19);
  });
});

describe('what is seen decides', () => {
  test('a circuit that one agent reaches and another does not is doubtful, not down', () => {
    const inventory = { ...INVENTORY, links: [link('mpls', 'lyon', 'hub')] };
    const watches = ['hub-a', 'hub-b'].map((agent) => ({ agent, subjects: ['link:mpls'] }));
    const troubles = new Map<SubjectKey, Trouble[]>();
    const book = createServiceBook({
      settings: { ...settingsOf(inventory), watches },
      troublesOn: (subject) => troubles.get(subject) ?? [],
      nameOf: (subject) => subject,
    });
    troubles.set('link:mpls', [{ agent: 'hub-a', isOutage: true }]);
    book.touch('link:mpls');
    expect(book.review(NOON).facts[0]?.state).toBe('degraded');
    troubles.set('agent:hub-b', [{ agent: 'hub-b', isOutage: true }]);
    book.touch('agent:hub-b');
    expect(book.review(NOON).facts[0]?.state).toBe('down');
  });

  test('nobody looks any more: unknown, neither well nor down', () => {
    const { book, fails } = scene();
    fails('agent:hub-a');
    expect(book.review(NOON).facts[0]).toMatchObject({
      state: 'unknown',
      because: ['agent:hub-a'],
    });
  });

  test('a site whose silence is its own is down, though no circuit was seen failing', () => {
    const { book, fails } = scene();
    fails('agent:lyon-a', { agent: 'lyon-a', isDark: true });
    expect(book.review(NOON).facts[0]).toMatchObject({ state: 'down', because: ['agent:lyon-a'] });
  });

  test('the circuit of the site in between cuts off the sites behind it', () => {
    const inventory: Inventory = {
      ...INVENTORY,
      sites: [site('hub', true), site('region'), site('lyon')],
      links: [link('backbone', 'region', 'hub'), link('mpls', 'lyon', 'region')],
    };
    const { book, fails, mends } = scene(inventory);
    fails('link:backbone');
    expect(book.review(NOON).facts[0]).toMatchObject({ state: 'down', because: ['link:backbone'] });
    mends('link:backbone');
    expect(book.review(NOON).facts[0]?.state).toBe('healthy');
  });

  test('a dead router takes the circuits that end on it', () => {
    const ends = [{ device: 'r1', interface: 'Gi0' }];
    const inventory: Inventory = {
      ...INVENTORY,
      devices: [...INVENTORY.devices, { id: 'r1', name: 'r1', site: 'lyon', address: '192.0.2.2' }],
      links: [{ ...link('mpls', 'lyon', 'hub'), ends }],
    };
    const { book, fails, mends } = scene(inventory);
    fails('device:r1');
    expect(book.review(NOON).facts[0]).toMatchObject({ state: 'down', because: ['device:r1'] });
    mends('device:r1');
    fails('interface:r1/Gi0');
    expect(book.review(NOON).facts).toEqual([]);
    expect(book.stateOf('cards')).toBe('down');
  });
});

test('a purely statistical finding rises when a service in its hours suffers from it', () => {
  const inventory = { ...INVENTORY, links: [link('mpls', 'lyon', 'hub')] };
  const { book, fails } = scene(inventory);
  fails('link:mpls', { isOutage: false });
  book.review(NOON);
  expect(book.stateOf('cards')).toBe('degraded');
  const { services } = book.business('i', ['link:mpls'], NOON);
  const raised = weigh('low', 'low', services);
  expect(priorityOf(raised.impact, raised.urgency)).toBe(3);
  expect(priorityOf('low', 'low')).toBe(5);
});

test('a book made from a snapshot goes on without telling anything twice', () => {
  const { book, fails, troubles } = scene();
  fails('link:mpls');
  fails('link:lte');
  book.review(NOON);
  book.business('i', ['link:mpls'], NOON);
  const snapshot = JSON.parse(JSON.stringify(book.snapshot())) as ServiceBookState;
  const again = scene(INVENTORY, snapshot, new Map(troubles)).book;
  expect(again.review(later(NOON, 1))).toEqual({ facts: [], subjects: [], incidents: [] });
  const [one, other] = [book, again].map((each) => {
    each.review(later(NOON, 30));
    return each.business('i', ['link:mpls'], later(NOON, 30));
  });
  expect(other).toEqual(one);
  expect(one?.costSoFar?.amount).toBe(19);
});

test('new settings keep what was told, and drop services that are gone', () => {
  const { book, fails } = scene();
  fails('link:mpls');
  book.review(NOON);
  book.configure(settingsOf({ ...INVENTORY, services: [CARDS] }));
  expect(book.review(NOON).facts).toEqual([]);
  expect([book.stateOf('cards'), book.stateOf('shop')]).toEqual(['at-risk', 'healthy']);
  book.configure(
    settingsOf({ ...INVENTORY, services: [{ ...CARDS, needs: { subject: 'link:lte' } }] }),
  );
  expect(book.review(NOON).facts.map(({ service, state }) => [service, state])).toEqual([
    ['cards', 'healthy'],
  ]);
});

test('services that need each other in a loop do not hang the engine', () => {
  const loop = (id: string, other: string): Service => ({
    ...CARDS,
    id,
    needs: { all: [{ subject: `service:${other}` }, { subject: 'link:mpls' }] },
  });
  const { book, fails } = scene({ ...INVENTORY, services: [loop('a', 'b'), loop('b', 'a')] });
  fails('link:mpls');
  expect(book.review(NOON).facts).toHaveLength(2);
});

test('a merged incident leaves its bookings behind, and forgotten ones are gone', () => {
  const { book, fails } = scene();
  fails('link:mpls');
  fails('link:lte');
  book.review(NOON);
  book.business('a', ['link:mpls'], NOON);
  book.business('b', ['link:lte'], later(NOON, 30));
  book.absorb('a', 'b');
  expect(book.business('b', ['link:lte'], later(NOON, 60)).costSoFar?.amount).toBe(19);
  book.keepOnly(() => false);
  expect(book.snapshot().ledger).toEqual([]);
});

test('50,000 devices and 2,000 services: 5,000 failures are reviewed in a moment', () => {
  const sites = Array.from({ length: 2000 }, (_, n) => site(`s${n}`));
  const inventory: Inventory = {
    sites: [site('hub', true), ...sites],
    devices: sites.flatMap(({ id }) =>
      Array.from({ length: 25 }, (_, n) => ({
        id: `${id}-d${n}`,
        name: 'd',
        site: id,
        address: '192.0.2.1',
      })),
    ),
    links: sites.flatMap(({ id }) => [link(`${id}-a`, id, 'hub'), link(`${id}-b`, id, 'hub')]),
    agents: [{ id: 'hub-a', site: 'hub' }],
    services: sites.map(({ id }, n) => ({
      ...CARDS,
      id: `v${n}`,
      needs: {
        all: [
          { subject: `site:${id}` as const },
          ...[0, 1, 2].map((d) => ({ subject: `device:${id}-d${d}` as const })),
        ],
      },
    })),
  };
  const { book, fails } = scene(inventory);
  book.review(NOON);
  const started = performance.now();
  // One review per failure: the worst way in which they could arrive.
  let facts = 0;
  for (let n = 0; n < 200; n++) {
    for (let d = 0; d < 23; d++) fails(`device:s${n}-d${d}`);
    for (const side of ['a', 'b']) {
      fails(`link:s${n}-${side}`);
      facts += book.review(NOON).facts.length;
    }
  }
  expect(facts).toBe(200);
  expect(performance.now() - started).toBeLessThan(1000);
});
