import type { Device, Link, Site } from '../../protocol/model/inventory.ts';
import {
  type AgentId,
  type DeviceId,
  deviceOf,
  idOf,
  interfaceKey,
  kindOf,
  type LinkId,
  type SiteId,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import type { EngineSettings } from '../settings.ts';
import { createInterfaceNames } from './interface-names.ts';
import { createParents } from './parents.ts';
import { createFates, type Fate } from './shared-fate.ts';
import { createSiteGraph, type SiteGraph } from './site-graph.ts';

const NONE: readonly never[] = [];

/** The inventory as correlation reads it: every question is one look-up. */
export interface Topology {
  readonly agentCount: number;
  site(id: SiteId): Site | undefined;
  device(id: DeviceId): Device | undefined;
  link(id: LinkId): Link | undefined;
  siteOfAgent(agent: AgentId): SiteId | undefined;
  siteOf(subject: SubjectKey): SiteId | undefined;
  agentsAt(site: SiteId): readonly AgentId[];
  devicesAt(site: SiteId): readonly Device[];
  /** Circuits the site hangs on, seen from the hub; overlays ride on these and are left out. */
  uplinksOf(site: SiteId): readonly Link[];
  /** Links whose other end is this site. */
  linksTowards(site: SiteId): readonly Link[];
  linksEndingAt(device: DeviceId): readonly Link[];
  linksEndingOn(netInterface: SubjectKey): readonly Link[];
  /** Links that the subject is, or that end at it. */
  circuitsWith(subject: SubjectKey): readonly Link[];
  /** Devices of the site at which circuits end. */
  gatewaysOf(site: SiteId): readonly Device[];
  /**
   * Devices this one is reached through inside its site. Each entry is a way of its own: the next
   * device and what that one in turn hangs on; only all of them together explain.
   */
  waysInto(device: DeviceId): readonly (readonly DeviceId[])[];
  /** Other devices of its site hang on it. */
  isInFront(device: DeviceId): boolean;
  /** Nothing says what the device hangs on, and no circuit ends at it: the inventory may have a gap. */
  isUnplaced(device: Device): boolean;
  /** What the circuit shares with others, so that they may fail together; itself included. */
  fatesOf(link: Link): readonly Fate[];
  /** Sites and the circuits between them that somebody watches. */
  readonly graph: SiteGraph;
  /** The subject under the name that the inventory uses: interfaces have many names. */
  canonical(subject: SubjectKey): SubjectKey;
  /** Agents that watch the subject; when nothing is known about watches, `undefined`. */
  watchersOf(subject: SubjectKey): readonly AgentId[] | undefined;
}

function groupBy<K, V>(values: readonly V[], keysOf: (value: V) => readonly K[]): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    for (const key of keysOf(value)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [value]);
      else if (!group.includes(value)) group.push(value);
    }
  }
  return groups;
}

const carries = (link: Link): boolean => link.kind === 'wan' || link.kind === 'internet';

export function createTopology(settings: EngineSettings): Topology {
  const { inventory } = settings;
  const sites = new Map(inventory.sites.map((site) => [site.id, site]));
  const devices = new Map(inventory.devices.map((device) => [device.id, device]));
  const links = new Map(inventory.links.map((link) => [link.id, link]));
  const agentSites = new Map(inventory.agents.map((agent) => [agent.id, agent.site]));
  const agentsBySite = groupBy([...agentSites.keys()], (id) => [agentSites.get(id) ?? '']);
  const devicesBySite = groupBy(inventory.devices, (device) => [device.site]);
  const carriers = inventory.links.filter(carries);
  const uplinks = groupBy(carriers, (link) => [link.site]);
  const towards = groupBy(carriers, (link) => (link.peer === undefined ? [] : [link.peer]));
  const byDevice = groupBy(inventory.links, (link) => link.ends.map((end) => end.device));
  const byInterface = groupBy(inventory.links, (link) =>
    link.ends.flatMap((end) =>
      end.interface === undefined ? [] : [interfaceKey(end.device, end.interface)],
    ),
  );
  const watchers = new Map<SubjectKey, AgentId[]>();
  for (const { agent, subjects } of settings.watches) {
    for (const subject of subjects) {
      const known = watchers.get(subject as SubjectKey);
      if (known === undefined) watchers.set(subject as SubjectKey, [agent]);
      else known.push(agent);
    }
  }
  for (const agents of watchers.values()) agents.sort();
  const edges = new Set(carriers.flatMap((link) => link.ends.map((end) => end.device)));
  const gateways = groupBy(
    inventory.devices.filter((device) => edges.has(device.id)),
    (device) => [device.site],
  );

  function siteOf(subject: SubjectKey): SiteId | undefined {
    const id = idOf(subject);
    switch (kindOf(subject)) {
      case 'site':
        return id;
      case 'link':
        return links.get(id)?.site;
      case 'agent':
        return agentSites.get(id);
      case 'device':
      case 'interface':
        return devices.get(deviceOf(subject) ?? '')?.site;
      default:
        return undefined;
    }
  }

  const watchersOf = (subject: SubjectKey): readonly AgentId[] | undefined =>
    settings.watches.length === 0 ? undefined : (watchers.get(subject) ?? NONE);
  const parents = createParents(settings);
  const isWatched = (link: Link): boolean =>
    [linkSubject(link), ...link.ends.map((end) => deviceSubject(end.device))].some(
      (subject) => watchersOf(subject)?.length !== 0,
    );
  const graph = createSiteGraph(inventory, isWatched);
  const fatesOf = createFates(settings, carriers.filter(isWatched));
  const names = createInterfaceNames(inventory.links);

  const linksEndingAt = (device: DeviceId): readonly Link[] => byDevice.get(device) ?? NONE;
  const linksEndingOn = (netInterface: SubjectKey): readonly Link[] =>
    byInterface.get(names.canonical(netInterface)) ?? NONE;

  function circuitsWith(subject: SubjectKey): readonly Link[] {
    const link = kindOf(subject) === 'link' ? links.get(idOf(subject)) : undefined;
    if (link !== undefined) return [link];
    if (kindOf(subject) === 'device') return linksEndingAt(idOf(subject));
    return kindOf(subject) === 'interface' ? linksEndingOn(subject) : NONE;
  }

  return {
    agentCount: inventory.agents.length,
    site: (id) => sites.get(id),
    device: (id) => devices.get(id),
    link: (id) => links.get(id),
    siteOfAgent: (agent) => agentSites.get(agent),
    siteOf,
    agentsAt: (site) => agentsBySite.get(site) ?? NONE,
    devicesAt: (site) => devicesBySite.get(site) ?? NONE,
    uplinksOf: (site) => uplinks.get(site) ?? NONE,
    linksTowards: (site) => towards.get(site) ?? NONE,
    linksEndingAt,
    linksEndingOn,
    circuitsWith,
    gatewaysOf: (site) => gateways.get(site) ?? NONE,
    waysInto: parents.waysInto,
    isInFront: parents.isInFront,
    isUnplaced: ({ id }) =>
      parents.waysInto(id).length === 0 && (byDevice.get(id) ?? NONE).every((l) => !carries(l)),
    fatesOf,
    graph,
    canonical: names.canonical,
    watchersOf,
  };
}

/** The interfaces a link ends on, as subjects. */
export const endInterfaces = (link: Link): SubjectKey[] =>
  link.ends.flatMap((end) =>
    end.interface === undefined ? [] : [interfaceKey(end.device, end.interface)],
  );

const linkSubjects = new WeakMap<Link, SubjectKey>();
/** One string for each circuit: it is the key of most look-ups. */
export function linkSubject(link: Link): SubjectKey {
  const known = linkSubjects.get(link);
  if (known !== undefined) return known;
  const made = subjectKey('link', link.id);
  linkSubjects.set(link, made);
  return made;
}
export const deviceSubject = (id: DeviceId): SubjectKey => subjectKey('device', id);
