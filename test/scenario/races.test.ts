import { describe, expect, test } from 'vitest';
import type { Command } from '../../protocol/model/command.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { answers, clears, fires, T0, tell } from '../support/network-facts.ts';
import { scenario } from '../support/scenario.ts';

/** The races that other systems lose (what their users ask for most), then further ones. */
const network = hubAndBranches([
  { id: 'lyon', switches: 3 },
  { id: 'nice', switches: 1 },
  { id: 'metz' },
]);
/** So many agents that two silent ones are not the collector's own trouble. */
const many = hubAndBranches(
  ['lyon', 'nice', 'metz', 'lille', 'brest'].map((id) => ({ id, switches: 1 })),
);
const MANY = [1, 2, 3, 4, 5, 6, 7, 8];
const CIRCUIT = 'link:lyon-mpls';
const OTHER = 'link:nice-mpls';

interface Ids {
  readonly lyon: string;
  readonly nice: string;
}

test('race 1, poll order: whoever is polled first, the circuit is blamed', () => {
  const story = scenario({ network, seeds: [21, 22, 23, 24, 25, 26, 27, 28, 29, 30] });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').expectOpen({ root: CIRCUIT, cause: 'circuit down' });
  story.at('60s').expectTickets(1);
  story.run();
});

test('race 2, the child is seen first: its alert waits and is then a symptom', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').device('lyon-r1').dies();
  story.at('90s').expectTickets(1);
  story.at('90s').expectSuppressed('device:lyon-sw1', 'explained-by');
  story.run();
});

test('race 3, the parent recovers first: children that still count as down open nothing', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('5m').expectOpen();
  story.at('10m').expectTickets(1);
  story.run();
});

test('race 4, missing data is not recovery: nobody looks at a cut circuit any more, and it stays cut', () => {
  const story = scenario({ network: many });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').agent('a-hub').stops();
  story.at('3m').expectOpen({ root: CIRCUIT }, { root: 'agent:a-hub' });
  story.at('20m').expectOpen({ root: CIRCUIT }, { root: 'agent:a-hub' });
  story.at('21m').agent('a-hub').starts();
  story.at('24m').expectOpen({ root: CIRCUIT });
  story.at('25m').link('lyon-mpls').isMended();
  story.at('30m').expectOpen();
  story.at('30m').expectTickets(2);
  story.run();
});

test('race 5, the recovery is lost: the circuit returns while the collector is away', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').server().stops();
  story.at('130s').link('lyon-mpls').isMended();
  story.at('3m').server().starts();
  story.at('6m').expectOpen();
  story.at('6m').expectTickets(1);
  story.run();
});

test('race 5, the recovery is late: the only witness can tell of it ten minutes later', () => {
  const story = scenario({ network: many });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').agent('a-hub').losesTheCollector();
  story.at('4m').link('lyon-mpls').isMended();
  story.at('14m').agent('a-hub').findsTheCollector();
  story.at('20m').expectOpen();
  story.at('20m').expectResolved(CIRCUIT);
  story.run();
});

test('race 6, a replay after the reconnect makes no duplicate: what was told stays told once', () => {
  const story = scenario({ network: many });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').agent('a-hub').losesTheCollector();
  story.at('10m').agent('a-hub').findsTheCollector();
  story.at('15m').expectOpen({ root: CIRCUIT });
  story.at('16m').link('lyon-mpls').isMended();
  story.at('25m').expectOpen();
  story.at('25m').expectTickets(2);
  story.at('25m').expectFoundLater();
  story.run();
});

test('race 7, the monitor loses its own link: one incident and a freeze, not the whole world', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').server().isCutOff();
  story.at('40s').link('lyon-mpls').loses(0.4);
  story.at('2m').expectOpen({
    root: ['agent:a-hub', 'agent:a-lyon', 'agent:a-nice', 'agent:a-metz'],
    cause: 'collector cut off',
    priority: 2,
    title: 'Collector cut off: 4 of 4 agents silent',
  });
  story.at('3m').link('lyon-mpls').isMended();
  story.at('4m').server().isReachable();
  story.at('7m').expectOpen();
  story.at('12m').expectTickets(1);
  story.run();
});

test('race 8, flapping: a switch that dies and returns every minute is one incident', () => {
  const story = scenario({ network });
  for (let minute = 1; minute <= 13; minute += 2) {
    story.at(`${minute}m`).device('lyon-sw1').dies();
    story
      .at(`${minute + 1}m`)
      .device('lyon-sw1')
      .returns();
  }
  story.at('18m').expectOpen({ root: 'device:lyon-sw1' });
  story.at('35m').expectOpen();
  story.at('35m').expectTickets(1);
  story.run();
});

test('race 9, maintenance holds for children: work on a circuit keeps everything behind it quiet', () => {
  const story = scenario({ network });
  story.at('10s').maintenance('link:lyon-mpls').isAnnounced('10m');
  story.at('30s').link('lyon-mpls').isCut();
  story.at('9m').expectOpen();
  story.at('9m').expectTickets(0);
  story.at('9m').expectSuppressed('link:lyon-mpls', 'maintenance');
  story.at('9m').link('lyon-mpls').isMended();
  story.at('20m').expectTickets(0);
  story.run();
});

test('race 10, an outage that a short clear splits in two is one ticket that is reopened', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('4m').expectOpen();
  story.at('5m').link('lyon-mpls').isCut();
  story.at('7m').expectOpen({ root: CIRCUIT, cause: 'circuit down' });
  story.at('8m').link('lyon-mpls').isMended();
  story.at('15m').expectOpen();
  story.at('15m').expectTickets(1);
  story.run();
});

describe('race 11, a person and the engine decide at the same instant', () => {
  const clear = clears('unreachable', CIRCUIT, 'a-hub');

  /** Both circuits are down; at second 100 the engine sees Lyon well and a person speaks. */
  function both(order: 'person first' | 'engine first', command: (ids: Ids) => Command) {
    const story = tell(network);
    story.at(3, fires('unreachable', CIRCUIT, 'a-hub'), answers('device:hub-r1', 'a-hub'));
    story.at(40, fires('unreachable', OTHER, 'a-hub'));
    story.until(99);
    const idOf = (subject: string) => story.open().find((one) => one.subject === subject)?.id ?? '';
    const said = command({ lyon: idOf(CIRCUIT), nice: idOf(OTHER) });
    if (order === 'person first') story.command(100, said);
    story.at(100, clear);
    if (order === 'engine first') story.command(100, said);
    story.until(200);
    return story;
  }

  const ORDERS = ['person first', 'engine first'] as const;
  const by = 'ada';

  test.each(ORDERS)('acknowledged as it recovers, %s: it is over', (order) => {
    const until = epochMs(T0 + 3_600_000);
    const story = both(order, ({ lyon }) => ({ kind: 'acknowledge', incident: lyon, by, until }));
    expect(story.open().map(({ subject }) => subject)).toEqual([OTHER]);
    expect(story.incidents()).toHaveLength(2);
  });

  test.each(ORDERS)(
    'closed as it recovers, %s: it has ended once and says who ended it',
    (order) => {
      const story = both(order, ({ lyon }) => ({ kind: 'close', incident: lyon, by }));
      const lyon = story.incidents().find(({ subject }) => subject === CIRCUIT);
      expect(lyon?.state).toBe(order === 'person first' ? 'closed' : 'resolved');
      const ends = story
        .kinds()
        .filter((kind) => kind === 'incident.closed' || kind === 'incident.resolved');
      expect(ends).toHaveLength(1);
    },
  );

  test.each(ORDERS)('merged as it recovers, %s: one of the two goes on', (order) => {
    const story = both(order, ({ lyon, nice }) => ({
      kind: 'merge',
      incident: lyon,
      into: nice,
      by,
    }));
    expect(story.open().map(({ subject }) => subject)).toEqual([OTHER]);
    story.at(300, clears('unreachable', OTHER, 'a-hub'));
    story.until(400);
    expect(story.open()).toEqual([]);
    expect(story.incidents()).toHaveLength(2);
  });
});

test('a short outage that ends before anybody has confirmed it leaves nothing open', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('31s').link('lyon-mpls').isMended();
  story.at('5m').expectOpen();
  story.run();
});

test('the parent fails again while its children are coming back: one ticket', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('130s').link('lyon-mpls').isCut();
  story.at('4m').expectOpen({ root: CIRCUIT });
  story.at('5m').link('lyon-mpls').isMended();
  story.at('9m').expectOpen();
  story.at('9m').expectTickets(1);
  story.run();
});

test('a child dies for good during the outage of its parent and is told after it', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('60s').device('lyon-sw3').dies();
  story.at('2m').link('lyon-mpls').isMended();
  story.at('6m').expectOpen({ root: 'device:lyon-sw3', cause: 'device down' });
  story.at('6m').expectTickets(2);
  story.run();
});

test('the agent falls silent before its circuit is seen down: one ticket', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').agent('a-lyon').stops();
  story.at('40s').link('lyon-mpls').isCut();
  story.at('2m').expectOpen({ root: CIRCUIT });
  story.at('2m').expectTickets(1);
  story.run();
});

test('the collector restarts in the middle of an outage and tells it once', () => {
  const story = scenario({ network, seeds: MANY });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('40s').server().stops();
  story.at('60s').server().starts();
  story.at('3m').expectOpen({ root: CIRCUIT });
  story.at('4m').link('lyon-mpls').isMended();
  story.at('8m').expectOpen();
  story.at('8m').expectTickets(1);
  story.run();
});

test('of two parents of one child only both together explain it', () => {
  const dual = hubAndBranches([{ id: 'lyon', switches: 2, otherLinks: ['inet'] }, { id: 'nice' }]);
  const story = scenario({ network: dual, seeds: MANY });
  story.at('30s').link('lyon-inet').isCut();
  story.at('2m').device('lyon-sw1').dies();
  story.at('4m').expectOpen({ root: 'link:lyon-inet' }, { root: 'device:lyon-sw1' });
  story.at('4m').expectTickets(2);
  story.run();
});
