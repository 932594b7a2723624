import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createToken, freePort, type Program, startVedette, waitReady } from '../lab/programs.ts';
import type { Fact } from '../protocol/model/fact.ts';
import type { SampleBatch } from '../protocol/wire/batch.ts';
import { createEngine } from '../rules/engine.ts';
import { openFileLog } from '../server/adapters/file-log/file-log.ts';
import { openDatabase } from '../server/adapters/sqlite/database.ts';
import { restore } from '../server/pipeline/restore.ts';
import { type CrashAgent, startCrashAgent } from './support-crash-agent.ts';
import { type SeenMessage, startCrashSink } from './support-crash-sink.ts';

export interface CrashReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly incidents: number;
  readonly messages: number;
  /** Everything that broke a promise, in plain words. */
  readonly broken: readonly string[];
}

const LINKS_PER_AGENT = 6;
const AGENTS = ['agent-1', 'agent-2'];
const SECRET = 'VEDETTE_CRASH_SECRET';

const linksOf = (agent: string): string[] =>
  Array.from({ length: LINKS_PER_AGENT }, (_, n) => `${agent}-l${n}`);

/** Kills a server under load at random moments, again and again, then reads what is left. */
export async function crashRounds(rounds: number, seed: number): Promise<CrashReport> {
  const random = mulberry(seed);
  const folder = mkdtempSync(join(tmpdir(), 'vedette-crash-'));
  const sink = await startCrashSink(random);
  const agentsPort = await freePort(28_081);
  const peoplePort = await freePort(agentsPort + 1);
  const config = join(folder, 'vedette.yaml');
  const state = join(folder, 'state');
  writeFileSync(config, stringify(configOf(agentsPort, peoplePort, state, sink.url)));
  const env = { [SECRET]: `whsec_${randomBytes(32).toString('base64')}` };
  const page = `http://127.0.0.1:${peoplePort}`;
  const start = (): Program => startVedette('server', ['server', '--config', config], env);
  const lanes: CrashAgent[] = AGENTS.flatMap((agent) => {
    const token = createToken(agent, config, env);
    return (['live', 'backfill'] as const).map((lane) =>
      startCrashAgent({
        url: `http://127.0.0.1:${agentsPort}`,
        token,
        agent,
        spool: createHash('sha256').update(agent).digest('hex').slice(0, 16),
        lane,
        links: linksOf(agent).map((id) => `link:${id}`),
        random,
      }),
    );
  });
  let server: Program | undefined;
  try {
    for (let round = 0; round < rounds; round++) {
      server = start();
      // One in four is killed while it starts.
      if (random() < 0.75) await waitReady(server, page);
      await pause(100 + random() * 1900);
      await server.end('SIGKILL');
    }
    sink.behave();
    server = start();
    await waitReady(server, page);
    for (const lane of lanes) lane.calm();
    await settled(page);
    for (const lane of lanes) await lane.stop();
    await server.end();
    return await judge(rounds, state, lanes, sink.seen);
  } finally {
    for (const lane of lanes) await Promise.race([lane.stop(), pause(1000)]);
    await server?.end('SIGKILL');
    await sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every incident resolved, every message delivered. */
async function settled(page: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    await pause(500);
    const ask = async <T>(path: string) => (await (await fetch(page + path)).json()) as T;
    const { incidents } = await ask<{ incidents: object[] }>('/api/v1/incidents?state=open');
    const { deliveries } = await ask<{ deliveries: { state: string }[] }>(
      '/api/v1/deliveries?limit=500',
    );
    const isSent = deliveries.every(({ state }) => state === 'delivered');
    if (incidents.length === 0 && isSent) return;
  }
  throw new Error('incidents or messages were still open a minute after the last fault');
}

async function judge(
  rounds: number,
  state: string,
  lanes: readonly CrashAgent[],
  seen: readonly SeenMessage[],
): Promise<CrashReport> {
  const db = openDatabase(join(state, 'state.db'));
  try {
    const rows = db.outbox.deliveries({ limit: 1_000_000 });
    const incidents = db.facts.incidents({ state: 'all', limit: 100_000 });
    const broken = [
      ...lanes.flatMap((lane) => lane.surprises),
      ...(await wrongInLog(state, lanes)),
      ...(await wrongInFacts(
        state,
        incidents.flatMap(({ id }) => db.facts.factsOf(id)),
      )),
      ...wrongInMessages(rows, seen),
      ...incidents
        .filter((one) => one.state === 'open' || one.state === 'acknowledged')
        .map(({ id }) => `incident ${id} never ended`),
    ];
    const acknowledged = lanes.reduce((sum, lane) => sum + lane.acknowledged(), 0);
    return { rounds, acknowledged, incidents: incidents.length, messages: rows.length, broken };
  } finally {
    db.close();
  }
}

/** What was acknowledged is in the log exactly once, with exactly its content. */
async function wrongInLog(state: string, lanes: readonly CrashAgent[]): Promise<string[]> {
  const wrong: string[] = [];
  /** By lane: the hash of each batch, in the order of the log. */
  const found = new Map<string, string[]>();
  const log = await openFileLog({ folder: join(state, 'log'), isReadOnly: true });
  for await (const record of log.read(1)) {
    if (record.kind !== 'batch') continue;
    const { agent, lane, sequence } = JSON.parse(record.body.toString()) as SampleBatch;
    const hashes = found.get(`${agent} ${lane}`) ?? [];
    found.set(`${agent} ${lane}`, hashes);
    hashes.push(createHash('sha256').update(record.body).digest('hex'));
    if (sequence !== hashes.length) wrong.push(`${agent} ${lane}: ${sequence} at ${hashes.length}`);
  }
  for (const [index, lane] of lanes.entries()) {
    const name = `${AGENTS[index >> 1]} ${index % 2 === 0 ? 'live' : 'backfill'}`;
    const taken = found.get(name) ?? [];
    for (let sequence = 1; sequence <= lane.acknowledged(); sequence++) {
      if (taken[sequence - 1] === lane.sent.get(sequence)) continue;
      wrong.push(`${name}: batch ${sequence} is not in the log as it was acknowledged`);
    }
  }
  return wrong;
}

interface Placed {
  readonly position: number;
  readonly ordinal: number;
  readonly fact: Fact;
}

/** Live equals replay: the whole log through a fresh engine gives the facts that were committed. */
async function wrongInFacts(state: string, stored: readonly Placed[]): Promise<string[]> {
  const log = await openFileLog({ folder: join(state, 'log'), isReadOnly: true });
  const replayed = new Map<string, string>();
  const quiet = { info() {}, warn() {}, error() {} };
  await restore({
    log,
    store: {
      committedPosition: () => 0,
      commit: (position, facts) => {
        for (const [ordinal, fact] of facts.entries()) {
          replayed.set(`${position}.${ordinal}`, JSON.stringify(fact));
        }
      },
      incidents: () => [],
      incident: () => undefined,
      factsOf: () => [],
    },
    snapshots: { load: async () => [], save: async () => 0 },
    createEngine: (settings, snapshot) => createEngine(settings, snapshot),
    listener: {},
    logger: quiet,
    alongside: () => {},
    committed: () => {},
  });
  return stored.flatMap(({ position, ordinal, fact }) =>
    replayed.get(`${position}.${ordinal}`) === JSON.stringify(fact)
      ? []
      : [`fact ${position}.${ordinal} (${fact.kind}) is not what a replay gives`],
  );
}

type Row = ReturnType<ReturnType<typeof openDatabase>['outbox']['deliveries']>[number];

/** Each message arrived, under one webhook-id and with one content, and none that is not ours. */
function wrongInMessages(rows: readonly Row[], seen: readonly SeenMessage[]): string[] {
  const byId = Map.groupBy(seen, ({ id }) => id);
  const ours = new Set(rows.map(({ messageId }) => messageId));
  const strangers = [...byId.keys()].filter((id) => !ours.has(id));
  const byHash = Map.groupBy(seen, ({ hash }) => hash);
  const twins = [...byHash].filter(([, list]) => new Set(list.map(({ id }) => id)).size > 1);
  const byIncident = Map.groupBy(seen, ({ incident }) => incident);
  return [
    ...rows.flatMap((row) => wrongInRow(row, byId.get(row.messageId) ?? [])),
    ...strangers.map((id) => `${id} is no row of the outbox`),
    // The same content under two ids would be two tickets.
    ...twins.map(([hash]) => `one message (${hash.slice(0, 8)}) has several webhook-ids`),
    ...[...byIncident].flatMap(([incident, list]) => wrongInStory(incident, list)),
  ];
}

function wrongInRow(row: Row, attempts: readonly SeenMessage[]): string[] {
  const name = `${row.type} of ${row.incident} (${row.messageId})`;
  const wrong: string[] = [];
  if (!attempts.some(({ isTaken }) => isTaken)) wrong.push(`${name} never arrived`);
  if (new Set(attempts.map(({ hash }) => hash)).size > 1) wrong.push(`${name} changed its text`);
  if (row.state !== 'delivered') wrong.push(`${name} is ${row.state}`);
  return wrong;
}

function wrongInStory(incident: string, list: readonly SeenMessage[]): string[] {
  const types = new Set(list.map(({ type }) => type));
  const isWhole = types.has('incident.opened') && types.has('incident.resolved');
  return isWhole ? [] : [`${incident} was told only as ${[...types].join(', ')}`];
}

function configOf(agents: number, people: number, state: string, url: string): object {
  const links = AGENTS.flatMap((agent) => linksOf(agent).map((id) => ({ agent, id })));
  return {
    server: { agents: { port: agents }, people: { port: people }, state },
    sites: [
      { id: 'hub', hub: true, users: 10 },
      ...links.map(({ id }) => ({ id: `site-${id}`, users: 25 })),
    ],
    // Without a common peer: circuits that share one and fail together wait for each other.
    links: links.map(({ agent, id }, n) => ({
      id,
      kind: 'wan',
      site: `site-${id}`,
      probes: [{ from: agent, icmp: `192.0.2.${n + 1}` }],
    })),
    agents: AGENTS.map((id) => ({ id, site: 'hub' })),
    rules: [
      { id: 'link-unreachable', clearAfter: '1s' },
      { id: 'link-loss', enabled: false },
    ],
    timing: { reopenWithin: '2s', holdDown: '1s' },
    tickets: {
      destinations: [
        {
          id: 'desk',
          url,
          secrets: [{ env: SECRET }],
          openAfter: { P1: '0s', P2: '0s', P3: '0s', P4: '0s', P5: '0s' },
        },
      ],
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A small seeded generator: the same seed breaks at the same moments, as far as timing allows. */
function mulberry(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
