import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { backUp } from '../../cli/backup.ts';
import { ndjsonReader } from '../../cli/replay-lines.ts';
import { loadSetup } from '../../cli/setup.ts';
import type { SampleBatch } from '../../protocol/wire/batch.ts';
import type { TicketMessage } from '../../protocol/wire/ticket-payload.ts';
import { openFileLog } from '../../server/adapters/file-log/file-log.ts';
import { openDatabase } from '../../server/adapters/sqlite/database.ts';
import {
  exportLines,
  type RunningServer,
  ServerConfigError,
  type ServerSetup,
  startServer,
} from '../../server/main.ts';

interface Config {
  server: Record<string, unknown>;
  links: object[];
  [section: string]: unknown;
}

let folder: string;
let sink: http.Server;
let messages: TicketMessage[];
let beats = 0;
const servers: RunningServer[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-main-'));
  messages = [];
  beats = 0;
  process.env['VEDETTE_TEST_SECRET'] = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
  sink = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/beat') beats++;
      else messages.push(JSON.parse(Buffer.concat(chunks).toString()) as TicketMessage);
      response.end('{"number":"INC-1"}');
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  sink.closeAllConnections();
  sink.close();
  rmSync(folder, { recursive: true, force: true });
});

const sinkUrl = (): string => `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;

const config = (more: Record<string, unknown> = {}, state = 'state'): Config => ({
  server: {
    agents: { port: 1 },
    people: { port: 2 },
    state: join(folder, state),
    heartbeat: { url: `${sinkUrl()}/beat`, every: '1s' },
    ...more,
  },
  sites: [
    { id: 'hub', hub: true, users: 5 },
    { id: 'lyon', users: 40 },
  ],
  links: [
    {
      id: 'lyon-mpls',
      kind: 'wan',
      site: 'lyon',
      peer: 'hub',
      probes: [{ from: 'agent-1', icmp: '192.0.2.1' }],
    },
  ],
  agents: [{ id: 'agent-1', site: 'hub' }],
  timing: { holdDown: '1s' },
  tickets: {
    destinations: [
      {
        id: 'desk',
        url: sinkUrl(),
        secrets: [{ env: 'VEDETTE_TEST_SECRET' }],
        openAfter: { P1: '0s', P2: '0s', P3: '0s', P4: '0s', P5: '0s' },
        numberPointer: '/number',
      },
    ],
  },
});

async function setupOf(content: object): Promise<ServerSetup> {
  const file = join(folder, 'vedette.yaml');
  writeFileSync(file, JSON.stringify(content));
  const loaded = await loadSetup(file);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const { options } = loaded.setup;
  const { agents, people } = options;
  // Any free port; a configuration cannot ask for that.
  const free = { agents: { ...agents, port: 0 }, people: { ...people, port: 0 } };
  return { ...loaded.setup, options: { ...options, ...free } };
}

async function start(content: object = config()): Promise<RunningServer> {
  const setup = await setupOf(content);
  const server = await startServer({ setup, version: '0.0.0', log: pino({ level: 'silent' }) });
  servers.push(server);
  return server;
}

async function stop(server: RunningServer): Promise<void> {
  servers.splice(servers.indexOf(server), 1);
  await server.stop();
}

function tokenOf(state = 'state'): string {
  const db = openDatabase(join(folder, state, 'state.db'));
  try {
    return db.tokens.create('agent-1', Date.now() as never).token;
  } finally {
    db.close();
  }
}

const batch = (sequence: number, loss: number): SampleBatch => ({
  v: 1,
  agent: 'agent-1',
  spool: '0123456789abcdef',
  lane: 'live',
  sequence,
  at: Date.now(),
  dictionary:
    sequence === 1
      ? [
          { index: 0, metric: 'icmp_loss_ratio', subject: 'link:lyon-mpls', every: 5000 },
          { index: 1, metric: 'icmp_confirm_loss_ratio', subject: 'link:lyon-mpls' },
        ]
      : [],
  gauges: { series: [0, 1], at: [0, 0], value: [loss, loss] },
  counters: [],
});

async function send(server: RunningServer, token: string, body: SampleBatch): Promise<number> {
  const { status } = await fetch(`${server.agentsUrl}/v1/samples`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return status;
}

const ask = async <T>(server: RunningServer, path: string): Promise<T> =>
  (await (await fetch(server.peopleUrl + path)).json()) as T;

const SERIES = encodeURIComponent('agent-1|icmp_loss_ratio|link:lyon-mpls');
const range = async (server: RunningServer): Promise<number[]> => {
  const path = `/api/v1/range?series=${SERIES}&from=${Date.now() - 60_000}&to=${Date.now()}`;
  return (await ask<{ value?: number[] }>(server, path)).value ?? [];
};

test('a lost link becomes a ticket, and its graph and number outlive a restart', async () => {
  let server = await start();
  const token = tokenOf();
  expect(await send(server, token, batch(1, 0))).toBe(200);
  expect(await send(server, token, batch(2, 1))).toBe(200);
  await expect.poll(() => messages.length, { timeout: 5000 }).toBe(1);
  expect(messages[0]).toMatchObject({
    type: 'incident.opened',
    data: { subject: 'link:lyon-mpls' },
  });
  const list = async () =>
    (await ask<{ incidents: { id: string; tickets: object[] }[] }>(server, '/api/v1/incidents'))
      .incidents;
  await expect.poll(async () => (await list())[0]?.tickets).toMatchObject([{ number: 'INC-1' }]);
  const before = await list();
  await stop(server);
  server = await start();
  expect(await list()).toEqual(before);
  expect(await range(server)).toEqual([0, 1]);
  const { sites, agents } = await ask<{ sites: { id: string }[]; agents: object[] }>(
    server,
    '/api/v1/status',
  );
  expect(sites).toHaveLength(2);
  expect(agents).toMatchObject([{ id: 'agent-1', state: 'live' }]);
  // Nothing is sent again, and the lane goes on.
  expect(await send(server, token, batch(3, 1))).toBe(200);
  expect(messages).toHaveLength(1);
});

test('what was recorded is read by replay, line by line', async () => {
  const server = await start();
  const token = tokenOf();
  await send(server, token, batch(1, 0));
  await send(server, token, batch(2, 0.5));
  const log = await openFileLog({ folder: join(folder, 'state', 'log'), isReadOnly: true });
  const read = ndjsonReader({ agentFor: () => 'nobody' });
  const inputs = [];
  for await (const line of exportLines(log.read(1), [], {})) inputs.push(...read(line));
  const samples = inputs.flatMap((one) => (one.kind === 'sample' ? [one.sample] : []));
  expect(samples.map(({ series, value }) => [series.agent, series.metric, value])).toEqual([
    ['agent-1', 'icmp_loss_ratio', 0],
    ['agent-1', 'icmp_confirm_loss_ratio', 0],
    ['agent-1', 'icmp_loss_ratio', 0.5],
    ['agent-1', 'icmp_confirm_loss_ratio', 0.5],
  ]);
  expect(inputs.filter((one) => one.kind === 'command')).toHaveLength(1);
});

test('a backup taken while the server works is a whole state to start from', async () => {
  const server = await start();
  const token = tokenOf();
  await send(server, token, batch(1, 0));
  mkdirSync(join(folder, 'copy'), { mode: 0o755 });
  let isCopying = true;
  const copying = backUp(join(folder, 'state'), join(folder, 'copy')).finally(() => {
    isCopying = false;
  });
  let last = 1;
  while (isCopying) expect(await send(server, token, batch(++last, last % 2))).toBe(200);
  const { position } = await copying;
  expect(position).toBeGreaterThan(1);
  await expect(backUp(join(folder, 'state'), join(folder, 'copy'))).rejects.toThrow('not empty');
  // Whoever made the folder, and however wide.
  for (const name of ['', 'state.db', 'history.db']) {
    expect(statSync(join(folder, 'copy', name)).mode & 0o077).toBe(0);
  }
  const copy = await start(config({}, 'copy'));
  // The copy knows the token and where the lane stood: the agent goes on with what is missing.
  const status = await send(copy, token, batch(last + 100, 0));
  expect(status).toBe(409);
});

test('a reload swaps targets at once, and a second server is refused the folder', async () => {
  const server = await start();
  const headers = { authorization: `Bearer ${tokenOf()}` };
  const get = (etag: string) =>
    fetch(`${server.agentsUrl}/v1/agent/config?wait=20`, {
      headers: { ...headers, 'if-none-match': etag },
    });
  const first = await get('');
  const waiting = get(first.headers.get('etag') ?? '');
  const more = config();
  more.links.push({
    id: 'lyon-dsl',
    kind: 'internet',
    site: 'lyon',
    probes: [{ from: 'agent-1', icmp: '192.0.2.9' }],
  });
  await server.reload(await setupOf(more));
  const answer = await waiting;
  expect(answer.status).toBe(200);
  const { targets } = (await answer.json()) as { targets: { subject: string }[] };
  expect(targets.map(({ subject }) => subject)).toContain('link:lyon-dsl');
  const { links } = await ask<{ links: { id: string }[] }>(server, '/api/v1/status');
  expect(links.map(({ id }) => id)).toEqual(['lyon-mpls', 'lyon-dsl']);
  await expect(start()).rejects.toThrow(/another vedette server uses this state folder/);
});

test('while inputs are judged the outside watcher hears of us', async () => {
  await start();
  await expect.poll(() => beats, { timeout: 5000 }).toBeGreaterThan(1);
});

test.each<[string, (options: ServerSetup['options']) => ServerSetup['options'], RegExp]>([
  [
    'agents without TLS',
    (options) => ({ ...options, agents: { address: '0.0.0.0', port: 0 } }),
    /server\.agents\.tls is missing/,
  ],
  [
    'a certificate that is not there',
    (options) => ({
      ...options,
      agents: { address: '0.0.0.0', port: 0, tls: { cert: '/nowhere/c', key: '/nowhere/k' } },
    }),
    /server\.agents\.tls: ENOENT/,
  ],
  [
    'a page for everybody',
    (options) => ({ ...options, people: { address: '192.0.2.1', port: 0 } }),
    /server\.people\.address is 192\.0\.2\.1/,
  ],
])('the server does not start with %s', async (_name, change, why) => {
  const setup = await setupOf(config());
  const changed = { ...setup, options: change(setup.options) };
  const starting = startServer({ setup: changed, version: '0', log: pino({ level: 'silent' }) });
  const error = await starting.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ServerConfigError);
  expect((error as Error).message).toMatch(why);
});

test('long polls and streams do not hold up the end', async () => {
  const server = await start();
  const headers = { authorization: `Bearer ${tokenOf()}` };
  const url = `${server.agentsUrl}/v1/agent/config`;
  const etag = (await fetch(url, { headers })).headers.get('etag') ?? '';
  const poll = fetch(`${url}?wait=30`, { headers: { ...headers, 'if-none-match': etag } });
  const stream = await fetch(`${server.peopleUrl}/api/v1/stream`);
  const started = performance.now();
  await stop(server);
  expect(performance.now() - started).toBeLessThan(5000);
  expect((await poll).status).toBe(304);
  await stream.body?.cancel();
});
