import type { Device } from '../../protocol/model/inventory.ts';
import {
  type DeviceId,
  deviceOf,
  idOf,
  type SiteId,
  type SubjectKey,
  type SubjectKind,
  subjectKey,
} from '../../protocol/model/subject.ts';
import type { Family } from './family.ts';
import type { Effect, Front, Groups, Slot, Suspect, Way } from './slot.ts';
import { deviceSubject, endInterfaces, linkSubject, type Topology } from './topology.ts';
import {
  circuitsNear,
  circuitsOnUnknownPorts,
  DOWN,
  frontOf,
  gatewayGroups,
  isGateway,
  isSharedEdge,
  isWatched,
  linkBad,
  linkDown,
  NO_SLOTS,
  nearEnds,
  QUALITY,
  REACH,
  sharedEdges,
  underlays,
  watchedCircuits,
  wayToLink,
  wayToSite,
} from './ways.ts';

export interface Row {
  readonly row: string;
  readonly kinds: readonly SubjectKind[];
  readonly families: readonly Family[];
  /** Where the observer stands as seen from the subject's site. */
  readonly seenFrom: 'inside' | 'outside' | 'anywhere';
  readonly waits: Slot['waits'];
  readonly text: string;
  readonly onsets?: Slot['onsets'];
  /** The groups of each slot this row makes; an empty list makes none. */
  readonly slots?: (topology: Topology, effect: Effect) => readonly Groups[];
  /** Instead: the way whose loss explains. */
  readonly way?: (topology: Topology, effect: Effect) => Way | undefined;
  /** Instead: circuits that explain when they work badly and stand on the way, and what must be besides. */
  readonly front?: (
    topology: Topology,
    effect: Effect,
  ) => { readonly besides: Groups; readonly front: Front } | undefined;
  /** Instead: devices that explain when none of their circuits works. */
  readonly edges?: (topology: Topology, effect: Effect) => readonly DeviceId[];
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
    row: 'interface-of-unknown-link',
    kinds: ['interface'],
    families: ['interface-down'],
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'a circuit of its site failed at about the same time, and nothing says on which port it ends',
    onsets: 'together',
    slots: (topology, effect) => [[circuitsOnUnknownPorts(topology, effect, DOWN)]],
  },
  {
    row: 'interface-of-unknown-bad-link',
    kinds: ['interface'],
    families: ['utilisation', 'errors', 'discards'],
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'a circuit of its site began to work badly at about the same time, and nothing says on which port it ends',
    onsets: 'together',
    slots: (topology, effect) => [[circuitsOnUnknownPorts(topology, effect, ['loss', 'latency'])]],
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
      const groups = topology.waysInto(idOf(effect.subject)).map((way) =>
        way
          .map(deviceSubject)
          .filter((subject) => topology.watchersOf(subject)?.length !== 0)
          .map((subject) => ({ subject, families: DOWN })),
      );
      return [groups.filter((group) => group.length > 0)];
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
    way: (topology, effect) => (isSharedEdge(topology, effect) ? undefined : wayToSite(effect)),
  },
  {
    row: 'edge-behind-near-ends',
    kinds: ['device'],
    families: [...REACH, ...QUALITY],
    seenFrom: 'outside',
    waits: 'answer',
    text: 'a dead device stands in every way between the observer and its site',
    way: (topology, effect) => {
      const way = isSharedEdge(topology, effect) ? wayToSite(effect) : undefined;
      return way && { ...way, edge: effect.subject };
    },
  },
  {
    row: 'edge-behind-circuits',
    kinds: ['device'],
    families: [...REACH, ...QUALITY],
    seenFrom: 'outside',
    waits: 'no',
    text: 'the circuits that end at it failed one after the other',
    onsets: 'apart',
    way: (topology, effect) => (isSharedEdge(topology, effect) ? wayToSite(effect) : undefined),
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
      if (site === undefined || watchedCircuits(topology, site).length > 0) return NO_SLOTS;
      if (gatewayGroups(topology, site).length > 0) return NO_SLOTS;
      const agents = topology.agentsAt(site).map((id) => subjectKey('agent', id));
      return [[agents.map((subject) => ({ subject, families: ['agent-silent'] as const }))]];
    },
  },
  {
    row: 'failed-with-its-neighbour',
    kinds: ['device'],
    families: DOWN,
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'it failed at the same moment as another device of its site, and nothing says what it hangs on',
    onsets: 'at-once',
    slots: (topology, effect) => {
      const device = topology.device(idOf(effect.subject));
      if (device === undefined || !topology.isUnplaced(device)) return NO_SLOTS;
      const others = topology.devicesAt(device.site).filter((other) => other.id !== device.id);
      const isFront = ({ id }: Device): boolean => topology.isInFront(id);
      const fronts = others.filter(isFront).map(({ id }) => deviceSubject(id));
      // One that others hang on is no leaf: only its like explains it.
      if (isFront(device)) return [[fronts.map((subject) => olderOnly(subject))]];
      const leaves = others.filter((other) => !isFront(other)).map(({ id }) => deviceSubject(id));
      const first = fronts.map((subject) => ({ subject, families: DOWN }));
      return [[[...first, ...leaves.map((subject) => olderOnly(subject))]]];
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
        : [[topology.graph.onTheWay(effect.observerSite, effect.site).flatMap(linkBad)]],
  },
  {
    row: 'near-end-device',
    kinds: ['link'],
    families: [...DOWN, ...QUALITY],
    seenFrom: 'anywhere',
    waits: 'answer',
    text: "the device at the observer's end of the link does not answer",
    slots: (topology, effect) => nearEnds(topology, effect).map((near) => [[near]]),
  },
  {
    row: 'unknown-end',
    kinds: ['link'],
    families: [...DOWN, ...QUALITY],
    seenFrom: 'anywhere',
    waits: 'answer',
    text: 'a router at one of its ends failed at the same moment, and nothing says where the link ends',
    onsets: 'at-once',
    slots: (topology, effect) => {
      const link = topology.link(idOf(effect.subject));
      if (link === undefined) return NO_SLOTS;
      const sites = topology.graph.endsOf(link);
      const isOpen = (site: SiteId): boolean =>
        !link.ends.some((end) => topology.device(end.device)?.site === site);
      // Without any word of the other end it is most likely in a hub.
      const places = sites.length < 2 ? [...sites, ...topology.graph.core] : sites;
      return [...new Set(places)].filter(isOpen).map((site) => {
        const routers = topology.gatewaysOf(site).map((device) => deviceSubject(device.id));
        return [routers.map((subject) => ({ subject, families: DOWN, insideOnly: true as const }))];
      });
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
    text: 'all circuits that end at the device failed together, and it is silent',
    onsets: 'together',
    edges: sharedEdges,
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
    way: wayToLink,
  },
  {
    row: 'behind-bad-link',
    kinds: ['link'],
    families: QUALITY,
    seenFrom: 'anywhere',
    waits: 'time',
    text: 'a circuit on the way to this one works badly',
    front: (topology, effect) => {
      const way = wayToLink(topology, effect);
      return way && { besides: [], front: frontOf(topology, way) };
    },
  },
  {
    row: 'behind-bad-way-round',
    kinds: ['link'],
    families: QUALITY,
    seenFrom: 'anywhere',
    waits: 'no',
    text: "the device at the observer's end is down, and a circuit of the way round works badly",
    front: (topology, effect) => {
      const link = topology.link(idOf(effect.subject));
      const from = effect.observerSite;
      if (link === undefined || wayToLink(topology, effect) !== undefined) return undefined;
      const near = nearEnds(topology, effect);
      const to = topology.graph.endsOf(link).filter((site) => site !== from);
      if (near.length === 0) return undefined;
      return { besides: [near], front: frontOf(topology, { from, to, not: link }) };
    },
  },
  {
    row: 'rerouted',
    kinds: ['link'],
    families: ['latency', 'voice'],
    seenFrom: 'anywhere',
    waits: 'no',
    text: 'a circuit near it is down, and the way round is longer',
    slots: circuitsNear,
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
    way: (_, effect) =>
      effect.site === undefined ? undefined : { from: undefined, to: [effect.site] },
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

/** Of devices of equal standing the first to fail explains the others. */
const olderOnly = (subject: SubjectKey): Suspect => ({ subject, families: DOWN, olderOnly: true });
