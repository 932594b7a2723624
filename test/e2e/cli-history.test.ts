import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createToken, freePort, startVedette, waitReady } from '../../lab/programs.ts';
import { createRandom } from '../../lab/random.ts';
import type { SampleBatch } from '../../protocol/wire/batch.ts';
import { needs } from '../support/needs.ts';

const COMMAND = path.resolve('cli/vedette.ts');
let folder = '';
let config = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vedette-cli-history-'));
  config = path.join(folder, 'vedette.yaml');
  writeConfig({});
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeConfig(server: object): void {
  const text = JSON.stringify({
    server: { ...server, state: path.join(folder, 'state') },
    sites: [{ id: 'hub', hub: true }, { id: 'lyon' }],
    agents: [{ id: 'agent-1', site: 'hub' }],
    links: [
      {
        id: 'lyon-mpls',
        kind: 'wan',
        site: 'lyon',
        peer: 'hub',
        probes: [{ from: 'agent-1', icmp: '192.0.2.1' }],
      },
    ],
    tickets: { mode: 'observe' },
  });
  writeFileSync(config, text);
}

function vedette(...args: string[]) {
  return spawnSync(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  });
}
const exported = (...more: string[]): string => {
  const { status, stdout, stderr } = vedette('history', 'export', '--config', config, ...more);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

/** Six hours of a link that is lost for a while, with counters and difficult values beside it. */
function recording(): string {
  const random = createRandom(3);
  const begin = Math.floor(Date.now() / 1000) * 1000 - 6 * 3_600_000;
  const lines: string[] = [];
  let octets = 2n ** 63n;
  for (let n = 0; n < 720; n++) {
    const at = begin + n * 30_000 + Math.floor(random.next() * 4);
    const isLost = n > 300 && n < 340;
    const link = '"subject":"link:lyon-mpls","agent":"agent-1","every":30000';
    lines.push(`{"at":${at},"metric":"icmp_loss_ratio",${link},"value":${isLost ? 1 : 0}}`);
    const rtt = Math.round(18_000 + random.next() * 4000) / 1000;
    if (!isLost) lines.push(`{"at":${at},"metric":"icmp_rtt_ms",${link},"value":${rtt}}`);
    octets += BigInt(Math.floor(random.next() * 1e9));
    lines.push(
      `{"at":${at},"metric":"if_in_octets_total","subject":"interface:lyon-r1/Gi0/0","agent":"agent-1","bits":64,"value":"${octets}"}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function importText(text: string | Buffer, name = 'recording') {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return { file, ...vedette('history', 'import', file, '--config', config) };
}

test('import and export give the same samples back, and a second import changes nothing', () => {
  const text = recording();
  const first = importText(gzipSync(text), 'recording.gz');
  expect(first.stderr).toBe('2121 samples of 3 series read, 2121 were new\n');
  expect([first.status, first.stdout]).toEqual([0, '']);
  const whole = exported();
  expect(whole).toBe(text);
  const database = path.join(folder, 'state', 'history.db');
  const { size } = statSync(database);

  const second = importText(whole);
  expect(second.stderr).toBe('2121 samples of 3 series read, 0 were new\n');
  const open = importText(exported('--format', 'openmetrics'));
  expect(open.stderr).toBe('2121 samples of 3 series read, 0 were new\n');
  expect(exported()).toBe(text);
  expect(statSync(database).size).toBe(size);

  const none = vedette('history', 'export', '--config', config, '--subject', 'link:no-such');
  expect([none.status, none.stdout]).toEqual([0, '']);
  expect(none.stderr).toContain('no series on record is meant by that');
  const one = exported('--metric', 'icmp_rtt_ms', '--subject', 'link:lyon-mpls');
  expect(one.trimEnd().split('\n')).toHaveLength(720 - 39);
  const [at] = /\d{13}/.exec(text) ?? [];
  expect(
    exported('--to', at ?? '')
      .trimEnd()
      .split('\n'),
  ).toHaveLength(3);
});

test('what was exported replays to the same facts', () => {
  const text = recording();
  const { file } = importText(text);
  const replay = (samples: string) =>
    vedette('replay', '--config', config, '--samples', samples).stdout.replaceAll(
      /"installation":"[^"]*"/g,
      '',
    );
  const facts = replay(file);
  expect(facts).toContain('incident.opened');
  const again = path.join(folder, 'again.ndjson');
  writeFileSync(again, exported());
  expect(replay(again)).toBe(facts);
});

test('a malformed line is named with file and line; what came before it is not half in', () => {
  const lines = recording().trimEnd().split('\n');
  lines[1000] = '{"at":1,"metric":"nonsense","subject":"link:a","agent":"x","value":1}';
  const { status, stderr, file } = importText(lines.join('\n'));
  expect(status).toBe(1);
  expect(stderr).toBe(`${file}:1001: "metric" "nonsense" is not in the catalogue\n`);
});

test.each([
  [['history']],
  [['history', 'export', 'file']],
  [['history', 'import']],
  [['history', 'export', '--format', 'csv']],
  [['history', 'export', '--from', 'noon']],
  [['history', 'import', 'x', '--metric', 'icmp_rtt_ms']],
  [['history', 'export', '--what']],
])('%j is wrong usage', (args) => {
  const { status, stdout, stderr } = vedette(...args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('See vedette history --help.');
});

test('without a history there is nothing to export', () => {
  const { status, stderr } = vedette('history', 'export', '--config', config);
  expect(status).toBe(1);
  expect(stderr).toContain('there is no history in');
});

test('beside a running server: an export has what came just now, an import is refused', async () => {
  const agents = await freePort(29_481);
  const people = await freePort(agents + 1);
  writeConfig({ agents: { port: agents }, people: { port: people } });
  const server = startVedette('server', ['server', '--config', config]);
  try {
    await waitReady(server, `http://127.0.0.1:${people}`);
    const at = Date.now() - 5000;
    const batch: SampleBatch = {
      v: 1,
      agent: 'agent-1',
      spool: '0123456789abcdef',
      lane: 'live',
      sequence: 1,
      at,
      dictionary: [{ index: 0, metric: 'icmp_rtt_ms', subject: 'link:lyon-mpls', every: 5000 }],
      gauges: { series: [0, 0], at: [0, 1000], value: [18.25, 19] },
      counters: [],
    };
    const answer = await fetch(`http://127.0.0.1:${agents}/v1/samples`, {
      method: 'POST',
      headers: { authorization: `Bearer ${createToken('agent-1', config)}` },
      body: JSON.stringify(batch),
    });
    expect(answer.status).toBe(200);
    const head = '"metric":"icmp_rtt_ms","subject":"link:lyon-mpls","agent":"agent-1","every":5000';
    const wanted = `{"at":${at},${head},"value":18.25}\n{"at":${at + 1000},${head},"value":19}\n`;
    expect(exported()).toBe(wanted);
    const refused = importText(wanted);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('another vedette server uses this state folder');
    await server.end();
    expect(exported()).toBe(wanted);
    expect(importText(wanted).status).toBe(0);
    expect(exported()).toBe(wanted);
  } finally {
    await server.end();
  }
});

needs('prometheus')('promtool', () => {
  test('makes blocks of an export from a real history', () => {
    importText(recording());
    const file = path.join(folder, 'all.om');
    writeFileSync(file, exported('--format', 'openmetrics'));
    const out = path.join(folder, 'blocks');
    const { status, stderr } = spawnSync(
      'promtool',
      ['tsdb', 'create-blocks-from', 'openmetrics', file, out],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { stdout } = spawnSync('promtool', ['tsdb', 'list', out], { encoding: 'utf8' });
    const samples = [...stdout.matchAll(/^\S{26}\s+\d+\s+\d+\s+\S+\s+(\d+)/gm)];
    expect(samples.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(2121);
  });
});
