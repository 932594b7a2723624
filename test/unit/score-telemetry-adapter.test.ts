import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { metricOf, recordingOf, routerOf, rowReader } from '../support/cisco-telemetry.ts';

const figures = (rows: readonly string[], header: string) => {
  const reader = rowReader(header);
  return [...rows.flatMap((row) => reader.read(row)), ...reader.end()].map(
    ({ metric, at, receivedAt, value }) =>
      `${metric} ${at / 1000}${receivedAt === at ? '' : ` (known ${receivedAt / 1000})`} = ${value}`,
  );
};

const SESSIONS = 'global__established-neighbors-count-total';

describe('columns', () => {
  test.each([
    ['global__established-neighbors-count-total', 'bgp_peers_established'],
    [
      'n4:Cisco-IOS-XR-ipv4-bgp-oper:bgp_instances.csv:default:default:global__established-neighbors-count-total',
      'bgp_peers_established',
    ],
    ['vrf__path-count', 'bgp_path_count'],
    ['active-routes-count', 'route_count'],
    ['n6:Cisco-IOS-XR-ip-bfd-oper:bfd_summary.csv:::session-state/up-count', 'bfd_sessions_up'],
    ['x:::interface-counts__up-interface-count', 'device_ports_up'],
    ['x:::interface-counts__admin-down-interface-count', 'device_ports_admin_down'],
  ])('%s is %s', (column, metric) => expect(metricOf(column)).toBe(metric));

  test.each([
    'HundredGigE0/0/0/0bytes-received',
    'HundredGigE0/0/0/0input-data-rate',
    'paths-count',
    'deleted-routes-count',
    'session-state/down-count',
    'x-established-neighbors-count-total',
    '',
  ])('"%s" is passed over', (column) => expect(metricOf(column)).toBeUndefined());

  test('of several instances are added up', () => {
    const header =
      'timestamp,a:active-routes-count,HundredGigE0/0/0/1bytes-sent,b:active-routes-count';
    expect(figures(['100,5,999,7'], header)).toEqual(['route_count 100 = 12']);
  });
});

describe('a count between two whole numbers', () => {
  const header = `timestamp,${SESSIONS},interface-counts__admin-down-interface-count`;

  test('is handed in with the next row, as the worse number', () => {
    expect(figures(['100,39,6', '110,38.54,6.22', '120,37,7'], header)).toEqual([
      'bgp_peers_established 100 = 39',
      'device_ports_admin_down 100 = 6',
      'bgp_peers_established 110 (known 120) = 37',
      'bgp_peers_established 120 = 37',
      'device_ports_admin_down 110 (known 120) = 7',
      'device_ports_admin_down 120 = 7',
    ]);
  });

  test('shows a dip between two full readings', () => {
    const sessions = `timestamp,${SESSIONS}`;
    expect(figures(['100,39', '110,38.2', '120,39'], sessions)).toEqual([
      'bgp_peers_established 100 = 39',
      'bgp_peers_established 110 (known 120) = 38',
      'bgp_peers_established 120 = 39',
    ]);
  });

  test('at the end of the file is not lost', () => {
    expect(figures(['100,39,6', '110,38.5,6'], header).at(-1)).toBe(
      'bgp_peers_established 110 (known 120) = 38',
    );
  });

  test('by the dust of floating point is whole', () => {
    expect(figures(['100,38.9999999999,6'], header)[0]).toBe('bgp_peers_established 100 = 39');
  });
});

describe('rows that are none', () => {
  test.each([
    ['', 'empty'],
    ['noise', 'text'],
    [',39', 'no time'],
    ['NaN,39', 'no number as time'],
    ['99,39', 'back in time'],
    ['100,39', 'the same time again'],
    ['1e300,39', 'beyond all time'],
    ['110', 'cut off'],
    ['110,', 'no value'],
    ['110,many', 'text as value'],
    ['110,-3', 'a negative count'],
    ['110,Infinity', 'an infinite count'],
  ])('%j gives nothing: %s', (row) => {
    expect(figures(['100,38', row], `timestamp,${SESSIONS}`)).toEqual([
      'bgp_peers_established 100 = 38',
    ]);
  });

  test('do not stop those that follow', () => {
    const rows = ['100,38', 'noise', '110,many,1,2,3', '120,37'];
    expect(figures(rows, `timestamp,${SESSIONS}`).at(-1)).toBe('bgp_peers_established 120 = 37');
  });
});

test('files give their routers ids that the product accepts', () => {
  expect(routerOf('/data/run/leaf1.csv.gz')).toBe('leaf1');
  expect(routerOf('core 1 (old).csv')).toBe('core-1--old-');
  expect(routerOf('-x.csv')).toBe('r-x');
  expect(routerOf('.csv')).toBe('r');
});

test('a run becomes one recording: settings without a culprit, then readings as they became known', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-run-'));
  try {
    await writeFile(
      join(folder, 'leaf1.csv.gz'),
      gzipSync(`timestamp,${SESSIONS}\n100,38\n110,37.5\n120,37\n`),
    );
    await writeFile(join(folder, 'spine1.csv'), `timestamp,${SESSIONS}\r\n101,56\r\n111,56\r\n`);
    await writeFile(join(folder, 'empty.csv'), '');
    await writeFile(join(folder, 'notes.txt'), 'not telemetry');
    const [first, ...rest] = (await recordingOf(folder)).map((line) => JSON.parse(line));
    expect(first.at).toBe(100_000);
    expect(first.config.inventory.devices.map(({ id }: { id: string }) => id)).toEqual([
      'empty',
      'leaf1',
      'spine1',
    ]);
    expect(first.config.inventory.links).toEqual([]);
    expect(
      rest.map(({ at, receivedAt, subject, value }) => [subject, at, receivedAt, value]),
    ).toEqual([
      ['device:leaf1', 100_000, undefined, 38],
      ['device:spine1', 101_000, undefined, 56],
      ['device:spine1', 111_000, undefined, 56],
      ['device:leaf1', 110_000, 120_000, 37],
      ['device:leaf1', 120_000, undefined, 37],
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
