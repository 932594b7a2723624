import { test } from 'vitest';
import type { Link } from '../../protocol/model/inventory.ts';
import { type Branch, hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const CITIES = ['lyon', 'nice', 'metz', 'lille', 'brest', 'tours', 'dijon', 'nancy'];

/** Branches whose circuits end at points of presence, in turn or as told. */
function withPops(branches: readonly Branch[], popOf: (link: Link, index: number) => string) {
  const plain = hubAndBranches(branches);
  const links = plain.inventory.links.map((link, i) => ({ ...link, pop: popOf(link, i) }));
  return { ...plain, inventory: { ...plain.inventory, links } };
}

const network = withPops(
  CITIES.map((id) => ({ id, switches: 1 })),
  (_, index) => (index < 4 ? 'PAR-1' : 'LYS-2'),
);

test('all circuits of a provider failing together are a provider outage', () => {
  const story = scenario({ network });
  for (const id of CITIES) story.at('30s').link(`${id}-mpls`).isCut();
  story.at('90s').expectOpen({
    root: CITIES.map((id) => `link:${id}-mpls`),
    cause: 'provider outage',
    priority: 1,
    users: 320,
  });
  story.at('90s').expectTickets(1);
  story.run();
});

test('one circuit turns out to be different: when the others are back the incident is its own', () => {
  const story = scenario({ network });
  for (const id of CITIES.slice(0, 4)) story.at('30s').link(`${id}-mpls`).isCut();
  for (const id of CITIES.slice(1, 4)) story.at('3m').link(`${id}-mpls`).isMended();
  story.at('7m').expectOpen({ root: 'link:lyon-mpls', cause: 'circuit down', users: 40 });
  // The outage of the point of presence is a ticket that is over; this one is another.
  story.at('7m').expectTickets(2);
  story.run();
});

test('what a person put beside an outage of many circuits stays there when most of them are back', () => {
  // With this seed nice is seen first and leads.
  const story = scenario({ network, seeds: [1] });
  for (const id of CITIES.slice(0, 4)) story.at('30s').link(`${id}-mpls`).isCut();
  story.at('2m').device('nancy-sw1').dies();
  story.at('4m').person('ada').merges('device:nancy-sw1', 'link:nice-mpls');
  for (const id of ['lyon', 'metz', 'lille']) story.at('5m').link(`${id}-mpls`).isMended();
  story.at('9m').expectOpen({ root: 'link:nice-mpls' });
  story.at('9m').expectTickets(2);
  story.run();
});

test('announced work on five routers that leaves three of them dead is one ticket, named after it', () => {
  const routers = ['lyon', 'metz', 'brest', 'tours', 'nancy'];
  const story = scenario({ network });
  story
    .at('10s')
    .maintenance(...routers.map((id) => `site:${id}`))
    .isAnnounced('10m');
  // One after the other, as a new release is rolled out; two come back.
  for (const [n, id] of routers.entries())
    story
      .at(`${60 + 70 * n}s`)
      .link(`${id}-mpls`)
      .isCut();
  for (const id of ['lyon', 'tours']) story.at('8m').link(`${id}-mpls`).isMended();
  story.at('9m').expectTickets(0);
  story.at('11m').expectOpen({
    root: ['metz', 'brest', 'nancy'].map((id) => `link:${id}-mpls`),
    cause: 'failed after a change',
    users: 120,
  });
  story.at('11m').expectTickets(1);
  story.run();
});

test('two circuits of eight that fail a minute apart are two troubles', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('90s').link('nice-mpls').isCut();
  story.at('4m').expectOpen({ root: 'link:lyon-mpls' }, { root: 'link:nice-mpls' });
  story.at('4m').expectTickets(2);
  story.run();
});

test('two circuits of many that fail at once by chance are two troubles', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('30s').link('nancy-mpls').isCut();
  story.at('3m').expectOpen({ root: 'link:lyon-mpls' }, { root: 'link:nancy-mpls' });
  story.at('3m').expectTickets(2);
  story.run();
});

test('circuits of two providers at one site failing at once are its power or its edge', () => {
  const dual = hubAndBranches([
    { id: 'lyon', switches: 1, otherLinks: ['inet'] },
    { id: 'nice' },
    { id: 'metz' },
  ]);
  const devices = dual.inventory.devices.filter((device) => device.id !== 'lyon-r1');
  const links = dual.inventory.links.map((link) => ({
    ...link,
    ends: link.ends.filter((end) => end.device !== 'lyon-r1'),
  }));
  const watches = dual.watches.map(({ agent, subjects }) => ({
    agent,
    subjects: subjects.filter((subject) => !subject.startsWith('device:lyon')),
  }));
  const inventory = { ...dual.inventory, devices, links };
  const story = scenario({ network: { inventory, watches } });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('30s').link('lyon-inet').isCut();
  story.at('2m').expectOpen({ root: 'site:lyon', cause: 'power or edge of the site lost' });
  story.at('2m').expectTickets(1);
  story.run();
});

test('the hub router takes all circuits with it and is blamed, not their provider', () => {
  const story = scenario({ network });
  story.at('30s').device('hub-r1').dies();
  story.at('2m').expectOpen({ root: 'device:hub-r1', cause: 'device down' });
  story.at('2m').expectTickets(1);
  story.at('3m').device('hub-r1').returns();
  story.at('8m').expectOpen();
  story.at('12m').expectTickets(1);
  story.run();
});

test('when the circuit that leads the group is mended first, the incident goes on without it', () => {
  const story = scenario({ network });
  for (const id of CITIES.slice(0, 4)) story.at('30s').link(`${id}-mpls`).isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('2m').link('nice-mpls').isMended();
  story.at('165s').expectTickets(1);
  story.at('3m').link('metz-mpls').isMended();
  story.at('3m').link('lille-mpls').isMended();
  story.at('7m').expectOpen();
  story.at('7m').expectTickets(1);
  story.run();
});

test('two points of presence fail five seconds apart while a third works on: no provider outage', () => {
  const places = [...CITIES, 'reims'];
  const three = withPops(
    places.map((id) => ({ id, switches: 1 })),
    (_, index) => ['PAR-1', 'LYS-2', 'STR-3'][Math.floor(index / 3)] ?? '',
  );
  const story = scenario({ network: three });
  for (const id of places.slice(0, 3)) story.at('30s').link(`${id}-mpls`).isCut();
  for (const id of places.slice(3, 6)) story.at('35s').link(`${id}-mpls`).isCut();
  story.at('3m').expectOpen(
    {
      root: places.slice(0, 3).map((id) => `link:${id}-mpls`),
      cause: 'point of presence down',
      users: 120,
    },
    {
      root: places.slice(3, 6).map((id) => `link:${id}-mpls`),
      cause: 'point of presence down',
      users: 120,
    },
  );
  story.at('3m').expectTickets(2);
  story.run();
});

test('a point of presence fails minutes after one of its circuits was mended: that ticket stays closed', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  for (const id of CITIES.slice(0, 4)) story.at('4m').link(`${id}-mpls`).isCut();
  story.at('6m').expectOpen({
    root: CITIES.slice(0, 4).map((id) => `link:${id}-mpls`),
    cause: 'point of presence down',
  });
  story.at('6m').expectTickets(2);
  story.run();
});

test('the hub router dies eight seconds after a point of presence: it has not taken those circuits down', () => {
  const story = scenario({ network });
  for (const id of CITIES.slice(0, 4)) story.at('30s').link(`${id}-mpls`).isCut();
  story.at('38s').device('hub-r1').dies();
  story.at('2m').expectOpen(
    {
      root: CITIES.slice(0, 4).map((id) => `link:${id}-mpls`),
      cause: 'point of presence down',
    },
    { root: 'device:hub-r1' },
  );
  story.at('2m').expectTickets(2);
  story.run();
});
