import { expect, test } from 'vitest';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { answers, clears, fires, type Told, tell } from '../support/network-facts.ts';

const BRANCHES = 40;
const network = hubAndBranches(
  Array.from({ length: BRANCHES }, (_, n) => ({ id: `b${n}`, switches: 1 })),
);
const switchOf = (n: number): SubjectKey => `device:b${n}-sw1`;

/** A switch dies in its own branch, while the router in front of it answers. */
const dies = (story: Told, second: number, n: number) =>
  story.at(
    second,
    fires('unreachable', switchOf(n), `a-b${n}`),
    answers(`device:b${n}-r1`, `a-b${n}`),
  );
const returns = (story: Told, second: number, n: number) =>
  story.at(second, clears('unreachable', switchOf(n), `a-b${n}`));
const count = (story: Told, kind: string): number =>
  story.kinds().filter((one) => one === kind).length;

function flood(troubles: number): Told {
  const story = tell(network);
  for (let n = 0; n < troubles; n++) dies(story, 2 + n, n);
  return story;
}

test('twenty troubles in a minute are twenty incidents', () => {
  const story = flood(20);
  story.until(60);
  expect(story.open()).toHaveLength(20);
});

test('the twenty-first makes one incident that speaks for all, and no further one is opened', () => {
  const story = flood(35);
  story.until(60);
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({
    root: { cause: 'many troubles at once' },
    title: expect.stringContaining('Many troubles at once, first b0-sw1'),
  });
  expect(story.open()[0]?.symptoms).toHaveLength(34);
  expect(count(story, 'incident.opened')).toBe(21);
  expect(count(story, 'incident.merged')).toBe(20);
});

test('the one that speaks for all is as urgent as the worst of them, whatever came first', () => {
  const story = tell(network);
  story.at(2, fires('cpu', 'device:b39-sw1', 'a-b39'));
  for (let n = 0; n < 30; n++) dies(story, 3 + n, n);
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({ subject: 'device:b39-sw1', priority: 1 });
});

test('whoever asks why a trouble of the storm did not page finds the storm', () => {
  const story = flood(35);
  const why = story.facts.filter(
    (fact) => fact.kind === 'alert.suppressed' && fact.subject === switchOf(34),
  );
  expect(why.at(-1)).toMatchObject({
    because: { kind: 'explained-by', text: expect.stringContaining('many troubles at once') },
  });
});

test('twenty-five troubles over an hour are no storm', () => {
  const story = tell(network);
  for (let n = 0; n < 25; n++) dies(story, 2 + n * 144, n);
  expect(story.open()).toHaveLength(25);
});

test('what a person works on is not taken into the storm', () => {
  const story = flood(10);
  const [mine] = story.open();
  story.command(12, { kind: 'take-over', incident: mine?.id ?? '', by: 'ada' });
  for (let n = 10; n < 35; n++) dies(story, 4 + n, n);
  story.until(60);
  expect(story.open().map(({ id }) => id)).toContain(mine?.id);
  expect(story.open()).toHaveLength(2);
});

test('the storm is over when all have cleared; then the next trouble speaks for itself', () => {
  const story = flood(30);
  for (let n = 0; n < 30; n++) returns(story, 120 + n, n);
  story.until(300);
  expect(story.open()).toEqual([]);
  dies(story, 500, 35);
  expect(story.open()).toMatchObject([{ subject: switchOf(35) }]);
  expect(count(story, 'incident.opened')).toBe(22);
});

test('five minutes without a further trouble, and the next one speaks for itself', () => {
  const story = flood(30);
  dies(story, 200, 36);
  expect(story.open()).toHaveLength(1);
  dies(story, 520, 37);
  expect(story.open().map(({ subject }) => subject)).toContain(switchOf(37));
});

test('a storm goes on in the next firing trouble when its first one clears', () => {
  const story = flood(25);
  returns(story, 100, 0);
  story.until(200);
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]?.root.alert).not.toContain(switchOf(0));
  expect(story.open()[0]?.root.cause).toBe('many troubles at once');
});
