import {
  type Device,
  EMPTY_INVENTORY,
  type Inventory,
  type Link,
} from '../../protocol/model/inventory.ts';
import {
  deviceOf,
  idOf,
  interfaceKey,
  kindOf,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import type { AgentWatch } from '../settings.ts';
import { allOf, atLeast, HEALTHY, judgeNeed, type Standing, subjectsOf } from './needs.ts';
import { createSiteWays, isCarrier } from './site-ways.ts';

/** A firing alert, as far as services care. */
export interface Trouble {
  readonly agent: string;
  /** It does not work, as opposed to: it works badly. */
  readonly isOutage: boolean;
  /** On an agent: its silence was found to be that of its site. */
  readonly isDark?: boolean;
}

/** How the parts of the network do that services need, kept up alert by alert. */
export interface Standings {
  /** Alerts on the subject changed. Subjects that no service needs cost one look-up. */
  touch(subject: SubjectKey): void;
  /** Works out what changed; returns the services whose standing did. */
  settle(): readonly string[];
  of(subject: SubjectKey): Standing;
}

/** What is worked out first: a rank rests on lower ones, and services on services too. */
const RANKS = ['agent', 'device', 'interface', 'link', 'overlay', 'site', 'service'] as const;
/** Services in a loop would be worked out for ever; the configuration refuses them, logs might not. */
const MAX_TURNS = 16;
const NONE: readonly never[] = [];

export function createStandings(
  given: Inventory,
  watches: readonly AgentWatch[],
  troublesOn: (subject: SubjectKey) => readonly Trouble[],
): Standings {
  const services = new Map((given.services ?? []).map((service) => [service.id, service]));
  // Without services nothing is asked, and nothing has to be indexed.
  const inventory = services.size === 0 ? EMPTY_INVENTORY : given;
  const links = new Map(inventory.links.map((link) => [link.id, link]));
  const places = placesOf(inventory);
  const ways = createSiteWays(inventory.sites, inventory.links);
  const watchers = new Map<SubjectKey, string[]>();
  const dependents = new Map<SubjectKey, SubjectKey[]>();
  const ranks = new Map<SubjectKey, number>();
  const standings = new Map<SubjectKey, Standing>();
  const dirty: readonly Set<SubjectKey>[] = RANKS.map(() => new Set());

  const of = (subject: SubjectKey): Standing => standings.get(subject) ?? HEALTHY;
  const push = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [value]);
    else known.push(value);
  };

  /** What the standing of a subject rests on, besides its own alerts. */
  function inputsOf(subject: SubjectKey): readonly SubjectKey[] {
    const id = idOf(subject);
    switch (kindOf(subject)) {
      case 'interface':
        return [subjectKey('device', deviceOf(subject) ?? '')];
      case 'link':
        return linkInputs(links.get(id));
      case 'site':
        return siteInputs(id);
      case 'service':
        return subjectsOf(services.get(id)?.needs ?? { all: [] });
      default:
        return NONE;
    }
  }

  function siteInputs(site: string): SubjectKey[] {
    const uplinks = places.uplinks.get(site) ?? NONE;
    const peers = uplinks.flatMap((link) => (link.peer === undefined ? [] : [link.peer]));
    return [
      ...uplinks.map((link) => subjectKey('link', link.id)),
      ...(places.edges.get(site) ?? NONE).map((device) => subjectKey('device', device.id)),
      ...(places.agents.get(site) ?? NONE).map((agent) => subjectKey('agent', agent)),
      // Not read, but on the way: a circuit further up may cut this site off.
      ...peers.filter((peer) => peer !== site).map((peer) => subjectKey('site', peer)),
    ];
  }

  /** Everything that some service rests on, near or far. */
  function include(start: SubjectKey): void {
    const found = new Set([start]);
    for (const subject of found) {
      if (ranks.has(subject)) continue;
      ranks.set(subject, rankOf(subject));
      for (const other of inputsOf(subject)) {
        push(dependents, other, subject);
        found.add(other);
      }
    }
  }

  function rankOf(subject: SubjectKey): number {
    const kind = kindOf(subject);
    const isOverlay = kind === 'link' && links.get(idOf(subject))?.kind === 'overlay';
    return RANKS.indexOf(isOverlay ? 'overlay' : kind);
  }

  function mark(subject: SubjectKey): void {
    const rank = ranks.get(subject);
    if (rank !== undefined) dirty[rank]?.add(subject);
  }

  /** Down means that all who look agree (design 6.16): who sees it well makes it only doubtful. */
  function own(subject: SubjectKey): Standing {
    const troubles = troublesOn(subject);
    const watching = watchers.get(subject) ?? NONE;
    const seeing = watching.filter((agent) => of(subjectKey('agent', agent)).state === 'healthy');
    const outages = troubles.filter((trouble) => trouble.isOutage);
    if (outages.length > 0) {
      const isContradicted = seeing.some((agent) => !outages.some((one) => one.agent === agent));
      return { state: isContradicted ? 'degraded' : 'down', culprits: [subject] };
    }
    if (troubles.length > 0) return { state: 'degraded', culprits: [subject] };
    if (watching.length === 0 || seeing.length > 0) return HEALTHY;
    return { state: 'unknown', culprits: watching.map((agent) => subjectKey('agent', agent)) };
  }

  function agentStanding(subject: SubjectKey): Standing {
    const troubles = troublesOn(subject).filter((trouble) => trouble.isOutage);
    if (troubles.length === 0) return HEALTHY;
    const isDark = troubles.some((trouble) => trouble.isDark === true);
    return { state: isDark ? 'down' : 'unknown', culprits: [subject] };
  }

  function linkStanding(link: Link | undefined, subject: SubjectKey): Standing {
    const itself = own(subject);
    if (link === undefined) return itself;
    // An end that works badly is the device's trouble; one that is down takes the link with it.
    const deadEnds = linkEnds(link)
      .map(of)
      .filter(({ state }) => state === 'down');
    const carried =
      link.underlays.length === 0
        ? HEALTHY
        : atLeast(
            1,
            link.underlays.map((id) => of(subjectKey('link', id))),
          );
    return allOf([itself, ...deadEnds, carried]);
  }

  function siteStanding(subject: SubjectKey): Standing {
    const id = idOf(subject);
    const dark = (places.agents.get(id) ?? NONE)
      .map((agent) => of(subjectKey('agent', agent)))
      .filter(({ state }) => state === 'down');
    const uplinks = (places.uplinks.get(id) ?? NONE).map((link) => of(subjectKey('link', link.id)));
    const edges = (places.edges.get(id) ?? NONE).map((device) =>
      of(subjectKey('device', device.id)),
    );
    const way = uplinks.length === 0 ? HEALTHY : atLeast(1, uplinks);
    const door = edges.length === 0 ? HEALTHY : atLeast(1, edges);
    const upstream = ways.isCutOff(id) ? upstreamCulprits(id) : undefined;
    if (upstream !== undefined && way.state !== 'down') {
      return { state: 'down', culprits: upstream };
    }
    // Another site's circuit still carries it: alive, with nothing left to lose.
    const isCarried = way.state === 'down' && upstream === undefined && places.hasSideWay(id);
    const uplink: Standing = isCarried ? { ...way, state: 'at-risk' } : way;
    return allOf([...dark, uplink, door, ...troublesOn(subject).map(() => own(subject))]);
  }

  /** What cut it off: dead circuits of its own or further up. */
  function upstreamCulprits(site: string): SubjectKey[] {
    const found: SubjectKey[] = [];
    const seen = new Set([site]);
    for (const one of seen) {
      for (const { id, peer } of places.uplinks.get(one) ?? NONE) {
        const { state, culprits } = of(subjectKey('link', id));
        if (state === 'down') found.push(...culprits);
        else if (peer !== undefined) seen.add(peer);
      }
    }
    return [...new Set(found)];
  }

  function standingOf(subject: SubjectKey): Standing {
    switch (kindOf(subject)) {
      case 'agent':
        return agentStanding(subject);
      case 'interface':
        return allOf([own(subject), of(subjectKey('device', deviceOf(subject) ?? ''))]);
      case 'link':
        return linkStanding(links.get(idOf(subject)), subject);
      case 'site':
        return siteStanding(subject);
      case 'service':
        return judgeNeed(services.get(idOf(subject))?.needs ?? { all: [] }, of);
      default:
        return own(subject);
    }
  }

  function work(subject: SubjectKey): boolean {
    const before = of(subject);
    const after = standingOf(subject);
    if (before.state === after.state && isSame(before.culprits, after.culprits)) return false;
    if (after.state === 'healthy') standings.delete(subject);
    else standings.set(subject, after);
    for (const dependent of dependents.get(subject) ?? NONE) mark(dependent);
    const link = kindOf(subject) === 'link' ? links.get(idOf(subject)) : undefined;
    if (link === undefined || !isCarrier(link)) return true;
    for (const site of ways.changed(link, after.state !== 'down')) mark(subjectKey('site', site));
    return true;
  }

  for (const service of services.values()) include(subjectKey('service', service.id));
  for (const { agent, subjects } of watches) {
    for (const subject of subjects as readonly SubjectKey[]) {
      if (!ranks.has(subject)) continue;
      push(watchers, subject, agent);
      const key = subjectKey('agent', agent);
      ranks.set(key, 0);
      push(dependents, key, subject);
    }
  }
  for (const subject of ranks.keys()) mark(subject);

  return {
    of,
    touch: mark,
    settle() {
      const moved = new Set<string>();
      for (const found of dirty) {
        let left = found.size * MAX_TURNS + ranks.size;
        for (const subject of found) {
          // Taken out first: what is marked again while others are worked out comes once more.
          found.delete(subject);
          if (left-- <= 0) break;
          if (work(subject) && kindOf(subject) === 'service') moved.add(idOf(subject));
        }
        found.clear();
      }
      return [...moved];
    },
  };
}

const isSame = (a: readonly SubjectKey[], b: readonly SubjectKey[]): boolean =>
  a.length === b.length && a.every((subject, n) => subject === b[n]);

const linkEnds = (link: Link): SubjectKey[] =>
  link.ends.map((end) =>
    end.interface === undefined
      ? subjectKey('device', end.device)
      : interfaceKey(end.device, end.interface),
  );

const linkInputs = (link: Link | undefined): SubjectKey[] =>
  link === undefined
    ? []
    : [...linkEnds(link), ...link.underlays.map((id) => subjectKey('link', id))];

interface Places {
  /** Circuits that a site hangs on. */
  readonly uplinks: ReadonlyMap<string, readonly Link[]>;
  /** Devices at which its circuits end; one of them suffices. */
  readonly edges: ReadonlyMap<string, readonly Device[]>;
  readonly agents: ReadonlyMap<string, readonly string[]>;
  /** Circuits of other sites end here too. */
  hasSideWay(site: string): boolean;
}

function placesOf(inventory: Inventory): Places {
  const carriers = inventory.links.filter(isCarrier);
  const devices = new Map(inventory.devices.map((device) => [device.id, device]));
  const edges = new Map<string, Set<Device>>();
  for (const { device: id } of carriers.flatMap((link) => link.ends)) {
    const device = devices.get(id);
    if (device === undefined) continue;
    edges.set(device.site, (edges.get(device.site) ?? new Set()).add(device));
  }
  const towards = new Set(carriers.flatMap((link) => link.peer ?? []));
  const agents = Map.groupBy(inventory.agents, (agent) => agent.site);
  return {
    uplinks: Map.groupBy(carriers, (link) => link.site),
    edges: new Map([...edges].map(([site, found]) => [site, [...found]])),
    agents: new Map([...agents].map(([site, found]) => [site, found.map(({ id }) => id)])),
    hasSideWay: (site) => towards.has(site),
  };
}
