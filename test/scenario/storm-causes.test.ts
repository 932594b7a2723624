import { test } from 'vitest';
import type { Link } from '../../protocol/model/inventory.ts';
import { hubAndBranches } from '../support/hub-and-branches.ts';
import { scenario } from '../support/scenario.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** What random storms taught: each story was once told wrongly (see docs/correlation.md). */
const lyonAndNice = hubAndBranches([{ id: 'lyon', switches: 4 }, { id: 'nice' }]);

test('a dead switch is blamed, not a leaf of which nobody said that it hangs on the switch', () => {
  const devices = lyonAndNice.inventory.devices.map(({ behind, ...device }) => {
    if (device.id === 'lyon-sw2' || device.id === 'lyon-sw3') {
      return { ...device, behind: 'lyon-sw1' };
    }
    return device.id.startsWith('lyon-sw') || behind === undefined ? device : { ...device, behind };
  });
  const network = { ...lyonAndNice, inventory: { ...lyonAndNice.inventory, devices } };
  const story = scenario({ network, seeds: SEEDS });
  for (const n of [4, 3, 2, 1]) story.at('30s').device(`lyon-sw${n}`).dies();
  story.at('2m').expectOpen({ root: 'device:lyon-sw1', cause: 'device down' });
  story.at('2m').expectTickets(1);
  for (const n of [1, 2, 3, 4]) story.at('3m').device(`lyon-sw${n}`).returns();
  story.at('8m').expectOpen();
  story.at('8m').expectTickets(1);
  story.run();
});

test('the second circuit of a site fails half a minute after the first: two faults, no dead router', () => {
  const network = hubAndBranches([
    { id: 'lyon', switches: 1, otherLinks: ['inet'], agentless: true },
    { id: 'nice' },
  ]);
  const story = scenario({ network, seeds: SEEDS });
  story.at('30s').link('lyon-inet').isCut();
  story.at('65s').link('lyon-mpls').isCut();
  story.at('2m').expectOpen({ root: 'link:lyon-inet' }, { root: 'link:lyon-mpls' });
  story.at('2m').expectTickets(2);
  story.at('3m').link('lyon-mpls').isMended();
  story.at('4m').link('lyon-inet').isMended();
  story.at('8m').expectOpen();
  story.at('8m').expectTickets(2);
  story.run();
});

test('a circuit of a ring that loses packets while the ways to it are good is told in time', () => {
  const dual = hubAndBranches([{ id: 'lyon' }, { id: 'nice' }]);
  const ring: Link = {
    id: 'lyon-nice',
    name: 'lyon-nice',
    kind: 'wan',
    site: 'nice',
    peer: 'lyon',
    ends: [
      { device: 'lyon-r1', interface: 'to-nice' },
      { device: 'nice-r1', interface: 'to-lyon' },
    ],
    provider: 'Orange',
    circuit: 'FR-2000',
    underlays: [],
  };
  const inventory = { ...dual.inventory, links: [...dual.inventory.links, ring] };
  const watches = dual.watches.map(({ agent, subjects }) => ({
    agent,
    subjects: agent === 'a-hub' ? [...subjects, 'link:lyon-nice'] : subjects,
  }));
  const story = scenario({ network: { inventory, watches }, seeds: SEEDS });
  story.at('5m').link('lyon-nice').loses(0.3);
  story.at('6m').expectOpen({ root: 'link:lyon-nice' });
  story.at('6m').expectTickets(1);
  story.run();
});

test('the hub router dies 50 s after a circuit was cut: the circuit keeps its ticket', () => {
  const network = hubAndBranches([{ id: 'lyon' }, { id: 'nice' }, { id: 'metz' }]);
  const story = scenario({ network, seeds: SEEDS });
  story.at('30s').link('lyon-mpls').isCut();
  story.at('80s').device('hub-r1').dies();
  story.at('2m').expectOpen({ root: 'link:lyon-mpls' }, { root: 'device:hub-r1' });
  story.at('2m').expectTickets(2);
  story.run();
});

test('a router that answered after its first circuit had failed did not take it down', () => {
  const network = hubAndBranches([
    { id: 'lyon', otherLinks: ['inet'], agentless: true },
    { id: 'nice' },
  ]);
  const story = scenario({ network, seeds: SEEDS });
  story.at('30s').link('lyon-inet').isCut();
  story.at('44s').link('lyon-mpls').isCut();
  story.at('2m').expectOpen({ root: 'link:lyon-inet' }, { root: 'link:lyon-mpls' });
  story.at('2m').expectTickets(2);
  story.run();
});

test('agents whose circuits have just been mended do not make the collector look cut off', () => {
  const ids = ['lyon', 'nice', 'metz', 'lille'];
  const story = scenario({ network: hubAndBranches(ids.map((id) => ({ id }))), seeds: SEEDS });
  story.at('30s').device('hub-r1').dies();
  story.at('3m').device('hub-r1').returns();
  story.at('8m').expectOpen();
  story.at('8m').expectTickets(1);
  story.run();
});
