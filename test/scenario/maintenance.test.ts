import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 2 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);

test('work on the hub is work on everything behind it', () => {
  const story = scenario({ network });
  story.at('10s').maintenance('site:hub').isAnnounced('10m');
  story.at('30s').device('hub-r1').dies();
  story.at('8m').expectTickets(0);
  story.at('8m').device('hub-r1').returns();
  story.at('20m').expectTickets(0);
  story.run();
});

test('work in one place hides nothing in another', () => {
  const story = scenario({ network });
  story.at('10s').maintenance('site:lyon').isAnnounced('10m');
  story.at('30s').link('lyon-mpls').isCut();
  story.at('30s').link('nice-mpls').isCut();
  story.at('3m').expectOpen({ root: 'link:nice-mpls' });
  story.run();
});

test('work on one of two circuits: the site stays watched, and losing the other one is told', () => {
  const dual = hubAndBranches([{ id: 'lyon', switches: 1, otherLinks: ['inet'] }, { id: 'nice' }]);
  const story = scenario({ network: dual });
  story.at('10s').maintenance('link:lyon-mpls').isAnnounced('20m');
  story.at('30s').link('lyon-mpls').isCut();
  story.at('3m').expectTickets(0);
  story.at('4m').link('lyon-inet').isCut();
  story.at('6m').expectOpen({ root: 'link:lyon-inet', users: 40 });
  story.at('6m').expectTickets(1);
  story.run();
});
