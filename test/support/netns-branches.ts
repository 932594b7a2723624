import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createHost, cut, type LabHost, type Wire } from '../../lab/netns/namespaces.ts';
import { startSnmpd } from '../../lab/netns/snmpd.ts';
import { type LabAgent, type Noc, startNoc } from './netns-noc.ts';

export interface BranchPlan {
  readonly id: string;
  readonly users: number;
  /** One circuit each; the first is preferred, the next take over. */
  readonly providers: readonly string[];
  /** An agent on a machine of its own behind the router, which then watches the branch's devices. */
  readonly hasAgent?: boolean;
}

/** A branch: a router that forwards, three devices with snmpd behind it. */
export interface LabBranch {
  readonly id: string;
  /** By provider. Returns how to mend it. */
  cut(provider: string): () => void;
  /** Unplugs one of the three devices, 1 to 3. Returns how to plug it in again. */
  unplug(device: number): () => void;
}

export interface BranchesLab extends Noc {
  branch(id: string): LabBranch;
  close(): Promise<void>;
}

const DEVICES = 3;

/** Addresses: circuits 10.91.(10 n + k).0/30, branch n lives in 10.92.(16 n).0/20, the hub is 0. */
const circuitNet = (n: number, k: number): string => `10.91.${10 * n + k}`;
const lanNet = (n: number, d: number): string => `10.92.${16 * n + d}`;
const routerAddress = (n: number): string => `${lanNet(n, 0)}.1`;
const linkId = (branch: string, provider: string): string => `${branch}-${provider.toLowerCase()}`;

const ROUTER = [
  'net.ipv4.ip_forward=1',
  // Routes over a port without carrier are none: so the second circuit takes over, as with BGP.
  'net.ipv4.conf.all.ignore_routes_with_linkdown=1',
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
];

function network(plans: readonly BranchPlan[], more: object): object {
  return {
    sites: [
      { id: 'hub', name: 'Hub', hub: true, users: 100 },
      ...plans.map(({ id, users }) => ({ id, name: `Branch ${id}`, users })),
    ],
    devices: [
      { id: 'hub-rtr', site: 'hub', address: `${lanNet(0, 1)}.1`, ...SNMP },
      ...plans.flatMap(({ id }, n) => [
        { id: `${id}-rtr`, site: id, address: routerAddress(n + 1), ...SNMP },
        ...numbers(DEVICES).map((d) => ({
          id: `${id}-dev${d}`,
          site: id,
          behind: `${id}-rtr`,
          address: `${lanNet(n + 1, d)}.2`,
          ...SNMP,
        })),
      ]),
    ],
    links: plans.flatMap(({ id, providers }, n) =>
      providers.map((provider, k) => ({
        id: linkId(id, provider),
        kind: 'wan',
        site: id,
        peer: 'hub',
        provider,
        circuit: `${provider}-${100 + 10 * n + k}`,
        ends: [
          { device: `${id}-rtr`, interface: `wan${k}` },
          { device: 'hub-rtr', interface: `to-${id}-${k}` },
        ],
        probes: [{ from: 'hub-agent', icmp: `${circuitNet(n + 1, k)}.2` }],
      })),
    ),
    agents: [
      { id: 'hub-agent', site: 'hub' },
      ...plans.flatMap(({ id, hasAgent }) => (hasAgent ? [{ id: `${id}-agent`, site: id }] : [])),
    ],
    rules: [{ id: 'snmp-silent', after: '30s' }],
    ...more,
  };
}

const SNMP = { snmp: { credential: 'lab' } };
const numbers = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => i + 1);

interface Built {
  readonly branch: LabBranch;
  readonly agents: readonly LabAgent[];
}

/** Router, circuits, devices and the agent's machine of one branch, with their routes. */
function build(
  plan: BranchPlan,
  n: number,
  hub: LabHost,
  folder: string,
  host: (name: string) => LabHost,
): Built {
  const router = host(`${plan.id}-rtr`);
  for (const setting of ROUTER) router.run('sysctl', '-qw', setting);
  router.run('ip', 'addr', 'add', `${routerAddress(n)}/32`, 'dev', 'lo');
  const circuits = new Map<string, Wire>();
  const routeOut = (k: number): void => {
    const metric = String(100 * (k + 1));
    const via = `${circuitNet(n, k)}.1`;
    router.run('ip', 'route', 'replace', 'default', 'via', via, 'metric', metric);
  };
  for (const [k, provider] of plan.providers.entries()) {
    const wire = connect(hub, router, circuitNet(n, k), [`to-${plan.id}-${k}`, `wan${k}`]);
    circuits.set(provider, wire);
    const metric = String(100 * (k + 1));
    const via = wire.addresses[1];
    hub.run('ip', 'route', 'add', `${lanNet(n, 0)}.0/20`, 'via', via, 'metric', metric);
    routeOut(k);
  }
  startSnmpd(router, folder);
  const ports: Wire[] = [];
  const behind = (name: string, d: number): LabHost => {
    const machine = host(`${plan.id}-${name}`);
    ports.push(connect(router, machine, lanNet(n, d), [`lan${d}`, 'eth0']));
    machine.run('ip', 'route', 'add', 'default', 'via', `${lanNet(n, d)}.1`);
    return machine;
  };
  for (const d of numbers(DEVICES)) startSnmpd(behind(`dev${d}`, d), folder);
  const server = `${circuitNet(n, 0)}.1`;
  const agents = plan.hasAgent
    ? [{ id: `${plan.id}-agent`, host: behind('box', DEVICES + 1), server }]
    : [];

  const branch: LabBranch = {
    id: plan.id,
    cut(provider) {
      const wire = circuits.get(provider);
      if (!wire) throw new Error(`lab: ${plan.id} has no circuit of ${provider}`);
      const mend = cut(wire);
      return () => {
        mend();
        routeOut(plan.providers.indexOf(provider));
      };
    },
    unplug(device) {
      const port = ports[device - 1];
      if (!port) throw new Error(`lab: ${plan.id} has no device ${device}`);
      // At the router's side, so that the device keeps its route.
      router.run('ip', 'link', 'set', port.devices[0], 'down');
      return () => void router.run('ip', 'link', 'set', port.devices[0], 'up');
    },
  };
  return { branch, agents };
}

/**
 * Branches behind real routers, in network namespaces: each router forwards for three machines that
 * run Debian's snmpd, and has one circuit to the hub or several. The hub's agent watches what no agent
 * inside watches. This thread moves into the hub's namespace.
 * @param more further sections of the configuration: services, maintenance
 */
export async function startBranchesLab(
  plans: readonly BranchPlan[],
  more: object,
): Promise<BranchesLab> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-branches-'));
  const prefix = `vdb${process.pid % 10_000}`;
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
    for (const setting of ROUTER) hub.run('sysctl', '-qw', setting);
    const built = plans.map((plan, n) => build(plan, n + 1, hub, folder, host));
    startSnmpd(hub, folder);
    // On a machine of its own: it must learn from the router that there is no way, as everywhere.
    const noc = host('noc');
    connect(hub, noc, lanNet(0, 1), ['lan1', 'eth0']);
    noc.run('ip', 'route', 'add', 'default', 'via', `${lanNet(0, 1)}.1`);
    const agents = [
      { id: 'hub-agent', host: noc, server: `${lanNet(0, 1)}.1` },
      ...built.flatMap((one) => one.agents),
    ];
    const programs = await startNoc({ hub, folder, agents, network: network(plans, more), atEnd });
    const branches = new Map(built.map(({ branch }) => [branch.id, branch]));
    return {
      ...programs,
      branch(id) {
        const branch = branches.get(id);
        if (!branch) throw new Error(`lab: no branch ${id}`);
        return branch;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
