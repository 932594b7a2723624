import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { SERVER_FLAGS } from '../cli/lean-process.ts';
import { createToken, follow, freePort, type Program } from '../lab/programs.ts';
import { cpuSecondsOf, residentOf } from '../lab/prometheus.ts';
import type { DictionaryEntry, SampleBatch } from '../protocol/wire/batch.ts';
import { openHistoryStore } from '../server/adapters/sqlite/history-store.ts';
import type { HistoryData, Round } from './support-history-data.ts';
import {
  type Asked,
  askAll,
  type HistoryFigures,
  type Picked,
  pause,
  settled,
} from './support-history-measure.ts';
import { sizeOf } from './support-history-prometheus.ts';
import type { FromServer, ToServer } from './support-history-server.ts';

const PROGRAM = new URL('./support-history-server.ts', import.meta.url).pathname;
const SPOOL = '0000000000000001';
/** Samples of one batch at most. */
const BATCH = 2000;
/** Rounds until everything is compiled and the windows of the rules are full. */
const WARM_ROUNDS = 60;

/** Longest time the server's event loop did not turn, and the most CPU in one turn. */
export interface Stall {
  readonly stallMs: number;
  readonly stallCpuMs: number;
}

export interface OurFigures extends HistoryFigures {
  readonly stall: Stall;
}

interface Server {
  readonly program: Program;
  readonly pid: number;
  readonly token: string;
  readonly first: FromServer;
  ask(message: ToServer): Promise<FromServer>;
}

/** Feeds a real server by HTTP, a batch for each round, and measures it. */
export async function measureOurs(
  data: HistoryData,
  rounds: number,
  firstAt: number,
  picks: readonly Picked[],
): Promise<OurFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-history-'));
  const state = join(folder, 'state');
  const server = await startServer(data, folder, firstAt);
  try {
    const idle = residentOf(server.pid).now;
    const send = sender(server, data, firstAt);
    const cpuBefore = cpuSecondsOf(server.pid);
    for (let n = 0; n < rounds; n++) {
      if (n === WARM_ROUNDS) await server.ask({ kind: 'watch' });
      await send();
    }
    await judged(server.first.peopleUrl);
    const stall = await server.ask({ kind: 'report' });
    await settled(server.pid);
    const cpu = cpuSecondsOf(server.pid) - cpuBefore;
    const resident = residentOf(server.pid);
    const asked = await queries(server, picks);
    await server.ask({ kind: 'stop' });
    const samples = rounds * data.series.length;
    return {
      samples,
      cpuPerMillion: (cpu / samples) * 1e6,
      ...diskOf(state, samples),
      residentPerSeries: (resident.now - idle) / data.series.length,
      residentPeak: resident.peak,
      asked,
      stall,
    };
  } finally {
    await server.program.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function startServer(
  data: HistoryData,
  folder: string,
  firstAt: number,
): Promise<Server> {
  const config = join(folder, 'vedette.yaml');
  const agentsPort = await freePort(29_181);
  const peoplePort = await freePort(agentsPort + 1);
  writeFileSync(config, stringify(configOf(data, folder, agentsPort, peoplePort)));
  const token = createToken('agent-0', config);
  const child = fork(PROGRAM, [config, String(firstAt)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [...process.execArgv, ...SERVER_FLAGS],
  });
  const program = follow('history server', child);
  const next = () =>
    new Promise<FromServer>((resolve, reject) => {
      const ended = () => reject(new Error(`the server ended:\n${program.tail()}`));
      child.once('exit', ended);
      child.once('message', (message) => {
        child.off('exit', ended);
        resolve(message as FromServer);
      });
    });
  const first = await next();
  return {
    program,
    pid: child.pid!,
    token,
    first,
    ask(message) {
      const answer = next();
      child.send(message);
      return answer;
    },
  };
}

function configOf(data: HistoryData, folder: string, agentsPort: number, peoplePort: number) {
  return {
    server: {
      agents: { port: agentsPort },
      people: { port: peoplePort },
      state: join(folder, 'state'),
    },
    sites: [{ id: 'hub', hub: true }],
    agents: [{ id: 'agent-0', site: 'hub' }],
    credentials: { all: { version: '2c', community: 'public' } },
    devices: data.devices.map((id) => ({
      id,
      site: 'hub',
      address: '192.0.2.1',
      snmp: { credential: 'all' },
    })),
    links: data.links.map((id) => ({
      id,
      kind: 'wan',
      site: 'hub',
      probes: [{ from: 'agent-0', icmp: '192.0.2.1' }],
    })),
    intervals: { icmp: { every: '30s' }, snmp: { wan: '30s', other: '30s' } },
    // A real agent is heard every 5 s; this one only once in a round.
    rules: [{ id: 'agent-silent', after: '60s' }],
    tickets: { mode: 'observe' },
  };
}

/** Sends the next round, at the virtual end of it, over one connection kept open. */
export function sender({ first, token }: Server, data: HistoryData, firstAt: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const encode = batches(data, firstAt);
  return async (): Promise<void> => {
    const round = data.next();
    const now = String(firstAt + (round.number + 1) * data.roundMs);
    for (const batch of encode(round)) {
      const body = JSON.stringify(batch);
      await new Promise<void>((resolve, reject) => {
        const options = { method: 'POST', agent, headers: { ...headers, 'bench-now': now } };
        const request = http.request(`${first.agentsUrl}/v1/samples`, options, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.once('end', () =>
            response.statusCode === 200
              ? resolve()
              : reject(new Error(`the collector answered ${response.statusCode}: ${text}`)),
          );
        });
        request.once('error', reject);
        request.end(body);
      });
    }
  };
}

/** Rounds as an agent encodes them: counters as a base and steps, gauges as columns; 2,000 at most. */
function batches({ series, roundMs }: HistoryData, firstAt: number) {
  const entries: DictionaryEntry[] = series.map(({ metric, subject, isCounter }, index) => ({
    index,
    metric,
    subject,
    ...(isCounter ? { bits: 64 as const } : {}),
    every: roundMs,
  }));
  const parts = Array.from({ length: Math.ceil(entries.length / BATCH) }, (_, n) =>
    entries.slice(n * BATCH, (n + 1) * BATCH),
  );
  let sequence = 0;
  return function* ({ number, offset, value }: Round): Generator<SampleBatch> {
    for (const dictionary of parts) {
      const gauges = dictionary.flatMap(({ bits, index }) => (bits ? [] : [index]));
      const counters = dictionary.flatMap(({ bits, index }) => (bits ? [index] : []));
      sequence += 1;
      yield {
        v: 1,
        agent: 'agent-0',
        spool: SPOOL,
        lane: 'live',
        sequence,
        at: firstAt + number * roundMs,
        dictionary: sequence <= parts.length ? dictionary : [],
        gauges: {
          series: gauges,
          at: gauges.map((i) => offset[i]!),
          value: gauges.map((i) => value[i]!),
        },
        counters: counters.map((i) => ({
          series: i,
          at: [offset[i]!],
          base: String(value[i]),
          delta: [],
        })),
      };
    }
  };
}

export async function judged(peopleUrl: string): Promise<void> {
  for (let n = 0; n < 3000; n++) {
    const text = await (await fetch(`${peopleUrl}/metrics`)).text();
    if (text.includes('\nvedette_inputs_waiting 0\n')) return;
    await pause(20);
  }
  throw new Error('the server does not come to rest');
}

/** The database of the history, whole; what is not sealed yet is in the input log. */
function diskOf(state: string, samples: number) {
  const store = openHistoryStore(join(state, 'history.db'), true);
  const { chunkSamples, chunkBytes, rollupBytes, fileBytes } = store.usage();
  store.close();
  if (chunkSamples < samples * 0.9) {
    throw new Error(`only ${chunkSamples} samples of ${samples} are sealed`);
  }
  const chunks = (chunkBytes / chunkSamples).toFixed(2);
  const rollups = (rollupBytes / chunkSamples).toFixed(2);
  const share = Math.round((100 * chunkSamples) / samples);
  const log = (sizeOf(join(state, 'log')) / samples).toFixed(1);
  return {
    bytesPerSample: fileBytes / chunkSamples,
    diskNote: `history.db whole, ${share} % of the samples sealed (chunks ${chunks}, roll-ups ${rollups}); the input log, ${log} bytes a sample for 7 days at most, left out`,
  };
}

export function queries(
  { pid, first: { peopleUrl } }: Server,
  picks: readonly Picked[],
): Promise<Asked> {
  const questions = picks.map(({ link, from, to, points }) => {
    const query = new URLSearchParams({
      series: `agent-0|icmp_rtt_ms|link:${link}`,
      from: String(from),
      to: String(to),
    });
    return {
      url: `${peopleUrl}/api/v1/range?${query}`,
      check(text: string) {
        const { at } = JSON.parse(text) as { at: readonly number[] };
        if (!(at.length >= points - 1))
          throw new Error(`the server gave ${at.length} of ${points}`);
      },
    };
  });
  return askAll(pid, questions);
}
