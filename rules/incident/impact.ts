import type { Alert, Disturbance, Severity } from '../../protocol/model/alert.ts';
import {
  type HitService,
  type Level,
  PRIORITY_MATRIX,
  type Priority,
} from '../../protocol/model/incident.ts';
import type { Link, Site } from '../../protocol/model/inventory.ts';
import { deviceOf, idOf, kindOf, type SiteId } from '../../protocol/model/subject.ts';
import type { SharedCause } from '../correlate/alert-book.ts';
import type { Family } from '../correlate/family.ts';
import { isOutage } from '../correlate/family.ts';
import type { Topology } from '../correlate/topology.ts';

/** Who is behind the suspected root. */
export interface Extent {
  /** Sites that suffer as a whole: those without another way, or whose way works badly. */
  readonly sites: readonly SiteId[];
  /** The sites have no other working way. */
  readonly isCutOff: boolean;
  readonly users: number;
  readonly impact: Level;
  readonly text: string;
}

/** How bad an alert is technically. */
export interface Harm {
  readonly severity: Severity;
  readonly disturbance: Disturbance;
}

export interface RootView {
  readonly alert: Alert;
  readonly family: Family;
  readonly cause: string;
  /** Circuits that failed together with the root, which is one of them. */
  readonly shared?: SharedCause;
}

/** Below this many people a partial trouble of a site stays of low impact. */
const MANY_USERS = 20;

/** One incident speaks for so many troubles that none may be left unread because the first was small. */
export const FLOOD_CAUSE = 'many troubles at once';

/** Causes under which nobody suffers yet: we are blind, the network may be well. */
const BLINDNESS: readonly string[] = ['agent stopped', 'collector cut off'];

const urgencyBySeverity: Record<'outage' | 'degradation', Record<Severity, Level>> = {
  outage: { critical: 'high', major: 'high', minor: 'medium', warning: 'low' },
  degradation: { critical: 'high', major: 'medium', minor: 'low', warning: 'low' },
};

export const priorityOf = (impact: Level, urgency: Level): Priority =>
  PRIORITY_MATRIX[impact][urgency];

/** Causes that may be nothing, so they are not rushed: a silence, or a view that others contradict. */
const UNCERTAIN: readonly string[] = [
  'unmonitored',
  'collector cut off',
  'unreachable from one side',
];

/** How soon it hurts. */
export function urgencyOf(cause: string, { disturbance, severity }: Harm): Level {
  if (UNCERTAIN.includes(cause)) return 'medium';
  return urgencyBySeverity[disturbance][severity];
}

const LEVELS: readonly Level[] = ['high', 'medium', 'low'];

const LOWER: Readonly<Record<Level, Level>> = { high: 'medium', medium: 'low', low: 'low' };

/**
 * What services add to the extent. One that is down or works badly in its service hours has at
 * least the impact of its criticality; this is also what lifts a purely statistical finding. Where
 * all that suffer are outside their hours, it can wait: one step less urgent. A service that only
 * lost its reserve changes nothing: that is what the reserve is for.
 */
export function weigh(
  impact: Level,
  urgency: Level,
  services: readonly HitService[],
): { readonly impact: Level; readonly urgency: Level } {
  const suffering = services.filter(({ state }) => state === 'down' || state === 'degraded');
  const open = suffering.filter(({ isOpen }) => isOpen);
  if (suffering.length > 0 && open.length === 0) return { impact, urgency: LOWER[urgency] };
  const levels = [impact, ...open.map(({ criticality }) => criticality)];
  return { impact: LEVELS.find((level) => levels.includes(level)) ?? impact, urgency };
}

const SEVERITIES: readonly Severity[] = ['critical', 'major', 'minor', 'warning'];

const rankOf = ({ disturbance, severity }: Harm): number =>
  LEVELS.indexOf(urgencyBySeverity[disturbance][severity]) * SEVERITIES.length +
  SEVERITIES.indexOf(severity);

/** The most urgent of several, the first of equals. */
export const worstOf = (harms: readonly [Harm, ...Harm[]]): Harm =>
  harms.reduce((worst, harm) => (rankOf(harm) < rankOf(worst) ? harm : worst));

interface Reach {
  readonly sites: readonly Site[];
  /** Those that have no other way, or whose way works badly. */
  readonly suffering: readonly Site[];
  readonly isCutOff: boolean;
}

const NOWHERE: Reach = { sites: [], suffering: [], isCutOff: false };

function sitesOfLinks(
  topology: Topology,
  root: RootView,
  links: readonly Link[],
  isDown: (link: Link) => boolean,
): Reach {
  const isDead = isOutage(root.family);
  const sites = [...new Set(links.flatMap((link) => topology.site(link.site) ?? []))];
  const hasOther = (site: Site): boolean =>
    topology.uplinksOf(site.id).some((other) => !links.includes(other) && !isDown(other));
  const suffering = isDead ? sites.filter((site) => !hasOther(site)) : sites;
  return { sites, suffering, isCutOff: isDead && suffering.length > 0 };
}

/** Sites that hang on the subject as a whole: through its links, or because it is the site's edge. */
function reach(topology: Topology, root: RootView, isDown: (link: Link) => boolean): Reach {
  const { subject } = root.alert;
  const onLinks = (links: readonly Link[]) => sitesOfLinks(topology, root, links, isDown);
  switch (kindOf(subject)) {
    case 'link': {
      const ids = root.shared?.links ?? [idOf(subject)];
      return onLinks(ids.flatMap((id) => topology.link(id) ?? []));
    }
    case 'interface':
      return onLinks(topology.linksEndingOn(subject));
    case 'device':
      return root.family === 'unreachable'
        ? onLinks(topology.linksEndingAt(idOf(subject)))
        : NOWHERE;
    default: {
      const site = topology.site(topology.siteOf(subject) ?? '');
      const isDark = root.cause === 'site or circuit down';
      if (site === undefined || !(isDark || root.cause === 'unmonitored')) return NOWHERE;
      return { sites: [site], suffering: [site], isCutOff: isDark };
    }
  }
}

/**
 * | behind the root                                                      | impact |
 * |----------------------------------------------------------------------|--------|
 * | two or more sites, a hub, many troubles at once, or the collector    | high   |
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
  const { sites, suffering, isCutOff } = reach(topology, root, isDown);
  const users = suffering.reduce((sum, site) => sum + site.users, 0);
  return {
    sites: suffering.map((site) => site.id),
    isCutOff,
    users,
    impact: impactOf(topology, root, suffering, users),
    text: textOf(sites, suffering, users, isCutOff),
  };
}

function impactOf(
  topology: Topology,
  root: RootView,
  suffering: readonly Site[],
  users: number,
): Level {
  if (root.cause === 'collector cut off' || root.cause === FLOOD_CAUSE) return 'high';
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
  suffering: readonly Site[],
  users: number,
  isCutOff: boolean,
): string {
  if (sites.length === 0) return '';
  const name = (some: readonly Site[]): string =>
    some.length === 1 ? `site ${some[0]?.name}` : `${some.length} sites`;
  if (suffering.length === 0) return `${name(sites)} on another way`;
  const people = users > 0 ? `, ${users} user${users === 1 ? '' : 's'}` : '';
  return `${name(suffering)}${isCutOff ? ' cut off' : ''}${people}`;
}
