import { test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const SITES = 26;
const network = hubAndBranches(
  Array.from({ length: SITES }, (_, n) => ({ id: `b${n}`, switches: 1 })),
);

/** Design 6.14: nobody reads a ticket for each of so many; 20 of them were opened before it showed. */
test('a switch dies in each of 26 branches within 40 s: one incident speaks for all of them', () => {
  const story = scenario({ network, seeds: [1] });
  for (let n = 0; n < SITES; n++) {
    story
      .at(`${30 + Math.floor(n * 1.5)}s`)
      .device(`b${n}-sw1`)
      .dies();
  }
  const roots = Array.from({ length: SITES }, (_, n) => `device:b${n}-sw1`);
  story.at('3m').expectOpen({ root: roots, cause: 'many troubles at once' });
  story.at('3m').expectSuppressed('device:b25-sw1', 'explained-by');
  story.at('3m').expectTickets(21);
  for (let n = 0; n < SITES; n++) story.at('4m').device(`b${n}-sw1`).returns();
  story.at('8m').expectOpen();
  story.at('8m').expectTickets(21);
  story.run();
});
