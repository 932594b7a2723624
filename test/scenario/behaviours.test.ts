import { expect, test } from 'vitest';
import { isIncidentFact } from '../../protocol/model/fact.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import { planDeliveries } from '../../server/ticket/plan.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { createMemoryOutbox } from '../support/memory-outbox.ts';
import { scenario } from '../support/scenario.ts';
import { createRun, START } from '../support/scenario-run.ts';
import { DESK, WAN } from '../support/ticket-facts.ts';

/**
 * How incidents behave: one story for each behaviour that docs/correlation.md promises, by its number
 * in the design. Further stories of each are in the file of their subject.
 */
const network = hubAndBranches([
  { id: 'lyon', switches: 3 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
const settings = {
  installation: 'story',
  ...network,
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
};
/** Only its own agent looks at the switch of Nice. */
const lone = {
  ...network,
  watches: network.watches.map(({ agent, subjects }) => ({
    agent,
    subjects: subjects.filter((subject) => agent !== 'a-hub' || subject !== 'device:nice-sw1'),
  })),
};
const CITIES = ['lyon', 'nice', 'metz', 'lille', 'brest', 'tours', 'dijon', 'nancy'];
const cities = hubAndBranches(CITIES.map((id) => ({ id, switches: 1 })));
/** Half of the circuits end at one point of presence, half at another. */
const twoPops = {
  ...cities,
  inventory: {
    ...cities.inventory,
    links: cities.inventory.links.map((link, i) => ({ ...link, pop: i < 4 ? 'PAR-1' : 'LYS-2' })),
  },
};
const MANY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const CIRCUIT = 'link:lyon-mpls';

test('6.1 missing data is not recovery: trouble that nobody sees any more stays open', () => {
  const story = scenario({ network: lone });
  story.at('30s').device('nice-sw1').dies();
  story.at('90s').expectOpen({ root: 'device:nice-sw1', cause: 'device down' });
  story.at('2m').agent('a-nice').stops();
  story
    .at('15m')
    .expectOpen({ root: 'device:nice-sw1', cause: 'device down' }, { root: 'agent:a-nice' });
  story.run();
});

test('6.2 one fault, one incident, one ticket: a branch loses its circuit, and there is no second wave', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('75s').expectOpen({
    root: 'link:lyon-mpls',
    cause: 'circuit down',
    priority: 2,
    users: 40,
    title: 'Circuit lyon-mpls (Orange, FR-1000) down: site Lyon cut off, 40 users',
    symptoms: [
      'agent:a-lyon',
      'device:lyon-r1',
      'device:lyon-sw1',
      'device:lyon-sw2',
      'device:lyon-sw3',
    ],
  });
  story.at('75s').expectTickets(1);
  story.at('3m').link('lyon-mpls').isMended();
  story.at('5m').expectOpen();
  story.at('15m').expectTickets(1);
  story.at('15m').expectResolved('link:lyon-mpls');
  story.run();
});

test('6.3 held down before it is blamed: a child seen down before its circuit waits for it', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('90s').expectSuppressed('device:lyon-sw1', 'explained-by');
  story.at('90s').expectTickets(1);
  story.run();
});

test('6.4 creation is suppressed, a resolution never: what was open when work began is resolved in the middle of it', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').maintenance('link:lyon-mpls').isAnnounced('20m');
  story.at('5m').expectOpen({ root: 'link:lyon-mpls' });
  story.at('6m').link('lyon-mpls').isMended();
  story.at('9m').expectResolved('link:lyon-mpls');
  story.at('9m').expectTickets(1);
  story.run();
});

test('6.5 common cause: circuits of one point of presence failing together are one incident that names it', () => {
  const story = scenario({ network: twoPops });
  for (const id of CITIES.slice(0, 4)) story.at('30s').link(`${id}-mpls`).isCut();
  story.at('90s').expectOpen({
    root: CITIES.map((id) => `link:${id}-mpls`),
    cause: 'point of presence down',
    priority: 1,
    users: 160,
  });
  story.at('90s').expectTickets(1);
  story.at('4m').expectTickets(1);
  for (const id of CITIES.slice(0, 4)) story.at('5m').link(`${id}-mpls`).isMended();
  story.at('8m').expectOpen();
  story.at('15m').expectTickets(1);
  story.run();
});

test('6.6 overlay and underlay: a tunnel falls with the circuit that carries it and is a symptom', () => {
  const tunnel = hubAndBranches([{ id: 'lyon', overlay: true }, { id: 'nice' }]);
  const story = scenario({ network: tunnel, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').expectOpen({
    root: 'link:lyon-mpls',
    symptoms: ['agent:a-lyon', 'device:lyon-r1', 'link:lyon-vpn'],
  });
  story.at('3m').link('lyon-mpls').isMended();
  story.at('10m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('6.7 the watcher knows that it is blind: an agent that stops is told as stopped, because its site still answers', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').agent('a-lyon').stops();
  story.at('70s').expectOpen({
    root: 'agent:a-lyon',
    cause: 'agent stopped',
    priority: 3,
    users: 0,
    title: 'Agent a-lyon stopped: site Lyon',
  });
  story.at('2m').agent('a-lyon').starts();
  story.at('4m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('6.8 late data corrects history: an outage inside the gap is recorded as over, and pages nobody', () => {
  const story = scenario({ network: lone });
  story.at('30s').agent('a-nice').losesTheCollector();
  story.at('2m').device('nice-sw1').dies();
  story.at('5m').device('nice-sw1').returns();
  story.at('8m').agent('a-nice').findsTheCollector();
  story.at('12m').expectOpen();
  story.at('12m').expectTickets(1);
  story.at('12m').expectFoundLater('device:nice-sw1');
  story.at('12m').expectLasted('device:nice-sw1', '3m');
  story.run();
});

test('6.9 flapping: a circuit that comes and goes is one incident, not seven', () => {
  const story = scenario({ network });
  for (let minute = 1; minute <= 13; minute += 2) {
    story.at(`${minute}m`).link('lyon-mpls').isCut();
    story
      .at(`${minute + 1}m`)
      .link('lyon-mpls')
      .isMended();
  }
  // It flaps: the alert stays until it has been steady for a quarter of an hour.
  story.at('20m').expectOpen({ root: 'link:lyon-mpls' });
  story.at('31m').expectOpen();
  story.at('31m').expectTickets(1);
  story.run();
});

test('6.10 every decision carries its reason: nothing is opened, suppressed or ended without one', () => {
  const run = createRun(settings, 1);
  run.until(START + 30_000);
  run.world.link('lyon-mpls').isCut = true;
  run.until(START + 120_000);
  run.world.link('lyon-mpls').isCut = false;
  run.until(START + 300_000);
  const ends = run.facts.filter(({ kind }) => kind === 'incident.resolved');
  expect(ends).toHaveLength(1);
  const untold = run.facts.filter(
    (fact) => isIncidentFact(fact) && fact.view.because.every(({ text }) => text === ''),
  );
  expect(untold).toEqual([]);
  // Each alert stands in an incident or says why it opened none.
  const placed = new Set(
    run.facts.flatMap((fact) => {
      if (isIncidentFact(fact)) return [fact.view.root.alert];
      return fact.kind === 'alert.suppressed' && fact.because.text !== '' ? [fact.alert] : [];
    }),
  );
  const fired = run.facts.flatMap((fact) => (fact.kind === 'alert.fired' ? fact.alert.key : []));
  expect(fired.length).toBeGreaterThan(4);
  expect(fired.filter((key) => !placed.has(key))).toEqual([]);
});

test('6.11 priority is impact and urgency: a hub wakes people, a branch on its second circuit does not', () => {
  const dual = hubAndBranches([
    { id: 'lyon', otherLinks: ['lte'] },
    { id: 'nice' },
    { id: 'metz' },
  ]);
  const story = scenario({ network: dual });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').expectOpen({ root: 'link:lyon-mpls', priority: 3, users: 0 });
  story.at('3m').link('lyon-lte').isCut();
  story
    .at('5m')
    .expectOpen({ root: 'link:lyon-mpls' }, { root: 'link:lyon-lte', priority: 2, users: 40 });
  story.at('6m').link('lyon-mpls').isMended();
  story.at('6m').link('lyon-lte').isMended();
  story.at('20m').device('hub-r1').dies();
  story.at('22m').expectOpen({ root: 'device:hub-r1', priority: 1, users: 120 });
  story.run();
});

test('6.12 maintenance: what is still broken when the announced work ends opens then', () => {
  const story = scenario({ network });
  story.at('10s').maintenance('link:lyon-mpls').isAnnounced('5m');
  story.at('30s').link('lyon-mpls').isCut();
  story.at('4m').expectTickets(0);
  story.at('6m').expectOpen({ root: 'link:lyon-mpls', cause: 'circuit down' });
  story.at('6m').expectTickets(1);
  story.run();
});

test('6.13 a person wins: closed while it still fails, it stays quiet until it has cleared once', () => {
  const story = scenario({ network });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').person('ada').closes(CIRCUIT);
  story.at('10m').expectOpen();
  story.at('10m').expectTickets(1);
  story.at('11m').link('lyon-mpls').isMended();
  story.at('14m').expectTickets(1);
  story.at('15m').link('lyon-mpls').isCut();
  story.at('17m').expectOpen({ root: CIRCUIT, cause: 'circuit down' });
  story.at('17m').expectTickets(2);
  story.run();
});

test('6.14 the page shows at once, tickets wait a little: what is over before its time is never sent', () => {
  const run = createRun(settings, 1);
  const outbox = createMemoryOutbox();
  let position = 0;
  /** Deliveries of what was told since the last look, as they stand then. */
  const rowsAt = (second: number) => {
    const seen = run.facts.length;
    run.until(START + second * 1000);
    for (const fact of run.facts.slice(seen)) {
      position += 1;
      planDeliveries(outbox, [fact], [DESK], { position, now: fact.at, inventory: WAN });
    }
    return outbox.rows.filter(({ state }) => state === 'waiting');
  };
  expect(rowsAt(30)).toEqual([]);
  run.world.link('lyon-mpls').isCut = true;
  const [waiting] = rowsAt(60);
  const [shown] = run.open();
  // P2: a minute after it opened.
  expect(waiting?.notBefore).toBe((shown?.openedAt ?? 0) + 60_000);
  run.world.link('lyon-mpls').isCut = false;
  expect(rowsAt(85)).toEqual([]);
  expect(run.incidents()).toMatchObject([{ subject: CIRCUIT, state: 'resolved' }]);
});

test('6.16 down means all probes agree: a device whose SNMP service stops is SNMP silent, never down', () => {
  const story = scenario({ network });
  story.at('30s').device('lyon-r1').stopsSnmp();
  story.at('4m').expectOpen({ root: 'device:lyon-r1', cause: 'SNMP silent' });
  story.at('5m').device('lyon-r1').startsSnmp();
  story.at('8m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});
