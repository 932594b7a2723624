import { expect, test } from 'vitest';
import type { Inventory } from '../../protocol/model/inventory.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { answers, fires, type Report, silent, tell } from '../support/network-facts.ts';

const network = hubAndBranches([
  { id: 'lyon', users: 40, overlay: true, switches: 1 },
  { id: 'nice', users: 1 },
]);

test.each<[string, Report, { title: string; impact: string; priority: number }]>([
  [
    'one branch cut off',
    fires('unreachable', 'link:lyon-mpls', 'a-hub'),
    {
      title: 'Circuit lyon-mpls (Orange, FR-1000) down: site Lyon cut off, 40 users',
      impact: 'medium',
      priority: 2,
    },
  ],
  [
    'a branch of one person',
    fires('unreachable', 'link:nice-mpls', 'a-hub'),
    {
      title: 'Circuit nice-mpls (Orange, FR-1010) down: site Nice cut off, 1 user',
      impact: 'medium',
      priority: 2,
    },
  ],
  [
    'the hub router carries all sites',
    fires('unreachable', 'device:hub-r1', 'a-hub'),
    { title: 'Device hub-r1 down: 2 sites cut off, 41 users', impact: 'high', priority: 1 },
  ],
  [
    'one switch',
    fires('unreachable', 'device:lyon-sw1', 'a-lyon'),
    { title: 'Device lyon-sw1 down: site Lyon', impact: 'low', priority: 3 },
  ],
  [
    'a tunnel alone',
    fires('unreachable', 'link:lyon-vpn', 'a-hub'),
    {
      title: 'Tunnel lyon-vpn down: site Lyon on another way',
      impact: 'low',
      priority: 3,
    },
  ],
  [
    'loss on a circuit',
    fires('loss', 'link:lyon-mpls', 'a-hub'),
    {
      title: 'Packet loss on lyon-mpls (Orange, FR-1000): site Lyon, 40 users',
      impact: 'medium',
      priority: 3,
    },
  ],
  [
    'a port at the hub that carries a site',
    fires('interface-down', 'interface:hub-r1/to-nice-mpls', 'a-hub'),
    {
      title: 'Interface to-nice-mpls of hub-r1 down: site Nice cut off, 1 user',
      impact: 'medium',
      priority: 2,
    },
  ],
  [
    'a busy processor',
    fires('cpu', 'device:lyon-r1', 'a-lyon'),
    { title: 'Cpu on lyon-r1: site Lyon', impact: 'low', priority: 5 },
  ],
])('%s', (_, report, expected) => {
  const story = tell(network);
  story.at(2, report);
  story.until(120);
  expect(story.open()[0]).toMatchObject(expected);
});

test('a title is one line of at most 120 characters', () => {
  const long = 'x'.repeat(200);
  const inventory: Inventory = {
    ...network.inventory,
    links: network.inventory.links.map((link) => ({ ...link, name: long })),
  };
  const story = tell({ ...network, inventory });
  story.at(2, fires('unreachable', 'link:lyon-mpls', 'a-hub'));
  story.until(60);
  expect(story.open()[0]?.title).toHaveLength(120);
  expect(story.open()[0]?.title.endsWith('…')).toBe(true);
});

test('a site whose edge is not watched is "site or circuit" when agent and devices fall silent', () => {
  const bare = hubAndBranches([{ id: 'lyon' }, { id: 'nice' }]);
  const inventory: Inventory = {
    ...bare.inventory,
    links: [],
    devices: [
      ...bare.inventory.devices,
      { id: 'lyon-ap', name: 'lyon-ap', site: 'lyon', address: '192.0.2.9' },
    ],
  };
  const story = tell({ inventory, watches: bare.watches });
  story.at(2, fires('unreachable', 'device:lyon-r1', 'a-hub'));
  story.at(3, fires('unreachable', 'device:lyon-ap', 'a-hub'));
  story.at(13, silent('a-lyon', 1));
  story.until(60);
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({
    subject: 'agent:a-lyon',
    root: { cause: 'site or circuit down' },
    users: 40,
    priority: 2,
  });
});

test('evidence against the root is told and lowers the confidence', () => {
  const story = tell(network);
  story.at(2, fires('unreachable', 'device:lyon-sw1', 'a-lyon'));
  for (const second of [20, 25, 30]) story.at(second, answers('device:lyon-sw1', 'a-hub'));
  expect(story.open()[0]).toMatchObject({
    title: 'Device lyon-sw1 unreachable from agent a-lyon, not from others: site Lyon',
    root: { confidence: 0.5 },
    priority: 4,
  });
  expect(story.open()[0]?.root.because.map((reason) => reason.text)).toContain(
    'against it: reached since by a-hub',
  );
});

test('the first answer of another agent on the way back is no contradiction', () => {
  const story = tell(network);
  story.at(2, fires('unreachable', 'device:lyon-sw1', 'a-lyon'));
  story.at(60, answers('device:lyon-sw1', 'a-hub'));
  story.at(64, answers('device:lyon-sw1', 'a-lyon'));
  story.at(75, answers('device:lyon-sw1', 'a-hub'));
  expect(story.open()[0]?.root.cause).toBe('device down');
});

test('advice comes from the rule, and the reasons say what the root explains', () => {
  const story = tell(network);
  story.at(2, fires('unreachable', 'link:lyon-mpls', 'a-hub'), answers('link:nice-mpls', 'a-hub'));
  story.at(3, fires('unreachable', 'device:lyon-r1', 'a-hub'), silent('a-lyon', 1));
  const [incident] = story.open();
  expect(incident?.advice).toEqual(['look at unreachable']);
  expect(incident?.because.map((reason) => reason.text)).toEqual([
    'unreachable on link lyon-mpls',
    'nothing comes through the circuit, and what stands in front of it answers',
    'it explains 1 agent-silent, 1 unreachable',
    'opened: unreachable on link lyon-mpls',
  ]);
});

test('another link that answers proves the router, so the alert need not wait for it', () => {
  const story = tell(network);
  story.at(2, fires('unreachable', 'link:lyon-mpls', 'a-hub'));
  expect(story.open()).toEqual([]);
  story.at(2.5, answers('link:nice-mpls', 'a-hub'));
  expect(story.open()).toHaveLength(1);
});
