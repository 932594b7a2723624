import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 3 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
const MANY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

test('the branch router dies: site or circuit, one incident, everything behind it is a symptom', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').device('lyon-r1').dies();
  story.at('2m').expectOpen({ root: ['link:lyon-mpls', 'device:lyon-r1'], priority: 2, users: 40 });
  story.at('3m').device('lyon-r1').returns();
  story.at('6m').expectOpen();
  story.at('15m').expectTickets(1);
  story.run();
});

test('the hub router dies: the circuits, sites and agents behind it are its symptoms', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').device('hub-r1').dies();
  story.at('2m').expectOpen({
    root: 'device:hub-r1',
    cause: 'device down',
    priority: 1,
    users: 120,
    title: 'Device hub-r1 down: 3 sites cut off, 120 users',
  });
  story.at('2m').expectTickets(1);
  story.at('3m').device('hub-r1').returns();
  story.at('7m').expectOpen();
  story.at('15m').expectTickets(1);
  story.run();
});

test('the router of a site with two circuits dies: it is the root, not one circuit or the other', () => {
  const dual = hubAndBranches([
    { id: 'lyon', switches: 2, otherLinks: ['inet'], overlay: true },
    { id: 'nice' },
    { id: 'metz' },
  ]);
  const story = scenario({ network: dual, seeds: MANY });
  story.at('30s').device('lyon-r1').dies();
  story.at('2m').expectOpen({ root: 'device:lyon-r1', priority: 2, users: 40 });
  story.at('3m').device('lyon-r1').returns();
  story.at('7m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('a switch dies alone: it is blamed, its router and circuit are not', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').device('lyon-sw1').dies();
  story.at('60s').expectOpen({ root: 'device:lyon-sw1', cause: 'device down', priority: 3 });
  story.at('2m').device('lyon-sw1').returns();
  story.at('5m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('a reboot between two polls draws no spike and opens nothing', () => {
  const story = scenario({ network });
  story.at('3m').device('hub-r1').reboots();
  story.at('10m').expectTickets(0);
  story.run();
});

test('counters that start anew (renumbered interfaces) open nothing', () => {
  const story = scenario({ network });
  story.at('3m').device('hub-r1').clearsCounters();
  story.at('10m').expectTickets(0);
  story.run();
});

test('a port that goes down takes its circuit with it: one incident of the circuit', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').device('hub-r1').port('to-lyon-mpls').goesDown();
  story.at('2m').expectOpen({ root: 'link:lyon-mpls', cause: 'circuit down' });
  story.at('3m').device('hub-r1').port('to-lyon-mpls').comesUp();
  story.at('7m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('a line that makes errors and loses packets is a line fault', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').loses(0.3);
  story.at('30s').device('hub-r1').port('to-lyon-mpls').makesErrors(50);
  story.at('12m').expectOpen({ root: 'interface:hub-r1/to-lyon-mpls', cause: 'line errors' });
  story.at('12m').expectTickets(1);
  story.run();
});
