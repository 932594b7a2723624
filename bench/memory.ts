import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createToken, freePort, type Program, startVedette, waitReady } from '../lab/programs.ts';
import type { Figure } from './figure.ts';

/** Resident memory of an agent with 500 targets, and of an idle server. */
export const name = 'memory';

const TARGETS = 500;
const WATCH_MS = 45_000;

function residentMb(program: Program): number {
  const status = readFileSync(`/proc/${program.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

function config(ports: readonly number[], state: string, targets: number): object {
  const [agents, people] = ports;
  return {
    server: { agents: { port: agents }, people: { port: people }, state },
    sites: [{ id: 'hub', hub: true, users: 10 }],
    devices: Array.from({ length: targets }, (_, n) => ({
      id: `d${n}`,
      site: 'hub',
      address: `127.20.${Math.floor(n / 250)}.${1 + (n % 250)}`,
    })),
    agents: [{ id: 'bench-agent', site: 'hub' }],
  };
}

async function watch(targets: number): Promise<{ server: number; agent: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  const agentsPort = await freePort(18_281);
  const peoplePort = await freePort(agentsPort + 1);
  const file = join(folder, 'vedette.yaml');
  writeFileSync(file, stringify(config([agentsPort, peoplePort], join(folder, 'server'), targets)));
  const server = startVedette('server', ['server', '--config', file]);
  await waitReady(server, `http://127.0.0.1:${peoplePort}`);
  const args = [
    'agent',
    '--server',
    `http://127.0.0.1:${agentsPort}`,
    '--state',
    join(folder, 'agent'),
  ];
  const agent = startVedette('agent', args, { VEDETTE_TOKEN: createToken('bench-agent', file) });
  try {
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    return { server: residentMb(server), agent: residentMb(agent) };
  } finally {
    await agent.end();
    await server.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run(): Promise<Figure[]> {
  const busy = await watch(TARGETS);
  const idle = await watch(1);
  return [
    {
      name: `RSS of an agent with ${TARGETS} ICMP targets`,
      figure: busy.agent,
      unit: 'MB',
      budget: 80,
    },
    { name: `RSS of the server with ${TARGETS} targets`, figure: busy.server, unit: 'MB' },
    {
      name: 'RSS of an idle server',
      figure: idle.server,
      unit: 'MB',
      reference: 102,
      referenceName: 'prometheus + blackbox + alertmanager idle (quoted)',
      budget: 150,
    },
  ];
}
