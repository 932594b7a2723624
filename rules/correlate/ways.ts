import type { Link } from '../../protocol/model/inventory.ts';
import { type DeviceId, deviceOf, idOf, type SiteId } from '../../protocol/model/subject.ts';
import type { Family } from './family.ts';
import type { Effect, Groups, Suspect } from './slot.ts';
import { deviceSubject, endInterfaces, linkSubject, type Topology } from './topology.ts';

export const DOWN: readonly Family[] = ['unreachable'];
export const REACH: readonly Family[] = ['unreachable', 'snmp-silent'];
export const QUALITY: readonly Family[] = ['loss', 'latency'];
export const NO_SLOTS: readonly Groups[] = [];

/** Signs that a link carries nothing. */
export const linkDown = (link: Link): readonly Suspect[] => [
  { subject: linkSubject(link), families: DOWN },
  ...endInterfaces(link).map((subject) => ({ subject, families: ['interface-down'] as const })),
  ...link.ends.map((end) => ({
    subject: deviceSubject(end.device),
    families: DOWN,
    insideOnly: true as const,
  })),
];

/** Signs that a link works badly, or not at all. */
export const linkBad = (link: Link): readonly Suspect[] => [
  { subject: linkSubject(link), families: ['unreachable', 'loss', 'latency'] },
  ...endInterfaces(link).map((subject) => ({
    subject,
    families: ['interface-down', 'errors', 'utilisation', 'discards'] as const,
  })),
  ...linkDown(link).filter((suspect) => suspect.insideOnly),
];

/** A link nobody watches never says that it is down, so it may not keep others from explaining. */
export const isWatched = (topology: Topology, link: Link): boolean =>
  [linkSubject(link), ...link.ends.map((end) => deviceSubject(end.device))].some(
    (subject) => topology.watchersOf(subject)?.length !== 0,
  );

export const watchedUplinks = (topology: Topology, site: SiteId): readonly Link[] =>
  topology.uplinksOf(site).filter((link) => isWatched(topology, link));

/** One slot per site on the way: that site is cut off when all its watched uplinks are down. */
export function wayDown(
  topology: Topology,
  sites: readonly SiteId[],
  not?: Link,
): readonly Groups[] {
  return sites.map((site) =>
    watchedUplinks(topology, site)
      .filter((link) => link !== not)
      .map(linkDown),
  );
}

/** Sites whose uplinks lie between the observer and the subject's site. */
export function sitesBetween(
  topology: Topology,
  effect: Effect,
  target: SiteId,
): readonly SiteId[] {
  const down = topology.climb(target, effect.observerSite);
  if (down.met || effect.observerSite === undefined) return down.sites;
  return [...down.sites, ...topology.climb(effect.observerSite, target).sites];
}

/** The devices of its own site at which several circuits of that site end, when all of them do. */
function sharedEdgeOf(topology: Topology, site: SiteId): DeviceId | undefined {
  const uplinks = watchedUplinks(topology, site);
  const [edge, ...others] = topology.gatewaysOf(site);
  return uplinks.length > 1 && others.length === 0 ? edge?.id : undefined;
}

export const isSharedEdge = (topology: Topology, effect: Effect): boolean =>
  effect.site !== undefined && sharedEdgeOf(topology, effect.site) === deviceOf(effect.subject);

/** For each circuit of the site the devices at its other end. */
export const farEnds = (topology: Topology, site: SiteId): Groups =>
  watchedUplinks(topology, site).map((link) =>
    linkDown(link).filter(
      ({ subject, insideOnly }) => insideOnly && topology.siteOf(subject) !== site,
    ),
  );

export function sharedEdgeSlots(topology: Topology, effect: Effect): readonly Groups[] {
  const link = topology.link(idOf(effect.subject));
  const edge = link && sharedEdgeOf(topology, link.site);
  if (link === undefined || edge === undefined || link.kind === 'overlay') return NO_SLOTS;
  const others = watchedUplinks(topology, link.site).filter((other) => other !== link);
  return [[[{ subject: deviceSubject(edge), families: DOWN }], ...others.map(linkDown)]];
}

export function circuitSlots(topology: Topology, effect: Effect): readonly Groups[] {
  if (effect.site === undefined) return NO_SLOTS;
  return wayDown(topology, sitesBetween(topology, effect, effect.site));
}

export function gatewayGroups(topology: Topology, site: SiteId, not?: string): Groups {
  return topology
    .gatewaysOf(site)
    .filter((gateway) => topology.watchersOf(deviceSubject(gateway.id))?.length !== 0)
    .filter((gateway) => gateway.id !== not)
    .map((gateway) => [{ subject: deviceSubject(gateway.id), families: DOWN }]);
}

export const isGateway = (topology: Topology, effect: Effect): boolean =>
  topology.gatewaysOf(effect.site ?? '').some((gateway) => gateway.id === deviceOf(effect.subject));

export function linkWaySlots(topology: Topology, effect: Effect): readonly Groups[] {
  const link = topology.link(idOf(effect.subject));
  const from = effect.observerSite;
  if (link?.peer === undefined || from === link.site || from === link.peer) return NO_SLOTS;
  return wayDown(topology, sitesBetween(topology, effect, link.peer), link);
}

export function underlays(topology: Topology, effect: Effect): readonly Link[] {
  const link = topology.link(idOf(effect.subject));
  return (link?.underlays ?? []).flatMap((id) => topology.link(id) ?? []);
}
