import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

/** The ten races that other systems lose (reference: what users of other systems want most). */
const network = hubAndBranches([
  { id: 'lyon', switches: 3 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
const MANY = [1, 2, 3, 4, 5, 6, 7, 8];
const CIRCUIT = 'link:lyon-mpls';

test('race 1, poll order: whoever is polled first, the circuit is blamed', () => {
  const story = scenario({ network, seeds: [21, 22, 23, 24, 25, 26, 27, 28, 29, 30] });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').expectOpen({ root: CIRCUIT, cause: 'circuit down' });
  story.at('60s').expectTickets(1);
  story.run();
});

test('race 2, the child is seen first: its alert waits and is then a symptom', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').device('lyon-r1').dies();
  story.at('90s').expectTickets(1);
  story.at('90s').expectSuppressed('device:lyon-sw1', 'explained-by');
  story.run();
});

test('race 3, the parent recovers first: children that still count as down open nothing', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('5m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('race 4, a short outage that ends before anybody has confirmed it', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('31s').link('lyon-mpls').isMended();
  story.at('5m').expectOpen();
  story.run();
});

test('race 5, the parent fails again while its children are coming back', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('130s').link('lyon-mpls').isCut();
  story.at('4m').expectOpen({ root: CIRCUIT });
  story.at('5m').link('lyon-mpls').isMended();
  story.at('9m').expectOpen();
  story.at('9m').expectTickets(1);
  story.run();
});

test('race 6, a child dies for good during the outage of its parent and is told after it', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').device('lyon-sw3').dies();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('6m').expectOpen({ root: 'device:lyon-sw3', cause: 'device down' });
  story.at('6m').expectTickets(2);
  story.run();
});

test('race 7, the agent falls silent before the circuit is seen down', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').agent('a-lyon').stops();
  story.at('40s').link('lyon-mpls').isCut();
  story.at('2m').expectOpen({ root: CIRCUIT });
  story.at('2m').expectTickets(1);
  story.run();
});

test('race 8, the collector restarts in the middle of an outage', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('40s').server().stops();
  story.at('60s').server().starts();
  story.at('3m').expectOpen({ root: CIRCUIT });
  story.at('4m').link('lyon-mpls').isMended();
  story.at('8m').expectOpen();
  story.at('8m').expectTickets(1);
  story.run();
});

test('race 9, the circuit returns while the collector is away', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').server().stops();
  story.at('130s').link('lyon-mpls').isMended();
  story.at('3m').server().starts();
  story.at('6m').expectOpen();
  story.at('6m').expectTickets(1);
  story.run();
});

test('race 10, two parents of one child: only both together explain it', () => {
  const dual = hubAndBranches([{ id: 'lyon', switches: 2, otherLinks: ['inet'] }, { id: 'nice' }]);
  const story = scenario({ network: dual, seeds: MANY });
  story.at('30s').link('lyon-inet').isCut();
  story.at('2m').device('lyon-sw1').dies();
  story.at('4m').expectOpen({ root: 'link:lyon-inet' }, { root: 'device:lyon-sw1' });
  story.at('4m').expectTickets(2);
  story.run();
});
