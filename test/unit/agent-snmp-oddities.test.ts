import { afterEach, expect, test } from 'vitest';
import {
  compareOids,
  counter32,
  counter64,
  type FakeInterface,
  HOLE,
  int,
  interfaceRows,
  octets,
  SYSTEM_ROWS,
} from '../support/fake-snmp-agent.ts';
import { createFakeDevices, plain, rowsOf, soon } from '../support/fake-snmp-device.ts';

const IF = '1.3.6.1.2.1.2.2.1';
const IFX = '1.3.6.1.2.1.31.1.1.1';

const devices = createFakeDevices();
afterEach(() => devices.close());

test('counters beyond 2^53 arrive exactly, whatever their length', async () => {
  const values = [0n, 0x7fn, 0x80n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
  const bench = await devices.open({
    rows: interfaceRows(
      values.map((value, i) => ({ ...plain(i + 1), octets64: [value, value] as const })),
    ),
  });
  const rows = await rowsOf(bench);
  expect(rows.map((row) => row.counters.inOctets)).toEqual(
    values.map((value) => ({ value, bits: 64 })),
  );
});

test('a device without ifXTable is read by ifDescr and 32-bit counters', async () => {
  const bench = await devices.open({
    rows: interfaceRows([
      { ifIndex: 1, descr: 'Ethernet0', octets32: [5, 4_294_967_295], speed: 100_000_000 },
    ]),
  });
  const [row] = await rowsOf(bench);
  expect(row).toMatchObject({ descr: 'Ethernet0', speedBps: 100_000_000 });
  expect(row).not.toHaveProperty('name');
  expect(row?.counters.outOctets).toEqual({ value: 4_294_967_295n, bits: 32 });
  const [quick] = await rowsOf(bench, false);
  expect(quick).toMatchObject({ descr: 'Ethernet0', counters: { inOctets: { value: 5n } } });
});

test('a row without HC counters takes the 32-bit ones, its neighbours keep theirs', async () => {
  const { octets64: _, ...narrow } = plain(2);
  const bench = await devices.open({
    rows: interfaceRows([plain(1), { ...narrow, octets32: [7, 8] }, plain(3)]),
  });
  const rows = await rowsOf(bench);
  expect(rows.map((row) => row.counters.inOctets?.bits)).toEqual([64, 32, 64]);
  expect(rows[1]?.counters.outOctets).toEqual({ value: 8n, bits: 32 });
});

test.each([
  ['stuck ifSpeed above 4.29 Gbit/s', 4_294_967_295, 10_000, 10_000_000_000],
  ['ifSpeed cut to 32 bits', 1_410_065_408, 10_000, 10_000_000_000],
  ['a T1 that ifHighSpeed rounds', 1_544_000, 2, 1_544_000],
  ['a serial line below one megabit', 64_000, 0, 64_000],
  ['ifSpeed missing', undefined, 1_000, 1_000_000_000],
  ['a device that does not know', 0, 0, 0],
])('line rate: %s', async (_because, speed, highSpeed, expected) => {
  const bench = await devices.open({
    rows: interfaceRows([{ ...plain(1), highSpeed, ...(speed === undefined ? {} : { speed }) }]),
  });
  expect((await rowsOf(bench))[0]?.speedBps).toBe(expected);
});

test('names of any octets become text that a terminal survives', async () => {
  const named = (ifIndex: number, alias: Buffer | string): FakeInterface => ({
    ...plain(ifIndex),
    alias,
  });
  const bench = await devices.open({
    rows: interfaceRows([
      named(1, Buffer.from('B\u00fcro Z\u00fcrich', 'utf8')),
      named(2, Buffer.from('B\u00fcro', 'latin1')),
      named(3, Buffer.from('uplink\0\0\0')),
      named(4, Buffer.from('\u001b[31mred\u0007\r\nx')),
      named(5, Buffer.from([0, 1, 2, 3])),
      named(6, Buffer.from('  \0')),
      named(7, 'x'.repeat(1_000)),
      named(8, Buffer.from('a\0b')),
    ]),
  });
  const aliases = (await rowsOf(bench)).map((row) => row.alias);
  expect(aliases.slice(0, 6)).toEqual([
    'B\u00fcro Z\u00fcrich',
    'B\u00fcro',
    'uplink',
    '[31mred x',
    '0x00010203',
    undefined,
  ]);
  expect(aliases[6]).toHaveLength(255);
  expect(aliases[7]).toBe('a b');
});

test.each([
  [Buffer.from('001b21aabbcc', 'hex'), '00:1b:21:aa:bb:cc'],
  [Buffer.from('0:1B:21:aa:bb:c'), '00:1b:21:aa:bb:0c'],
  [Buffer.alloc(6), undefined],
  [Buffer.alloc(0), undefined],
  [Buffer.from('abc'), undefined],
])('a MAC of octets %# reads as it should be shown', async (mac, expected) => {
  const bench = await devices.open({ rows: interfaceRows([{ ...plain(1), mac }]) });
  expect((await rowsOf(bench))[0]?.mac).toBe(expected);
});

test('duplicate names stay separate rows', async () => {
  const bench = await devices.open({
    rows: interfaceRows([1, 2, 3].map((i) => ({ ...plain(i), name: 'port' }))),
  });
  expect((await rowsOf(bench)).map((row) => [row.ifIndex, row.name])).toEqual([
    [1, 'port'],
    [2, 'port'],
    [3, 'port'],
  ]);
});

test('rows in the wrong order are all read', async () => {
  const order = [1, 2, 5, 3, 4];
  const sorted = interfaceRows(order.map(plain));
  const rows = [...sorted].sort(([a], [b]) => {
    const column = compareOids(a.slice(0, a.lastIndexOf('.')), b.slice(0, b.lastIndexOf('.')));
    const place = (oid: string) => order.indexOf(Number(oid.slice(oid.lastIndexOf('.') + 1)));
    return column || place(a) - place(b);
  });
  const bench = await devices.open({ rows });
  expect((await rowsOf(bench)).map((row) => row.ifIndex)).toEqual([1, 2, 3, 4, 5]);
  expect(bench.oddities[0]?.disorder).toBeGreaterThan(0);
});

test('a device that repeats its rows is not walked for ever, and what was good is kept', async () => {
  const rows = interfaceRows([1, 2, 3].map(plain));
  const loop = new Map(
    rows.flatMap(([oid]) =>
      oid.endsWith('.3') ? [[oid, `${oid.slice(0, oid.lastIndexOf('.'))}.1`] as const] : [],
    ),
  );
  const values = new Map(rows);
  const bench = await devices.open({
    rows,
    successor: (oid) => {
      const back = loop.get(oid);
      return back === undefined ? undefined : [back, values.get(back) ?? int(0)];
    },
  });
  expect((await rowsOf(bench)).map((row) => row.counters.inOctets?.value)).toEqual([
    1_000n,
    2_000n,
    3_000n,
  ]);
  expect(bench.agent.requests.length).toBeLessThan(20);
});

test('a device that always answers with the same row ends the walk', async () => {
  const bench = await devices.open({
    successor: (oid) => [oid.startsWith(IF) ? `${IF}.7.1` : `${IFX}.1.1`, int(1)],
  });
  const answer = await bench.reader.interfaces(false, soon());
  expect(answer.kind).toBe('answered');
  expect(bench.agent.requests.length).toBeLessThan(20);
});

test('a device that invents rows without end is given up as malformed', async () => {
  const bench = await devices.open({
    successor: (oid) => {
      const column = oid.split('.').slice(0, oid.startsWith(IFX) ? 11 : 10);
      const row = Number(oid.split('.')[column.length] ?? 0) + 1;
      return [`${column.join('.')}.${row}`, counter32(1)];
    },
  });
  const answer = await bench.reader.interfaces(false, soon(30_000));
  expect(answer).toMatchObject({ kind: 'failed', failure: { kind: 'malformed' } });
}, 40_000);

test('five thousand interfaces are read whole', async () => {
  const many = Array.from({ length: 5_000 }, (_, i) => plain(i + 1));
  const rows = interfaceRows(many);
  const next = new Map(rows.map(([oid], i) => [oid, rows[i + 1]]));
  const bench = await devices.open({ rows, successor: (oid) => next.get(oid) });
  const answer = await bench.reader.interfaces(true, soon(30_000));
  expect(answer.kind === 'answered' && answer.value.length).toBe(5_000);
  expect(answer.kind === 'answered' && answer.value[4_999]?.counters.outOctets?.value).toBe(
    10_000_000n,
  );
}, 40_000);

test.each([1, 5, 13])(
  'answers cut to %i cells are asked on from the last row',
  async (maxCells) => {
    const bench = await devices.open({ rows: interfaceRows([1, 2, 3, 4].map(plain)), maxCells });
    const rows = await rowsOf(bench);
    expect(rows.map((row) => row.name)).toEqual(['Gi0/1', 'Gi0/2', 'Gi0/3', 'Gi0/4']);
    expect(rows.map((row) => row.counters.inErrors?.value)).toEqual([1n, 2n, 3n, 4n]);
  },
);

test('missing cells and noSuchInstance leave holes, not shifted values', async () => {
  const { errors: _, ...noErrors } = plain(2);
  const bench = await devices.open({
    rows: interfaceRows([
      plain(1),
      noErrors,
      { ...plain(3), cells: { [`${IF}.14`]: HOLE } },
      plain(4),
    ]),
  });
  const rows = await rowsOf(bench);
  expect(rows.map((row) => row.counters.inErrors?.value)).toEqual([1n, undefined, undefined, 4n]);
});

test('a cell of the wrong type is absent and counted', async () => {
  const bench = await devices.open({
    rows: interfaceRows([
      { ...plain(1), cells: { [`${IFX}.6`]: octets('many'), [`${IF}.14`]: int(-3) } },
    ]),
  });
  const [row] = await rowsOf(bench);
  expect(row?.counters.inOctets).toBeUndefined();
  expect(row?.counters.inErrors).toBeUndefined();
  expect(row?.counters.outOctets?.value).toBe(2_000n);
  expect(bench.oddities[0]?.badCells).toBe(2);
});

test('a Counter64 with too many octets is absent', async () => {
  const bench = await devices.open({
    rows: interfaceRows([{ ...plain(1), cells: { [`${IFX}.6`]: counter64(2n ** 64n) } }]),
  });
  expect((await rowsOf(bench))[0]?.counters.inOctets).toBeUndefined();
});

test('tooBig halves what is asked for, down to one cell', async () => {
  for (const most of [20, 3, 1]) {
    const bench = await devices.open({
      rows: interfaceRows([1, 2, 3].map(plain)),
      twist: (_request, reply) =>
        reply.rows.length > most ? { ...reply, errorStatus: 1, rows: [] } : reply,
    });
    expect((await rowsOf(bench)).map((row) => row.counters.inErrors?.value)).toEqual([1n, 2n, 3n]);
  }
});

test('large answers that a path drops are asked for again in smaller ones', async () => {
  const bench = await devices.open(
    {
      rows: [...SYSTEM_ROWS, ...interfaceRows([1, 2, 3, 4, 5, 6].map(plain))],
      twist: (_request, reply) => (reply.rows.length > 20 ? [] : reply),
    },
    20,
  );
  await bench.reader.system(soon());
  expect(await rowsOf(bench)).toHaveLength(6);
});

test('a column that the device refuses does not cost the others', async () => {
  const bench = await devices.open({
    rows: interfaceRows([1, 2].map(plain)),
    twist: ({ oids }, reply) => {
      const bad = oids.findIndex((oid) => oid.startsWith(`${IF}.14`));
      return bad < 0 ? reply : { ...reply, errorStatus: 5, errorIndex: bad + 1, rows: reply.rows };
    },
  });
  const rows = await rowsOf(bench);
  expect(rows.map((row) => row.counters.inErrors)).toEqual([undefined, undefined]);
  expect(rows.map((row) => row.counters.outOctets?.value)).toEqual([2_000n, 4_000n]);
  expect(bench.oddities[0]?.refusedColumns).toBe(1);
});
