import type { Health } from '../../protocol/model/fact.ts';
import type { Device, Inventory, Link, Site } from '../../protocol/model/inventory.ts';
import type { InterfaceAttributes } from '../../protocol/model/sample.ts';
import {
  type AgentId,
  deviceOf,
  idOf,
  kindOf,
  type LinkId,
  type SiteId,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import type { DeviceView, LinkView, SiteView } from '../../protocol/wire/views.ts';
import type { AgentWatch } from '../../rules/settings.ts';
import type { LinkFigure } from './link-figures.ts';

/** Health of sites, devices, interfaces and links; the worst of its parts decides for a site. */
export interface Places {
  configure(inventory: Inventory, watches: readonly AgentWatch[]): void;
  changed(subject: SubjectKey, health: Health, because: string): void;
  learned(interfaces: readonly InterfaceAttributes[]): void;
  touchLink(link: LinkId): void;
  /** These agents fell silent or spoke again: what they watch may be unknown now. */
  watchersChanged(agents: readonly AgentId[]): void;
  takeLinks(): readonly LinkView[];
  takeSites(): readonly SiteView[];
}

export interface PlacesDeps {
  readonly isSilent: (agent: AgentId) => boolean;
  readonly figuresOf: (link: LinkId) => LinkFigure;
}

interface State {
  readonly health: Health;
  readonly because: string;
}

const UNMEASURED: State = { health: 'unknown', because: 'not measured yet' };
const RANK: Record<Health, number> = { up: 0, unknown: 1, degraded: 2, down: 3 };
/** A device with more interfaces than this is shown with its first ones only. */
const MAX_INTERFACES = 512;

export function createPlaces({ isSilent, figuresOf }: PlacesDeps): Places {
  const states = new Map<SubjectKey, State>();
  const attributes = new Map<string, Map<SubjectKey, InterfaceAttributes>>();
  let sites = new Map<SiteId, Site>();
  let links = new Map<LinkId, Link>();
  let devices = new Map<string, Device>();
  let devicesOf = new Map<SiteId, readonly Device[]>();
  let linksOf = new Map<SiteId, readonly Link[]>();
  let watchers = new Map<SubjectKey, AgentId[]>();
  let watched = new Map<AgentId, readonly SubjectKey[]>();
  const dirtySites = new Set<SiteId>();
  const dirtyLinks = new Set<LinkId>();

  return {
    configure(inventory, watches) {
      sites = new Map(inventory.sites.map((site) => [site.id, site]));
      links = new Map(inventory.links.map((link) => [link.id, link]));
      devices = new Map(inventory.devices.map((device) => [device.id, device]));
      devicesOf = Map.groupBy(inventory.devices, (device) => device.site);
      linksOf = Map.groupBy(inventory.links, (link) => link.site);
      watched = new Map(
        watches.map((watch) => [watch.agent, watch.subjects as readonly SubjectKey[]]),
      );
      watchers = invert(watched);
      for (const id of sites.keys()) dirtySites.add(id);
      for (const id of links.keys()) dirtyLinks.add(id);
    },
    changed(subject, health, because) {
      states.set(subject, { health, because });
      touch(subject);
    },
    learned(interfaces) {
      for (const one of interfaces) learn(one);
    },
    touchLink: (link) => dirtyLinks.add(link),
    watchersChanged(agents) {
      for (const agent of agents) for (const subject of watched.get(agent) ?? []) touch(subject);
    },
    takeLinks() {
      const views = [...dirtyLinks].flatMap((id) => {
        const link = links.get(id);
        return link === undefined ? [] : [linkView(link)];
      });
      dirtyLinks.clear();
      return views;
    },
    takeSites() {
      const views = [...dirtySites].flatMap((id) => {
        const site = sites.get(id);
        return site === undefined ? [] : [siteView(site)];
      });
      dirtySites.clear();
      return views;
    },
  };

  function touch(subject: SubjectKey): void {
    const id = idOf(subject);
    const kind = kindOf(subject);
    if (kind === 'site') dirtySites.add(id);
    if (kind === 'link') {
      dirtyLinks.add(id);
      const link = links.get(id);
      if (link !== undefined) dirtySites.add(link.site);
    }
    const device = devices.get(deviceOf(subject) ?? '');
    if (device !== undefined) dirtySites.add(device.site);
  }

  function learn(one: InterfaceAttributes): void {
    const device = deviceOf(one.subject);
    if (device === undefined || !devices.has(device)) return;
    const known = attributes.get(device) ?? new Map<SubjectKey, InterfaceAttributes>();
    attributes.set(device, known);
    if (!known.has(one.subject) && known.size >= MAX_INTERFACES) return;
    if (JSON.stringify(known.get(one.subject)) === JSON.stringify(one)) return;
    known.set(one.subject, one);
    touch(one.subject);
  }

  /** What the engine said, unless nobody looks any more: then nothing may look well. */
  function stateOf(subject: SubjectKey): State {
    const state = states.get(subject) ?? UNMEASURED;
    const lookers = watchers.get(subject) ?? [];
    if (state.health !== 'up' || lookers.length === 0 || !lookers.every(isSilent)) return state;
    return { health: 'unknown', because: `agent ${lookers.join(' and ')} is silent` };
  }

  function linkView(link: Link): LinkView {
    const { id, name, kind, site, provider } = link;
    const state = stateOf(subjectKey('link', id));
    const figure = state.health === 'unknown' ? {} : figuresOf(id);
    return { id, name, kind, site, ...(provider && { provider }), ...state, ...figure };
  }

  function siteView(site: Site): SiteView {
    const { id, name, hub, users } = site;
    const views = (devicesOf.get(id) ?? []).map(deviceView);
    const parts = [
      ...(linksOf.get(id) ?? []).map((link) => named(link.name, subjectKey('link', link.id))),
      ...views.map((device) => ({
        health: device.health,
        because: `${device.name}: ${device.because}`,
      })),
    ];
    const own = states.get(subjectKey('site', id));
    const worst = worstOf(own === undefined ? parts : [own, ...parts]);
    return { id, name, hub, users, ...worst, devices: views };
  }

  function named(name: string, subject: SubjectKey): State {
    const state = stateOf(subject);
    return { health: state.health, because: `${name}: ${state.because}` };
  }

  function deviceView(device: Device): DeviceView {
    const known = [...(attributes.get(device.id)?.values() ?? [])];
    const interfaces = known.map((one) => ({ ...one, health: stateOf(one.subject).health }));
    const hurt = known.filter(({ subject }) => RANK[stateOf(subject).health] >= RANK.degraded);
    return {
      id: device.id,
      name: device.name,
      ...withPorts(stateOf(subjectKey('device', device.id)), hurt),
      interfaces: interfaces.sort((a, b) => a.ifIndex - b.ifIndex),
    };
  }
}

/** A device that answers while a port of it fails is not well. Ports nobody misses have no trouble. */
function withPorts(own: State, hurt: readonly InterfaceAttributes[]): State {
  const [first] = hurt;
  if (own.health !== 'up' || first === undefined) return own;
  const name = first.alias ? `${first.name} (${first.alias})` : first.name;
  const more = hurt.length > 1 ? ` and ${hurt.length - 1} more` : '';
  return { health: 'degraded', because: `trouble at ${name}${more}` };
}

/** The first of the worst; a place without parts is unknown, never up. */
function worstOf(states: readonly State[]): State {
  const worst = states.reduce<State | undefined>(
    (found, state) =>
      found === undefined || RANK[state.health] > RANK[found.health] ? state : found,
    undefined,
  );
  if (worst === undefined) return UNMEASURED;
  return worst.health === 'up' ? { health: 'up', because: 'everything answers' } : worst;
}

function invert(watched: ReadonlyMap<AgentId, readonly SubjectKey[]>): Map<SubjectKey, AgentId[]> {
  const watchers = new Map<SubjectKey, AgentId[]>();
  for (const [agent, subjects] of watched)
    for (const subject of subjects) {
      const list = watchers.get(subject);
      if (list === undefined) watchers.set(subject, [agent]);
      else list.push(agent);
    }
  return watchers;
}
