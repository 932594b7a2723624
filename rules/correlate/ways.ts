import type { Link } from '../../protocol/model/inventory.ts';
import { type DeviceId, deviceOf, idOf, type SiteId } from '../../protocol/model/subject.ts';
import type { Family } from './family.ts';
import type { Effect, Front, Groups, Suspect, Way } from './slot.ts';
import { deviceSubject, endInterfaces, linkSubject, type Topology } from './topology.ts';

export const DOWN: readonly Family[] = ['unreachable'];
export const REACH: readonly Family[] = ['unreachable', 'snmp-silent'];
export const QUALITY: readonly Family[] = ['loss', 'latency', 'voice'];
export const NO_SLOTS: readonly Groups[] = [];

/** Made once for each circuit: storms ask for it a million times a second. */
function madeOnce<T extends object>(make: (link: Link) => T): (link: Link) => T {
  const made = new WeakMap<Link, T>();
  return (link) => {
    const known = made.get(link);
    if (known !== undefined) return known;
    const fresh = make(link);
    made.set(link, fresh);
    return fresh;
  };
}

/** Signs that a link carries nothing. */
export const linkDown = madeOnce((link): readonly Suspect[] => [
  { subject: linkSubject(link), families: DOWN },
  ...endInterfaces(link).map((subject) => ({ subject, families: ['interface-down'] as const })),
  ...link.ends.map((end) => ({
    subject: deviceSubject(end.device),
    families: DOWN,
    insideOnly: true as const,
  })),
]);

/** Signs that a link carries something, and badly. */
export const linkPoor = madeOnce((link): readonly Suspect[] => [
  { subject: linkSubject(link), families: ['loss', 'latency'] },
  ...endInterfaces(link).map((subject) => ({
    subject,
    families: ['errors', 'utilisation', 'discards'] as const,
  })),
]);

/** Signs that a link works badly, or not at all. */
export const linkBad = madeOnce((link): readonly Suspect[] => [
  ...linkDown(link),
  ...linkPoor(link),
]);

/** A link nobody watches never says that it is down, so it may not keep others from explaining. */
export const isWatched = (topology: Topology, link: Link): boolean =>
  [linkSubject(link), ...link.ends.map((end) => deviceSubject(end.device))].some(
    (subject) => topology.watchersOf(subject)?.length !== 0,
  );

export const watchedCircuits = (topology: Topology, site: SiteId): readonly Link[] =>
  topology.graph.circuitsAt(site).filter((link) => isWatched(topology, link));

const carries = (link: Link): boolean => link.kind === 'wan' || link.kind === 'internet';

const circuits = new WeakMap<Topology, Map<DeviceId, readonly Link[]>>();

/** The watched circuits that end at the device; a hub's router has thousands, so they are kept. */
export function circuitsOf(topology: Topology, device: DeviceId): readonly Link[] {
  const kept = circuits.get(topology) ?? new Map<DeviceId, readonly Link[]>();
  circuits.set(topology, kept);
  const known = kept.get(device);
  if (known !== undefined) return known;
  const found = topology
    .linksEndingAt(device)
    .filter((link) => carries(link) && isWatched(topology, link));
  kept.set(device, found);
  return found;
}

/** A device at which several circuits end: when all fail at once, it is the likelier cause. */
const isEdgeOfMany = (topology: Topology, device: DeviceId): boolean =>
  circuitsOf(topology, device).length > 1;

export const isSharedEdge = (topology: Topology, effect: Effect): boolean =>
  isEdgeOfMany(topology, deviceOf(effect.subject) ?? '');

/** The ends of the circuit at which others end as well. */
export function sharedEdges(topology: Topology, effect: Effect): readonly DeviceId[] {
  const link = topology.link(idOf(effect.subject));
  if (link === undefined || !carries(link)) return [];
  return link.ends.map((end) => end.device).filter((device) => isEdgeOfMany(topology, device));
}

/** Nothing leads from the observer to the site of the effect. */
export function wayToSite(effect: Effect): Way | undefined {
  if (effect.site === undefined || effect.site === effect.observerSite) return undefined;
  return { from: effect.observerSite, to: [effect.site] };
}

/** What tells that the circuit carries nothing on this way. */
export function lostOn({ edge }: Way, link: Link): readonly Suspect[] {
  if (!link.ends.some((end) => deviceSubject(end.device) === edge)) return linkDown(link);
  const others = linkDown(link).filter(({ subject }) => subject !== edge);
  // Without a known other end only the circuit itself can tell.
  return link.ends.length < 2 ? others : others.filter(({ insideOnly }) => insideOnly);
}

/** Nothing leads from the observer to either end of the link, the link itself left aside. */
export function wayToLink(topology: Topology, effect: Effect): Way | undefined {
  const link = topology.link(idOf(effect.subject));
  if (link === undefined) return undefined;
  const to = topology.graph.endsOf(link);
  const { observerSite: from } = effect;
  return to.length < 2 || to.includes(from ?? '') ? undefined : { from, to, not: link };
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

export function underlays(topology: Topology, effect: Effect): readonly Link[] {
  const link = topology.link(idOf(effect.subject));
  return (link?.underlays ?? []).flatMap((id) => topology.link(id) ?? []);
}

/** The devices at the observer's end of the circuit, when somebody inside its site says that they are dead. */
export function nearEnds(topology: Topology, { subject, observerSite }: Effect): Suspect[] {
  const ends = topology.link(idOf(subject))?.ends ?? [];
  return ends
    .filter((end) => topology.device(end.device)?.site === observerSite)
    .map((end) => ({ subject: deviceSubject(end.device), families: DOWN, insideOnly: true }));
}

/** In a ring it may be reached from either side: routers weigh ways by cost, not by length. */
export function frontOf({ graph }: Topology, { from, to, not }: Way): Front {
  const usual = new Set(to.flatMap((site) => graph.onTheWay(from, site)));
  const round = new Set(to.flatMap((site) => graph.around(site)));
  return {
    from,
    to,
    ...(not === undefined ? {} : { not }),
    usual: [...usual].filter((link) => link !== not),
    round: [...round].filter((link) => link !== not && !usual.has(link)),
  };
}

/** Circuits whose failure sends what leads to this one another way. */
export function circuitsNear(topology: Topology, effect: Effect): readonly Groups[] {
  const link = topology.link(idOf(effect.subject));
  const ends = link === undefined ? [] : topology.graph.endsOf(link);
  // What ends where the observer stands is reached without a way round.
  if (ends.includes(effect.observerSite ?? '')) return NO_SLOTS;
  const near = new Set(ends.flatMap((site) => topology.graph.around(site)));
  return [[[...near].filter((other) => other !== link).flatMap(linkDown)]];
}

/** Circuits of the port's site of which nothing says on which port they end; none if the port has its own. */
export function circuitsOnUnknownPorts(
  topology: Topology,
  { site, subject }: Effect,
  families: readonly Family[],
): readonly Suspect[] {
  if (site === undefined || topology.linksEndingOn(subject).length > 0) return [];
  const isEndless = (link: Link): boolean =>
    !link.ends.some((end) => topology.device(end.device)?.site === site && end.interface);
  const circuits = topology.graph.circuitsAt(site).filter(isEndless);
  return circuits.map((link) => ({ subject: linkSubject(link), families }));
}
