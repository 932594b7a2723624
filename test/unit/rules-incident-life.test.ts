import { expect, test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { answers, clears, fires, heard, silent, T0, tell } from '../support/network-facts.ts';

const two = hubAndBranches([{ id: 'lyon', switches: 3 }, { id: 'nice' }]);
const lyonMpls = 'link:lyon-mpls';

test('a circuit cut is one incident: devices and agent behind it are symptoms', () => {
  const story = tell(two);
  story.at(2, fires('unreachable', 'device:lyon-sw1', 'a-hub'));
  expect(story.open()).toEqual([]);
  story.at(3, fires('unreachable', lyonMpls, 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.at(4, fires('unreachable', 'device:lyon-r1', 'a-hub'));
  story.at(4, fires('unreachable', 'device:lyon-sw2', 'a-hub'));
  story.at(14, silent('a-lyon'));
  story.until(60);
  const [incident, ...rest] = story.open();
  expect(rest).toEqual([]);
  expect(incident).toMatchObject({
    title: 'Circuit lyon-mpls (Orange, FR-1000) down: site Lyon cut off, 40 users',
    subject: lyonMpls,
    priority: 2,
    users: 40,
    root: { cause: 'circuit down' },
  });
  expect(incident?.symptoms.map((s) => s.subject).sort()).toEqual([
    'agent:a-lyon',
    'device:lyon-r1',
    'device:lyon-sw1',
    'device:lyon-sw2',
  ]);
});

test('the parent recovers first and nothing opens for its children', () => {
  const story = tell(two);
  story.at(3, fires('unreachable', lyonMpls, 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.at(
    4,
    fires('unreachable', 'device:lyon-sw1', 'a-hub'),
    fires('loss', 'device:lyon-r1', 'a-hub'),
  );
  story.at(14, silent('a-lyon'));
  story.at(100, clears('unreachable', lyonMpls, 'a-hub'));
  expect(story.open()).toHaveLength(1);
  story.at(104, heard('a-lyon'));
  story.at(108, clears('unreachable', 'device:lyon-sw1', 'a-hub'));
  expect(story.open()).toEqual([]);
  story.at(150, clears('loss', 'device:lyon-r1', 'a-hub'));
  story.until(900);
  expect(story.incidents()).toHaveLength(1);
  expect(story.kinds().filter((kind) => kind !== 'incident.updated')).toEqual([
    'incident.opened',
    'incident.resolved',
  ]);
});

test('a switch that stays dead after its circuit came back opens an incident of its own', () => {
  const story = tell(two);
  story.at(3, fires('unreachable', lyonMpls, 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.at(4, fires('unreachable', 'device:lyon-sw1', 'a-hub'));
  story.at(100, clears('unreachable', lyonMpls, 'a-hub'));
  story.until(200);
  expect(story.incidents().map((i) => [i.subject, i.state])).toEqual([
    [lyonMpls, 'resolved'],
    ['device:lyon-sw1', 'open'],
  ]);
});

test('a link alert without any possible upstream opens within the same input', () => {
  const lone = hubAndBranches([{ id: 'lyon' }]);
  const watches = [{ agent: 'a-hub', subjects: [lyonMpls] }];
  const story = tell({ ...lone, watches });
  const facts = story.at(2, fires('unreachable', lyonMpls, 'a-hub'));
  expect(facts.map((fact) => fact.kind)).toEqual(['incident.opened']);
  expect(story.open()[0]?.id).toBe('inc-test-3');
  expect(story.open()[0]?.openedAt).toBe(T0 + 2000);
});

test('an upstream that nobody could ask holds the child no longer than the hold-down', () => {
  const story = tell(two);
  story.at(2, fires('unreachable', lyonMpls, 'a-hub'));
  expect(story.facts.find((f) => f.kind === 'confirm.requested')).toMatchObject({
    agent: 'a-hub',
    subject: 'device:hub-r1',
  });
  story.until(16);
  expect(story.open()).toEqual([]);
  story.until(17);
  expect(story.open()).toHaveLength(1);
});

test('the hub router takes the circuits it carries with it', () => {
  const story = tell(two);
  story.at(2, fires('unreachable', lyonMpls, 'a-hub'));
  story.at(3, fires('unreachable', 'link:nice-mpls', 'a-hub'));
  story.at(4, fires('unreachable', 'device:hub-r1', 'a-hub'));
  story.at(13, silent('a-lyon'), silent('a-nice'));
  story.until(120);
  expect(story.incidents()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({
    title: 'Device hub-r1 down: 2 sites cut off, 80 users',
    impact: 'high',
    priority: 1,
  });
});

const PORT = 'interface:lyon-r1/wan0';

test('loss that is over before the errors behind it are counted: the same ticket, by its cause', () => {
  const story = tell(two);
  story.at(10, fires('loss', lyonMpls, 'a-hub'));
  story.at(80, clears('loss', lyonMpls, 'a-hub'));
  story.until(100);
  expect(story.open()).toEqual([]);
  story.at(130, fires('errors', PORT, 'a-lyon', 70));
  story.until(200);
  const [incident, ...rest] = story.incidents();
  expect(rest).toEqual([]);
  expect(incident).toMatchObject({ subject: PORT, state: 'open', reopened: 1 });
  expect(incident?.because.some(({ text }) => text.includes('early sign'))).toBe(true);
  story.at(300, clears('errors', PORT, 'a-lyon'));
  story.at(330, fires('loss', lyonMpls, 'a-hub'));
  story.until(400);
  expect(story.open().map(({ subject }) => subject)).toEqual([lyonMpls]);
});

test.each([
  ['errors that begin after the loss was over', 130, 145],
  ['errors after the reopen time', 1200, 70],
])('%s are a trouble of their own', (_, second, onset) => {
  const story = tell(two);
  story.at(10, fires('loss', lyonMpls, 'a-hub'));
  story.at(80, clears('loss', lyonMpls, 'a-hub'));
  story.at(Math.max(second, onset + 5), fires('errors', PORT, 'a-lyon', onset));
  story.until(Math.max(second, onset) + 60);
  expect(story.incidents()).toHaveLength(2);
});
