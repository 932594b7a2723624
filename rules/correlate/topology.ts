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

/** Longest chain of sites or devices that is followed; also the guard against loops. */
const MAX_HOPS = 8;
const NONE: readonly never[] = [];

/** `met` = the way led to the asked site; otherwise it ended at a site without uplinks. */
export interface Climb {
  readonly sites: readonly SiteId[];
  readonly met: boolean;
}

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
  /** Devices of the site at which its uplinks end. */
  gatewaysOf(site: SiteId): readonly Device[];
  /** Devices this one is reached through, nearest first. */
  ancestorsOf(device: DeviceId): readonly DeviceId[];
  /** Sites whose uplinks lie on the way from `site` up to `from`, nearest first. */
  climb(site: SiteId, from: SiteId | undefined): Climb;
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
  const gateways = new Map<SiteId, Device[]>();
  for (const [site, circuits] of uplinks) {
    const ends = circuits.flatMap((link) => link.ends.map((end) => devices.get(end.device)));
    const own = ends.filter((device) => device !== undefined && device.site === site);
    gateways.set(site, [...new Set(own as Device[])]);
  }

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

  function ancestorsOf(device: DeviceId): DeviceId[] {
    const chain: DeviceId[] = [];
    let parent = devices.get(device)?.behind;
    while (parent !== undefined && chain.length < MAX_HOPS && !chain.includes(parent)) {
      chain.push(parent);
      parent = devices.get(parent)?.behind;
    }
    return chain;
  }

  function climb(site: SiteId, from: SiteId | undefined): Climb {
    const way: SiteId[] = [];
    let current: SiteId | undefined = site;
    while (current !== undefined && current !== from && way.length < MAX_HOPS) {
      if (way.includes(current)) break;
      way.push(current);
      current = uplinks.get(current)?.find((link) => link.peer !== undefined)?.peer;
    }
    return { sites: way, met: from !== undefined && current === from };
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
    linksEndingAt: (device) => byDevice.get(device) ?? NONE,
    linksEndingOn: (netInterface) => byInterface.get(netInterface) ?? NONE,
    gatewaysOf: (site) => gateways.get(site) ?? NONE,
    ancestorsOf,
    climb,
    watchersOf: (subject) =>
      settings.watches.length === 0 ? undefined : (watchers.get(subject) ?? NONE),
  };
}

/** The interfaces a link ends on, as subjects. */
export const endInterfaces = (link: Link): SubjectKey[] =>
  link.ends.flatMap((end) =>
    end.interface === undefined ? [] : [interfaceKey(end.device, end.interface)],
  );

export const linkSubject = (link: Link): SubjectKey => subjectKey('link', link.id);
export const deviceSubject = (id: DeviceId): SubjectKey => subjectKey('device', id);
