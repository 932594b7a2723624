import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([
  { id: 'lyon', switches: 2 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
const LYON = 'link:lyon-mpls';
/** Only its own agent looks at the switch of Nice. */
const lone = {
  ...network,
  watches: network.watches.map(({ agent, subjects }) => ({
    agent,
    subjects: subjects.filter((subject) => agent !== 'a-hub' || subject !== 'device:nice-sw1'),
  })),
};

test('a circuit cut and mended while the server was away is one outage found later, with all behind it', () => {
  const story = scenario({ network });
  story.at('30s').server().stops();
  story.at('60s').link('lyon-mpls').isCut();
  story.at('4m').link('lyon-mpls').isMended();
  story.at('10m').server().starts();
  story.at('15m').expectOpen();
  story.at('15m').expectTickets(0);
  story.at('15m').expectFoundLater(LYON);
  story.at('15m').expectLasted(LYON, '3m');
  story.run();
});

test('an outage that goes on when the server is back is one ticket, and begins when it truly began', () => {
  const story = scenario({ network });
  story.at('30s').server().stops();
  story.at('60s').link('lyon-mpls').isCut();
  story.at('10m').server().starts();
  story.at('13m').expectOpen({ root: LYON, cause: 'circuit down' });
  story.at('14m').link('lyon-mpls').isMended();
  story.at('20m').expectTickets(1);
  story.at('20m').expectFoundLater();
  story.at('20m').expectLasted(LYON, '13m', '40s');
  story.run();
});

test('an outage that ended in the dark ends when the agent saw it end, not when it could tell', () => {
  const story = scenario({ network: lone });
  story.at('30s').device('nice-sw1').dies();
  story.at('2m').expectOpen({ root: 'device:nice-sw1' });
  story.at('3m').agent('a-nice').losesTheCollector();
  story.at('5m').device('nice-sw1').returns();
  story.at('15m').expectOpen({ root: 'device:nice-sw1' }, { root: 'agent:a-nice' });
  story.at('15m').agent('a-nice').findsTheCollector();
  story.at('20m').expectOpen();
  story.at('20m').expectTickets(2);
  story.at('20m').expectLasted('device:nice-sw1', '270s');
  story.run();
});

test('what was seen live is not found a second time by the agent behind the cut', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('20m').link('lyon-mpls').isMended();
  story.at('30m').expectTickets(1);
  story.at('30m').expectFoundLater();
  story.run();
});

test('a switch that died and came back behind a cut circuit is found later, beside the circuit', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('5m').device('lyon-sw2').dies();
  story.at('9m').device('lyon-sw2').returns();
  story.at('20m').link('lyon-mpls').isMended();
  story.at('30m').expectTickets(1);
  story.at('30m').expectFoundLater('device:lyon-sw2');
  story.at('30m').expectLasted('device:lyon-sw2', '4m');
  story.run();
});

test('an outage inside announced work is found by nobody', () => {
  const story = scenario({ network });
  story.at('20s').maintenance(LYON).isAnnounced('6m');
  story.at('30s').server().stops();
  story.at('60s').link('lyon-mpls').isCut();
  story.at('4m').link('lyon-mpls').isMended();
  story.at('8m').server().starts();
  story.at('15m').expectTickets(0);
  story.at('15m').expectFoundLater();
  story.run();
});
