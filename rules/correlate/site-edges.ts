import type { Inventory, Link } from '../../protocol/model/inventory.ts';
import type { SiteId } from '../../protocol/model/subject.ts';

/** Where circuits without a named other end lead to. */
export const WORLD = '*';

export interface Edge {
  readonly link: Link;
  readonly to: string;
}

/** The sites as nodes, the circuits that somebody watches as edges. */
export interface SiteEdges {
  edgesOf(node: string): readonly Edge[];
  /** Ways that no circuit stands for and that never fail: from the hubs to the world. */
  freeWaysOf(node: string): readonly string[];
  endsOf(link: Link): readonly SiteId[];
  circuitsAt(site: SiteId): readonly Link[];
  /** The hubs; without any the sites that nothing serves. */
  readonly core: readonly string[];
  /** False when the inventory never knew a way: one that was never known cannot be lost. */
  wereEverJoined(sources: readonly string[], to: string): boolean;
}

const NONE: readonly never[] = [];
const carries = (link: Link): boolean => link.kind === 'wan' || link.kind === 'internet';

function addTo<V>(index: Map<string, V[]>, key: string, value: V): void {
  const values = index.get(key);
  if (values === undefined) index.set(key, [value]);
  else values.push(value);
}

/** Number of the island on which each node lies. */
function islandsOf(nodes: Iterable<string>, next: (node: string) => readonly string[]) {
  const islands = new Map<string, number>();
  for (const start of nodes) {
    if (islands.has(start)) continue;
    const number = islands.size;
    const queue = new Set([start]);
    for (const node of queue) {
      islands.set(node, number);
      for (const to of next(node)) queue.add(to);
    }
  }
  return islands;
}

/**
 * @param isUsable leaves out circuits that nobody watches: they never say that they are down, so they
 * may not keep others from explaining.
 */
export function createSiteEdges(
  inventory: Inventory,
  isUsable: (link: Link) => boolean,
): SiteEdges {
  const siteOfDevice = new Map(inventory.devices.map((device) => [device.id, device.site]));
  const carriers = inventory.links.filter(carries);
  const edges = new Map<string, Edge[]>();
  const circuits = new Map<SiteId, Link[]>();
  const ends = new Map<string, readonly SiteId[]>();

  /** The named other end, or the site of the device at which the circuit ends. */
  function farSiteOf(link: Link): string {
    if (link.peer !== undefined && link.peer !== link.site) return link.peer;
    const sites = link.ends.map((end) => siteOfDevice.get(end.device));
    return sites.find((site) => site !== undefined && site !== link.site) ?? WORLD;
  }

  for (const link of carriers) {
    const far = farSiteOf(link);
    const sites = far === WORLD ? [link.site] : [link.site, far];
    ends.set(link.id, sites);
    for (const site of sites) addTo(circuits, site, link);
    if (!isUsable(link)) continue;
    addTo(edges, link.site, { link, to: far });
    addTo(edges, far, { link, to: link.site });
  }
  const served = new Set(carriers.map((link) => link.site));
  const hubs = inventory.sites.filter((site) => site.hub);
  const tops = hubs.length > 0 ? hubs : inventory.sites.filter((site) => !served.has(site.id));
  const core = [...tops.map((site) => site.id), WORLD];
  // A way over another hub is found at once and not after a thousand circuits to branches.
  const isCore = new Set(core);
  for (const hub of core) {
    edges.get(hub)?.sort((a, b) => Number(isCore.has(b.to)) - Number(isCore.has(a.to)));
  }
  const free = new Set(edges.has(WORLD) ? core : NONE);
  const freeWaysOf = (node: string): readonly string[] =>
    node === WORLD ? [...free] : free.has(node) ? [WORLD] : NONE;
  const islands = islandsOf([...edges.keys(), ...free], (node) => [
    ...(edges.get(node) ?? []).map((edge) => edge.to),
    ...freeWaysOf(node),
  ]);

  return {
    edgesOf: (node) => edges.get(node) ?? NONE,
    freeWaysOf,
    endsOf: (link) => ends.get(link.id) ?? NONE,
    circuitsAt: (site) => circuits.get(site) ?? NONE,
    core,
    wereEverJoined: (sources, to) =>
      islands.has(to) && sources.some((source) => islands.get(source) === islands.get(to)),
  };
}
