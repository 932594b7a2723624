import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 2 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
const MANY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

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

test('an agent that stopped a minute before its site lost its circuit keeps its own ticket', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').agent('a-lyon').stops();
  story.at('90s').link('lyon-mpls').isCut();
  story
    .at('4m')
    .expectOpen(
      { root: 'agent:a-lyon', cause: 'agent stopped' },
      { root: 'link:lyon-mpls', cause: 'circuit down' },
    );
  story.at('4m').link('lyon-mpls').isMended();
  story.at('6m').expectOpen({ root: 'agent:a-lyon' });
  story.at('6m').agent('a-lyon').starts();
  story.at('8m').expectOpen();
  story.at('8m').expectTickets(2);
  story.run();
});
