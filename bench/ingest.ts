import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createToken, freePort, type Program, startVedette, waitReady } from '../lab/programs.ts';
import type { DictionaryEntry, SampleBatch } from '../protocol/wire/batch.ts';
import type { TicketMessage } from '../protocol/wire/ticket-payload.ts';
import type { Figure } from './figure.ts';

/** What does a sample cost the server, from the socket to the verdict; how soon is the ticket sent? */
export const name = 'ingest';

const AGENTS = 4;
/** One batch: so many links, one round of both probes each. */
const LINKS_PER_BATCH = 140;
const BATCHES_PER_ROUND = 13;
const LINKS = LINKS_PER_BATCH * BATCHES_PER_ROUND;
/** Rounds 2 s apart, the newest one now: older ones would be late data, which nobody judges. The first
 * fill the windows of the rules, as they are full on a server that runs. */
const ROUNDS = 28;
const WARM_ROUNDS = 14;
const ROUND_MS = 2000;
/** Stated longer than it is: the rounds are sent faster than they happen, and must not look stale. */
const EVERY_MS = 60_000;
const SITES = 100;
const FIGURES = [
  'loss_ratio',
  'rtt_ms',
  'rtt_min_ms',
  'rtt_p95_ms',
  'rtt_max_ms',
  'jitter_ms',
  'ipdv_ms',
];
const METRICS = ['icmp', 'stamp'].flatMap((probe) => FIGURES.map((figure) => `${probe}_${figure}`));
/** More than twenty a minute would be one storm, told by one ticket. */
const TICKETS = 18;
const SECRET = 'VEDETTE_BENCH_SECRET';

interface Bed {
  readonly server: Program;
  readonly url: string;
  readonly tokens: readonly string[];
  /** Acknowledged comes before judged: waits until nothing is left to judge. */
  judged(): Promise<void>;
  end(): Promise<void>;
}

const linkId = (agent: number, n: number): string => `a${agent}-l${n}`;

/** A server as people start it, watching so many links; its tickets go to `sink`. */
async function startBed(links: number, sink: string): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-ingest-'));
  const agentsPort = await freePort(29_081);
  const peoplePort = await freePort(agentsPort + 1);
  const config = join(folder, 'vedette.yaml');
  const agents = Array.from({ length: AGENTS }, (_, n) => n);
  const all = agents.flatMap((agent) => Array.from({ length: links }, (_, n) => ({ agent, n })));
  const sites = Array.from({ length: SITES }, (_, n) => `site-${n}`);
  const file = {
    server: {
      agents: { port: agentsPort },
      people: { port: peoplePort },
      state: join(folder, 'state'),
    },
    sites: [{ id: 'hub', hub: true }, ...sites.map((id) => ({ id }))],
    links: all.map(({ agent, n }) => ({
      id: linkId(agent, n),
      kind: 'wan',
      // No peer: circuits that end at one place and fail together wait for each other.
      site: sites[n % SITES],
      probes: [
        { from: `agent-${agent}`, icmp: '192.0.2.1' },
        { from: `agent-${agent}`, stamp: '192.0.2.1:862' },
      ],
    })),
    agents: agents.map((n) => ({ id: `agent-${n}`, site: 'hub' })),
    timing: { holdDown: '1s' },
    tickets: {
      destinations: [
        {
          id: 'desk',
          url: sink,
          secrets: [{ env: SECRET }],
          openAfter: { P1: '0s', P2: '0s', P3: '0s', P4: '0s', P5: '0s' },
        },
      ],
    },
  };
  writeFileSync(config, stringify(file));
  const env = { [SECRET]: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };
  const server = startVedette('server', ['server', '--config', config], env);
  await waitReady(server, `http://127.0.0.1:${peoplePort}`);
  return {
    server,
    url: `http://127.0.0.1:${agentsPort}`,
    tokens: agents.map((n) => createToken(`agent-${n}`, config, env)),
    async judged() {
      for (;;) {
        const text = await (await fetch(`http://127.0.0.1:${peoplePort}/metrics`)).text();
        if (text.includes('\nvedette_inputs_waiting 0\n')) return;
        await pause(10);
      }
    },
    async end() {
      await server.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const dictionaryOf = (agent: number, from: number, count: number): DictionaryEntry[] =>
  Array.from({ length: count }, (_, i) => from + i).flatMap((n) =>
    METRICS.map((metric, m) => ({
      index: n * METRICS.length + m,
      metric,
      subject: `link:${linkId(agent, n)}`,
      every: EVERY_MS,
    })),
  );

/** A round of so many healthy links: the figures of one probe of one link share their time. */
function batchOf(
  agent: number,
  sequence: number,
  at: number,
  from: number,
  count: number,
): SampleBatch {
  const index = Array.from({ length: count * METRICS.length }, (_, i) => i);
  const rtt = () => Math.round(18_000 + Math.random() * 4000) / 1000;
  return {
    v: 1,
    agent: `agent-${agent}`,
    spool: String(agent).padStart(16, '0'),
    lane: 'live',
    sequence,
    at,
    dictionary: [],
    gauges: {
      series: index.map((i) => from * METRICS.length + i),
      at: index.map((i) => Math.floor(i / FIGURES.length) * 5),
      value: index.map((i) => (i % FIGURES.length === 0 ? 0 : rtt())),
    },
    counters: [],
  };
}

function poster(bed: Bed, agent: number): (batch: SampleBatch) => Promise<void> {
  const connection = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const headers = {
    authorization: `Bearer ${bed.tokens[agent]}`,
    'content-type': 'application/json',
  };
  return (batch) =>
    new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: connection, headers };
      const request = http.request(`${bed.url}/v1/samples`, options, (response) => {
        response.resume();
        response.once('end', () =>
          response.statusCode === 200
            ? resolve()
            : reject(new Error(`the collector answered ${response.statusCode}`)),
        );
      });
      request.once('error', reject);
      request.end(JSON.stringify(batch));
    });
}

/** CPU-seconds of a process so far, all threads. */
function cpuOf({ child }: Program): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function cpuPerMillion(): Promise<Figure> {
  const bed = await startBed(LINKS, 'http://127.0.0.1:9/');
  try {
    const sends = Array.from({ length: AGENTS }, (_, n) => poster(bed, n));
    const first = Date.now() - (WARM_ROUNDS + ROUNDS) * ROUND_MS;
    const round = async (n: number) => {
      await Promise.all(
        sends.map(async (send, agent) => {
          for (let part = 0; part < BATCHES_PER_ROUND; part++) {
            const from = part * LINKS_PER_BATCH;
            const sequence = n * BATCHES_PER_ROUND + part + 1;
            const at = first + n * ROUND_MS;
            const batch = batchOf(agent, sequence, at, from, LINKS_PER_BATCH);
            const dictionary = n === 0 ? dictionaryOf(agent, from, LINKS_PER_BATCH) : [];
            await send({ ...batch, dictionary });
          }
        }),
      );
    };
    for (let n = 0; n < WARM_ROUNDS; n++) await round(n);
    await bed.judged();
    const before = cpuOf(bed.server);
    const started = performance.now();
    for (let n = WARM_ROUNDS; n < WARM_ROUNDS + ROUNDS; n++) await round(n);
    await bed.judged();
    const cpu = cpuOf(bed.server) - before;
    const samples = ROUNDS * AGENTS * LINKS * METRICS.length;
    const rate = Math.round(samples / ((performance.now() - started) / 1000));
    return {
      name: 'ingest: decode, check, append durably, judge',
      figure: (cpu / samples) * 1e6,
      unit: 'CPU-s per million samples',
      reference: 2.25,
      referenceName: 'Prometheus remote write (quoted)',
      budget: 0.45,
      note: `batches of ${LINKS_PER_BATCH * METRICS.length} over HTTP, ${AGENTS * LINKS * METRICS.length} series, ${rate} samples/s with the sender on the same machine`,
    };
  } finally {
    await bed.end();
  }
}

/** From the last byte of a sample that proves an outage to the first byte of its ticket. */
async function sampleToTicket(): Promise<Figure> {
  const arrived = new Map<string, number>();
  const sink = http.createServer((request, response) => {
    const at = performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as TicketMessage;
      if (!arrived.has(data.subject)) arrived.set(data.subject, at);
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const { port } = sink.address() as AddressInfo;
  const bed = await startBed(TICKETS, `http://127.0.0.1:${port}/`);
  try {
    const send = poster(bed, 0);
    const confirm = TICKETS * METRICS.length;
    const first = batchOf(0, 1, Date.now() - 1000, 0, TICKETS);
    const bursts = Array.from({ length: TICKETS }, (_, n) => ({
      index: confirm + n,
      metric: 'icmp_confirm_loss_ratio',
      subject: `link:${linkId(0, n)}`,
    }));
    await send({ ...first, dictionary: [...dictionaryOf(0, 0, TICKETS), ...bursts] });
    const waits: number[] = [];
    for (let n = 0; n < TICKETS; n++) {
      const gauges = { series: [n * METRICS.length, confirm + n], at: [0, 1], value: [1, 1] };
      const sent = performance.now();
      await send({ ...batchOf(0, n + 2, Date.now() - 10, 0, 0), gauges });
      const subject = `link:${linkId(0, n)}`;
      const deadline = sent + 5000;
      while (!arrived.has(subject) && performance.now() < deadline) await pause(5);
      waits.push((arrived.get(subject) ?? Number.POSITIVE_INFINITY) - sent);
    }
    waits.sort((a, b) => a - b);
    const p99 = waits[Math.ceil(waits.length * 0.99) - 1]!;
    const median = waits[waits.length >> 1]!;
    return {
      name: 'sample in the collector to webhook sent, p99',
      figure: p99,
      unit: 'ms',
      budget: 100,
      note: `${waits.length} outages, openAfter 0, median ${median.toFixed(1)} ms, request and arrival included`,
    };
  } finally {
    await bed.end();
    sink.closeAllConnections();
    sink.close();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function run(): Promise<Figure[]> {
  return [await cpuPerMillion(), await sampleToTicket()];
}
