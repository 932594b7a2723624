import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'yaml';
import { enterNamespace } from '../../lab/netns/enter.ts';
import type { LabHost } from '../../lab/netns/namespaces.ts';
import { LAB_SNMP_KEY } from '../../lab/netns/snmpd.ts';
import {
  createToken,
  follow,
  type Program,
  startVedette,
  vedetteCommand,
  waitReady,
} from '../../lab/programs.ts';
import { type Sink, startSink } from '../../lab/sink.ts';
import type { IncidentView, StatusView } from '../../protocol/wire/views.ts';

const SECRET = `whsec_${Buffer.from('a secret of the lab, thirty-two b').toString('base64')}`;
const PEOPLE = 'http://127.0.0.1:8080';

/** An agent of the lab: where it runs, and the hub's address as it sees it. */
export interface LabAgent {
  readonly id: string;
  readonly host: LabHost;
  readonly server: string;
}

export interface NocOptions {
  readonly hub: LabHost;
  readonly folder: string;
  readonly agents: readonly LabAgent[];
  /** Sites, devices, links, rules …; server, credentials and the webhook's destination are added. */
  readonly network: object;
  /** Called with each thing that is to be ended with the lab, in the order of starting. */
  readonly atEnd: (step: () => Promise<void> | void) => void;
}

/** Server, agents and webhook sink of a lab in namespaces. */
export interface Noc {
  readonly sink: Sink;
  stopAgent(id: string): Promise<void>;
  startAgent(id: string): void;
  stopServer(signal?: NodeJS.Signals): Promise<void>;
  startServer(): Promise<void>;
  status(): Promise<StatusView>;
  incidents(): Promise<readonly IncidentView[]>;
  /** The facts that `vedette record | vedette replay` prints, run beside the server. */
  replayed(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Last lines of the logs, for the message of a failed test. */
  logs(): string;
}

function makeCertificate(
  folder: string,
  addresses: readonly string[],
): { cert: string; key: string } {
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  const names = addresses.map((address) => `IP:${address}`).join(',');
  const made =
    '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=lab';
  const wanted = ['-keyout', key, '-out', cert, '-addext', `subjectAltName=${names}`];
  execFileSync('openssl', ['req', ...made.split(' '), ...wanted], { stdio: 'ignore' });
  return { cert, key };
}

const configuration = (network: object, folder: string, tls: object, sinkUrl: string): object => ({
  server: {
    agents: { address: '0.0.0.0', port: 8081, tls },
    people: { port: 8080 },
    state: join(folder, 'server'),
  },
  credentials: {
    lab: { version: '2c', community: 'public' },
    'lab-v3': {
      version: '3',
      user: 'vedette',
      auth: { protocol: 'sha256', key: { env: 'LAB_SNMP_KEY' } },
      privacy: { protocol: 'aes128', key: { env: 'LAB_SNMP_KEY' } },
    },
  },
  intervals: { snmp: { wan: '10s', other: '10s' } },
  tickets: {
    destinations: [
      {
        id: 'sink',
        url: sinkUrl,
        secrets: [{ env: 'LAB_WEBHOOK_SECRET' }],
        openAfter: { P1: '5s', P2: '5s', P3: '5s', P4: '5s', P5: '5s' },
        numberPointer: '/number',
      },
    ],
  },
  ...network,
});

/**
 * Starts the real server with its webhook sink at the hub, and the agents at their places. This thread
 * moves into the hub's namespace. All priorities are ticketed after 5 s: nothing may hide as P4 or P5.
 */
export async function startNoc(options: NocOptions): Promise<Noc> {
  const { hub, folder, agents, network, atEnd } = options;
  const programs = new Map<string, Program>();
  const end = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    await programs.get(name)?.end(signal);
    programs.delete(name);
  };
  const logs = (): string =>
    [...programs].map(([name, { tail }]) => `--- ${name}\n${tail()}`).join('\n');

  enterNamespace(hub.name);
  const sink = await startSink({ secret: SECRET });
  atEnd(() => sink.close());
  const addresses = [...new Set(['127.0.0.1', ...agents.map((agent) => agent.server)])];
  const tls = makeCertificate(folder, addresses);
  const config = join(folder, 'vedette.yaml');
  writeFileSync(config, stringify(configuration(network, folder, tls, sink.url)));
  const secrets = { LAB_WEBHOOK_SECRET: SECRET, LAB_SNMP_KEY };

  const startServer = async (): Promise<void> => {
    const server = startVedette('server', ['server', '--config', config], secrets);
    programs.set('server', server);
    await waitReady(server, PEOPLE);
  };
  const tokens = new Map<string, string>();
  const startAgent = (id: string): void => {
    const agent = agents.find((candidate) => candidate.id === id);
    if (!agent) throw new Error(`lab: no agent ${id}`);
    const state = join(folder, id);
    mkdirSync(state, { recursive: true });
    const url = `https://${agent.server}:8081`;
    const command = vedetteCommand(['agent', '--server', url, '--state', state]);
    const env = { VEDETTE_TOKEN: tokens.get(id) ?? '', NODE_EXTRA_CA_CERTS: tls.cert };
    programs.set(id, follow(id, agent.host.start(...command, env)));
  };
  const get = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${PEOPLE}${path}`)).json()) as T;

  try {
    atEnd(() => end('server', 'SIGKILL'));
    await startServer();
    for (const { id } of agents) {
      tokens.set(id, createToken(id, config, secrets));
      atEnd(() => end(id, 'SIGKILL'));
      startAgent(id);
    }
  } catch (cause) {
    throw new Error(`the lab did not start: ${String(cause)}\n${logs()}`, { cause });
  }
  return {
    sink,
    startAgent,
    stopAgent: (id) => end(id, 'SIGTERM'),
    startServer,
    stopServer: (signal = 'SIGTERM') => end('server', signal),
    status: () => get<StatusView>('/api/v1/status'),
    incidents: async () =>
      (await get<{ incidents: IncidentView[] }>('/api/v1/incidents?state=all')).incidents,
    async replayed() {
      const env = { ...process.env, ...secrets };
      const start = (...args: readonly string[]) => {
        const [program, command] = vedetteCommand(args);
        return spawn(program, command, { env, stdio: ['pipe', 'pipe', 'inherit'] });
      };
      const recorder = start('record', '--settings', '--config', config);
      const player = start('replay', '--samples', '-');
      const [output] = await Promise.all([
        text(player.stdout),
        pipeline(recorder.stdout, player.stdin),
      ]);
      return output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    },
    logs,
  };
}
