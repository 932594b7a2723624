import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { pathWanConfig } from '../lab/path-wan.ts';
import { createToken, freePort, startVedette, waitReady } from '../lab/programs.ts';
import { createRandom } from '../lab/random.ts';
import { type Sink, startSink } from '../lab/sink.ts';
import { type StampPath, startStampPath } from '../lab/stamp-path.ts';
import type { Figure } from './figure.ts';

/** From a path going dead to the webhook received, through real processes, with openAfter 0. */
export const name = 'detection';

const ROUNDS = 20;
const SECRET_ENV = 'BENCH_SECRET';
const SECRET = `whsec_${Buffer.from('a secret of the bench, thirty two').toString('base64')}`;

async function waitFor<T>(withinMs: number, probe: () => T | undefined): Promise<T | undefined> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = probe();
    if (value !== undefined || performance.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const openedAt = (sink: Sink, link: string): number | undefined =>
  sink
    .messages()
    .find(({ message }) => message.type === 'incident.opened' && message.data.subject === link)
    ?.receivedAt;

/** Kills each path once, at a random phase of its round, and waits for its own webhook. */
async function measure(every: string): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  const random = createRandom(11);
  const quiet = { delayMs: 5, jitterMs: 0.2, lossRatio: 0 };
  const paths: StampPath[] = [];
  for (let n = 0; n < ROUNDS; n++)
    paths.push(await startStampPath({ address: '127.0.0.1', port: 0 }, { ...quiet }, random));
  const sink = await startSink({ secret: SECRET });
  const agentsPort = await freePort(18_181);
  const peoplePort = await freePort(agentsPort + 1);
  const file = join(folder, 'vedette.yaml');
  const wan = pathWanConfig(paths, {
    agent: 'bench-agent',
    ports: { agents: agentsPort, people: peoplePort },
    state: join(folder, 'server'),
    sinkUrl: sink.url,
    secretEnv: SECRET_ENV,
    stamp: { every, timeout: '1s' },
  });
  writeFileSync(file, stringify(wan));
  const env = { [SECRET_ENV]: SECRET };
  const server = startVedette('server', ['server', '--config', file], env);
  await waitReady(server, `http://127.0.0.1:${peoplePort}`);
  const token = createToken('bench-agent', file, env);
  const url = `http://127.0.0.1:${agentsPort}`;
  const agent = startVedette(
    'agent',
    ['agent', '--server', url, '--state', join(folder, 'agent')],
    {
      VEDETTE_TOKEN: token,
    },
  );
  const delays: number[] = [];
  try {
    // Every path must have been seen healthy, or its first miss would not be a surprise.
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    for (const [n, path] of paths.entries()) {
      await new Promise((resolve) => setTimeout(resolve, random.between(500, 1500)));
      const since = Date.now();
      path.impairment.lossRatio = 1;
      const seen = await waitFor(30_000, () => openedAt(sink, `link:l${n}`));
      delays.push(seen === undefined ? 30_000 : seen - since);
      path.impairment.lossRatio = 0;
    }
  } finally {
    await agent.end();
    await server.end();
    await sink.close();
    for (const path of paths) await path.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return delays.sort((a, b) => a - b);
}

const at = (sorted: readonly number[], share: number): number =>
  (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN) / 1000;

export async function run(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [every, budget, reference] of [
    ['5s', 4, 25],
    ['1s', 2, 4],
  ] as const) {
    const delays = await measure(every);
    figures.push(
      {
        name: `target down to webhook, ${every} rounds, median of ${ROUNDS}`,
        figure: at(delays, 0.5),
        unit: 's',
        reference,
        referenceName: 'Prometheus + Alertmanager (quoted)',
        budget,
      },
      {
        name: `target down to webhook, ${every} rounds, worst`,
        figure: at(delays, 1),
        unit: 's',
      },
    );
  }
  return figures;
}
