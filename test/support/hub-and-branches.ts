import type { Device, Inventory, Link, Site } from '../../protocol/model/inventory.ts';
import type { AgentWatch } from '../../rules/settings.ts';

export interface Branch {
  readonly id: string;
  readonly users?: number;
  /** Circuits besides the first one, which is `ID-mpls`; `ID-NAME`. */
  readonly otherLinks?: readonly string[];
  /** Switches behind the branch router, `ID-sw1` and so on. */
  readonly switches?: number;
  /** A tunnel `ID-vpn` over all circuits of the branch. */
  readonly overlay?: boolean;
  /** No agent inside. */
  readonly agentless?: boolean;
}

export interface HubAndBranches {
  readonly inventory: Inventory;
  readonly watches: readonly AgentWatch[];
}

const capital = (id: string): string => id.charAt(0).toUpperCase() + id.slice(1);

function linksOf(branch: Branch, number: number): Link[] {
  const circuit = (name: string, index: number): Link => ({
    id: `${branch.id}-${name}`,
    name: `${branch.id}-${name}`,
    kind: name === 'mpls' ? 'wan' : 'internet',
    site: branch.id,
    peer: 'hub',
    ends: [
      { device: 'hub-r1', interface: `to-${branch.id}-${name}` },
      { device: `${branch.id}-r1`, interface: `wan${index}` },
    ],
    provider: index === 0 ? 'Orange' : 'Free',
    circuit: `FR-${1000 + number * 10 + index}`,
    underlays: [],
  });
  const circuits = ['mpls', ...(branch.otherLinks ?? [])].map(circuit);
  if (!branch.overlay) return circuits;
  const tunnel: Link = {
    id: `${branch.id}-vpn`,
    name: `${branch.id}-vpn`,
    kind: 'overlay',
    site: branch.id,
    peer: 'hub',
    ends: [],
    underlays: circuits.map((link) => link.id),
  };
  return [...circuits, tunnel];
}

function devicesOf(branch: Branch): Device[] {
  const router: Device = {
    id: `${branch.id}-r1`,
    name: `${branch.id}-r1`,
    site: branch.id,
    address: '192.0.2.1',
  };
  const switches = Array.from({ length: branch.switches ?? 0 }, (_, index) => ({
    id: `${branch.id}-sw${index + 1}`,
    name: `${branch.id}-sw${index + 1}`,
    site: branch.id,
    address: `192.0.2.${index + 2}`,
    behind: router.id,
  }));
  return [router, ...switches];
}

/**
 * A hub with router `hub-r1` and agent `a-hub`, and branches each with router, switches, circuits and
 * agent `a-ID`. The hub's agent watches its own router, every circuit and every branch device; a
 * branch's agent watches the devices of its branch and looks out over its circuits.
 */
export function hubAndBranches(branches: readonly Branch[]): HubAndBranches {
  const links = branches.flatMap(linksOf);
  const devices: Device[] = branches.flatMap(devicesOf);
  const hub: Site = { id: 'hub', name: 'Hub', hub: true, users: 200 };
  const hubRouter: Device = { id: 'hub-r1', name: 'hub-r1', site: 'hub', address: '192.0.2.250' };
  const sites: Site[] = branches.map((branch) => ({
    id: branch.id,
    name: capital(branch.id),
    hub: false,
    users: branch.users ?? 40,
  }));
  const inside = branches.filter((branch) => !branch.agentless);
  const watches: AgentWatch[] = inside.map((branch) => ({
    agent: `a-${branch.id}`,
    subjects: [
      ...devicesOf(branch).map((device) => `device:${device.id}`),
      ...links.filter((link) => link.site === branch.id).map((link) => `link:${link.id}`),
    ],
  }));
  const hubSubjects = [
    'device:hub-r1',
    ...links.map((link) => `link:${link.id}`),
    ...devices.map((device) => `device:${device.id}`),
  ];
  return {
    inventory: {
      sites: [hub, ...sites],
      devices: [hubRouter, ...devices],
      links,
      agents: [
        { id: 'a-hub', site: 'hub' },
        ...inside.map((branch) => ({ id: `a-${branch.id}`, site: branch.id })),
      ],
    },
    watches: [{ agent: 'a-hub', subjects: hubSubjects }, ...watches],
  };
}
