import type { Random } from '../random.ts';
import type { StormCircuit, StormNetwork } from './network.ts';
import type { Effect } from './state.ts';

export const FAULT_KINDS = [
  'circuit-cut',
  'device-off',
  'site-power',
  'pop-outage',
  'circuit-loss',
  'congestion',
  'hub-router-down',
  'agent-stopped',
  'interface-down',
  'snmp-stopped',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One true fault. Times in ms from the start of the storm. */
export interface Fault {
  readonly kind: FaultKind;
  /** What was broken, in words of the inventory. */
  readonly what: string;
  /** Subjects that a ticket may name as its root. A PoP has none: see `pop`. */
  readonly roots: readonly string[];
  readonly pop?: { readonly name: string; readonly links: readonly string[] };
  readonly from: number;
  readonly until: number;
  readonly effects: readonly Effect[];
  /** Devices do not boot equally fast: how long before `until` each effect ends, ms; absent = with it. */
  readonly early?: readonly number[];
}

/** How often each kind is drawn; what has no candidate is drawn again. */
const WEIGHTS: Record<FaultKind, number> = {
  'circuit-cut': 24,
  'device-off': 20,
  'site-power': 10,
  'pop-outage': 6,
  'circuit-loss': 8,
  congestion: 6,
  'hub-router-down': 4,
  'agent-stopped': 10,
  'interface-down': 8,
  'snmp-stopped': 4,
};

/** Some faults need longer to be seen at all: SNMP is polled every 60 s, load is a mean of 2 min. */
const LASTS: Record<FaultKind, readonly [number, number]> = {
  'circuit-cut': [40_000, 240_000],
  'device-off': [40_000, 240_000],
  'site-power': [40_000, 240_000],
  'pop-outage': [60_000, 240_000],
  'circuit-loss': [120_000, 300_000],
  congestion: [240_000, 360_000],
  'hub-router-down': [60_000, 240_000],
  'agent-stopped': [40_000, 240_000],
  'interface-down': [60_000, 240_000],
  'snmp-stopped': [200_000, 360_000],
};

/** From the first device of a site to the last, when its power is back, ms. */
const BOOTS_WITHIN = 20_000;

type Draft = Omit<Fault, 'kind' | 'from' | 'until'>;
type Drawer = (network: StormNetwork, random: Random) => Draft | undefined;

const cables = (network: StormNetwork): StormCircuit[] =>
  network.circuits.filter(({ edge }) => edge !== undefined);

const branches = (network: StormNetwork) => network.sites.filter(({ site }) => !site.hub);

const endsOf = ({ link }: StormCircuit): string[] => [
  `link:${link.id}`,
  ...link.ends.map((end) => `interface:${end.device}/${end.interface}`),
];

function offEffects(node: number): Effect[] {
  return [{ kind: 'node-down', node }];
}

const DRAWERS: Record<FaultKind, Drawer> = {
  'circuit-cut': (network, random) => {
    const circuit = random.pick(cables(network));
    const edge = circuit.edge ?? -1;
    const effects: Effect[] = [{ kind: 'edge-down', edge }];
    // Many access lines keep the carrier up: the provider's box is still there.
    if (random.next() < 0.5) effects.push({ kind: 'port-down', edge, end: 1 });
    if (random.next() < 0.2) effects.push({ kind: 'port-down', edge, end: 0 });
    return { what: `link:${circuit.link.id}`, roots: endsOf(circuit), effects };
  },
  'device-off': (network, random) => {
    const site = random.pick(branches(network));
    const node = random.pick(site.nodes);
    const root = `device:${network.nodes[node]?.id}`;
    return { what: root, roots: [root], effects: offEffects(node) };
  },
  'site-power': (network, random) => {
    const { site, nodes, routers, agent } = random.pick(branches(network));
    const effects = nodes.flatMap(offEffects);
    if (agent !== undefined) effects.push({ kind: 'agent-down', agent });
    const edges = routers.map((node) => `device:${network.nodes[node]?.id}`);
    const early = effects.map((_, n) => (n * 7_919) % BOOTS_WITHIN);
    return { what: `site:${site.id}`, roots: [`site:${site.id}`, ...edges], effects, early };
  },
  'pop-outage': (network, random) => {
    const pops = Map.groupBy(cables(network), ({ link }) => link.pop ?? '');
    const large = [...pops].filter(([, circuits]) => circuits.length >= 3);
    if (large.length === 0) return undefined;
    const [name, circuits] = random.pick(large);
    return {
      what: `${name} (${circuits.length} circuits)`,
      roots: [],
      pop: { name, links: circuits.map(({ link }) => `link:${link.id}`) },
      effects: circuits.map(({ edge }) => ({ kind: 'edge-down', edge: edge ?? -1 })),
    };
  },
  'circuit-loss': (network, random) => {
    const circuit = random.pick(cables(network));
    const effects: Effect[] = [{ kind: 'lossy', edge: circuit.edge ?? -1, loss: 0.2 }];
    return { what: `link:${circuit.link.id}`, roots: endsOf(circuit), effects };
  },
  congestion: (network, random) => {
    const circuit = random.pick(cables(network));
    const edge = circuit.edge ?? -1;
    return {
      what: `link:${circuit.link.id}`,
      roots: endsOf(circuit),
      effects: [
        { kind: 'full', edge },
        { kind: 'lossy', edge, loss: random.between(0.08, 0.15) },
        { kind: 'slow', edge, delayMs: random.between(160, 260) },
      ],
    };
  },
  'hub-router-down': (network, random) => {
    const routers = network.nodes.flatMap((node, i) => (node.role === 'hub-router' ? [i] : []));
    const node = random.pick(routers);
    const root = `device:${network.nodes[node]?.id}`;
    return { what: root, roots: [root], effects: offEffects(node) };
  },
  'agent-stopped': (network, random) => {
    const agent = Math.floor(random.next() * network.agents.length);
    const root = `agent:${network.agents[agent]?.id}`;
    return { what: root, roots: [root], effects: [{ kind: 'agent-down', agent }] };
  },
  'interface-down': (network, random) => {
    const circuit = random.pick(cables(network));
    const edge = circuit.edge ?? -1;
    const end = random.next() < 0.5 ? 0 : 1;
    const at = circuit.link.ends[end];
    const effects: Effect[] = [
      { kind: 'edge-down', edge },
      { kind: 'port-down', edge, end },
    ];
    return { what: `interface:${at?.device}/${at?.interface}`, roots: endsOf(circuit), effects };
  },
  'snmp-stopped': (network, random) => {
    const polled = network.nodes.flatMap((node, i) => (node.role === 'leaf' ? [] : [i]));
    const node = random.pick(polled);
    const root = `device:${network.nodes[node]?.id}`;
    return { what: root, roots: [root], effects: [{ kind: 'snmp-off', node }] };
  },
};

function drawKind(random: Random): FaultKind {
  const sum = FAULT_KINDS.reduce((total, kind) => total + WEIGHTS[kind], 0);
  let left = random.next() * sum;
  for (const kind of FAULT_KINDS) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'circuit-cut';
}

/** 1 to 5 faults that begin within `within` ms after `after`; no two break the same thing. */
export function drawFaults(
  network: StormNetwork,
  random: Random,
  { count, after, within }: { count: number; after: number; within: number },
): Fault[] {
  const faults: Fault[] = [];
  for (let tries = 0; faults.length < count && tries < 50; tries++) {
    const kind = drawKind(random);
    const draft = DRAWERS[kind](network, random);
    if (draft === undefined || faults.some((fault) => isSameThing(fault, draft))) continue;
    const [least, most] = LASTS[kind];
    const from = tenths(after + random.next() * within);
    faults.push({ kind, ...draft, from, until: from + tenths(random.between(least, most)) });
  }
  return faults.sort((a, b) => a.from - b.from);
}

const tenths = (ms: number): number => Math.round(ms / 100) * 100;

/** Two faults of one thing cannot be told apart by anybody. */
const isSameThing = (fault: Fault, draft: Draft): boolean =>
  fault.what === draft.what || fault.roots.some((root) => draft.roots.includes(root));
