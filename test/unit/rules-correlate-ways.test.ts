import { expect, test } from 'vitest';
import type { Device, Inventory, Link, Site } from '../../protocol/model/inventory.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { createInterfaceNames } from '../../rules/correlate/interface-names.ts';
import { createParents } from '../../rules/correlate/parents.ts';
import { createSiteGraph } from '../../rules/correlate/site-graph.ts';
import { settingsFor } from '../support/network-facts.ts';

const site = (id: string, hub = false): Site => ({ id, name: id, hub, users: 1 });
const circuit = (from: string, to?: string): Link => ({
  id: `${from}-${to ?? 'x'}`,
  name: from,
  kind: 'wan',
  site: from,
  ...(to === undefined ? {} : { peer: to }),
  ends: [],
  underlays: [],
});
const graphOf = (sites: readonly Site[], links: readonly Link[]) =>
  createSiteGraph({ sites, devices: [], links, agents: [] }, () => true);
const down =
  (...ids: readonly string[]) =>
  (link: Link) =>
    ids.includes(link.id);
const cutIds = (links: readonly Link[] | undefined) => links?.map((link) => link.id);

test('a ring is cut only when both ways are lost, and both are named', () => {
  const ring = graphOf(
    [site('h', true), site('a'), site('b'), site('c')],
    [circuit('a', 'h'), circuit('b', 'a'), circuit('c', 'b'), circuit('c', 'h')],
  );
  expect(ring.cutBetween(['h'], 'b', down('a-h'))).toBeUndefined();
  expect(cutIds(ring.cutBetween(['h'], 'b', down('a-h', 'c-h')))?.sort()).toEqual(['a-h', 'c-h']);
  expect(cutIds(ring.cutBetween(['h'], 'b', down('b-a', 'c-b')))).toContain('b-a');
});

test('with two hubs a branch is reached over the other hub, as long as the hubs are joined', () => {
  const dual = graphOf(
    [site('h1', true), site('h2', true), site('a')],
    [circuit('a', 'h1'), circuit('a', 'h2'), circuit('h2', 'h1')],
  );
  expect(dual.cutBetween(['h1'], 'a', down('a-h1'))).toBeUndefined();
  expect(cutIds(dual.cutBetween(['h1'], 'a', down('a-h1', 'h2-h1')))).toEqual(['a-h1', 'h2-h1']);
  expect(dual.core).toContain('h2');
});

test('a way that the inventory never knew cannot be lost', () => {
  const gap = graphOf([site('h', true), site('a'), site('b')], [circuit('a', 'b')]);
  expect(gap.cutBetween(['h'], 'a', down('a-b'))).toBeUndefined();
});

test('a circuit without a named other end leads to the hubs', () => {
  const open = graphOf([site('h', true), site('a')], [circuit('a')]);
  expect(open.cutBetween(['h'], 'a', down())).toBeUndefined();
  expect(cutIds(open.cutBetween(['h'], 'a', down('a-x')))).toEqual(['a-x']);
});

test('a circuit concerns only the sites that it alone connects', () => {
  const chain = graphOf(
    [site('h', true), site('a'), site('b')],
    [circuit('a', 'h'), circuit('b', 'a')],
  );
  const [link] = chain.circuitsAt('h') as [Link];
  expect(chain.behind(link, down())).toEqual(expect.arrayContaining(['a', 'b']));
  const [last] = chain.circuitsAt('b') as [Link];
  expect(chain.behind(last, down())).toEqual(['b']);
});

const device = (id: string, behind?: string): Device => ({
  id,
  name: id,
  site: 's',
  address: '192.0.2.1',
  ...(behind === undefined ? {} : { behind }),
});

function parentsOf(inventory: Partial<Inventory>, trustLearned = false) {
  const whole: Inventory = { sites: [site('s')], devices: [], links: [], agents: [], ...inventory };
  return createParents({ ...settingsFor({ inventory: whole, watches: [] }), trustLearned });
}

test('of a redundancy group any member suffices, so each is a way of its own', () => {
  const devices = [device('r1'), device('r2'), device('sw', 'r1')];
  const redundancy = [{ id: 'g', name: 'g', members: ['device:r1', 'device:r2'] as const }];
  expect(parentsOf({ devices, redundancy }).waysInto('sw')).toEqual([['r1'], ['r2']]);
  expect(parentsOf({ devices }).waysInto('sw')).toEqual([['r1']]);
});

test('learned neighbours count only when they are trusted, and only inside a site', () => {
  const devices = [device('r1'), device('sw')];
  const learned = [
    {
      from: 'device:r1' as const,
      to: 'device:sw' as const,
      source: 'lldp' as const,
      seenAt: epochMs(0),
      evidence: 'Gi0/1',
    },
  ];
  expect(parentsOf({ devices, learned }).waysInto('sw')).toEqual([]);
  expect(parentsOf({ devices, learned }, true).waysInto('sw')).toEqual([['r1']]);
});

test('devices in a loop are followed once round', () => {
  const devices = [device('a', 'b'), device('b', 'c'), device('c', 'a')];
  expect(parentsOf({ devices }).waysInto('a')).toEqual([['b', 'c']]);
});

test.each([
  ['GigabitEthernet0/1', 'interface:r1/Gi0/1'],
  ['gi0/1', 'interface:r1/Gi0/1'],
  ['Gi0/1', 'interface:r1/Gi0/1'],
  ['Gi0/11', 'interface:r1/Gi0/11'],
  ['Te0/1', 'interface:r1/Te0/1'],
])('the port %s of r1 is %s', (name, expected) => {
  const link = { ...circuit('a', 'h'), ends: [{ device: 'r1', interface: 'Gi0/1' }] };
  expect(createInterfaceNames([link]).canonical(`interface:r1/${name}`)).toBe(expected);
});

test('a port name that fits two ends is left as it is', () => {
  const ends = [
    { device: 'r1', interface: 'Te0/1' },
    { device: 'r1', interface: 'TenGig0/1' },
  ];
  const names = createInterfaceNames([{ ...circuit('a', 'h'), ends }]);
  expect(names.canonical('interface:r1/TenGigE0/1')).toBe('interface:r1/TenGigE0/1');
});
