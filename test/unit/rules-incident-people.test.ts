import { expect, test } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { answers, clears, fires, settingsFor, silent, T0, tell } from '../support/network-facts.ts';

const network = hubAndBranches([{ id: 'lyon', switches: 2 }]);
const LYON = 'link:lyon-mpls';
const cut = () => {
  const story = tell(network);
  story.at(2, fires('unreachable', LYON, 'a-hub'));
  story.at(4, answers('device:hub-r1', 'a-hub'));
  const incident = story.open()[0]?.id ?? '';
  return { story, incident };
};
const until = epochMs(T0 + 60_000);

test('an acknowledged incident still resolves by itself', () => {
  const { story, incident } = cut();
  story.command(10, { kind: 'acknowledge', incident, by: 'ada', note: 'on it', until });
  expect(story.open()[0]).toMatchObject({ state: 'acknowledged', acknowledged: { by: 'ada' } });
  story.at(30, clears('unreachable', LYON, 'a-hub'));
  expect(story.incidents()[0]).toMatchObject({ state: 'resolved', resolvedAt: T0 + 30_000 });
});

test('an acknowledgement expires and the incident is loud again', () => {
  const { story, incident } = cut();
  story.command(10, { kind: 'acknowledge', incident, by: 'ada', until });
  story.until(59);
  expect(story.open()[0]?.state).toBe('acknowledged');
  story.until(60);
  expect(story.open()[0]?.state).toBe('open');
  expect(story.kinds().at(-1)).toBe('incident.unacknowledged');
});

test('a person can take an acknowledgement back', () => {
  const { story, incident } = cut();
  story.command(10, { kind: 'acknowledge', incident, by: 'ada', until });
  story.command(11, { kind: 'unacknowledge', incident, by: 'ada' });
  expect(story.open()[0]?.acknowledged).toBeUndefined();
});

test('commands on unknown or ended incidents say nothing', () => {
  const { story, incident } = cut();
  expect(story.command(5, { kind: 'close', incident: 'inc-none', by: 'ada' })).toEqual([]);
  expect(story.command(5, { kind: 'unacknowledge', incident, by: 'ada' })).toEqual([]);
  const past = epochMs(T0);
  expect(story.command(5, { kind: 'acknowledge', incident, by: 'ada', until: past })).toEqual([]);
  story.at(30, clears('unreachable', LYON, 'a-hub'));
  expect(story.command(31, { kind: 'close', incident, by: 'ada' })).toEqual([]);
});

test('closed by a person while it still fails: quiet until it has cleared once', () => {
  const { story, incident } = cut();
  story.command(10, { kind: 'close', incident, by: 'ada' });
  expect(story.open()).toEqual([]);
  story.at(14, silent('a-lyon'));
  story.at(15, fires('unreachable', 'device:lyon-r1', 'a-hub', 3));
  story.until(100);
  expect(story.incidents()).toHaveLength(1);
  const why = story.facts.filter((fact) => fact.kind === 'alert.suppressed');
  expect(why.some((fact) => fact.because.kind === 'person')).toBe(true);
  story.at(110, clears('unreachable', LYON, 'a-hub'));
  story.at(111, clears('unreachable', 'device:lyon-r1', 'a-hub'));
  story.at(112, clears('agent-silent', 'agent:a-lyon', 'a-lyon'));
  story.at(200, fires('unreachable', LYON, 'a-hub'));
  story.at(202, answers('device:hub-r1', 'a-hub'));
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]?.id).not.toBe(incident);
});

test('closed by a person, then more urgent: a new incident opens', () => {
  const story = tell(network);
  story.at(2, fires('loss', LYON, 'a-hub'));
  story.until(30);
  const [first] = story.open();
  expect(first?.priority).toBe(3);
  story.command(40, { kind: 'close', incident: first?.id ?? '', by: 'ada' });
  story.at(60, fires('unreachable', LYON, 'a-hub'), answers('device:hub-r1', 'a-hub'));
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({ priority: 2, root: { cause: 'circuit down' } });
});

test('the same trouble soon after reopens the incident, later it is a new one', () => {
  const { story, incident } = cut();
  story.at(30, clears('unreachable', LYON, 'a-hub'));
  story.at(300, fires('unreachable', LYON, 'a-hub'));
  story.at(302, answers('device:hub-r1', 'a-hub'));
  expect(story.open().map((i) => [i.id, i.reopened])).toEqual([[incident, 1]]);
  expect(story.kinds().at(-1)).toBe('incident.reopened');
  story.at(330, clears('unreachable', LYON, 'a-hub'));
  story.at(2000, fires('unreachable', LYON, 'a-hub'));
  story.at(2002, answers('device:hub-r1', 'a-hub'));
  expect(story.open()[0]?.id).not.toBe(incident);
});

test('a blind incident stays open and says since when', () => {
  const { story } = cut();
  story.at(30, { blind: 'unreachable', on: LYON, by: 'a-hub' });
  story.until(4000);
  expect(story.open()[0]).toMatchObject({ state: 'open', blindSince: T0 + 15_000 });
  story.at(4001, { blind: 'unreachable', on: LYON, by: 'a-hub', back: true });
  expect(story.open()[0]?.blindSince).toBeUndefined();
  story.at(4002, clears('unreachable', LYON, 'a-hub'));
  expect(story.open()).toEqual([]);
});

test('a symptom that nobody can see does not keep the incident open, nor opens one', () => {
  const { story } = cut();
  story.at(5, fires('unreachable', 'device:lyon-sw1', 'a-hub', 3));
  story.at(20, { blind: 'unreachable', on: 'device:lyon-sw1', by: 'a-hub' });
  story.at(30, clears('unreachable', LYON, 'a-hub'));
  expect(story.open()).toEqual([]);
  story.until(3000);
  expect(story.incidents()).toHaveLength(1);
  story.at(3001, { blind: 'unreachable', on: 'device:lyon-sw1', by: 'a-hub', back: true });
  story.at(3003, answers('device:lyon-r1', 'a-hub'), answers(LYON, 'a-hub'));
  // It may be well again: an alert takes its time to clear.
  expect(story.open()).toEqual([]);
  story.until(3040);
  expect(story.open().map((incident) => incident.subject)).toEqual(['device:lyon-sw1']);
});

test('a removed rule resolves its incident and says that it was the configuration', () => {
  const { story } = cut();
  const facts = story.at(9, { clears: 'unreachable', on: LYON, by: 'a-hub', gone: true });
  expect(facts.at(-1)).toMatchObject({
    kind: 'incident.resolved',
    because: [{ kind: 'configuration' }],
  });
});

test('a new inventory is used for what is open', () => {
  const story = tell({ ...network, inventory: { ...network.inventory, links: [] } });
  story.at(2, fires('unreachable', LYON, 'a-hub'));
  story.at(3, fires('unreachable', 'device:lyon-r1', 'a-hub', 2));
  story.until(30);
  expect(story.open()).toHaveLength(2);
  story.configure(settingsFor(network));
  expect(story.open().map((incident) => incident.subject)).toEqual([LYON]);
});

test('a link that flaps opens one incident, not seven', () => {
  const { story } = cut();
  for (let round = 0; round < 7; round++) {
    story.at(60 + round * 60, clears('unreachable', LYON, 'a-hub'));
    story.at(80 + round * 60, fires('unreachable', LYON, 'a-hub'));
  }
  story.until(700);
  expect(story.incidents()).toHaveLength(1);
  expect(story.open()[0]?.reopened).toBe(7);
});

test('the collector coming back gives everything held its full time again', () => {
  const story = tell(network);
  story.at(2, fires('unreachable', LYON, 'a-hub'));
  story.command(16, { kind: 'server-started' });
  story.until(20);
  expect(story.open()).toEqual([]);
  story.at(21, clears('unreachable', LYON, 'a-hub'));
  story.until(60);
  expect(story.incidents()).toEqual([]);
});
