import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { ndjsonOf, openMetricsOf } from '../../cli/history-export.ts';
import { importFiles } from '../../cli/history-import.ts';
import type { Picking } from '../../cli/history-pick.ts';
import { ndjsonReader } from '../../cli/replay-lines.ts';
import { createRandom } from '../../lab/random.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { HistoryFile } from '../../server/ports/history.ts';
import { createMemoryHistory } from '../support/memory-history.ts';
import { needs } from '../support/needs.ts';

const T = 1_700_000_000_000;
const NOW = T + 100_000_000;
const ALL: Picking = {
  series: [],
  subjects: [],
  metrics: [],
  from: epochMs(0),
  to: epochMs(NOW),
};
const folder = mkdtempSync(join(tmpdir(), 'vedette-history-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quiet = { onGap: () => {} };
const ndjson = (history: HistoryFile, picking: Partial<Picking> = {}, atOnce = 1_000_000) =>
  [...ndjsonOf(history, { ...ALL, ...picking }, { ...quiet, atOnce })].join('');
const openMetrics = (history: HistoryFile, picking: Partial<Picking> = {}) =>
  [...openMetricsOf(history, { ...ALL, ...picking }, quiet)].join('');

let files = 0;
function fileOf(text: string | Buffer, name = 'part'): string {
  const path = join(folder, `${name}-${files++}${typeof text === 'string' ? '' : '.gz'}`);
  writeFileSync(path, text);
  return path;
}
const load = (history: HistoryFile, text: string | Buffer, more: { atOnce?: number } = {}) =>
  importFiles([fileOf(text)], history, { now: NOW, ...more });

/** Gauges, counters beyond 2^53, an interface with a difficult name, times shared and not. */
function filled(rounds = 50): ReturnType<typeof createMemoryHistory> {
  const history = createMemoryHistory();
  const random = createRandom(7);
  const times = (phase: number) =>
    Float64Array.from({ length: rounds }, (_, n) => T + phase + n * 30_000);
  const gauge = (metric: 'icmp_rtt_ms' | 'icmp_loss_ratio', id: string, phase: number) =>
    history.write(
      { metric, subject: `link:${id}`, agent: 'hub-a', every: 30_000 as never },
      {
        at: times(phase),
        value: Float64Array.from({ length: rounds }, () => Math.round(random.next() * 1e4) / 1e4),
      },
    );
  for (const id of ['lyon-mpls', 'nice-mpls', 'x.y_z']) {
    gauge('icmp_rtt_ms', id, 5);
    gauge('icmp_loss_ratio', id, 5);
  }
  history.write(
    { metric: 'if_in_octets_total', subject: 'interface:r1/Gi0/0"\\{}', agent: 'lyon-a', bits: 64 },
    {
      at: times(9),
      value: BigUint64Array.from({ length: rounds }, (_, n) => (1n << 64n) - 1n - BigInt(n)),
    },
  );
  history.write(
    { metric: 'if_in_errors_total', subject: 'interface:r1/1', agent: 'lyon-a', bits: 32 },
    { at: times(9), value: BigUint64Array.from({ length: rounds }, (_, n) => BigInt(n)) },
  );
  return history;
}

describe('export', () => {
  test('gives the lines that replay reads, in order of time', () => {
    const lines = ndjson(filled(4)).trimEnd().split('\n');
    expect(lines).toHaveLength(32);
    const read = ndjsonReader({ agentFor: () => 'nobody' });
    const inputs = lines.flatMap((line) => read(line));
    expect(inputs.every(({ kind }) => kind === 'sample')).toBe(true);
    const times = inputs.map(({ arrival }) => arrival);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(lines).toContain(
      `{"at":${T + 9},"metric":"if_in_octets_total","subject":"interface:r1/Gi0/0\\"\\\\{}","agent":"lyon-a","bits":64,"value":"18446744073709551615"}`,
    );
    // Loss comes before the round trip of the same round, as agents report them.
    expect(lines[0]).toMatch(
      /^\{"at":1700000000005,"metric":"icmp_loss_ratio","subject":"link:lyon-mpls","agent":"hub-a","every":30000,"value":/,
    );
    expect(lines[3]).toContain('"icmp_rtt_ms"');
  });

  test('is the same text however little fits into memory', () => {
    const history = filled(200);
    const whole = ndjson(history);
    for (const atOnce of [1, 7, 100, 1599]) expect(ndjson(history, {}, atOnce)).toBe(whole);
  });

  test.each([
    [{ subjects: ['link:lyon-mpls'] }, 100],
    [{ metrics: ['icmp_rtt_ms', 'if_in_errors_total'] }, 200],
    [{ series: ['hub-a|icmp_rtt_ms|link:x.y_z'] }, 50],
    [{ subjects: ['link:lyon-mpls'], metrics: ['if_in_errors_total'] }, 0],
    [{ from: epochMs(T + 30_000), to: epochMs(T + 60_008) }, 14],
    [{ from: epochMs(T + 9), to: epochMs(T + 9) }, 2],
  ])('%j leaves %i samples', (picking, count) => {
    const history = filled();
    expect(ndjson(history, picking).split('\n').length - 1).toBe(count);
    const samples = openMetrics(history, picking).split('\n');
    expect(samples.filter((line) => line !== '' && !line.startsWith('#'))).toHaveLength(count);
  });

  test('an empty history is an empty recording', () => {
    const empty = createMemoryHistory();
    expect(ndjson(empty)).toBe('');
    expect(openMetrics(empty)).toBe('# EOF\n');
  });

  test('says each gap once', () => {
    const history = filled();
    history.gaps.push({ from: epochMs(T), to: epochMs(T + 1000), because: 'chunk 7 is damaged' });
    const said: string[] = [];
    for (const piece of ndjsonOf(history, ALL, { onGap: (text) => void said.push(text) }))
      void piece;
    expect(said).toEqual([
      'gap from 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:21.000Z: chunk 7 is damaged',
    ]);
  });

  test('OpenMetrics has each family once, counters exact, times in seconds', () => {
    const text = openMetrics(filled(2));
    expect(text).toContain(
      '# TYPE vedette_if_in_octets counter\n# HELP vedette_if_in_octets Octets received',
    );
    expect(text).toContain(
      'vedette_if_in_octets_total{agent="lyon-a",device="r1",id="r1/Gi0/0\\"\\\\{}",kind="interface"} 18446744073709551615 1700000000.009\n',
    );
    expect(text.match(/^# TYPE /gm)).toHaveLength(4);
    expect(text.endsWith('# EOF\n')).toBe(true);
  });
});

describe('import', () => {
  test('export, import, export: the same text', async () => {
    const text = ndjson(filled());
    const copy = createMemoryHistory();
    const tally = await load(copy, text, { atOnce: 37 });
    expect(tally).toMatchObject({ read: 400, written: 400, series: 8, passedOver: 0 });
    expect(ndjson(copy)).toBe(text);
  });

  test('of OpenMetrics too, but for what it has no place for', async () => {
    const original = filled();
    const copy = createMemoryHistory();
    await load(copy, openMetrics(original), { atOnce: 37 });
    expect(openMetrics(copy)).toBe(openMetrics(original));
    const plain = (text: string) => text.replaceAll(/,"(every|bits)":\d+/g, '');
    expect(plain(ndjson(copy))).toBe(plain(ndjson(original)));
  });

  test('a second import changes nothing, not even by a write', async () => {
    const original = filled();
    const copy = createMemoryHistory();
    await load(copy, ndjson(original));
    const { writes } = copy;
    for (const text of [ndjson(original), openMetrics(original)]) {
      expect(await load(copy, text)).toMatchObject({ read: 400, written: 0 });
    }
    expect(copy.writes).toBe(writes);
  });

  test('gzip, CRLF, empty lines and lines of a recording that are no samples are fine', async () => {
    const text = [
      `{"at":${T},"heartbeat":"hub-a"}`,
      '',
      `{"at":${T},"metric":"icmp_rtt_ms","subject":"link:a","agent":"hub-a","value":1.5}`,
      `{"at":${T},"tick":true}`,
      '',
    ].join('\r\n');
    const history = createMemoryHistory();
    expect(await load(history, gzipSync(text))).toMatchObject({ read: 1, passedOver: 2 });
  });

  test('of one time the last line holds, and overlapping files do not double', async () => {
    const line = (at: number, value: number) =>
      `{"at":${T + at},"metric":"icmp_rtt_ms","subject":"link:a","agent":"h","value":${value}}\n`;
    const history = createMemoryHistory();
    await load(history, line(0, 1) + line(10, 2) + line(0, 3));
    await load(history, line(10, 2) + line(20, 4));
    expect(ndjson(history)).toBe(line(0, 3) + line(10, 2) + line(20, 4));
  });

  const sample = `"metric":"icmp_rtt_ms","subject":"link:a","agent":"h"`;
  const good = `{"at":${T},${sample},"value":1}`;
  const octets = `{"at":${T},"metric":"if_in_octets_total","subject":"interface:r/1","agent":"h"`;
  test.each([
    ['no JSON', `${good}\n{"at":`, 2],
    [
      'a wrong metric',
      `${good}\n{"at":1,"metric":"nonsense","subject":"link:a","agent":"h","value":1}`,
      2,
    ],
    ['no agent', `{"at":${T},"metric":"icmp_rtt_ms","subject":"link:a","value":1}`, 1],
    ['a text for a number', `{"at":${T},${sample},"value":"high"}`, 1],
    ['a counter below zero', `${octets},"bits":64,"value":-1}`, 1],
    ['a counter beyond its bits', `${octets},"bits":32,"value":4294967296}`, 1],
    ['a counter beyond 64 bits', `${octets},"value":"18446744073709551616"}`, 1],
    ['a time to come', `{"at":${NOW + 400_000},${sample},"value":1}`, 1],
    ['half a millisecond', `{"at":${T}.5,${sample},"value":1}`, 1],
    ['a foreign metric', '# TYPE up gauge\nup{agent="h"} 1 1700000000\n# EOF', 2],
    ['no time', 'vedette_icmp_rtt_ms{agent="h",id="a",kind="link"} 1\n# EOF', 1],
    [
      'a label too many',
      'vedette_icmp_rtt_ms{agent="h",id="a",job="x",kind="link"} 1 1700000000\n# EOF',
      1,
    ],
    [
      'a label twice',
      'vedette_icmp_rtt_ms{agent="h",agent="h",id="a",kind="link"} 1 1700000000\n# EOF',
      1,
    ],
    ['a broken label', 'vedette_icmp_rtt_ms{agent="h} 1 1700000000\n# EOF', 1],
    ['NaN', 'vedette_icmp_rtt_ms{agent="h",id="a",kind="link"} NaN 1700000000\n# EOF', 1],
    [
      'more after the end',
      '# EOF\nvedette_icmp_rtt_ms{agent="h",id="a",kind="link"} 1 1700000000',
      2,
    ],
  ])('%s is an error with file and line', async (_what, text, line) => {
    const path = fileOf(text);
    const importing = importFiles([path], createMemoryHistory(), { now: NOW });
    await expect(importing).rejects.toThrow(`${path}:${line}: `);
  });

  test('an OpenMetrics file without its end was cut off', async () => {
    const text = openMetrics(filled(3)).slice(0, -6);
    await expect(load(createMemoryHistory(), text)).rejects.toThrow(/ends without # EOF/);
  });

  test('a file that is missing is named', async () => {
    const importing = importFiles([join(folder, 'none')], createMemoryHistory(), { now: NOW });
    await expect(importing).rejects.toThrow(/none:1: ENOENT/);
  });
});

needs('prometheus')('promtool tsdb create-blocks-from openmetrics', () => {
  test('takes the export whole', () => {
    const history = filled(500);
    const file = fileOf(openMetrics(history), 'export');
    const out = join(folder, 'blocks');
    const made = spawnSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', file, out], {
      encoding: 'utf8',
    });
    expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: '' });
    // dump wants the folder of a log, even an empty one.
    mkdirSync(join(out, 'wal'));
    const dump = spawnSync('promtool', ['tsdb', 'dump', out], { encoding: 'utf8' });
    const lines = dump.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(8 * 500);
    expect(lines[0]).toMatch(/__name__="vedette_/);
  });
});
