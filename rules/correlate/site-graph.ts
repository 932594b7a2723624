import type { Inventory, Link } from '../../protocol/model/inventory.ts';
import type { SiteId } from '../../protocol/model/subject.ts';
import { createSiteEdges, type Edge, WORLD } from './site-edges.ts';

/** Sites and the circuits between them; every way counts, not only the shortest. */
export interface SiteGraph {
  /** Sites at both ends of the circuit. */
  endsOf(link: Link): readonly SiteId[];
  /** Circuits that end at the site, whichever side they are said to serve. */
  circuitsAt(site: SiteId): readonly Link[];
  /**
   * The circuits that would have to work again for `to` to be reached, when none of the ways from any
   * site of `from` is left; undefined = there is a way, or the inventory never knew one. Two floods in turn, so the work is twice the smaller side.
   * @param not a circuit that is not asked about: it is left out of the answer
   */
  cutBetween(
    from: readonly SiteId[],
    to: SiteId,
    isDown: (link: Link) => boolean,
    not?: Link,
  ): readonly Link[] | undefined;
  /** Where the collector may be: the hubs; without any the sites that nothing serves. */
  readonly core: readonly SiteId[];
  /** The circuits on a shortest way, and all that serve the target or the observer. */
  onTheWay(from: SiteId | undefined, to: SiteId): readonly Link[];
  /**
   * The circuits of the region: of all sites that are joined to this one without passing a hub, and
   * those between hubs. None for a hub, and for regions with more than 64 circuits.
   */
  around(site: SiteId): readonly Link[];
  /** Sites that the circuit alone connects to the rest; none = another way is left. */
  behind(link: Link, isDown: (link: Link) => boolean): readonly SiteId[];
}

interface Flood {
  readonly seen: Set<string>;
  readonly queue: string[];
  readonly cut: Edge[];
  /** The node in work, and which of its edges comes next. */
  next: number;
  edge: number;
}

const floodFrom = (sources: readonly string[]): Flood => ({
  seen: new Set(sources),
  queue: [...sources],
  cut: [],
  next: 0,
  edge: 0,
});

/** Shortest ways are kept for so many observers at a time. */
const TREES_KEPT = 64;

/** A ring or a chain of branches is smaller; in a mesh the way that routers take is not to be known. */
const REGION_AT_MOST = 64;

/** @param isUsable leaves circuits out that nobody watches (see `createSiteEdges`). */
export function createSiteGraph(
  inventory: Inventory,
  isUsable: (link: Link) => boolean,
): SiteGraph {
  const sites = createSiteEdges(inventory, isUsable);

  const served = new Map<SiteId, Link[]>();
  for (const link of inventory.links) {
    if (!sites.endsOf(link).includes(link.site)) continue;
    const known = served.get(link.site);
    if (known === undefined) served.set(link.site, [link]);
    else known.push(link);
  }

  const sourcesOf = (from: SiteId | undefined): readonly string[] =>
    from === undefined ? sites.core : [from];

  /**
   * One edge further; true when the other flood was met. A hub has thousands of edges: taken at once
   * they would be looked at whenever anything behind one of them is.
   */
  function advance(flood: Flood, other: Flood, isDown: (link: Link) => boolean): boolean {
    const node = flood.queue[flood.next] as string;
    const edge = sites.edgesOf(node)[flood.edge];
    flood.edge += 1;
    if (edge !== undefined) {
      if (!isDown(edge.link)) return reach(flood, other, edge.to);
      flood.cut.push(edge);
      return false;
    }
    flood.next += 1;
    flood.edge = 0;
    return sites.freeWaysOf(node).some((to) => reach(flood, other, to));
  }

  function reach(flood: Flood, other: Flood, node: string): boolean {
    if (other.seen.has(node)) return true;
    if (!flood.seen.has(node)) {
      flood.seen.add(node);
      flood.queue.push(node);
    }
    return false;
  }

  function cutBetween(
    sources: readonly SiteId[],
    to: SiteId,
    isDown: (link: Link) => boolean,
    not?: Link,
  ): readonly Link[] | undefined {
    if (sources.includes(to) || !sites.wereEverJoined(sources, to)) return undefined;
    const near = floodFrom(sources);
    const far = floodFrom([to]);
    while (far.next < far.queue.length) {
      if (advance(far, near, isDown)) return undefined;
      if (near.next < near.queue.length && advance(near, far, isDown)) return undefined;
    }
    const outward = far.cut.filter((edge) => edge.link !== not && !far.seen.has(edge.to));
    return [...new Set(outward.map((edge) => edge.link))];
  }

  function growTree(sources: readonly string[]): Map<string, Edge> {
    const tree = new Map<string, Edge>();
    const seen = new Set(sources);
    for (const node of seen) {
      for (const { link, to } of sites.edgesOf(node)) {
        if (!seen.has(to)) tree.set(to, { link, to: node });
        seen.add(to);
      }
      for (const to of sites.freeWaysOf(node)) seen.add(to);
    }
    return tree;
  }

  const trees = new Map<string, Map<string, Edge>>();
  /** For each site the first circuit of a shortest way back; kept for a few observers. */
  function treeFrom(from: SiteId | undefined): Map<string, Edge> {
    const name = from ?? WORLD;
    const known = trees.get(name);
    if (known !== undefined) return known;
    const tree = growTree(sourcesOf(from));
    if (trees.size >= TREES_KEPT) trees.clear();
    trees.set(name, tree);
    return tree;
  }

  function onTheWay(from: SiteId | undefined, to: SiteId): readonly Link[] {
    const tree = treeFrom(from);
    const way = new Set(servedBy(to));
    for (let edge = tree.get(to); edge !== undefined; edge = tree.get(edge.to)) way.add(edge.link);
    for (const link of from === undefined ? [] : servedBy(from)) way.add(link);
    return [...way];
  }

  /** The circuits that are there for the site; a hub has others for every branch. */
  const servedBy = (site: SiteId): readonly Link[] => served.get(site) ?? [];

  function behind(link: Link, isDown: (link: Link) => boolean): readonly SiteId[] {
    const ends = sites.endsOf(link);
    const [a, b] = ends;
    if (a === undefined || b === undefined) return ends;
    const isClosed = (other: Link): boolean => other === link || isDown(other);
    let [flood, other] = [floodFrom([a]), floodFrom([b])];
    while (flood.next < flood.queue.length) {
      if (advance(flood, other, isClosed)) return [];
      [flood, other] = [other, flood];
    }
    // Silences hang on what lies away from the hubs, whichever side is the smaller.
    if (!sites.core.some((hub) => flood.seen.has(hub))) return [...flood.seen];
    while (other.next < other.queue.length) advance(other, flood, isClosed);
    return [...flood.seen, ...other.seen];
  }

  const hubs = new Set<string>(sites.core);
  const betweenHubs = inventory.links.filter((link) => {
    const ends = sites.endsOf(link);
    return ends.length > 1 && ends.every((site) => hubs.has(site));
  });
  const regions = new Map<string, readonly Link[]>();

  /** All sites that are joined to this one without passing a hub, and what joins them. */
  function regionOf(site: SiteId): { readonly members: Set<string>; readonly links: Set<Link> } {
    const members = new Set<string>([site]);
    const links = new Set<Link>(betweenHubs);
    for (const node of members) {
      if (links.size > REGION_AT_MOST) break;
      const edges = sites.edgesOf(node);
      for (const { link } of edges) links.add(link);
      for (const { to } of edges) if (!hubs.has(to)) members.add(to);
    }
    return { members, links };
  }

  function around(site: SiteId): readonly Link[] {
    const known = regions.get(site);
    if (known !== undefined || hubs.has(site)) return known ?? [];
    const { members, links } = regionOf(site);
    if (links.size > REGION_AT_MOST) {
      regions.set(site, []);
      return [];
    }
    for (const member of members) regions.set(member, [...links]);
    return regions.get(site) ?? [];
  }

  return {
    around,
    endsOf: sites.endsOf,
    circuitsAt: sites.circuitsAt,
    core: sites.core,
    cutBetween,
    onTheWay,
    behind,
  };
}
