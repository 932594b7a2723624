import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 2 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
const MANY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

test('an agent that stops is told as stopped, because its site still answers the hub', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').agent('a-lyon').stops();
  story.at('70s').expectOpen({
    root: 'agent:a-lyon',
    cause: 'agent stopped',
    priority: 3,
    users: 0,
    title: 'Agent a-lyon stopped: site Lyon',
  });
  story.at('2m').agent('a-lyon').starts();
  story.at('4m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('an agent that stops just before its circuit is cut: both are one incident of the circuit', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').agent('a-lyon').stops();
  story.at('33s').link('lyon-mpls').isCut();
  story.at('2m').expectOpen({ root: 'link:lyon-mpls', cause: 'circuit down' });
  story.at('2m').expectTickets(1);
  story.run();
});

test('while an agent is silent nothing else opens from what it watched', () => {
  const story = scenario({ network });
  story.at('30s').agent('a-lyon').stops();
  story.at('20m').expectOpen({ root: 'agent:a-lyon' });
  story.at('20m').expectTickets(1);
  story.run();
});

test('missing data is not recovery: a loss that nobody sees any more stays open', () => {
  const lone = hubAndBranches([{ id: 'lyon', switches: 1 }, { id: 'nice' }]);
  const watches = lone.watches.map(({ agent, subjects }) => ({
    agent,
    subjects: subjects.filter((s) => agent !== 'a-hub' || !s.includes('lyon-sw1')),
  }));
  const story = scenario({ network: { ...lone, watches } });
  story.at('30s').device('lyon-sw1').dies();
  story.at('90s').expectOpen({ root: 'device:lyon-sw1', cause: 'device down' });
  story.at('2m').agent('a-lyon').stops();
  story
    .at('15m')
    .expectOpen({ root: 'device:lyon-sw1', cause: 'device down' }, { root: 'agent:a-lyon' });
  story.run();
});

test('the collector loses its own uplink: one incident, and a freeze', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').server().isCutOff();
  story.at('40s').link('lyon-mpls').loses(0.4);
  story.at('2m').expectOpen({
    root: ['agent:a-hub', 'agent:a-lyon', 'agent:a-nice', 'agent:a-metz'],
    cause: 'collector cut off',
    priority: 2,
    title: 'Collector cut off: 4 of 4 agents silent',
  });
  story.at('3m').link('lyon-mpls').isMended();
  story.at('4m').server().isReachable();
  story.at('7m').expectOpen();
  story.at('12m').expectTickets(1);
  story.run();
});

test('the server is away for a minute and opens nothing when it is back', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').server().stops();
  story.at('90s').server().starts();
  story.at('5m').expectTickets(0);
  story.run();
});

test('a circuit cut while the server is away is told once, after it is back', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').server().stops();
  story.at('60s').link('lyon-mpls').isCut();
  story.at('90s').server().starts();
  story.at('3m').expectOpen({ root: 'link:lyon-mpls', cause: 'circuit down' });
  story.at('3m').expectTickets(1);
  story.run();
});

test('an outage that began and ended while the server was away pages nobody', () => {
  const story = scenario({ network });
  story.at('30s').server().stops();
  story.at('60s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('5m').server().starts();
  story.at('10m').expectTickets(0);
  story.run();
});
