import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { pathWanConfig } from '../../lab/path-wan.ts';
import {
  createToken,
  freePort,
  type Program,
  startVedette,
  waitReady,
} from '../../lab/programs.ts';
import { createRandom } from '../../lab/random.ts';
import { startSink } from '../../lab/sink.ts';
import { type StampPath, startStampPath } from '../../lab/stamp-path.ts';
import type { IncidentView, StatusView } from '../../protocol/wire/views.ts';
import { until } from '../support/until.ts';

const ROUNDS = Number(process.env['VEDETTE_KILL_ROUNDS'] ?? 10);
const PATHS = 5;
const SECRET = `whsec_${Buffer.from('a secret of the kill test, 32 byt').toString('base64')}`;
const ENV = { KILL_SECRET: SECRET };
const VEDETTE = new URL('../../cli/vedette.ts', import.meta.url).pathname;

const undo: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** Times of each series in the log, in order of the log. */
function recorded(config: string): Map<string, number[]> {
  const text = execFileSync(process.execPath, [VEDETTE, 'record', '--config', config], {
    encoding: 'utf8',
    env: { ...process.env, ...ENV },
    maxBuffer: 256 * 1024 * 1024,
  });
  const times = new Map<string, number[]>();
  for (const line of text.split('\n').filter(Boolean)) {
    const sample = JSON.parse(line) as { metric?: string; subject?: string; at: number };
    if (sample.metric !== 'stamp_loss_ratio' || sample.subject === undefined) continue;
    const list = times.get(sample.subject) ?? [];
    list.push(sample.at);
    times.set(sample.subject, list);
  }
  return times;
}

test('agent and server are killed again and again: no sample twice, no hole but where the agent was dead, one fault is one ticket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-kill-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const random = createRandom(Number(process.env['VEDETTE_KILL_SEED'] ?? 3));
  const paths: StampPath[] = [];
  for (let n = 0; n < PATHS; n++) {
    const path = await startStampPath(
      { address: '127.0.0.1', port: 0 },
      { delayMs: 3, jitterMs: 0.2, lossRatio: 0 },
      random,
    );
    undo.push(() => path.close());
    paths.push(path);
  }
  const sink = await startSink({ secret: SECRET });
  undo.push(() => sink.close());
  const agentsPort = await freePort(28_480);
  const peoplePort = await freePort(agentsPort + 1);
  const config = join(folder, 'vedette.yaml');
  const wan = pathWanConfig(paths, {
    agent: 'agent',
    ports: { agents: agentsPort, people: peoplePort },
    state: join(folder, 'server'),
    sinkUrl: sink.url,
    secretEnv: 'KILL_SECRET',
    stamp: { every: '1s', timeout: '500ms' },
  });
  writeFileSync(config, stringify(wan));
  const page = `http://127.0.0.1:${peoplePort}`;
  const url = `http://127.0.0.1:${agentsPort}`;
  let server: Program = startVedette('server', ['server', '--config', config], ENV);
  undo.push(() => server.end('SIGKILL'));
  await waitReady(server, page);
  const token = createToken('agent', config, ENV);
  const startAgent = (): Program =>
    startVedette('agent', ['agent', '--server', url, '--state', join(folder, 'agent')], {
      VEDETTE_TOKEN: token,
    });
  let agent = startAgent();
  undo.push(() => agent.end('SIGKILL'));
  const status = async (): Promise<StatusView> =>
    (await (await fetch(`${page}/api/v1/status`)).json()) as StatusView;
  const allUp = (): Promise<unknown> =>
    until(
      `all circuits are up (${server.tail()} ${agent.tail()})`,
      60_000,
      async () => (await status()).links.every((link) => link.health === 'up') || undefined,
    );
  await allUp();

  let agentKills = 0;
  const cutPath = paths[0];
  if (!cutPath) throw new Error('no path');
  for (let round = 0; round < ROUNDS; round++) {
    if (round === Math.floor(ROUNDS / 3)) cutPath.impairment.lossRatio = 1;
    await new Promise((resolve) => setTimeout(resolve, random.between(300, 2500)));
    if (random.next() < 0.5) {
      await server.end('SIGKILL');
      server = startVedette('server', ['server', '--config', config], ENV);
      await waitReady(server, page);
    } else {
      agentKills += 1;
      await agent.end('SIGKILL');
      agent = startAgent();
    }
  }
  const incidents = async (): Promise<readonly IncidentView[]> =>
    (
      (await (await fetch(`${page}/api/v1/incidents?state=all`)).json()) as {
        incidents: IncidentView[];
      }
    ).incidents;
  await until('the fault is an incident', 60_000, async () =>
    (await incidents()).length > 0 ? true : undefined,
  );
  cutPath.impairment.lossRatio = 0;
  await allUp();
  await until('every incident is resolved, in the sink too', 90_000, async () => {
    const all = await incidents();
    const isOver = all.every((incident) => incident.state === 'resolved');
    const tickets = sink.tickets();
    return (
      (isOver && tickets.length === all.length && tickets.every((t) => t.state === 'resolved')) ||
      undefined
    );
  });
  await agent.end();
  await server.end();

  expect((await Promise.resolve(sink.tickets())).map((ticket) => ticket.title)).toHaveLength(1);
  expect(sink.rejected()).toEqual([]);
  const ids = sink.messages().map((message) => message.webhookId);
  expect(new Set(ids).size).toBe(ids.length);
  const times = recorded(config);
  expect([...times.keys()].sort()).toEqual(paths.map((_, n) => `link:l${n}`));
  for (const [subject, list] of times) {
    expect(new Set(list).size, `${subject} has a sample twice`).toBe(list.length);
    const sorted = [...list].sort((a, b) => a - b);
    // Dead and starting again takes the agent some seconds; nothing else may leave a hole.
    const holes = sorted.filter((at, n) => n > 0 && at - (sorted[n - 1] ?? at) > 2500);
    expect(holes.length, `${subject} has holes`).toBeLessThanOrEqual(agentKills);
  }
}, 600_000);
