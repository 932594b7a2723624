import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 2 },
  { id: 'nice', switches: 1 },
]);
const LYON = 'link:lyon-mpls';
const NICE = 'link:nice-mpls';

test('taken over by a person, it is not resolved until it is given back', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').person('ada').takesOver(LYON);
  story.at('2m').link('lyon-mpls').isMended();
  story.at('10m').expectOpen({ root: LYON });
  story.at('10m').person('ada').givesBack(LYON);
  story.at('11m').expectOpen();
  story.at('11m').expectResolved(LYON);
  story.at('11m').expectTickets(1);
  story.run();
});

test('trouble that returns while a person works on it stays in the same ticket', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').person('ada').takesOver(LYON);
  story.at('2m').link('lyon-mpls').isMended();
  story.at('6m').link('lyon-mpls').isCut();
  story.at('8m').expectOpen({ root: LYON });
  story.at('8m').expectTickets(1);
  story.run();
});

test('two incidents that a person merged stay one until both have cleared', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').device('nice-sw1').dies();
  story.at('4m').expectOpen({ root: LYON }, { root: 'device:nice-sw1' });
  story.at('4m').person('ada').merges('device:nice-sw1', LYON);
  story.at('5m').expectOpen({ root: LYON });
  story.at('6m').link('lyon-mpls').isMended();
  story.at('10m').expectOpen({ root: 'device:nice-sw1' });
  story.at('11m').device('nice-sw1').returns();
  story.at('14m').expectOpen();
  story.at('14m').expectTickets(2);
  story.run();
});

test('a symptom that a person split off is an incident of its own and is never put back', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').person('ada').splits(LYON, 'device:lyon-sw1');
  story.at('3m').expectOpen({ root: LYON }, { root: 'device:lyon-sw1' });
  story.at('10m').expectOpen({ root: LYON }, { root: 'device:lyon-sw1' });
  story.at('11m').link('lyon-mpls').isMended();
  story.at('14m').expectOpen();
  story.at('14m').expectTickets(2);
  story.run();
});

test('told that the root is not the cause, the engine seeks another and stays with it', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').person('ada').saysNotTheCause(LYON);
  story
    .at('3m')
    .expectOpen({ root: ['device:lyon-r1', 'device:lyon-sw1', 'device:lyon-sw2', 'agent:a-lyon'] });
  story
    .at('8m')
    .expectOpen({ root: ['device:lyon-r1', 'device:lyon-sw1', 'device:lyon-sw2', 'agent:a-lyon'] });
  story.at('8m').expectTickets(1);
  story.at('9m').link('lyon-mpls').isMended();
  story.at('13m').expectOpen();
  story.at('13m').expectTickets(1);
  story.run();
});

test('merged and split again: the last word of a person counts', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('40s').link('nice-mpls').isCut();
  story.at('2m').expectOpen({ root: LYON }, { root: NICE });
  story.at('2m').person('ada').merges(NICE, LYON);
  story.at('3m').expectOpen({ root: LYON });
  story.at('3m').person('bob').splits(LYON, NICE);
  story.at('5m').expectOpen({ root: LYON }, { root: NICE });
  story.run();
});
