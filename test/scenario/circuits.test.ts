import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 3 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
const MANY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

test('a well network tells nothing for ten minutes', () => {
  const story = scenario({ network });
  story.at('10m').expectOpen();
  story.at('10m').expectTickets(0);
  story.run();
});

test('twenty per cent of steady loss is a degradation, not an outage', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').loses(0.2);
  story.at('5m').expectOpen({ root: 'link:lyon-mpls', cause: 'packet loss', priority: 3 });
  story.at('5m').link('lyon-mpls').isMended();
  story.at('10m').expectOpen();
  story.at('15m').expectTickets(1);
  story.run();
});

test('a saturated line is one incident that names the congestion', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isSaturated();
  story.at('6m').expectOpen({
    root: ['interface:hub-r1/to-lyon-mpls', 'interface:lyon-r1/wan0'],
    cause: 'congestion',
    users: 40,
  });
  story.at('6m').link('lyon-mpls').isMended();
  story.at('15m').expectOpen();
  story.at('15m').expectTickets(1);
  story.run();
});

test('loss that goes on after an outage, and ends before it is proved to last, is not told', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('2m').link('lyon-mpls').loses(0.3);
  story.at('155s').link('lyon-mpls').isMended();
  for (const time of ['3m', '190s', '195s', '200s', '10m']) story.at(time).expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('a line that becomes slow is told by its latency', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isSlowBy(200);
  story.at('4m').expectOpen({ root: 'link:lyon-mpls', cause: 'high latency' });
  story.at('5m').link('lyon-mpls').isMended();
  story.at('9m').expectOpen();
  story.at('15m').expectTickets(1);
  story.run();
});

test('three unrelated faults at once are three incidents', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('31s').device('nice-sw1').dies();
  story.at('32s').link('metz-mpls').loses(0.3);
  story
    .at('3m')
    .expectOpen(
      { root: 'link:lyon-mpls', cause: 'circuit down' },
      { root: 'device:nice-sw1', cause: 'device down' },
      { root: 'link:metz-mpls', cause: 'packet loss' },
    );
  story.at('3m').expectTickets(3);
  story.run();
});

test('the circuit is cut, then a switch dies behind it, then the circuit returns', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').device('lyon-sw2').dies();
  story.at('4m').link('lyon-mpls').isMended();
  story.at('7m').expectOpen({ root: 'device:lyon-sw2', cause: 'device down' });
  story.at('7m').expectResolved('link:lyon-mpls');
  story.at('7m').expectTickets(2);
  story.run();
});

test('a switch is dead, then the circuit is cut and mended: the two are not mixed up', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').device('lyon-sw2').dies();
  story.at('4m').link('lyon-mpls').isCut();
  story.at('6m').expectOpen({ root: 'device:lyon-sw2' }, { root: 'link:lyon-mpls' });
  story.at('7m').link('lyon-mpls').isMended();
  story.at('10m').expectOpen({ root: 'device:lyon-sw2', cause: 'device down' });
  story.at('10m').expectTickets(2);
  story.run();
});

test('one of two circuits fails: the site stays up, and the switches behind it stay silent', () => {
  const dual = hubAndBranches([{ id: 'lyon', switches: 2, otherLinks: ['inet'] }, { id: 'nice' }]);
  const story = scenario({ network: dual });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('3m').expectOpen({
    root: 'link:lyon-mpls',
    cause: 'circuit down',
    users: 0,
    title: 'Circuit lyon-mpls (Orange, FR-1000) down: site Lyon on another way',
  });
  story.at('4m').link('lyon-inet').isCut();
  story.at('6m').expectOpen({ root: 'link:lyon-mpls' }, { root: 'link:lyon-inet', users: 40 });
  story.at('6m').expectTickets(2);
  story.run();
});

test('a line that loses packets, is well for a while and then fails is one ticket, renamed', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').loses(0.3);
  story.at('3m').expectOpen({ root: 'link:lyon-mpls', cause: 'packet loss' });
  story.at('3m').link('lyon-mpls').isMended();
  story.at('8m').expectOpen();
  story.at('9m').link('lyon-mpls').isCut();
  story.at('11m').expectOpen({ root: 'link:lyon-mpls', cause: 'circuit down', priority: 2 });
  story.at('11m').expectTickets(1);
  story.at('12m').link('lyon-mpls').isMended();
  story.at('20m').expectOpen();
  story.at('20m').expectTickets(1);
  story.run();
});

test('a loss long over and a device that dies behind it are two tickets', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').loses(0.3);
  story.at('3m').link('lyon-mpls').isMended();
  story.at('9m').device('lyon-sw1').dies();
  story.at('11m').expectOpen({ root: 'device:lyon-sw1' });
  story.at('11m').expectTickets(2);
  story.run();
});

test('a slow line keeps its ticket when the router behind it dies minutes later', () => {
  const twoLines = hubAndBranches([
    { id: 'lyon', switches: 2, otherLinks: ['inet'] },
    { id: 'nice', switches: 1 },
  ]);
  const story = scenario({ network: twoLines });
  story.at('30s').link('lyon-inet').isSlowBy(200);
  story.at('4m').expectOpen({ root: 'link:lyon-inet', cause: 'high latency' });
  story.at('5m').device('lyon-r1').dies();
  story
    .at('7m')
    .expectOpen(
      { root: 'link:lyon-inet', cause: 'high latency' },
      { root: ['device:lyon-r1', 'site:lyon'] },
    );
  story.at('7m').expectTickets(2);
  story.run();
});

test('a router is dead for minutes, one of its circuits fails meanwhile and outlasts it: two tickets', () => {
  const twoLines = hubAndBranches([
    { id: 'lyon', switches: 2, otherLinks: ['inet'] },
    { id: 'nice', switches: 1 },
  ]);
  const story = scenario({ network: twoLines });
  story.at('30s').device('lyon-r1').dies();
  story.at('90s').link('lyon-mpls').isCut();
  story.at('4m').device('lyon-r1').returns();
  story.at('6m').expectOpen({ root: 'link:lyon-mpls', cause: 'circuit down' });
  story.at('6m').expectTickets(2);
  story.run();
});

test('a line fails, and loses packets from when it is back: two tickets', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('3m').link('lyon-mpls').isMended();
  story.at('3m').link('lyon-mpls').loses(0.2);
  story.at('5m').expectOpen({ root: 'link:lyon-mpls', cause: 'packet loss' });
  story.at('5m').link('lyon-mpls').isMended();
  story.at('10m').expectOpen();
  story.at('10m').expectTickets(2);
  story.run();
});
