import type { Device, Link, MaintenanceWindow, Site } from '../../protocol/model/inventory.ts';
import { interfaceKey, type SubjectKey, subjectKey } from '../../protocol/model/subject.ts';
import { type DurationMs, durationMs, type EpochMs, later } from '../../protocol/model/units.ts';
import type { EngineSettings } from '../settings.ts';

/** Something that circuits share, so that they may fail together. */
export interface Fate {
  /** Unique: kind and name. */
  readonly id: string;
  readonly kind: 'device' | 'site' | 'change' | 'pop' | 'last-mile' | 'provider';
  readonly name: string;
  /** What the incident is about then, when the inventory has a word for it. */
  readonly subject?: SubjectKey;
  /** The cause by name, for the title. */
  readonly cause: string;
  readonly links: readonly Link[];
  /** A change does its harm at any time from its begin to an hour after its end, not all at once. */
  readonly during?: { readonly from: EpochMs; readonly until: EpochMs };
}

/** From the narrowest to the widest; of equal ones the narrower is believed. */
const KINDS: readonly Fate['kind'][] = ['device', 'site', 'change', 'pop', 'last-mile', 'provider'];

export const CAUSES: Record<Fate['kind'], string> = {
  device: 'all circuits of the router down',
  site: 'power or edge of the site lost',
  change: 'failed after a change',
  pop: 'point of presence down',
  'last-mile': 'last mile down',
  provider: 'provider outage',
};

/** This share of a group must have failed: what the most of it survived is no fault of the group. */
export const LEAST_SHARE: Record<Fate['kind'], number> = {
  device: 0.8,
  site: 0.8,
  // A bad release may hit only the routers of one model.
  change: 0.3,
  pop: 0.5,
  'last-mile': 0.7,
  provider: 0.5,
};

/** Two circuits of one carrier may well fail in one minute; those of one site share much more. */
export const LEAST_FAILED: Record<Fate['kind'], number> = {
  device: 2,
  site: 2,
  change: 3,
  pop: 3,
  'last-mile': 3,
  provider: 3,
};

/** A circuit fails by itself about once a month: access circuits are sold with 99.5 to 99.9 %. */
const MEAN_TIME_BETWEEN_FAILURES = durationMs(30 * 86_400_000);
/** Once in ten thousand such moments chance may be mistaken for a common cause. */
const CHANCE = 1e-4;

/**
 * Probability that `failed - 1` or more of the other `size - 1` circuits fail by chance within
 * `within` of one that fails: the tail of a Poisson distribution.
 */
export function chanceOf(size: number, failed: number, within: DurationMs): number {
  const mean = ((size - 1) * within) / MEAN_TIME_BETWEEN_FAILURES;
  let term = Math.exp(-mean);
  let below = 0;
  for (let k = 0; k < failed - 1; k++) {
    below += term;
    term *= mean / (k + 1);
  }
  // The tail is about its first term when the mean is small; 1 - below would lose all digits.
  return mean < 0.1 ? term * (1 + mean) : Math.max(0, 1 - below);
}

export const isBeyondChance = (fate: Fate, failed: number, within: DurationMs): boolean =>
  failed >= LEAST_FAILED[fate.kind] &&
  failed >= LEAST_SHARE[fate.kind] * fate.links.length &&
  chanceOf(fate.links.length, failed, within) < CHANCE;

/** A carrier's trouble shows at all its points of presence; where one works on, others failed by themselves. */
const OF_THE_CARRIER: readonly Fate['kind'][] = ['last-mile', 'provider'];

/** How many circuits of the fate end at each point of presence that has enough to tell; made once. */
const sizesOfPops = new WeakMap<Fate, ReadonlyMap<string, number>>();

function popsOf(fate: Fate): ReadonlyMap<string, number> {
  const known = sizesOfPops.get(fate);
  if (known !== undefined) return known;
  const sizes = countByPop(fate.links);
  for (const [pop, size] of sizes) if (size < LEAST_FAILED.pop) sizes.delete(pop);
  sizesOfPops.set(fate, sizes);
  return sizes;
}

function countByPop(links: readonly Link[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { pop } of links) if (pop !== undefined) counts.set(pop, (counts.get(pop) ?? 0) + 1);
  return counts;
}

/** Whether enough failed at each point of presence. @param failed circuits of the fate */
export function isEverywhere(fate: Fate, failed: readonly Link[]): boolean {
  if (!OF_THE_CARRIER.includes(fate.kind)) return true;
  const counts = countByPop(failed);
  return [...popsOf(fate)].every(([pop, size]) => (counts.get(pop) ?? 0) >= LEAST_SHARE.pop * size);
}

/** The narrower first. */
export const widthOf = (fate: Fate): number => KINDS.indexOf(fate.kind);

/** So long after the end of announced work what it touched may fail because of it. */
const AFTERMATH = durationMs(3_600_000);

/** Whether the work names the circuit, one of its ends, or a site that it joins. */
const isTouched = (link: Link, named: ReadonlySet<string>, sites: readonly Site[]): boolean =>
  named.has(subjectKey('link', link.id)) ||
  sites.some(({ id }) => named.has(subjectKey('site', id))) ||
  link.ends.some(
    (end) =>
      named.has(subjectKey('device', end.device)) ||
      (end.interface !== undefined && named.has(interfaceKey(end.device, end.interface))),
  );

function changeOf({ id, name, from, until }: MaintenanceWindow): Share {
  return {
    id: `change|${id}|${from}`,
    kind: 'change',
    name,
    during: { from, until: later(until, AFTERMATH) },
  };
}

/** What the circuit shares, without the others that share it. */
type Share = Omit<Fate, 'links' | 'cause'>;

function sharesOf(link: Link, sites: readonly Site[], devices: readonly Device[]): Share[] {
  const { provider, pop, lastMile } = link;
  const shares: Share[] = devices.map(({ id, name }) => ({
    id: `device|${id}`,
    kind: 'device',
    name,
    subject: subjectKey('device', id),
  }));
  for (const { id, name } of sites) {
    shares.push({ id: `site|${id}`, kind: 'site', name, subject: subjectKey('site', id) });
  }
  if (pop !== undefined) shares.push({ id: `pop|${pop}`, kind: 'pop', name: pop });
  if (provider === undefined) return shares;
  shares.push({ id: `provider|${provider}`, kind: 'provider', name: provider });
  if (lastMile === undefined) return shares;
  const name = `${lastMile} of ${provider}`;
  return [...shares, { id: `last-mile|${provider}|${lastMile}`, kind: 'last-mile', name }];
}

/**
 * What each circuit shares with others. Groups of one are left out; work is linear in circuits.
 * @param circuits those that somebody watches: the others never tell
 */
export function createFates(
  { inventory, maintenance = [] }: EngineSettings,
  circuits: readonly Link[],
): (link: Link) => readonly Fate[] {
  const sites = new Map(inventory.sites.map((site) => [site.id, site]));
  const devices = new Map(inventory.devices.map((device) => [device.id, device]));
  const groups = new Map<string, { share: Share; links: Link[] }>();
  const works = maintenance.map((window) => ({
    share: changeOf(window),
    named: new Set<string>(window.subjects),
  }));

  for (const link of circuits) {
    const ends = link.ends.flatMap((end) => devices.get(end.device) ?? []);
    const ids = new Set([link.site, link.peer, ...ends.map((device) => device.site)]);
    const places = [...ids].flatMap((id) => sites.get(id ?? '') ?? []);
    const changes = works.filter(({ named }) => isTouched(link, named, places));
    for (const share of [...sharesOf(link, places, ends), ...changes.map((work) => work.share)]) {
      const known = groups.get(share.id);
      if (known === undefined) groups.set(share.id, { share, links: [link] });
      else known.links.push(link);
    }
  }
  const byLink = new Map<Link, Fate[]>();
  for (const { share, links } of groups.values()) {
    if (links.length < 2) continue;
    const fate: Fate = { ...share, cause: CAUSES[share.kind], links };
    for (const link of links) byLink.set(link, [...(byLink.get(link) ?? []), fate]);
  }
  return (link) => byLink.get(link) ?? [];
}
