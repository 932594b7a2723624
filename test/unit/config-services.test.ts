import { describe, expect, test } from 'vitest';
import { DEFAULT_PACK, loadConfigText } from '../../config/load.ts';
import { engineSettings, inventoryOf } from '../../config/map.ts';
import { problemText } from '../../config/problem.ts';
import { isOpen } from '../../rules/incident/hours.ts';

/** Eleven lines; what a test appends begins on the twelfth. */
const BASE = `sites:
  - { id: hub, hub: true }
  - { id: lyon, users: 12 }
agents:
  - { id: hub-a, site: hub }
devices:
  - { id: r1, site: lyon, address: 192.0.2.1 }
links:
  - { id: mpls, kind: wan, site: lyon, peer: hub, provider: Orange, ends: [{ device: r1 }] }
  - { id: lte, kind: internet, site: lyon, provider: Free, ends: [{ device: r1 }] }
tickets: { mode: observe }
`;
const told = (text: string, which: 'problems' | 'warnings'): string[] => {
  const result = loadConfigText(BASE + text, 'x.yaml');
  if (which === 'problems') return result.ok ? [] : result.problems.map(problemText);
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return result.warnings.map(problemText);
};
const good = (text: string) => {
  const result = loadConfigText(BASE + text, 'x.yaml');
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return result.config;
};
const service = (more: string, id = 's') => `services:\n  - { id: ${id}, ${more} }\n`;
const HOURS = (zone: string, from: string, to: string, days = 'mon-fri') =>
  service(
    `needs: site:lyon, hours: { timeZone: ${zone}, weekly: [{ days: [${days}], from: "${from}", to: "${to}" }] }`,
  );
const window = (more: string) => `maintenance:\n  - { id: w, ${more} }\n`;

describe('errors name the place and the nearest name', () => {
  test.each([
    [
      service('needs: site:lyno'),
      'x.yaml:13:21: services[0].needs: there is no site "lyno"; did you mean "lyon"?',
    ],
    [
      service('needs: { all: [site:lyon, { any: [link:mpsl] }] }'),
      'x.yaml:13:48: services[0].needs.all[1].any[0]: there is no link "mpsl"; did you mean "mpls"?',
    ],
    [service('needs: group:core'), 'services[0].needs: there is no group "core"'],
    [service('needs: interface:r9/Gi0'), 'there is no device "r9"; did you mean "r1"?'],
    [service('needs: lyon'), 'services[0].needs: expected site:ID, link:ID, device:ID'],
    [service('users: 3'), '"needs" is missing'],
    [service('needs: { all: [] }'), 'it needs nothing, so it could never fail'],
    [service('needs: { any: [{ all: [] }] }'), 'it needs nothing'],
    [
      service('needs: { atLeast: 3, of: [link:mpls, link:lte] }'),
      'services[0].needs.atLeast: 3 of 2 can never be reached',
    ],
    [service('needs: { atLeast: 0, of: [link:mpls] }'), 'expected a number of needs'],
    [service('needs: { most: [link:mpls] }'), 'services[0].needs'],
    [service('needs: service:s'), 'services need each other: s → s'],
    [
      `${service('needs: service:b', 'a')}  - { id: b, needs: { any: [service:a, site:lyon] } }\n`,
      'x.yaml:13:21: services[0].needs: services need each other: a → b → a',
    ],
    [
      `${service('needs: site:lyon')}  - { id: s, needs: site:hub }\n`,
      '"s" is already used in services',
    ],
    [service('needs: site:lyon, criticality: huge'), 'expected one of high, medium, low'],
    [
      service('needs: site:lyon, costPerHour: lots'),
      'expected an amount and a currency such as "38 EUR"',
    ],
    [
      service('needs: site:lyon, costPerHour: 38 EUX'),
      'services[0].costPerHour: there is no currency "EUX"; did you mean "EUR"?',
    ],
    [
      `${service('needs: site:lyon, costPerHour: 38 EUR')}  - { id: t, needs: site:hub, costPerHour: { amount: 3, currency: CHF } }\n`,
      'x.yaml:14:44: services[1].costPerHour: in CHF, while "s" is in EUR',
    ],
    [
      HOURS('Europe/Lyon', '08:00', '18:00'),
      'services[0].hours.timeZone: there is no time zone "Europe/Lyon"',
    ],
    [HOURS('"+02:00"', '08:00', '18:00'), 'there is no time zone "+02:00"'],
    [HOURS('UTC', '08:00', '08:00'), 'from 08:00 to 08:00 is no time at all'],
    [HOURS('UTC', '25:00', '26:00'), 'expected a time of day such as "08:00"'],
    [HOURS('UTC', '08:00', '18:00', 'monday'), 'expected a day or days: mon, tue'],
    [
      service('needs: site:lyon, hours: { timeZone: UTC, weekly: [] }'),
      'never used: leave hours out',
    ],
    [
      'redundancy: [{ id: g, members: [link:mpls] }]',
      'redundancy[0].members: 1 of them is no redundancy',
    ],
    [
      'redundancy: [{ id: g, members: [link:mpls, link:mpls] }]',
      'redundancy[0].members[1]: "link:mpls" is in this group already',
    ],
    ['redundancy: [{ id: g, members: [link:mpls, device:r2] }]', 'there is no device "r2"'],
    [
      'learned: [{ from: device:r1, to: device:r1, source: lldp, seenAt: "2026-01-01T00:00:00Z", evidence: x }]',
      'learned[0].to: an edge cannot end where it begins',
    ],
    [
      'learned: [{ from: device:r1, to: device:sw, source: cdp, seenAt: "2026-01-01", evidence: x }]',
      'expected an instant with its zone',
    ],
    [
      'learned: [{ from: device:r1, to: device:sw, source: magic, seenAt: "2026-01-01T00:00:00Z", evidence: x }]',
      'expected one of lldp, cdp, arp, route',
    ],
    [
      window('subjects: [site:lyno], from: "2026-03-01T00:00:00Z", until: "2026-03-02T00:00:00Z"'),
      'x.yaml:13:25: maintenance[0].subjects[0]: there is no site "lyno"',
    ],
    [
      window('subjects: [], from: "2026-03-01T00:00:00Z", until: "2026-03-02T00:00:00Z"'),
      'expected at least 1 entries',
    ],
    [
      window('subjects: [site:lyon], from: "2026-03-02T00:00:00Z", until: "2026-03-01T00:00:00Z"'),
      'maintenance[0].until: it ends before it begins',
    ],
    [
      window('subjects: [site:lyon], from: "2026-03-01T00:00", until: "2026-03-02T00:00:00Z"'),
      'expected an instant with its zone',
    ],
    [
      window('subjects: [site:lyon], from: "2026-13-01T00:00:00Z", until: "2026-03-02T00:00:00Z"'),
      'maintenance[0].from: ',
    ],
    [
      window('subjects: [site:lyon], cron: "0 2 * *", timeZone: UTC, lasts: 1h'),
      'maintenance[0].cron: expected 5 or 6 fields but got 4',
    ],
    [
      window('subjects: [site:lyon], cron: "0 2 31 2 *", timeZone: UTC, lasts: 1h'),
      'impossible day of month',
    ],
    [
      window('subjects: [site:lyon], cron: "0 2 * * *", timeZone: Mars, lasts: 1h'),
      'there is no time zone "Mars"',
    ],
    [
      window('subjects: [site:lyon], cron: "0 2 * * *", timeZone: UTC, lasts: 0s'),
      'it lasts no time at all',
    ],
    [
      window('subjects: [site:lyon], cron: "0 2 * * *", timeZone: UTC, lasts: 60d'),
      'expected at most 14d',
    ],
    [window('subjects: [site:lyon]'), 'maintenance[0]'],
    [
      `${service('needs: site:lyon')}${window('subjects: [service:s], cron: "0 2 * * *", timeZone: UTC, lasts: 1h')}`,
      'name what is worked on',
    ],
  ])('%j', (text, expected) => {
    expect(told(text, 'problems').join('\n')).toContain(expected);
  });

  test.each([
    [
      'redundancy: [{ id: g, members: [link:a, link:b] }]',
      "no redundancy: all of them run over Orange's point of presence LYO-2",
    ],
    [
      '',
      'links[3].pop: no redundancy for site "nice": a, b all run over Orange\'s point of presence LYO-2',
    ],
    [
      'redundancy: [{ id: g, members: [device:s1, device:s2] }]',
      'no redundancy: all of them are reached through device "r1"',
    ],
    [HOURS('Europe/Paris', '02:30', '18:00', 'sun'), ': it counts as later'],
    [service('needs: { atLeast: 2, of: [link:mpls, link:lte] }'), '2 of 2 is all of them'],
    [
      window('subjects: [site:lyon], cron: "0 2 1 * mon", timeZone: UTC, lasts: 1h'),
      'both the day of the month and the weekday must fit',
    ],
    [
      window('subjects: [site:lyon], from: "2026-03-01T00:00:00Z", until: "2026-06-01T00:00:00Z"'),
      'longer than 30 days',
    ],
  ])('%j is only a warning', (text, expected) => {
    const inventory = BASE.replace('agents:\n', '  - { id: nice }\nagents:\n')
      .replace(
        'tickets:',
        `  - { id: a, kind: wan, site: nice, provider: Orange, pop: LYO-2, ends: [{ device: r1 }] }
  - { id: b, kind: wan, site: nice, provider: Orange, pop: LYO-2, lastMile: fibre, ends: [{ device: r1 }] }
tickets:`,
      )
      .replace(
        'links:\n',
        `  - { id: s1, site: lyon, address: 192.0.2.2, behind: r1 }
  - { id: s2, site: lyon, address: 192.0.2.3, behind: r1 }
links:
`,
      );
    const result = loadConfigText(inventory + text, 'x.yaml');
    expect(result.ok ? [] : result.problems.map(problemText)).toEqual([]);
    expect(result.ok && result.warnings.map(problemText).join('\n')).toContain(expected);
  });

  test('two circuits of different points of presence, or of other providers, are redundancy', () => {
    expect(told('', 'warnings')).toEqual([]);
    expect(told('redundancy: [{ id: g, members: [link:mpls, link:lte] }]', 'warnings')).toEqual([]);
  });
});

test('services reach the engine as it reads them', () => {
  const config = good(`redundancy: [{ id: uplinks, members: [link:mpls, link:lte] }]
services:
  - id: cards
    name: Card payments
    needs: { all: [site:lyon, group:uplinks, { atLeast: 1, of: [device:r1] }] }
    users: 142
    criticality: high
    hours: { timeZone: Europe/Paris, weekly: [{ days: [mon-fri, sun], from: "08:00", to: "24:00" }] }
    costPerHour: 38.50 EUR
  - { id: track, needs: service:cards, costPerHour: { amount: 12, currency: EUR } }
learned: [{ from: device:r1, to: interface:r1/Gi0/1, source: lldp, seenAt: "2026-01-05T09:14:00+01:00", evidence: seen }]
trustLearned: true
`);
  const inventory = inventoryOf(config);
  const [cards, track] = inventory.services ?? [];
  expect(cards).toEqual({
    id: 'cards',
    name: 'Card payments',
    needs: {
      all: [
        { subject: 'site:lyon' },
        { any: [{ subject: 'link:mpls' }, { subject: 'link:lte' }] },
        { atLeast: 1, of: [{ subject: 'device:r1' }] },
      ],
    },
    users: 142,
    criticality: 'high',
    hours: {
      timeZone: 'Europe/Paris',
      weekly: [{ days: [1, 2, 3, 4, 5, 7], from: '08:00', to: '24:00' }],
    },
    costPerHour: { amount: 38.5, currency: 'EUR' },
  });
  expect(track).toMatchObject({ name: 'track', users: 0, criticality: 'medium' });
  expect(isOpen(cards?.hours, Date.parse('2026-01-05T22:59:00Z') as never)).toBe(true);
  expect(inventory.redundancy?.[0]).toMatchObject({ name: 'uplinks' });
  expect(inventory.learned?.[0]?.seenAt).toBe(Date.parse('2026-01-05T08:14:00Z'));
  expect(engineSettings(config, 'x', DEFAULT_PACK).trustLearned).toBe(true);
});

test('windows with fixed instants are in the settings without any clock, so that a replay knows them', () => {
  const config = good(
    window('subjects: [site:lyon], from: "2026-03-01T00:00:00Z", until: "2026-03-02T00:00:00Z"'),
  );
  expect(engineSettings(config, 'x', DEFAULT_PACK).maintenance).toEqual([
    {
      id: 'w',
      name: 'w',
      subjects: ['site:lyon'],
      from: Date.parse('2026-03-01T00:00:00Z'),
      until: Date.parse('2026-03-02T00:00:00Z'),
    },
  ]);
});

test('a network without services has the settings it always had', () => {
  const settings = engineSettings(good(''), 'x', DEFAULT_PACK);
  expect(Object.keys(settings.inventory)).toEqual(['sites', 'devices', 'links', 'agents']);
  expect(Object.keys(settings)).not.toContain('trustLearned');
});

test('2,000 services over 10,000 circuits are checked in a moment', () => {
  const count = 2000;
  const sites = Array.from({ length: count }, (_, n) => ({ id: `s${n}` }));
  const text = JSON.stringify({
    sites: [{ id: 'hub', hub: true }, ...sites],
    agents: [{ id: 'a', site: 'hub' }],
    links: sites.flatMap(({ id }) =>
      [1, 2, 3, 4, 5].map((n) => ({ id: `${id}-${n}`, kind: 'wan', site: id, pop: `p${n}` })),
    ),
    services: sites.map(({ id }) => ({
      id: `v-${id}`,
      needs: { all: [`site:${id}`, { atLeast: 2, of: [1, 2, 3].map((n) => `link:${id}-${n}`) }] },
      hours: {
        timeZone: 'Europe/Paris',
        weekly: [{ days: ['mon-fri'], from: '08:00', to: '18:00' }],
      },
      costPerHour: '38 EUR',
    })),
    tickets: { mode: 'observe' },
  });
  const started = performance.now();
  const result = loadConfigText(text, 'x.yaml');
  expect(result.ok).toBe(true);
  // Reading the YAML is nearly all of it.
  expect(performance.now() - started).toBeLessThan(15_000);
}, 30_000);
