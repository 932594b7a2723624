import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const network = hubAndBranches([{ id: 'lyon', switches: 2 }, { id: 'nice' }]);
const LYON = 'link:lyon-mpls';

test('an acknowledged circuit still resolves by itself when it is mended', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').person('ada').acknowledges(LYON, '1h');
  story.at('61s').expectOpen({ root: LYON, state: 'acknowledged' });
  story.at('3m').link('lyon-mpls').isMended();
  story.at('6m').expectOpen();
  story.at('6m').expectResolved(LYON);
  story.run();
});

test('an acknowledgement that expires makes the incident loud again', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').person('ada').acknowledges(LYON, '2m');
  story.at('4m').expectOpen({ root: LYON, state: 'open' });
  story.run();
});

test('a degradation closed by a person is told again when it becomes an outage', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').loses(0.3);
  story.at('3m').person('ada').closes(LYON);
  story.at('5m').expectOpen();
  story.at('6m').link('lyon-mpls').isCut();
  story.at('8m').expectOpen({ root: LYON, cause: 'circuit down', priority: 2 });
  story.run();
});
