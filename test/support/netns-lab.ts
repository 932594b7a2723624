import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { enterNamespace } from '../../lab/netns/enter.ts';
import {
  connect,
  createHost,
  type LabHost,
  plugLan,
  type Wire,
} from '../../lab/netns/namespaces.ts';
import { type Snmpd, startSnmpd } from '../../lab/netns/snmpd.ts';
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

const RELAY = new URL('../../lab/netns/tun-relay.ts', import.meta.url).pathname;
const SECRET = `whsec_${Buffer.from('a secret of the lab, thirty-two b').toString('base64')}`;
const PEOPLE = 'http://127.0.0.1:8080';

export interface Branch {
  readonly id: string;
  readonly host: LabHost;
  readonly snmpd: Snmpd;
  /** Absent on the branch whose circuit is a TUN relay. */
  readonly wire: Wire;
  /** TUN branches only: one-way delay of the circuit, ms. */
  setDelay?(ms: number): void;
}

export interface NetnsLab {
  readonly branches: readonly Branch[];
  readonly sink: Sink;
  stopAgent(id: string): Promise<void>;
  startAgent(id: string): void;
  stopServer(signal?: NodeJS.Signals): Promise<void>;
  startServer(): Promise<void>;
  status(): Promise<StatusView>;
  incidents(): Promise<readonly IncidentView[]>;
  /** Last lines of the logs, for the message of a failed test. */
  logs(): string;
  close(): Promise<void>;
}

function makeCertificate(
  folder: string,
  addresses: readonly string[],
): { cert: string; key: string } {
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  const names = addresses.map((address) => `IP:${address}`).join(',');
  const made = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  execFileSync(
    'openssl',
    [
      'req',
      ...made,
      '-keyout',
      key,
      '-out',
      cert,
      '-subj',
      '/CN=lab',
      '-addext',
      `subjectAltName=${names}`,
    ],
    { stdio: 'ignore' },
  );
  return { cert, key };
}

function configuration(
  ids: readonly string[],
  folder: string,
  tls: object,
  sinkUrl: string,
): object {
  const circuits = ids.map((id, n) => ({
    id: `${id}-mpls`,
    kind: 'wan',
    site: id,
    peer: 'hub',
    provider: 'Labtel',
    circuit: `LT-${100 + n}`,
    ends: [
      { device: `${id}-rtr`, interface: `wan-${id}` },
      { device: 'hub-rtr', interface: `to-${id}` },
    ],
    probes: [{ from: 'hub-agent', icmp: `10.90.${n + 1}.2` }],
  }));
  return {
    server: {
      agents: { address: '0.0.0.0', port: 8081, tls },
      people: { port: 8080 },
      state: join(folder, 'server'),
    },
    sites: [
      { id: 'hub', name: 'Hub', hub: true, users: 100 },
      ...ids.map((id) => ({ id, name: `Branch ${id}`, users: 25 })),
    ],
    devices: [
      {
        id: 'hub-rtr',
        site: 'hub',
        address: '127.0.0.1',
        icmp: false,
        snmp: { credential: 'lab' },
      },
      ...ids.map((id, n) => ({
        id: `${id}-rtr`,
        site: id,
        address: `10.90.${n + 1}.2`,
        snmp: { credential: n % 2 === 0 ? 'lab' : 'lab-v3' },
      })),
    ],
    links: circuits,
    agents: [
      { id: 'hub-agent', site: 'hub' },
      ...ids.map((id) => ({ id: `${id}-agent`, site: id })),
    ],
    credentials: {
      lab: { version: '2c', community: 'public' },
      'lab-v3': {
        version: '3',
        user: 'vedette',
        auth: { protocol: 'sha256', key: { env: 'LAB_SNMP_KEY' } },
        privacy: { protocol: 'aes128', key: { env: 'LAB_SNMP_KEY' } },
      },
    },
    // The pack's absolute limit is for a continent; a company that knows its circuits sets its own.
    rules: [
      { id: 'link-latency', raiseAt: 60, clearAt: 40 },
      { id: 'snmp-silent', after: '30s' },
    ],
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
  };
}

async function startRelay(
  hub: LabHost,
  branch: LabHost,
  id: string,
  n: number,
): Promise<ChildProcess> {
  const near = `10.90.${n}.1`;
  const far = `10.90.${n}.2`;
  const args = [hub.name, `to-${id}`, near, far, branch.name, `wan-${id}`, far, near];
  const relay = spawn(process.execPath, [RELAY, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    relay.stdout.once('data', () => resolve());
    relay.once('exit', (code) => reject(new Error(`tun-relay ended with ${code}`)));
  });
  return relay;
}

/**
 * A hub and branches in network namespaces, Debian's snmpd as the router of each, one agent inside
 * each branch behind its circuit and one at the hub, the real server and a webhook sink at the hub.
 * This thread moves into the hub's namespace. `tun` names branches whose circuit can be delayed.
 */
export async function startNetnsLab(
  ids: readonly string[],
  tun: readonly string[] = [],
): Promise<NetnsLab> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-netns-'));
  const prefix = `vdt${process.pid % 10_000}`;
  const undo: (() => Promise<void> | void)[] = [
    () => rmSync(folder, { recursive: true, force: true }),
  ];
  const close = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  const programs = new Map<string, Program>();
  try {
    const hub = createHost(`${prefix}-hub`);
    undo.push(() => hub.close());
    const branches: Branch[] = [];
    for (const [n, id] of ids.entries()) {
      const host = createHost(`${prefix}-${id}`);
      undo.push(() => host.close());
      plugLan(host, 'lan0');
      const devices = [`to-${id}`, `wan-${id}`] as const;
      if (tun.includes(id)) {
        const relay = await startRelay(hub, host, id, n + 1);
        undo.push(() => void relay.kill());
        const wire: Wire = {
          hosts: [hub, host],
          devices,
          addresses: [`10.90.${n + 1}.1`, `10.90.${n + 1}.2`],
        };
        const setDelay = (ms: number): void => void relay.stdin?.write(`${ms}\n`);
        branches.push({ id, host, snmpd: startSnmpd(host, folder), wire, setDelay });
      } else {
        const wire = connect(hub, host, `10.90.${n + 1}`, devices);
        branches.push({ id, host, snmpd: startSnmpd(host, folder), wire });
      }
    }
    startSnmpd(hub, folder);
    enterNamespace(hub.name);
    const sink = await startSink({ secret: SECRET });
    undo.push(() => sink.close());

    const addresses = ['127.0.0.1', ...branches.map((branch) => branch.wire.addresses[0])];
    const tls = makeCertificate(folder, addresses);
    const config = join(folder, 'vedette.yaml');
    writeFileSync(config, stringify(configuration(ids, folder, tls, sink.url)));
    const secrets = { LAB_WEBHOOK_SECRET: SECRET, LAB_SNMP_KEY: 'password-of-the-lab' };

    const startServer = async (): Promise<void> => {
      const server = startVedette('server', ['server', '--config', config], secrets);
      programs.set('server', server);
      await waitReady(server, PEOPLE);
    };
    const end = async (name: string, signal: NodeJS.Signals): Promise<void> => {
      await programs.get(name)?.end(signal);
      programs.delete(name);
    };
    undo.push(() => end('server', 'SIGKILL'));
    await startServer();

    const agents = ['hub-agent', ...ids.map((id) => `${id}-agent`)];
    const tokens = new Map(agents.map((agent) => [agent, createToken(agent, config, secrets)]));
    const startAgent = (id: string): void => {
      const branch = branches.find((candidate) => `${candidate.id}-agent` === id);
      const state = join(folder, id);
      mkdirSync(state, { recursive: true });
      const url = `https://${branch?.wire.addresses[0] ?? '127.0.0.1'}:8081`;
      const command = vedetteCommand(['agent', '--server', url, '--state', state]);
      const env = { VEDETTE_TOKEN: tokens.get(id) ?? '', NODE_EXTRA_CA_CERTS: tls.cert };
      programs.set(id, follow(id, (branch?.host ?? hub).start(...command, env)));
    };
    for (const agent of tokens.keys()) {
      undo.push(() => end(agent, 'SIGKILL'));
      startAgent(agent);
    }
    const get = async <T>(path: string): Promise<T> =>
      (await (await fetch(`${PEOPLE}${path}`)).json()) as T;
    return {
      branches,
      sink,
      startAgent,
      stopAgent: (id) => end(id, 'SIGTERM'),
      startServer,
      stopServer: (signal = 'SIGTERM') => end('server', signal),
      status: () => get<StatusView>('/api/v1/status'),
      incidents: async () =>
        (await get<{ incidents: IncidentView[] }>('/api/v1/incidents?state=all')).incidents,
      logs: () => [...programs].map(([name, { tail }]) => `--- ${name}\n${tail()}`).join('\n'),
      close,
    };
  } catch (error) {
    await close();
    const tails = [...programs].map(([name, { tail }]) => `--- ${name}\n${tail()}`);
    throw new Error(`the lab did not start: ${String(error)}\n${tails.join('\n')}`, {
      cause: error,
    });
  }
}
