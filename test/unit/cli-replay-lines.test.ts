import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { csvReader, ndjsonReader, type ReplayInput } from '../../cli/replay-lines.ts';
import { inputsOf, merged, ReplayInputError } from '../../cli/replay-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'vedette-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const reader = () => ndjsonReader({ agentFor: () => 'replay' });
const RTT = '{"at":1700000000000,"metric":"icmp_rtt_ms","subject":"link:lyon-mpls","value":18.2}';
const rttAt = (at: number | string, value: number | string = 18.2) =>
  RTT.replace('1700000000000', `${at}`).replace('18.2', `${value}`);

const csv = (lostBelow?: number) =>
  csvReader({
    metric: 'icmp_rtt_ms',
    subject: 'link:a',
    agent: 'replay',
    ...(lostBelow === undefined ? {} : { lostBelow }),
  });

test('a sample line becomes a sample that arrives when it was taken', () => {
  expect(reader()(RTT)).toEqual([
    {
      kind: 'sample',
      arrival: 1_700_000_000_000,
      sample: {
        series: { metric: 'icmp_rtt_ms', subject: 'link:lyon-mpls', agent: 'replay' },
        at: 1_700_000_000_000,
        value: 18.2,
      },
    },
  ]);
});

test('the second line of a series reads the same as the first', () => {
  const read = reader();
  const first = read(RTT);
  expect(read(RTT)).toEqual(first);
  expect(read(rttAt(1_700_000_005_000, '1e2'))).toMatchObject([{ sample: { value: 100 } }]);
});

test('vantage, arrival and ISO times are taken from the line', () => {
  const line = RTT.replace('}', ',"agent":"a-hub","receivedAt":"2026-01-05T09:14:30.000Z"}');
  expect(reader()(line)).toMatchObject([
    { arrival: Date.parse('2026-01-05T09:14:30Z'), sample: { series: { agent: 'a-hub' } } },
  ]);
});

test('a late line of a known series keeps its own arrival', () => {
  const read = reader();
  const late = (received: string | number) =>
    RTT.replace(',"value"', `,"receivedAt":${received},"value"`);
  const [first] = read(late(1_700_000_000_500));
  expect(read(late(1_700_000_000_500))).toEqual([first]);
  expect(read(RTT)).toMatchObject([{ arrival: 1_700_000_000_000 }]);
  expect(first?.arrival).toBe(1_700_000_000_500);
  expect(() => read(late('"never"'))).toThrow('"receivedAt" must be');
});

test('counters stay exact beyond 2^53', () => {
  const line =
    '{"at":1,"metric":"if_in_octets_total","subject":"interface:r1/Gi0","value":"18446744073709551615"}';
  expect(reader()(line)).toMatchObject([{ sample: { value: 18_446_744_073_709_551_615n } }]);
});

test('heartbeats, ticks and commands may be mixed in', () => {
  const lines = [
    '{"at":1,"heartbeat":"a-hub"}',
    '{"at":2,"tick":true}',
    '{"at":3,"command":{"kind":"close","incident":"inc-1","by":"ada"}}',
    '{"at":4,"command":{"kind":"server-started"}}',
  ];
  expect(lines.flatMap(reader()).map((input) => input.kind)).toEqual([
    'heartbeat',
    'tick',
    'command',
    'command',
  ]);
});

test.each([
  ['{"at":1', 'not JSON'],
  ['[1]', 'a line must be a JSON object'],
  [rttAt('"soon"'), '"at" must be'],
  [rttAt(-1), '"at" must be'],
  [rttAt(1, '"x"'), '"value" must be a number'],
  [rttAt(1, 'null'), '"value" must be a number'],
  [rttAt(1, ''), 'not JSON'],
  [rttAt(1, '0x10'), 'not JSON'],
  [RTT.replace('icmp_rtt_ms', 'speed'), 'not in the catalogue'],
  [RTT.replace('link:lyon-mpls', 'lyon-mpls'), '"subject" must be kind:id'],
  [RTT.replace('}', ',"agent":7}'), '"agent" must be'],
  [RTT.replace('}', ',"bits":16}'), '"bits" must be'],
  [RTT.replace('}', ',"every":0}'), '"every" must be'],
  ['{"at":1,"metric":"if_in_octets_total","subject":"interface:r/x","value":1.5}', 'whole number'],
  ['{"at":1,"config":{"rules":[]}}', '"config" must be settings'],
  ['{"at":1,"command":{"kind":"explode"}}', '"command" must be one of'],
  ['{"at":1,"command":{"kind":"close"}}', 'needs incident and by'],
  ['{"at":1,"heartbeat":"not an id"}', '"agent" must be'],
])('%s is refused', (line, words) => {
  const read = reader();
  read(RTT);
  expect(() => read(line)).toThrow(words);
});

test('a CSV is read with or without heading, in epoch seconds or ISO 8601', () => {
  const read = csv();
  expect(read('timestamp,value')).toEqual([]);
  expect(read('1476479820,178.9')).toMatchObject([{ arrival: 1_476_479_820_000 }]);
  expect(read('2026-01-05T09:14:30Z, 20')).toMatchObject([
    { arrival: Date.parse('2026-01-05T09:14:30Z'), sample: { value: 20 } },
  ]);
});

test('values below the limit are lost probes, not round trips', () => {
  const read = csv(0);
  const metrics = (line: string) =>
    read(line).map((input) =>
      input.kind === 'sample' ? [input.sample.series.metric, input.sample.value] : [],
    );
  expect(metrics('100,12')).toEqual([
    ['icmp_loss_ratio', 0],
    ['icmp_rtt_ms', 12],
  ]);
  expect(metrics('101,-1')).toEqual([['icmp_loss_ratio', 1]]);
});

test.each(['1476479820', '1476479820,', '1476479820,x', 'yesterday,1', '-5,1'])(
  'the CSV line %s is refused',
  (line) => {
    const read = csv();
    read('1,1');
    expect(() => read(line)).toThrow();
  },
);

const readers = { ndjson: reader, csv: () => csv() };
async function readAll(...files: string[]): Promise<ReplayInput[]> {
  const all: ReplayInput[] = [];
  for await (const inputs of merged(files.map((file) => inputsOf(file, readers))))
    all.push(...inputs);
  return all;
}
function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('several files are merged by time, packed ones too, whatever their line ends', async () => {
  const a = file('a.ndjson', [rttAt(1), rttAt(5), rttAt(9)].join('\n'));
  const b = file('b.ndjson.gz', gzipSync([rttAt(2), '', rttAt(6)].join('\r\n')));
  const c = file('c.csv', 'timestamp,value\n0.004,1\n0.008,1\n');
  const inputs = await readAll(a, b, c);
  expect(inputs.map((input) => input.arrival)).toEqual([1, 2, 4, 5, 6, 8, 9]);
});

test('characters that a chunk boundary cuts are read whole', async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `{"at":${i},"heartbeat":"a-hub","note":"é€"}`,
  );
  expect(await readAll(file('long.ndjson', lines.join('\n')))).toHaveLength(20_000);
});

test('an error names file and line', async () => {
  const path = file('bad.ndjson', [rttAt(1), rttAt(2), '{"at":'].join('\n'));
  await expect(readAll(path)).rejects.toThrow(`${path}:3: not JSON`);
});

test('a file that is missing, torn or no text is told, not thrown about', async () => {
  const torn = file('torn.ndjson.gz', gzipSync(RTT.repeat(100)).subarray(0, 40));
  const binary = file('binary.ndjson', Buffer.alloc(2_000_000, 65));
  for (const path of [join(folder, 'none.ndjson'), torn, binary]) {
    await expect(readAll(path)).rejects.toThrow(ReplayInputError);
  }
});

test('an empty file is an empty recording', async () => {
  expect(await readAll(file('empty.ndjson', ''))).toEqual([]);
});
