import { expect, test } from 'vitest';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { LISTED_SYMPTOMS } from '../../rules/incident/symptoms.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { answers, clears, fires, type Told, tell } from '../support/network-facts.ts';

const SWITCHES = 2_000;
const network = hubAndBranches([
  { id: 'lyon', switches: SWITCHES, overlay: true, agentless: true },
  { id: 'nice', switches: 1 },
]);
const LYON = 'link:lyon-mpls';
const switchOf = (n: number): SubjectKey => `device:lyon-sw${n}`;

/** All of a big site behind one circuit. */
function cut(): Told {
  const story = tell(network);
  const devices = Array.from({ length: SWITCHES }, (_, n) => switchOf(n + 1));
  story.at(
    2,
    ...devices.map((device) => fires('unreachable', device, 'a-hub')),
    fires('unreachable', 'link:lyon-vpn', 'a-hub'),
    fires('unreachable', LYON, 'a-hub'),
    answers('device:hub-r1', 'a-hub'),
  );
  story.until(60);
  return story;
}

test('of thousands of symptoms a hundred are listed, circuits first, and all are counted', () => {
  const [incident] = cut().open();
  expect(incident?.root.subject).toBe(LYON);
  expect(incident?.symptoms).toHaveLength(LISTED_SYMPTOMS);
  expect(incident?.symptoms[0]?.subject).toBe('link:lyon-vpn');
  expect(incident?.moreSymptoms).toEqual({ count: SWITCHES + 1 - LISTED_SYMPTOMS, cleared: 0 });
});

test('no fact of it is larger than 64 kB', () => {
  const sizes = cut()
    .facts.filter((fact) => fact.kind.startsWith('incident.'))
    .map((fact) => JSON.stringify(fact).length);
  expect(sizes.length).toBeGreaterThan(0);
  expect(Math.max(...sizes)).toBeLessThan(64 * 1024);
});

test('symptoms that have cleared are counted among those that are not listed too', () => {
  const story = cut();
  for (let n = 1901; n <= SWITCHES; n++) {
    story.at(100, clears('unreachable', switchOf(n), 'a-hub'));
  }
  expect(story.open()[0]?.moreSymptoms?.cleared).toBe(100);
});

test('where all are listed nothing is counted besides', () => {
  const story = tell(network);
  story.at(2, fires('unreachable', 'link:nice-mpls', 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.at(3, fires('unreachable', 'device:nice-sw1', 'a-hub'));
  expect(story.open()[0]?.symptoms).toHaveLength(1);
  expect(story.open()[0]).not.toHaveProperty('moreSymptoms');
});
