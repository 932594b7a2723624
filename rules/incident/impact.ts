import type { Alert, Severity } from '../../protocol/model/alert.ts';
import { type Level, PRIORITY_MATRIX, type Priority } from '../../protocol/model/incident.ts';
import type { Link, Site } from '../../protocol/model/inventory.ts';
import { deviceOf, idOf, kindOf, type SiteId } from '../../protocol/model/subject.ts';
import { isOutage } from '../correlate/explanations.ts';
import type { Family } from '../correlate/family.ts';
import type { Topology } from '../correlate/topology.ts';

/** Who is behind the suspected root. */
export interface Extent {
  /** Sites that suffer as a whole. */
  readonly sites: readonly SiteId[];
  /** The sites have no other working way. */
  readonly isCutOff: boolean;
  readonly users: number;
  readonly impact: Level;
  readonly text: string;
}

export interface RootView {
  readonly alert: Alert;
  readonly family: Family;
  readonly cause: string;
}

/** Below this many people a partial trouble of a site stays of low impact. */
const MANY_USERS = 20;

/** Causes under which nobody suffers yet: we are blind, the network may be well. */
const BLINDNESS: readonly string[] = ['agent stopped', 'collector cut off'];

const urgencyBySeverity: Record<'outage' | 'degradation', Record<Severity, Level>> = {
  outage: { critical: 'high', major: 'high', minor: 'medium', warning: 'low' },
  degradation: { critical: 'high', major: 'medium', minor: 'low', warning: 'low' },
};

export const priorityOf = (impact: Level, urgency: Level): Priority =>
  PRIORITY_MATRIX[impact][urgency];

/** How soon it hurts. A silence that nobody can interpret may be nothing, so it is not rushed. */
export function urgencyOf(root: RootView): Level {
  if (root.cause === 'unmonitored' || root.cause === 'collector cut off') return 'medium';
  return urgencyBySeverity[root.alert.disturbance][root.alert.severity];
}

const isDeadLink = (root: RootView): boolean => isOutage(root.family);

function sitesOfLinks(
  topology: Topology,
  root: RootView,
  links: readonly Link[],
  isDown: (link: Link) => boolean,
): { sites: Site[]; isCutOff: boolean } {
  const sites = new Map<SiteId, Site>();
  let isCutOff = true;
  for (const link of links) {
    const site = topology.site(link.site);
    if (site === undefined) continue;
    const hasOther =
      isDeadLink(root) &&
      topology.uplinksOf(site.id).some((other) => !links.includes(other) && !isDown(other));
    if (hasOther) isCutOff = false;
    sites.set(site.id, site);
  }
  return { sites: [...sites.values()], isCutOff: isCutOff && isDeadLink(root) };
}

/** Sites that hang on the subject as a whole: through its links, or because it is the site's edge. */
function reach(
  topology: Topology,
  root: RootView,
  isDown: (link: Link) => boolean,
): { sites: Site[]; isCutOff: boolean } {
  const { subject } = root.alert;
  const onLinks = (links: readonly Link[]) => sitesOfLinks(topology, root, links, isDown);
  switch (kindOf(subject)) {
    case 'link': {
      const link = topology.link(idOf(subject));
      return onLinks(link === undefined ? [] : [link]);
    }
    case 'interface':
      return onLinks(topology.linksEndingOn(subject));
    case 'device':
      return onLinks(root.family === 'unreachable' ? topology.linksEndingAt(idOf(subject)) : []);
    default: {
      const site = topology.site(topology.siteOf(subject) ?? '');
      const isDark = root.cause === 'unmonitored' || root.cause === 'site or circuit down';
      return site === undefined || !isDark
        ? { sites: [], isCutOff: false }
        : { sites: [site], isCutOff: root.cause === 'site or circuit down' };
    }
  }
}

/**
 * | behind the root                                                      | impact |
 * |----------------------------------------------------------------------|--------|
 * | two or more sites, a hub, or the collector itself                    | high   |
 * | one whole site, 20 people or more, or one device of a hub            | medium |
 * | a site that keeps another way; one device or interface; a mere agent | low    |
 *
 * Several sites lose more than their sum (hub and carrier faults spread); a hub carries others'
 * traffic, so even one of its devices counts as a site. Without an inventory all is low.
 */
export function extentOf(
  topology: Topology,
  root: RootView,
  isDown: (link: Link) => boolean,
): Extent {
  const { sites, isCutOff } = reach(topology, root, isDown);
  const isOnOther = isDeadLink(root) && !isCutOff && sites.length > 0;
  const suffering = isOnOther && root.cause !== 'unmonitored' ? [] : sites;
  const users = suffering.reduce((sum, site) => sum + site.users, 0);
  const impact = impactOf(topology, root, suffering, users);
  return {
    sites: sites.map((site) => site.id),
    isCutOff,
    users,
    impact,
    text: textOf(sites, users, isCutOff, isOnOther),
  };
}

function impactOf(
  topology: Topology,
  root: RootView,
  suffering: readonly Site[],
  users: number,
): Level {
  if (root.cause === 'collector cut off') return 'high';
  if (BLINDNESS.includes(root.cause)) return 'low';
  if (suffering.length > 1 || suffering.some((site) => site.hub)) return 'high';
  if (suffering.length === 1 || users >= MANY_USERS) return 'medium';
  const { subject } = root.alert;
  const isHubDevice =
    kindOf(subject) === 'device' &&
    root.family === 'unreachable' &&
    topology.site(topology.device(deviceOf(subject) ?? '')?.site ?? '')?.hub === true;
  return isHubDevice ? 'medium' : 'low';
}

function textOf(
  sites: readonly Site[],
  users: number,
  isCutOff: boolean,
  isOnOther: boolean,
): string {
  if (sites.length === 0) return '';
  const where = sites.length === 1 ? `site ${sites[0]?.name}` : `${sites.length} sites`;
  if (isOnOther) return `${where} on another way`;
  const people = users > 0 ? `, ${users} user${users === 1 ? '' : 's'}` : '';
  return isCutOff ? `${where} cut off${people}` : `${where}${people}`;
}
