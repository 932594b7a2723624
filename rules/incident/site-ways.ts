import type { Link, Site } from '../../protocol/model/inventory.ts';
import type { LinkId, SiteId } from '../../protocol/model/subject.ts';

/**
 * Which sites still have a way to a hub, over all paths. Kept up link by link: a change costs what
 * it touches, not the size of the network.
 */
export interface SiteWays {
  /** A link began or ceased to carry. Returns the sites whose connection changed. */
  changed(link: Link, isUsable: boolean): readonly SiteId[];
  isCutOff(site: SiteId): boolean;
}

const NONE: readonly never[] = [];

export const isCarrier = (link: Link): boolean => link.kind === 'wan' || link.kind === 'internet';

export function createSiteWays(sites: readonly Site[], links: readonly Link[]): SiteWays {
  const carriers = links.filter(isCarrier);
  const around = new Map<SiteId, Link[]>();
  const add = (site: SiteId, link: Link): void => {
    const known = around.get(site);
    if (known === undefined) around.set(site, [link]);
    else known.push(link);
  };
  for (const link of carriers) {
    add(link.site, link);
    if (link.peer !== undefined && link.peer !== link.site) add(link.peer, link);
  }
  const own = new Set(carriers.map((link) => link.site));
  /** Hubs, and sites that hang on nothing: where ways end. */
  const anchors = new Set(
    sites.filter((site) => site.hub || !own.has(site.id)).map((site) => site.id),
  );
  const dead = new Set<LinkId>();
  const cut = new Set<SiteId>();

  /** The site at the other end; undefined = the provider's net, which leads everywhere. */
  const across = (link: Link, from: SiteId): SiteId | undefined =>
    link.site === from ? link.peer : link.site;

  /** What lies one working circuit away; undefined among them = out. */
  const neighbours = (site: SiteId): (SiteId | undefined)[] =>
    (around.get(site) ?? NONE)
      .filter((link) => !dead.has(link.id))
      .map((link) => across(link, site));

  /** Sites that can be reached from here; undefined as soon as one of them is a way out. */
  function island(start: SiteId): Set<SiteId> | undefined {
    if (anchors.has(start)) return undefined;
    const seen = new Set([start]);
    for (const site of seen) {
      for (const next of neighbours(site)) {
        if (next === undefined || anchors.has(next)) return undefined;
        seen.add(next);
      }
    }
    return seen;
  }

  function lost(link: Link): SiteId[] {
    const gone: SiteId[] = [];
    for (const side of [link.site, link.peer]) {
      if (side === undefined || cut.has(side)) continue;
      for (const site of island(side) ?? NONE) {
        cut.add(site);
        gone.push(site);
      }
    }
    return gone;
  }

  /** Everything that hung together without a way out has one as soon as one of them has. */
  function regained(link: Link): SiteId[] {
    const start = [link.site, link.peer].find((side) => side !== undefined && cut.has(side));
    if (start === undefined || island(start) !== undefined) return [];
    const back = new Set([start]);
    for (const site of back) {
      for (const next of neighbours(site)) {
        if (next !== undefined && cut.has(next)) back.add(next);
      }
    }
    for (const site of back) cut.delete(site);
    return [...back];
  }

  return {
    changed(link, isUsable) {
      if (!isCarrier(link) || dead.has(link.id) === !isUsable) return NONE;
      if (isUsable) dead.delete(link.id);
      else dead.add(link.id);
      return isUsable ? regained(link) : lost(link);
    },
    isCutOff: (site) => cut.has(site),
  };
}
