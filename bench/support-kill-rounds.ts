import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { pathWanConfig } from '../lab/path-wan.ts';
import { createToken, freePort, type Program, startVedette, waitReady } from '../lab/programs.ts';
import { createRandom, type Random } from '../lab/random.ts';
import { type Sink, startSink } from '../lab/sink.ts';
import { type StampPath, startStampPath } from '../lab/stamp-path.ts';
import { until } from '../lab/until.ts';
import type { IncidentView, StatusView } from '../protocol/wire/views.ts';

export interface KillReport {
  readonly agentKills: number;
  readonly serverKills: number;
  readonly samples: number;
  readonly tickets: number;
  /** Everything that broke a promise, in plain words. */
  readonly broken: readonly string[];
}

const PATHS = 5;
const SECRET = `whsec_${Buffer.from('a secret of the kill test, 32 byt').toString('base64')}`;
const ENV = { KILL_SECRET: SECRET };
const VEDETTE = new URL('../cli/vedette.ts', import.meta.url).pathname;
/** A round is due every second; what is longer is a hole. */
const HOLE_MS = 2500;

/** Times of each series in the log, in order of the log. */
function recorded(config: string): Map<string, number[]> {
  const text = execFileSync(process.execPath, [VEDETTE, 'record', '--config', config], {
    encoding: 'utf8',
    env: { ...process.env, ...ENV },
    maxBuffer: 1024 * 1024 * 1024,
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

interface Judgement {
  readonly samples: number;
  readonly broken: string[];
}

interface Scene {
  readonly config: string;
  readonly page: string;
  readonly sink: Sink;
  readonly paths: readonly StampPath[];
  readonly startServer: () => Program;
  readonly startAgent: () => Program;
}

const get = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;
const incidentsOf = async ({ page }: Scene): Promise<readonly IncidentView[]> =>
  (await get<{ incidents: IncidentView[] }>(`${page}/api/v1/incidents?state=all`)).incidents;
const allUp = ({ page }: Scene): Promise<unknown> =>
  until('all circuits are up', 90_000, async () => {
    const { links } = await get<StatusView>(`${page}/api/v1/status`);
    return links.every((link) => link.health === 'up') || undefined;
  });

async function setUp(random: Random, undo: (() => unknown)[]): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-kill-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const quiet = { delayMs: 3, jitterMs: 0.2, lossRatio: 0 };
  const paths: StampPath[] = [];
  for (let n = 0; n < PATHS; n++) {
    const path = await startStampPath({ address: '127.0.0.1', port: 0 }, { ...quiet }, random);
    undo.push(() => path.close());
    paths.push(path);
  }
  const sink = await startSink({ secret: SECRET });
  undo.push(() => sink.close());
  const agents = await freePort(28_480);
  const people = await freePort(agents + 1);
  const config = join(folder, 'vedette.yaml');
  const wan = pathWanConfig(paths, {
    agent: 'agent',
    ports: { agents, people },
    state: join(folder, 'server'),
    sinkUrl: sink.url,
    secretEnv: 'KILL_SECRET',
    stamp: { every: '1s', timeout: '500ms' },
  });
  writeFileSync(config, stringify(wan));
  const token = createToken('agent', config, ENV);
  const server = `http://127.0.0.1:${agents}`;
  const agentArgs = ['agent', '--server', server, '--state', join(folder, 'agent')];
  return {
    config,
    page: `http://127.0.0.1:${people}`,
    sink,
    paths,
    startServer: () => startVedette('server', ['server', '--config', config], ENV),
    startAgent: () => startVedette('agent', agentArgs, { VEDETTE_TOKEN: token }),
  };
}

function judge(scene: Scene, agentDeaths: readonly number[]): Judgement {
  const broken: string[] = [];
  const { sink } = scene;
  const titles = sink.tickets().map((ticket) => ticket.title);
  if (titles.length !== 1) broken.push(`one fault became ${titles.length} tickets: ${titles}`);
  for (const text of sink.rejected()) broken.push(`the sink refused: ${text}`);
  const ids = sink.messages().map((message) => message.webhookId);
  if (new Set(ids).size !== ids.length) broken.push('a message was taken twice');
  const times = recorded(scene.config);
  if (times.size !== PATHS) broken.push(`${times.size} of ${PATHS} circuits are in the log`);
  let samples = 0;
  for (const [subject, list] of times) {
    samples += list.length;
    const sorted = [...new Set(list)].sort((a, b) => a - b);
    if (sorted.length !== list.length) broken.push(`${subject} has a sample twice`);
    // Only a dead agent measures nothing: a hole without a death in it is data that was lost.
    for (const [n, at] of sorted.entries()) {
      const from = sorted[n - 1] ?? at;
      const isExplained = agentDeaths.some((death) => death >= from - HOLE_MS && death <= at);
      if (at - from > HOLE_MS && !isExplained)
        broken.push(`${subject} has a hole of ${at - from} ms`);
    }
  }
  return { samples, broken };
}

/**
 * Kills a real agent or a real server at a random moment, again and again, while one of five circuits
 * is cut for some of the time; then mends it and reads what is left in the log and at the receiver.
 */
export async function killRounds(rounds: number, seed: number): Promise<KillReport> {
  const undo: (() => unknown)[] = [];
  const random = createRandom(seed);
  try {
    const scene = await setUp(random, undo);
    let server = scene.startServer();
    undo.push(() => server.end('SIGKILL'));
    await waitReady(server, scene.page);
    let agent = scene.startAgent();
    undo.push(() => agent.end('SIGKILL'));
    await allUp(scene);
    const agentDeaths: number[] = [];
    const faulty = scene.paths[0];
    for (let round = 0; round < rounds; round++) {
      // Cut only for the last rounds: a circuit that was repaired in between may cost a second ticket.
      if (faulty && round === Math.max(0, rounds - 7)) faulty.impairment.lossRatio = 1;
      await new Promise((resolve) => setTimeout(resolve, random.between(300, 2500)));
      if (random.next() < 0.5) {
        await server.end('SIGKILL');
        server = scene.startServer();
        await waitReady(server, scene.page);
      } else {
        agentDeaths.push(Date.now());
        await agent.end('SIGKILL');
        agent = scene.startAgent();
      }
    }
    await until('the fault is an incident', 60_000, async () =>
      (await incidentsOf(scene)).length > 0 ? true : undefined,
    );
    if (faulty) faulty.impairment.lossRatio = 0;
    await allUp(scene);
    await until('every incident is resolved, in the sink too', 90_000, async () => {
      const all = await incidentsOf(scene);
      const tickets = scene.sink.tickets();
      const isOver = [...all, ...tickets].every(({ state }) => state === 'resolved');
      return (isOver && tickets.length === all.length) || undefined;
    });
    await agent.end();
    await server.end();
    const { samples, broken } = judge(scene, agentDeaths);
    const agentKills = agentDeaths.length;
    const tickets = scene.sink.tickets().length;
    return { agentKills, serverKills: rounds - agentKills, samples, tickets, broken };
  } finally {
    for (const step of undo.reverse()) await step();
  }
}
