import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([{ id: 'lyon', switches: 2 }, { id: 'nice' }]);

test('a circuit that loses a fifth of its packets for an hour is one incident and one ticket', () => {
  const story = scenario({ network, seeds: [1, 2] });
  story.at('1m').link('lyon-mpls').loses(0.2);
  // Callers hear it and the error budget burns: both are told on the incident, not beside it.
  story.at('20m').expectOpen({ root: 'link:lyon-mpls', cause: 'packet loss' });
  story.at('59m').expectOpen({ root: 'link:lyon-mpls', cause: 'packet loss' });
  story.at('61m').link('lyon-mpls').loses(0);
  story.at('75m').expectOpen();
  story.at('75m').expectTickets(1);
  story.run();
});

test.each([0.05, 0.1])('a steady loss of %d is one incident until it ends', (share) => {
  const story = scenario({ network, seeds: [1, 2] });
  story.at('10m').link('lyon-mpls').loses(share);
  story.at('30m').expectOpen({ root: 'link:lyon-mpls', cause: 'packet loss' });
  story.at('90m').expectOpen({ root: 'link:lyon-mpls', cause: 'packet loss' });
  story.at('91m').link('lyon-mpls').loses(0);
  story.at('115m').expectOpen();
  story.at('115m').expectTickets(1);
  story.run();
});

test('a circuit that is cut for twenty minutes is told once: its burnt budget is no second trouble', () => {
  const story = scenario({ network, seeds: [1, 2] });
  story.at('5m').link('lyon-mpls').isCut();
  story.at('25m').link('lyon-mpls').isMended();
  story.at('40m').expectOpen();
  story.at('90m').expectOpen();
  story.at('90m').expectTickets(1);
  story.run();
});
