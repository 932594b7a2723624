import type { Inventory, Link } from '../../protocol/model/inventory.ts';
import { createRandom, type Random } from '../random.ts';
import { buildNetwork } from './build-network.ts';
import { drawFaults, type Fault } from './faults.ts';
import { agentPlaces, SHAPES, type StormNetwork } from './network.ts';
import { type Targets, targetsOf } from './targets.ts';

/** An agent that is restarted by somebody: gone for less than makes it silent. Times in ms. */
export interface AgentRestart {
  readonly agent: number;
  readonly from: number;
  readonly until: number;
}

/** A whole storm, decided before it begins. Times in ms from its start. */
export interface StormPlan {
  readonly seed: number;
  readonly network: StormNetwork;
  readonly targets: Targets;
  readonly faults: readonly Fault[];
  readonly restarts: readonly AgentRestart[];
  /** From a change to the routers' knowing of it. */
  readonly convergesIn: number;
  readonly endsAt: number;
  /** What the engine is told of the network: 5 % of its edges are missing. */
  readonly inventory: Inventory;
  readonly watches: readonly { readonly agent: string; readonly subjects: readonly string[] }[];
}

export interface PlanOptions {
  readonly seed: number;
  /** No more branches than this; the design asks for up to 2,000. */
  readonly maxBranches?: number;
}

const WARM_UP = 70_000;
const FAULTS_WITHIN = 150_000;
/** Longest clearing, echo and hold of the engine, and some more. */
const TAIL = 240_000;
const MISSING = 0.05;

/** Share of storms, fewest and most branches. */
const SIZES = [
  [0.45, 8, 20],
  [0.35, 20, 60],
  [0.16, 60, 200],
  [0.038, 200, 400],
  [0.002, 1_990, 1_998],
] as const;

export function planStorm({ seed, maxBranches = 2_000 }: PlanOptions): StormPlan {
  const random = createRandom(seed * 2_654_435_761);
  const branches = Math.min(maxBranches, drawBranches(random));
  const shape = random.pick(SHAPES);
  const backgroundLoss = 0.03 * random.next();
  const network = buildNetwork({ shape, branches, backgroundLoss }, random);
  const targets = targetsOf(network);
  const count = 1 + Math.floor(random.next() * 5);
  const faults = drawFaults(network, random, { count, after: WARM_UP, within: FAULTS_WITHIN });
  const endsAt = Math.max(...faults.map((fault) => fault.until)) + TAIL;
  return {
    seed,
    network,
    targets,
    faults,
    restarts: drawRestarts(network, random, endsAt),
    convergesIn: 100 * Math.round(random.between(2, 30)),
    endsAt,
    inventory: damaged(network, random),
    watches: watchesOf(network, targets),
  };
}

function drawBranches(random: Random): number {
  let left = random.next();
  for (const [share, least, most] of SIZES) {
    left -= share;
    if (left < 0) return Math.floor(random.between(least, most));
  }
  return 20;
}

function drawRestarts(network: StormNetwork, random: Random, endsAt: number): AgentRestart[] {
  return Array.from({ length: Math.floor(random.next() * 3) }, () => {
    const from = 100 * Math.round(random.between(WARM_UP, endsAt - 60_000) / 100);
    const agent = Math.floor(random.next() * network.agents.length);
    return { agent, from, until: from + 100 * Math.round(random.between(20, 50)) };
  });
}

/** The inventory with one edge in twenty gone: what a device is behind, ends and peers of links. */
function damaged(network: StormNetwork, random: Random): Inventory {
  const isMissing = (): boolean => random.next() < MISSING;
  const links = network.circuits.map(({ link }): Link => {
    const { peer, ends, ...rest } = link;
    return {
      ...rest,
      ends: ends.filter(() => !isMissing()),
      ...(peer === undefined || isMissing() ? {} : { peer }),
    };
  });
  const devices = network.devices.map(({ behind, ...device }) =>
    behind === undefined || isMissing() ? device : { ...device, behind },
  );
  return {
    sites: network.sites.map(({ site }) => site),
    devices,
    links,
    agents: agentPlaces(network),
  };
}

function watchesOf(network: StormNetwork, { echo, polls }: Targets): StormPlan['watches'] {
  const subjects = network.agents.map(() => new Set<string>());
  for (const { agent, subject } of echo) subjects[agent]?.add(subject);
  for (const { agent, node } of polls) subjects[agent]?.add(`device:${network.nodes[node]?.id}`);
  return network.agents.map(({ id }, index) => ({
    agent: id,
    subjects: [...(subjects[index] ?? [])],
  }));
}
