import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  identifyInterfaces,
  type KnownInterface,
  resolveInterfaces,
} from '../../agent/poll/snmp/interface-identity.ts';
import type { InterfaceRow } from '../../agent/ports/snmp.ts';
import { interfaceKey, isSubjectKey } from '../../protocol/model/subject.ts';

type Facts = Partial<Pick<InterfaceRow, 'name' | 'descr' | 'alias' | 'mac'>>;
const row = (ifIndex: number, facts: Facts): InterfaceRow => ({ ifIndex, counters: {}, ...facts });
const idOfFirst = (known: readonly KnownInterface[], rows: readonly InterfaceRow[]) =>
  identifyInterfaces(known, rows).ids.get(rows[0]?.ifIndex ?? -1);

const A = 'aa:aa:aa:aa:aa:aa';
const B = 'bb:bb:bb:bb:bb:bb';

test.each<[because: string, before: Facts[], after: [number, Facts][], ids: string[]]>([
  [
    'ifIndex is renumbered',
    [{ name: 'Gi0/0' }, { name: 'Gi0/1' }],
    [
      [7, { name: 'Gi0/0' }],
      [1, { name: 'Gi0/1' }],
    ],
    ['Gi0/0', 'Gi0/1'],
  ],
  [
    'the alias is rewritten',
    [{ name: 'Gi0/0', alias: 'old', mac: A }],
    [[1, { name: 'Gi0/0', alias: 'new', mac: A }]],
    ['Gi0/0'],
  ],
  [
    'the module is swapped, so the MAC changes',
    [{ name: 'Gi0/0', alias: 'to Lyon', mac: A }],
    [[9, { name: 'Gi0/0', alias: 'to Lyon', mac: B }]],
    ['Gi0/0'],
  ],
  [
    'module and alias change together',
    [{ name: 'Gi0/0', alias: 'old', mac: A }],
    [[9, { name: 'Gi0/0', alias: 'new', mac: B }]],
    ['Gi0/0'],
  ],
  [
    'a new software release renames the port: the MAC tells',
    [{ name: 'GigabitEthernet0/0', mac: A }],
    [[1, { name: 'Gi0/0', mac: A }]],
    ['GigabitEthernet0/0'],
  ],
  [
    'a MAC shared by subinterfaces tells nothing',
    [
      { name: 'eth0', mac: A },
      { name: 'eth0.10', mac: A },
    ],
    [
      [1, { name: 'eth0', mac: A }],
      [3, { name: 'eth0.20', mac: A }],
    ],
    ['eth0', 'eth0.20'],
  ],
  [
    'duplicate names are told apart by MAC',
    [
      { name: 'port', mac: A },
      { name: 'port', mac: B },
    ],
    [
      [5, { name: 'port', mac: B }],
      [6, { name: 'port', mac: A }],
    ],
    ['port~2', 'port'],
  ],
  [
    'duplicate names without a MAC are told apart by alias',
    [
      { name: 'port', alias: 'x' },
      { name: 'port', alias: 'y' },
    ],
    [
      [5, { name: 'port', alias: 'y' }],
      [6, { name: 'port', alias: 'x' }],
    ],
    ['port~2', 'port'],
  ],
  [
    'a device without ifName is known by ifDescr',
    [{ descr: 'Ethernet 0' }],
    [[4, { descr: 'Ethernet 0' }]],
    ['Ethernet_0'],
  ],
  [
    'nothing but a MAC',
    [{ mac: A }, { mac: B }],
    [
      [2, { mac: A }],
      [1, { mac: B }],
    ],
    ['if1', 'if2'],
  ],
  [
    'nothing at all: only ifIndex is left',
    [{}, {}],
    [
      [2, {}],
      [3, {}],
    ],
    ['if2', 'if3'],
  ],
  [
    'names swap hardware: the name wins',
    [
      { name: 'eth0', mac: A },
      { name: 'eth1', mac: B },
    ],
    [
      [1, { name: 'eth0', mac: B }],
      [2, { name: 'eth1', mac: A }],
    ],
    ['eth0', 'eth1'],
  ],
])('an interface keeps its id: %s', (_because, before, after, ids) => {
  const first = identifyInterfaces(
    [],
    before.map((facts, i) => row(i + 1, facts)),
  );
  const rows = after.map(([ifIndex, facts]) => row(ifIndex, facts));
  const second = identifyInterfaces(first.known, rows);
  expect(rows.map(({ ifIndex }) => second.ids.get(ifIndex))).toEqual(ids);
});

const facts = fc.record(
  {
    name: fc.oneof(fc.constantFrom('port', 'eth', 'Gi0/0'), fc.string({ maxLength: 6 })),
    descr: fc.constantFrom('port', 'Ethernet'),
    alias: fc.constantFrom('x', 'y', 'to Lyon'),
    mac: fc.constantFrom(A, B, 'cc:cc:cc:cc:cc:cc'),
  },
  { requiredKeys: [] },
);
const withNames = facts.filter((f) => (f.name ?? f.descr ?? '') !== '');
const distinct = fc.uniqueArray(withNames, {
  selector: (f) => JSON.stringify([f.name ?? f.descr ?? '', f.descr, f.alias, f.mac]),
  minLength: 1,
  maxLength: 12,
});

test('permuting the ifIndexes and the rows never changes an id', () => {
  fc.assert(
    fc.property(distinct, fc.infiniteStream(fc.nat()), (all, numbers) => {
      const order = (take: number[]) => all.map((_, i) => [take[i] ?? 0, i] as const);
      const first = identifyInterfaces(
        [],
        all.map((f, i) => row(i + 1, f)),
      );
      const shuffled = order([...numbers.take(all.length)]).sort(([a], [b]) => a - b);
      const place = new Map(shuffled.map(([, i], position) => [i, position * 3 + 2]));
      const second = identifyInterfaces(
        first.known,
        shuffled.map(([, i]) => row(place.get(i) ?? 0, all[i] ?? {})),
      );
      for (let i = 0; i < all.length; i++) {
        expect(second.ids.get(place.get(i) ?? 0)).toBe(first.ids.get(i + 1));
      }
    }),
  );
});

test('every row gets its own id, and every id is a subject', () => {
  fc.assert(
    fc.property(fc.array(fc.array(facts, { maxLength: 10 }), { maxLength: 4 }), (polls) => {
      let known: readonly KnownInterface[] = [];
      for (const poll of polls) {
        const rows = poll.map((f, i) => row(i + 1, f));
        const result = identifyInterfaces(known, rows);
        expect(new Set(result.ids.values()).size).toBe(rows.length);
        for (const id of result.ids.values()) {
          expect(isSubjectKey(interfaceKey('edge-1', id))).toBe(true);
          expect(id).not.toContain('|');
        }
        expect(new Set(result.known.map((each) => each.id)).size).toBe(result.known.length);
        known = JSON.parse(JSON.stringify(result.known)) as KnownInterface[];
        expect(known).toEqual(result.known);
      }
    }),
  );
});

test('an unchanged device changes nothing that would have to be written down', () => {
  const rows = [row(1, { name: 'a', mac: A }), row(2, { name: 'a', mac: B }), row(3, {})];
  const first = identifyInterfaces([], rows);
  expect(first.changed).toBe(true);
  expect(identifyInterfaces(first.known, [...rows].reverse()).changed).toBe(false);
});

test('an interface that was away gets its id back', () => {
  const first = identifyInterfaces([], [row(1, { name: 'ppp0' }), row(2, { name: 'eth0' })]);
  const away = identifyInterfaces(first.known, [row(2, { name: 'eth0' })]);
  expect(away.known.find((each) => each.id === 'ppp0')?.absent).toBe(true);
  expect(idOfFirst(away.known, [row(8, { name: 'ppp0' })])).toBe('ppp0');
});

test('what is remembered of absent interfaces is bounded', () => {
  let known: readonly KnownInterface[] = [];
  for (let i = 0; i < 500; i++) {
    known = identifyInterfaces(known, [row(i + 1, { name: `vpn${i}` })]).known;
  }
  expect(known.length).toBe(65);
  expect(known[1]?.id).toBe('vpn498');
});

test('five thousand interfaces of one name are identified at once', () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => row(i + 1, { name: 'port' }));
  const first = identifyInterfaces([], rows);
  const started = performance.now();
  const second = identifyInterfaces(first.known, rows);
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(second.changed).toBe(false);
});

const SEEN = identifyInterfaces(
  [],
  [
    row(1, { name: 'Gi0/0', mac: A }),
    row(2, { name: 'Gi0/1', mac: B }),
    row(3, { name: 'port', mac: A }),
    row(4, { name: 'port', mac: B }),
  ],
).known;

test.each<[string, InterfaceRow[], [number, string][], boolean]>([
  ['nothing moved', [row(1, { name: 'Gi0/0' })], [[1, 'Gi0/0']], false],
  ['a renumbered unique name', [row(9, { name: 'Gi0/0' })], [[9, 'Gi0/0']], true],
  [
    'two that changed places',
    [row(2, { name: 'Gi0/0' }), row(1, { name: 'Gi0/1' })],
    [
      [2, 'Gi0/0'],
      [1, 'Gi0/1'],
    ],
    true,
  ],
  ['a new interface', [row(9, { name: 'Gi0/9' })], [], true],
  [
    'a duplicate that moved: better no sample than a wrong one',
    [row(9, { name: 'port' })],
    [],
    true,
  ],
  ['a duplicate that stayed', [row(4, { name: 'port' })], [[4, 'port~2']], false],
  ['a cell without a name', [row(1, {})], [[1, 'Gi0/0']], false],
  ['a nameless row at a new ifIndex', [row(9, {})], [], true],
])('a quick poll books counters by name: %s', (_because, rows, ids, needsNames) => {
  const resolved = resolveInterfaces(SEEN, rows);
  expect([...resolved.ids]).toEqual(ids);
  expect(resolved.needsNames).toBe(needsNames);
});

test('an absent interface is not found by the ifIndex it had', () => {
  const { known } = identifyInterfaces(SEEN, [row(2, { name: 'Gi0/1', mac: B })]);
  expect([...resolveInterfaces(known, [row(1, {})]).ids]).toEqual([]);
});
