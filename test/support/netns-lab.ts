import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connect,
  createHost,
  type LabHost,
  plugLan,
  type Wire,
} from '../../lab/netns/namespaces.ts';
import { type Snmpd, startSnmpd } from '../../lab/netns/snmpd.ts';
import { type Noc, startNoc } from './netns-noc.ts';

const RELAY = new URL('../../lab/netns/tun-relay.ts', import.meta.url).pathname;

export interface Branch {
  readonly id: string;
  readonly host: LabHost;
  readonly snmpd: Snmpd;
  /** Absent on the branch whose circuit is a TUN relay. */
  readonly wire: Wire;
  /** TUN branches only: one-way delay of the circuit, ms. */
  setDelay?(ms: number): void;
}

export interface NetnsLab extends Noc {
  readonly branches: readonly Branch[];
  close(): Promise<void>;
}

function network(ids: readonly string[]): object {
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
    // The pack's absolute limit is for a continent; a company that knows its circuits sets its own.
    rules: [
      { id: 'link-latency', raiseAt: 60, clearAt: 40 },
      { id: 'snmp-silent', after: '30s' },
    ],
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
  const atEnd = (step: () => Promise<void> | void): void => void undo.push(step);
  const close = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  const host = (name: string): LabHost => {
    const created = createHost(`${prefix}-${name}`);
    atEnd(() => created.close());
    return created;
  };
  try {
    const hub = host('hub');
    const branches: Branch[] = [];
    for (const [n, id] of ids.entries()) {
      const branch = host(id);
      plugLan(branch, 'lan0');
      const devices = [`to-${id}`, `wan-${id}`] as const;
      if (tun.includes(id)) {
        const relay = await startRelay(hub, branch, id, n + 1);
        atEnd(() => void relay.kill());
        const wire: Wire = {
          hosts: [hub, branch],
          devices,
          addresses: [`10.90.${n + 1}.1`, `10.90.${n + 1}.2`],
        };
        const setDelay = (ms: number): void => void relay.stdin?.write(`${ms}\n`);
        branches.push({ id, host: branch, snmpd: startSnmpd(branch, folder), wire, setDelay });
      } else {
        const wire = connect(hub, branch, `10.90.${n + 1}`, devices);
        branches.push({ id, host: branch, snmpd: startSnmpd(branch, folder), wire });
      }
    }
    startSnmpd(hub, folder);
    const agents = [
      { id: 'hub-agent', host: hub, server: '127.0.0.1' },
      ...branches.map(({ id, host, wire }) => ({
        id: `${id}-agent`,
        host,
        server: wire.addresses[0],
      })),
    ];
    const noc = await startNoc({ hub, folder, agents, network: network(ids), atEnd });
    return { ...noc, branches, close };
  } catch (error) {
    await close();
    throw error;
  }
}
