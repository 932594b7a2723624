import type { Link } from '../../protocol/model/inventory.ts';
import {
  type AgentId,
  type DeviceId,
  deviceOf,
  idOf,
  kindOf,
  type SiteId,
  type SubjectKey,
  type SubjectKind,
  subjectKey,
} from '../../protocol/model/subject.ts';
import { type Family, OUTAGE_FAMILIES, QUICK_FAMILIES } from './family.ts';
import { deviceSubject, endInterfaces, linkSubject, type Topology } from './topology.ts';

/** An alert that would explain another one: these kinds of trouble on this subject. */
export interface Suspect {
  readonly subject: SubjectKey;
  readonly families: readonly Family[];
  /** Only as seen by an agent in the subject's own site: what is seen from outside proves less. */
  readonly insideOnly?: true;
  /** Only when it fired first: two alerts of equal standing must not explain each other. */
  readonly olderOnly?: true;
}

export type Groups = readonly (readonly Suspect[])[];

/**
 * One way in which an alert can be explained: every group must hold a firing suspect (all uplinks
 * of a redundant site, all underlays of a tunnel; usually there is one group). The first suspect
 * of a group is what a probe can ask about.
 */
export interface Slot {
  readonly row: string;
  readonly groups: Groups;
  /**
   * Whether the alert waits for the suspects to be probed: until they answer, only for a time (an
   * answer does not refute packet loss), or not at all (a later finding takes over instead).
   */
  readonly waits: 'answer' | 'time' | 'no';
  /** For people: how the suspect explains the alert. */
  readonly text: string;
  /**
   * When the suspects must have begun: together with the alert (one element failed and took all with
   * it), or not all together (each failed by itself). Absent = it does not matter.
   */
  readonly onsets?: 'together' | 'apart';
}

/** The alert to be explained, placed in the topology. */
export interface Effect {
  readonly subject: SubjectKey;
  readonly family: Family;
  readonly observer: AgentId;
  readonly observerSite: SiteId | undefined;
  readonly site: SiteId | undefined;
}

interface Row {
  readonly row: string;
  readonly kinds: readonly SubjectKind[];
  readonly families: readonly Family[];
  /** Where the observer stands as seen from the subject's site. */
  readonly seenFrom: 'inside' | 'outside' | 'anywhere';
  readonly waits: Slot['waits'];
  readonly text: string;
  readonly onsets?: Slot['onsets'];
  /** The groups of each slot this row makes; an empty list makes none. */
  readonly slots: (topology: Topology, effect: Effect) => readonly Groups[];
}

const DOWN: readonly Family[] = ['unreachable'];
const REACH: readonly Family[] = ['unreachable', 'snmp-silent'];
const QUALITY: readonly Family[] = ['loss', 'latency'];
const NO_SLOTS: readonly Groups[] = [];

/** Signs that a link carries nothing. */
const linkDown = (link: Link): readonly Suspect[] => [
  { subject: linkSubject(link), families: DOWN },
  ...endInterfaces(link).map((subject) => ({ subject, families: ['interface-down'] as const })),
  ...link.ends.map((end) => ({
    subject: deviceSubject(end.device),
    families: DOWN,
    insideOnly: true as const,
  })),
];

/** Signs that a link works badly, or not at all. */
const linkBad = (link: Link): readonly Suspect[] => [
  { subject: linkSubject(link), families: ['unreachable', 'loss', 'latency'] },
  ...endInterfaces(link).map((subject) => ({
    subject,
    families: ['interface-down', 'errors', 'utilisation', 'discards'] as const,
  })),
  ...linkDown(link).filter((suspect) => suspect.insideOnly),
];

/** A link nobody watches never says that it is down, so it may not keep others from explaining. */
const isWatched = (topology: Topology, link: Link): boolean =>
  [linkSubject(link), ...link.ends.map((end) => deviceSubject(end.device))].some(
    (subject) => topology.watchersOf(subject)?.length !== 0,
  );

const watchedUplinks = (topology: Topology, site: SiteId): readonly Link[] =>
  topology.uplinksOf(site).filter((link) => isWatched(topology, link));

/** One slot per site on the way: that site is cut off when all its watched uplinks are down. */
function wayDown(topology: Topology, sites: readonly SiteId[], not?: Link): readonly Groups[] {
  return sites.map((site) =>
    watchedUplinks(topology, site)
      .filter((link) => link !== not)
      .map(linkDown),
  );
}

/** Sites whose uplinks lie between the observer and the subject's site. */
function sitesBetween(topology: Topology, effect: Effect, target: SiteId): readonly SiteId[] {
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

const isSharedEdge = (topology: Topology, effect: Effect): boolean =>
  effect.site !== undefined && sharedEdgeOf(topology, effect.site) === deviceOf(effect.subject);

/** For each circuit of the site the devices at its other end. */
const farEnds = (topology: Topology, site: SiteId): Groups =>
  watchedUplinks(topology, site).map((link) =>
    linkDown(link).filter(
      ({ subject, insideOnly }) => insideOnly && topology.siteOf(subject) !== site,
    ),
  );

function sharedEdgeSlots(topology: Topology, effect: Effect): readonly Groups[] {
  const link = topology.link(idOf(effect.subject));
  const edge = link && sharedEdgeOf(topology, link.site);
  if (link === undefined || edge === undefined || link.kind === 'overlay') return NO_SLOTS;
  const others = watchedUplinks(topology, link.site).filter((other) => other !== link);
  return [[[{ subject: deviceSubject(edge), families: DOWN }], ...others.map(linkDown)]];
}

function circuitSlots(topology: Topology, effect: Effect): readonly Groups[] {
  if (effect.site === undefined) return NO_SLOTS;
  return wayDown(topology, sitesBetween(topology, effect, effect.site));
}

function gatewayGroups(topology: Topology, site: SiteId, not?: string): Groups {
  return topology
    .gatewaysOf(site)
    .filter((gateway) => topology.watchersOf(deviceSubject(gateway.id))?.length !== 0)
    .filter((gateway) => gateway.id !== not)
    .map((gateway) => [{ subject: deviceSubject(gateway.id), families: DOWN }]);
}

const isGateway = (topology: Topology, effect: Effect): boolean =>
  topology.gatewaysOf(effect.site ?? '').some((gateway) => gateway.id === deviceOf(effect.subject));

function linkWaySlots(topology: Topology, effect: Effect): readonly Groups[] {
  const link = topology.link(idOf(effect.subject));
  const from = effect.observerSite;
  if (link?.peer === undefined || from === link.site || from === link.peer) return NO_SLOTS;
  return wayDown(topology, sitesBetween(topology, effect, link.peer), link);
}

/**
 * What explains what, as data: first matching row wins, so the nearest explanation stands first;
 * roots are found by following it from alert to alert. Alerts on one subject explain each other by
 * the order of FAMILIES and need no row.
 */
export const EXPLANATIONS: readonly Row[] = [
  {
    row: 'interface-of-dead-device',
    kinds: ['interface'],
    families: ['interface-down', 'errors', 'utilisation', 'discards'],
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'its device does not answer',
    slots: (_, effect) => [
      [[{ subject: deviceSubject(deviceOf(effect.subject) ?? ''), families: DOWN }]],
    ],
  },
  {
    row: 'interface-of-dead-link',
    kinds: ['interface'],
    families: ['interface-down'],
    seenFrom: 'anywhere',
    waits: 'answer',
    text: 'the link on this interface does not answer',
    slots: (topology, effect) =>
      topology
        .linksEndingOn(effect.subject)
        .map((link) => [[{ subject: linkSubject(link), families: DOWN }]]),
  },
  {
    row: 'other-end',
    kinds: ['interface'],
    families: ['interface-down', 'utilisation', 'errors', 'discards'],
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'the other end of the same link tells the same',
    slots: (topology, effect) => {
      const ends = topology.linksEndingOn(effect.subject).flatMap(endInterfaces);
      const others = ends.filter((subject) => subject !== effect.subject);
      const families = [effect.family];
      return [[others.map((subject) => ({ subject, families, olderOnly: true as const }))]];
    },
  },
  {
    row: 'behind-device',
    kinds: ['device'],
    families: [...REACH, ...QUALITY],
    seenFrom: 'anywhere',
    waits: 'answer',
    text: 'the device in front of it does not answer',
    slots: (topology, effect) => {
      const chain = topology.ancestorsOf(idOf(effect.subject)).map(deviceSubject);
      const watched = chain.filter((subject) => topology.watchersOf(subject)?.length !== 0);
      return watched.length === 0
        ? NO_SLOTS
        : [[watched.map((subject) => ({ subject, families: DOWN }))]];
    },
  },
  {
    row: 'behind-gateway',
    kinds: ['device'],
    families: [...REACH, ...QUALITY],
    seenFrom: 'outside',
    waits: 'answer',
    text: "the site's edge does not answer",
    slots: (topology, effect) =>
      effect.site === undefined || isGateway(topology, effect)
        ? NO_SLOTS
        : [gatewayGroups(topology, effect.site)],
  },
  {
    row: 'behind-circuit',
    kinds: ['device'],
    families: [...REACH, ...QUALITY],
    seenFrom: 'outside',
    waits: 'answer',
    text: 'no circuit between the observer and its site works',
    slots: (topology, effect) =>
      isSharedEdge(topology, effect) ? NO_SLOTS : circuitSlots(topology, effect),
  },
  {
    row: 'edge-behind-near-ends',
    kinds: ['device'],
    families: [...REACH, ...QUALITY],
    seenFrom: 'outside',
    waits: 'answer',
    text: 'the devices at the other ends of its circuits do not answer',
    slots: (topology, effect) =>
      isSharedEdge(topology, effect) ? [farEnds(topology, effect.site ?? '')] : NO_SLOTS,
  },
  {
    row: 'edge-behind-circuits',
    kinds: ['device'],
    families: [...REACH, ...QUALITY],
    seenFrom: 'outside',
    waits: 'no',
    text: 'the circuits that end at it failed one after the other',
    onsets: 'apart',
    slots: (topology, effect) =>
      isSharedEdge(topology, effect) ? circuitSlots(topology, effect) : NO_SLOTS,
  },
  {
    row: 'site-dark',
    kinds: ['device'],
    families: REACH,
    seenFrom: 'outside',
    waits: 'no',
    text: 'the agent inside its site is silent too, and nothing in front of the site is watched',
    slots: (topology, effect) => {
      const { site } = effect;
      if (site === undefined || watchedUplinks(topology, site).length > 0) return NO_SLOTS;
      if (gatewayGroups(topology, site).length > 0) return NO_SLOTS;
      const agents = topology.agentsAt(site).map((id) => subjectKey('agent', id));
      return [[agents.map((subject) => ({ subject, families: ['agent-silent'] as const }))]];
    },
  },
  {
    row: 'behind-bad-circuit',
    kinds: ['device'],
    families: QUALITY,
    seenFrom: 'outside',
    waits: 'time',
    text: 'a circuit on the way to it works badly',
    slots: (topology, effect) =>
      effect.site === undefined
        ? NO_SLOTS
        : [
            [
              sitesBetween(topology, effect, effect.site)
                .flatMap((site) => topology.uplinksOf(site))
                .flatMap(linkBad),
            ],
          ],
  },
  {
    row: 'near-end-device',
    kinds: ['link'],
    families: [...DOWN, ...QUALITY],
    seenFrom: 'anywhere',
    waits: 'answer',
    text: "the device at the observer's end of the link does not answer",
    slots: (topology, effect) => {
      const link = topology.link(idOf(effect.subject));
      const near = link?.ends.filter(
        (end) => topology.device(end.device)?.site === effect.observerSite,
      );
      return (near ?? []).map((end) => [
        [{ subject: deviceSubject(end.device), families: DOWN, insideOnly: true as const }],
      ]);
    },
  },
  {
    row: 'end-device',
    kinds: ['link'],
    families: [...DOWN, ...QUALITY],
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'a device at its end is down, as seen from inside its own site',
    slots: (topology, effect) =>
      (topology.link(idOf(effect.subject))?.ends ?? []).map((end) => [
        [{ subject: deviceSubject(end.device), families: DOWN, insideOnly: true as const }],
      ]),
  },
  {
    row: 'shared-edge',
    kinds: ['link'],
    families: DOWN,
    seenFrom: 'anywhere',
    waits: 'answer',
    text: 'all circuits of the site failed together, and the device at which they end is silent',
    onsets: 'together',
    slots: sharedEdgeSlots,
  },
  {
    row: 'dead-underlay',
    kinds: ['link'],
    families: [...DOWN, ...QUALITY],
    seenFrom: 'anywhere',
    waits: 'answer',
    text: 'no circuit that carries this tunnel works',
    slots: (topology, effect) => [
      underlays(topology, effect)
        .filter((link) => isWatched(topology, link))
        .map(linkDown),
    ],
  },
  {
    row: 'bad-underlay',
    kinds: ['link'],
    families: QUALITY,
    seenFrom: 'anywhere',
    waits: 'time',
    text: 'a circuit that carries this tunnel works badly',
    slots: (topology, effect) => [[underlays(topology, effect).flatMap(linkBad)]],
  },
  {
    row: 'behind-link',
    kinds: ['link'],
    families: [...DOWN, ...QUALITY],
    seenFrom: 'anywhere',
    waits: 'answer',
    text: 'the only way to this link is down',
    slots: linkWaySlots,
  },
  {
    row: 'congestion-or-line-errors',
    kinds: ['link'],
    families: QUALITY,
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'an interface at its end is full or makes errors',
    slots: (topology, effect) => {
      const link = topology.link(idOf(effect.subject));
      if (link === undefined) return NO_SLOTS;
      // Errors lose packets but do not delay them; a full interface does both.
      const families: readonly Family[] =
        effect.family === 'loss'
          ? ['interface-down', 'errors', 'utilisation', 'discards']
          : ['interface-down', 'utilisation'];
      return [[endInterfaces(link).map((subject) => ({ subject, families }))]];
    },
  },
  {
    row: 'agent-behind-circuit',
    kinds: ['agent'],
    families: ['agent-silent'],
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'the agent sits behind it',
    slots: (topology, effect) =>
      effect.site === undefined
        ? NO_SLOTS
        : wayDown(topology, topology.climb(effect.site, undefined).sites),
  },
  {
    row: 'agent-behind-gateway',
    kinds: ['agent'],
    families: ['agent-silent'],
    seenFrom: 'anywhere',
    waits: 'no',
    text: "the site's edge does not answer, and the agent sits behind it",
    slots: (topology, effect) =>
      effect.site === undefined ? NO_SLOTS : [gatewayGroups(topology, effect.site)],
  },
];

function underlays(topology: Topology, effect: Effect): readonly Link[] {
  const link = topology.link(idOf(effect.subject));
  return (link?.underlays ?? []).flatMap((id) => topology.link(id) ?? []);
}

const RELEVANT = (slot: Slot): boolean =>
  slot.groups.length > 0 && slot.groups.every((group) => group.length > 0);

/** Every way in which the alert may be explained, nearest first. Work: the degree of its subject. */
export function slotsOf(topology: Topology, effect: Effect): readonly Slot[] {
  const kind = kindOf(effect.subject);
  const isInside = effect.site !== undefined && effect.site === effect.observerSite;
  const seenFrom = isInside ? 'inside' : 'outside';
  return EXPLANATIONS.filter(
    (row) =>
      row.kinds.includes(kind) &&
      row.families.includes(effect.family) &&
      (row.seenFrom === 'anywhere' || row.seenFrom === seenFrom),
  )
    .flatMap((row) =>
      row.slots(topology, effect).map((groups) => ({
        row: row.row,
        groups,
        waits: row.waits,
        text: row.text,
        ...(row.onsets === undefined ? {} : { onsets: row.onsets }),
      })),
    )
    .filter(RELEVANT);
}

export const isQuickOutage = (family: Family): boolean => QUICK_FAMILIES.includes(family);
export const isOutage = (family: Family): boolean => OUTAGE_FAMILIES.includes(family);
