import type { Device, Link, LinkKind } from '../../protocol/model/inventory.ts';
import type { Random } from '../random.ts';
import type {
  NodeRole,
  Shape,
  StormAgent,
  StormCircuit,
  StormEdge,
  StormNetwork,
  StormNode,
  StormSite,
} from './network.ts';

export interface NetworkSize {
  readonly shape: Shape;
  /** Branches; hubs come on top. */
  readonly branches: number;
  /** Most that a way to a target loses while all is well, 0..0.03, there and back. */
  readonly backgroundLoss: number;
}

/** A way round a ring is many circuits long; together they stay below the background loss. */
const LOSS_SHARE: Record<Shape, number> = {
  'hub-and-spoke': 1,
  'dual-hub': 1,
  ring: 0.25,
  'sd-wan': 1,
};

/** Branches per point of presence. */
const PER_POP = 10;
const AGENT_SHARE = 0.35;

interface OpenSite {
  readonly id: string;
  readonly isHub: boolean;
  readonly users: number;
  readonly nodes: number[];
  readonly edges: number[];
  readonly routers: number[];
  agent?: number;
}

interface CircuitPlan {
  readonly name: string;
  readonly kind: LinkKind;
  readonly provider: string;
  /** Index of the site that lives behind it. */
  readonly site: number;
  readonly near: number;
  readonly far: number;
}

/** A random WAN: hubs, branches with their trees of switches and leaves, circuits and tunnels. */
export function buildNetwork(size: NetworkSize, random: Random): StormNetwork {
  const nodes: StormNode[] = [];
  const edges: StormEdge[] = [];
  const circuits: StormCircuit[] = [];
  const sites: OpenSite[] = [];
  const agents: StormAgent[] = [];
  const devices: Device[] = [];
  const share = size.backgroundLoss * LOSS_SHARE[size.shape];

  function addSite(id: string, isHub: boolean): number {
    const users = isHub ? 300 : Math.floor(random.between(5, 120));
    sites.push({ id, isHub, users, nodes: [], edges: [], routers: [] });
    return sites.length - 1;
  }

  const siteAt = (index: number): OpenSite => sites[index] as OpenSite;

  function addNode(site: number, role: NodeRole, name: string, behind?: number): number {
    const own = siteAt(site);
    const id = `${own.id}-${name}`;
    nodes.push({ id, site, role });
    const number = nodes.length - 1;
    own.nodes.push(number);
    if (role === 'edge' || role === 'hub-router') own.routers.push(number);
    devices.push({
      id,
      name: id,
      site: own.id,
      address: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
      ...(behind === undefined ? {} : { behind: nodes[behind]?.id ?? '' }),
    });
    return number;
  }

  function addCable(site: number, a: number, b: number): void {
    const loss = random.next() < 0.1 ? 0.001 : 0;
    edges.push({ a, b, costAb: 1, costBa: 1, loss, delayMs: 0.3 });
    siteAt(site).edges.push(edges.length - 1);
  }

  function addAgent(site: number, at: number, isHub: boolean): void {
    agents.push({ id: `a-${siteAt(site).id}`, site, at, isHub });
    siteAt(site).agent = agents.length - 1;
  }

  function addHub(number: number, routers: number): number {
    const site = addSite(`hub${number}`, true);
    const core = addNode(site, 'hub-core', 'core');
    for (let i = 1; i <= routers; i++) {
      addCable(site, core, addNode(site, 'hub-router', `r${i}`));
    }
    for (let i = 1; i <= 3; i++) addCable(site, core, addNode(site, 'leaf', `s${i}`, core));
    addAgent(site, core, true);
    return site;
  }

  /** Edge routers, a core switch behind them, a tree of switches, leaves anywhere in it. */
  function addBranch(number: number, routers: number): number {
    const site = addSite(`b${number}`, false);
    const count = deviceCount();
    const edgeNodes = Array.from({ length: routers }, (_, i) => addNode(site, 'edge', `r${i + 1}`));
    const core = addNode(site, 'switch', 'sw1', routers === 1 ? edgeNodes[0] : undefined);
    for (const edge of edgeNodes) addCable(site, edge, core);
    const switches = [core];
    const more = Math.floor((count - routers - 1) * 0.2);
    for (let i = 0; i < more; i++) {
      const parent = random.pick(switches);
      const added = addNode(site, 'switch', `sw${i + 2}`, parent);
      addCable(site, parent, added);
      switches.push(added);
    }
    for (let i = 0; i < count - routers - 1 - more; i++) {
      const parent = random.pick(switches);
      addCable(site, parent, addNode(site, 'leaf', `d${i + 1}`, parent));
    }
    if (random.next() < AGENT_SHARE) addAgent(site, core, false);
    return site;
  }

  /** 5 to 40 devices; most branches are small. */
  const deviceCount = (): number => 5 + Math.floor(36 * random.next() ** 3);

  function addCircuit(plan: CircuitPlan, region: number): number {
    const { kind, provider, near, far } = plan;
    const site = siteAt(plan.site);
    const nearNode = nodes[near] as StormNode;
    const number = circuits.length;
    const id = `${site.id}-${plan.name}`;
    const link: Link = {
      id,
      name: id,
      kind,
      site: site.id,
      peer: siteAt(nearNode.site).id,
      ends: [
        { device: nearNode.id, interface: `to-${id}` },
        { device: nodes[far]?.id ?? '', interface: `wan-${plan.name}` },
      ],
      provider,
      circuit: `C${10_000 + number}`,
      pop: `${provider}-pop${region}`,
      lastMile: provider === 'northnet' ? 'fibre' : random.pick(['cable', 'copper', 'cellular']),
      underlays: [],
    };
    edges.push({
      a: near,
      b: far,
      costAb: 10 + Math.floor(random.between(0, 4)),
      costBa: 10 + Math.floor(random.between(0, 4)),
      loss: plan.name === 'core' ? 0 : share * random.next() ** 2,
      delayMs: random.between(4, 40),
      circuit: number,
    });
    circuits.push({ link, edge: edges.length - 1, underlays: [], near, far });
    return number;
  }

  function addTunnel(site: number, underlays: readonly number[]): void {
    const under = underlays.map((number) => circuits[number] as StormCircuit);
    const first = under[0] as StormCircuit;
    const id = `${siteAt(site).id}-vpn`;
    const link: Link = {
      id,
      name: id,
      kind: 'overlay',
      site: siteAt(site).id,
      ...(first.link.peer === undefined ? {} : { peer: first.link.peer }),
      ends: [],
      underlays: under.map((circuit) => circuit.link.id),
    };
    circuits.push({ link, underlays, near: first.near, far: first.far });
  }

  const routerOf = (site: number, index: number): number => {
    const { routers } = siteAt(site);
    return routers[index % routers.length] as number;
  };

  /** One or two circuits of two providers to the given hub routers. */
  function connect(branch: number, number: number, nearNodes: readonly number[]): number[] {
    const region = Math.floor(number / PER_POP);
    return nearNodes.map((near, index) =>
      addCircuit(
        {
          name: index === 0 ? 'mpls' : 'inet',
          kind: index === 0 ? 'wan' : 'internet',
          provider: index === 0 ? 'northnet' : 'southtel',
          site: branch,
          near,
          far: routerOf(branch, index),
        },
        region,
      ),
    );
  }

  const LAYOUTS: Record<Shape, () => void> = {
    'hub-and-spoke': () => {
      const hub = addHub(1, random.next() < 0.5 ? 1 : 2);
      for (let i = 0; i < size.branches; i++) {
        const branch = addBranch(i + 1, 1);
        const isDouble = random.next() < 0.3;
        connect(branch, i, isDouble ? [routerOf(hub, 0), routerOf(hub, 1)] : [routerOf(hub, i)]);
      }
    },
    'dual-hub': () => {
      const hubs = [addHub(1, 1), addHub(2, 1)];
      joinHubs(hubs);
      for (let i = 0; i < size.branches; i++) {
        const branch = addBranch(i + 1, random.next() < 0.25 ? 2 : 1);
        const isSingle = random.next() < 0.3;
        const ends = hubs.map((hub) => routerOf(hub, 0));
        connect(branch, i, isSingle ? ends.slice(i % 2, (i % 2) + 1) : ends);
      }
    },
    ring: () => {
      const hub = addHub(1, 2);
      let next = 0;
      while (next < size.branches) {
        const length = Math.min(size.branches - next, 3 + Math.floor(random.next() * 4));
        addRing(hub, next, length);
        next += length;
      }
    },
    'sd-wan': () => {
      const hub = addHub(1, 2);
      for (let i = 0; i < size.branches; i++) {
        const branch = addBranch(i + 1, random.next() < 0.25 ? 2 : 1);
        const isSingle = random.next() < 0.15;
        const ends = isSingle ? [routerOf(hub, i)] : [routerOf(hub, 0), routerOf(hub, 1)];
        addTunnel(branch, connect(branch, i, ends));
      }
    },
  };

  function joinHubs([first, second]: readonly number[]): void {
    if (first === undefined || second === undefined) return;
    const far = routerOf(second, 0);
    const near = routerOf(first, 0);
    addCircuit({ name: 'core', kind: 'wan', provider: 'corelink', site: second, near, far }, 0);
  }

  /** hub r1 ─ b1 ─ b2 ─ … ─ bN ─ hub r2; each circuit serves the branch that is farther from the hub. */
  function addRing(hub: number, first: number, length: number): void {
    const region = Math.floor(first / PER_POP);
    const members = Array.from({ length }, (_, i) => addBranch(first + i + 1, 1));
    const turn = Math.ceil(length / 2);
    for (let i = 0; i <= length; i++) {
      const left = i === 0 ? routerOf(hub, 0) : routerOf(members[i - 1] as number, 0);
      const right = i === length ? routerOf(hub, 1) : routerOf(members[i] as number, 0);
      const isOutward = i < turn;
      const [near, far] = isOutward ? [left, right] : [right, left];
      const name = isOutward ? 'ring-a' : 'ring-b';
      const site = (nodes[far] as StormNode).site;
      addCircuit({ name, kind: 'wan', provider: 'northnet', site, near, far }, region);
    }
  }

  LAYOUTS[size.shape]();
  const built: StormSite[] = sites.map(({ id, isHub, users, agent, ...parts }) => ({
    site: { id, name: id.toUpperCase(), hub: isHub, users },
    ...parts,
    ...(agent === undefined ? {} : { agent }),
  }));
  return {
    shape: size.shape,
    nodes,
    edges,
    circuits,
    sites: built,
    agents,
    devices,
    collector: nodes.findIndex((node) => node.role === 'hub-core'),
  };
}
