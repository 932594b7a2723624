import { expect, test } from 'vitest';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { answers, clears, fires, heard, silent, tell } from '../support/network-facts.ts';

const plain = hubAndBranches([{ id: 'lyon', switches: 3 }, { id: 'nice' }, { id: 'metz' }]);
const dual = hubAndBranches([
  { id: 'lyon', switches: 2, otherLinks: ['inet'], overlay: true },
  { id: 'nice' },
]);
const LYON = 'link:lyon-mpls';
const HUB_PORT = 'interface:hub-r1/to-lyon-mpls';

test('a silent agent whose site still answers others has stopped', () => {
  const story = tell(plain);
  story.at(12, silent('a-lyon'));
  expect(story.open()).toEqual([]);
  story.at(13, answers(LYON, 'a-hub'));
  expect(story.open()[0]).toMatchObject({
    title: 'Agent a-lyon stopped: site Lyon',
    root: { cause: 'agent stopped' },
    users: 0,
  });
});

test('an answer from before the first missed heartbeat does not prove that the agent stopped', () => {
  const story = tell(plain);
  story.at(2, answers(LYON, 'a-hub'));
  story.at(12, silent('a-lyon'));
  expect(story.open()).toEqual([]);
  story.at(14, fires('unreachable', LYON, 'a-hub', 3), answers('device:hub-r1', 'a-hub'));
  expect(story.open()[0]?.root.cause).toBe('circuit down');
  story.until(200);
  expect(story.incidents()).toHaveLength(1);
});

test('a silent agent at whose site nobody else looks is unmonitored', () => {
  const lone = hubAndBranches([{ id: 'lyon' }]);
  const story = tell({ ...lone, watches: [{ agent: 'a-lyon', subjects: ['device:lyon-r1'] }] });
  story.at(12, silent('a-lyon'));
  story.until(60);
  expect(story.open()[0]).toMatchObject({
    title: 'Agent a-lyon silent, nobody else can look: site Lyon, 40 users',
    root: { cause: 'unmonitored' },
  });
});

test('the only agent of an installation opens at once when it falls silent', () => {
  const network = hubAndBranches([]);
  const story = tell({ ...network, watches: [] });
  const facts = story.at(12, silent('a-hub'));
  expect(facts.map((fact) => fact.kind)).toEqual(['incident.opened']);
  expect(story.open()[0]?.root.cause).toBe('unmonitored');
});

test('a circuit found down after the agent was called stopped takes the incident over', () => {
  const story = tell(plain);
  story.at(12, silent('a-lyon'));
  story.until(40);
  expect(story.open()[0]?.root.cause).toBe('agent stopped');
  story.at(41, fires('unreachable', LYON, 'a-hub', 1), answers('device:hub-r1', 'a-hub'));
  expect(story.incidents()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({ subject: LYON, root: { cause: 'circuit down' } });
  const update = story.facts.findLast((fact) => fact.kind === 'incident.updated');
  expect(update).toMatchObject({ material: true });
});

test('most agents silent at once is the collector, one incident, and nothing else opens', () => {
  const story = tell(plain);
  story.at(12, silent('a-hub', 0));
  story.at(13, silent('a-lyon', 1), fires('cpu', 'device:hub-r1', 'a-hub'));
  story.at(14, silent('a-nice', 2));
  story.at(15, silent('a-metz', 3), fires('cpu', 'device:nice-r1', 'a-nice', 2));
  story.until(120);
  expect(story.incidents()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({
    title: 'Collector cut off: 4 of 4 agents silent',
    root: { cause: 'collector cut off' },
    priority: 2,
  });
  story.at(130, heard('a-hub'), heard('a-lyon'), clears('cpu', 'device:hub-r1', 'a-hub'));
  story.at(131, heard('a-nice'), heard('a-metz'), clears('cpu', 'device:nice-r1', 'a-nice'));
  story.until(400);
  expect(story.incidents().map((incident) => incident.state)).toEqual(['resolved']);
});

test('an agent that stays away after the collector is back gets its own incident', () => {
  const story = tell(plain);
  story.at(12, silent('a-hub', 0), silent('a-lyon', 0), silent('a-nice', 0), silent('a-metz', 0));
  story.at(60, heard('a-hub'), heard('a-nice'), heard('a-metz'));
  story.at(65, answers(LYON, 'a-hub'));
  story.until(200);
  expect(story.incidents().map((i) => [i.root.cause, i.state])).toEqual([
    ['collector cut off', 'resolved'],
    ['agent stopped', 'open'],
  ]);
});

test('a site with a second circuit is not cut off, and its devices are not explained by one', () => {
  const story = tell(dual);
  story.at(2, fires('unreachable', LYON, 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.at(2.5, answers('device:hub-r1', 'a-hub'));
  story.until(20);
  expect(story.open()[0]).toMatchObject({
    title: 'Circuit lyon-mpls (Orange, FR-1000) down: site Lyon on another way',
    users: 0,
    impact: 'low',
  });
  story.at(30, answers('link:lyon-inet', 'a-hub'), answers('device:lyon-r1', 'a-hub'));
  story.at(40, fires('unreachable', 'device:lyon-sw1', 'a-hub'));
  story.at(42, answers('device:lyon-r1', 'a-hub'), answers('link:lyon-inet', 'a-hub'));
  expect(story.open().map((incident) => incident.subject)).toEqual([LYON, 'device:lyon-sw1']);
});

test('when the second circuit fails too, the site is cut off and says so', () => {
  const story = tell(dual);
  story.at(2, fires('unreachable', LYON, 'a-hub'));
  story.until(30);
  story.at(100, fires('unreachable', 'link:lyon-inet', 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.at(101, fires('unreachable', 'device:lyon-r1', 'a-hub', 100));
  story.at(102, fires('unreachable', 'link:lyon-vpn', 'a-hub', 100));
  story.at(112, silent('a-lyon', 100));
  story.until(200);
  expect(story.open().map((i) => [i.subject, i.users])).toEqual([
    [LYON, 0],
    ['link:lyon-inet', 40],
  ]);
  expect(story.open()[1]?.symptoms.map((s) => s.subject)).toEqual([
    'device:lyon-r1',
    'link:lyon-vpn',
    'agent:a-lyon',
  ]);
});

test('a tunnel that is slow because its circuit is slow is a symptom, whichever is seen first', () => {
  const network = hubAndBranches([{ id: 'lyon', overlay: true }]);
  for (const order of [[LYON, 'link:lyon-vpn'] as const, ['link:lyon-vpn', LYON] as const]) {
    const story = tell(network);
    story.at(60, fires('latency', order[0], 'a-hub'));
    story.at(61, fires('latency', order[1], 'a-hub'));
    story.until(120);
    expect(story.incidents()).toHaveLength(1);
    expect(story.open()[0]?.subject).toBe(LYON);
  }
});

test('loss on a full line is congestion', () => {
  const story = tell(plain);
  story.at(30, fires('loss', LYON, 'a-hub', 10));
  story.until(50);
  expect(story.open()[0]?.root.cause).toBe('packet loss');
  story.at(70, fires('utilisation', HUB_PORT, 'a-hub', 12));
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]).toMatchObject({ subject: HUB_PORT, root: { cause: 'congestion' } });
});

test('loss with line errors is a line fault; delay is not blamed on errors', () => {
  const story = tell(plain);
  story.at(30, fires('errors', HUB_PORT, 'a-hub', 10));
  story.at(31, fires('loss', LYON, 'a-hub', 12));
  story.at(32, fires('latency', 'link:nice-mpls', 'a-hub', 12));
  story.until(60);
  expect(story.open().map((i) => i.root.cause)).toEqual(['line errors', 'high latency']);
});

test('an interface that goes down with its circuit is a symptom of the circuit', () => {
  const story = tell(plain);
  story.at(5, fires('interface-down', HUB_PORT, 'a-hub'));
  story.at(6, fires('unreachable', LYON, 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.at(7, answers('device:hub-r1', 'a-hub'));
  story.until(30);
  expect(story.open()).toHaveLength(1);
  expect(story.open()[0]?.root.cause).toBe('circuit down');
});

test('an old fault is not swept up by a new one in front of it', () => {
  const story = tell(plain);
  story.at(10, fires('unreachable', 'device:lyon-sw1', 'a-hub'));
  story.at(12, answers('device:lyon-r1', 'a-hub'), answers(LYON, 'a-hub'));
  story.until(40);
  story.at(600, fires('unreachable', LYON, 'a-hub'), answers('device:hub-r1', 'a-hub'));
  story.until(640);
  expect(story.open().map((incident) => incident.subject)).toEqual(['device:lyon-sw1', LYON]);
  story.at(700, clears('unreachable', LYON, 'a-hub'));
  story.until(900);
  expect(story.open().map((incident) => incident.subject)).toEqual(['device:lyon-sw1']);
});

test('two children opened apart are merged when their common root shows', () => {
  const story = tell(plain);
  story.at(2, fires('unreachable', 'device:lyon-sw1', 'a-hub', 1));
  story.at(3, fires('unreachable', 'device:lyon-sw2', 'a-hub', 1));
  story.at(4, answers('device:lyon-r1', 'a-hub'), answers(LYON, 'a-hub'));
  expect(story.open()).toHaveLength(2);
  story.at(9, fires('unreachable', LYON, 'a-hub', 4), answers('device:hub-r1', 'a-hub'));
  expect(story.open()).toHaveLength(1);
  const merged = story.facts.filter((fact) => fact.kind === 'incident.merged');
  expect(merged).toHaveLength(1);
  expect(merged[0]).toMatchObject({ into: story.open()[0]?.id, view: { state: 'resolved' } });
  expect(story.open()[0]?.symptoms).toHaveLength(2);
});

test('loops in the inventory harm nobody', () => {
  const { inventory, watches } = plain;
  const devices = inventory.devices.map((device) =>
    device.id === 'lyon-sw1'
      ? { ...device, behind: 'lyon-sw2' }
      : { ...device, behind: 'lyon-sw1' },
  );
  const story = tell({ inventory: { ...inventory, devices }, watches });
  story.at(2, fires('unreachable', 'device:lyon-sw1', 'a-hub'));
  story.at(3, fires('unreachable', 'device:lyon-sw2', 'a-hub'));
  story.until(60);
  expect(story.open()).toHaveLength(1);
});

test('subjects that no inventory knows open by themselves', () => {
  const story = tell({ inventory: { sites: [], devices: [], links: [], agents: [] }, watches: [] });
  story.at(2, fires('unreachable', 'link:somewhere', 'replay'));
  expect(story.open()[0]?.title).toBe('Circuit somewhere down');
});
