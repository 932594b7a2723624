import { batch, computed, signal } from '@preact/signals';
import type { Money } from '../../../protocol/model/incident.ts';
import type { MaintenanceWindow } from '../../../protocol/model/inventory.ts';
import type {
  AgentView,
  IncidentView,
  LinkView,
  OwnTrouble,
  ServiceView,
  SiteView,
  StatusView,
} from '../../../protocol/wire/views.ts';
import type { FeedMessage } from './feed.ts';
import { createTable } from './table.ts';

export type Health = SiteView['health'];

/** Without a word for this long, what is on the page is old. The server speaks every 2 s. */
const STALE_AFTER_MS = 8_000;
const RANK: Record<Health, number> = { down: 0, degraded: 1, unknown: 2, up: 3 };
const byName = new Intl.Collator('en', { numeric: true }).compare;

export const isOpen = (one: IncidentView): boolean =>
  one.state === 'open' || one.state === 'acknowledged';

export const endedAt = (one: IncidentView): number => one.resolvedAt ?? one.updatedAt;

const worstFirst = (a: { health: Health; name: string }, b: { health: Health; name: string }) =>
  RANK[a.health] - RANK[b.health] || byName(a.name, b.name);

export const sites = createTable<SiteView>({
  order: worstFirst,
  shapeOf: (site) => `${site.health} ${site.name} ${site.users}`,
});
export const links = createTable<LinkView>({
  order: (a, b) => byName(a.name, b.name),
  shapeOf: (link) => `${link.health} ${link.name} ${link.site}`,
});
export const agents = createTable<AgentView>({
  order: (a, b) => Number(a.state === 'live') - Number(b.state === 'live') || byName(a.id, b.id),
  shapeOf: (agent) => `${agent.state} ${agent.site}`,
});
const SERVICE_RANK: Record<ServiceView['state'], number> = {
  down: 0,
  degraded: 1,
  unknown: 2,
  'at-risk': 3,
  healthy: 4,
};
const LEVELS = ['high', 'medium', 'low'];
export const services = createTable<ServiceView>({
  order: (a, b) =>
    SERVICE_RANK[a.state] - SERVICE_RANK[b.state] ||
    LEVELS.indexOf(a.criticality) - LEVELS.indexOf(b.criticality) ||
    byName(a.name, b.name),
  shapeOf: (one) => `${one.state} ${one.criticality} ${one.name} ${one.isOpen}`,
});
/** Announced work in force and to come, soonest first. */
export const maintenance = signal<readonly MaintenanceWindow[]>([]);
/** What keeps the server itself from its work. */
export const ownTroubles = signal<readonly OwnTrouble[]>([]);
export const incidents = createTable<IncidentView>({
  order: (a, b) =>
    Number(isOpen(b)) - Number(isOpen(a)) ||
    (isOpen(a) ? a.priority - b.priority || b.openedAt - a.openedAt : endedAt(b) - endedAt(a)),
  shapeOf: (one) =>
    `${one.state} ${one.severity} ${one.priority} ${one.users} ${one.resolvedAt} ${one.openedAt} ${one.costPerHour?.amount}`,
});

/** The server's time, once a second; ages are counted from it, not from this machine's clock. */
export const clock = signal(Date.now());
export const version = signal('');
/** Milliseconds since the last word of the server; undefined before the first. */
export const silence = signal<number | undefined>(undefined);
export const isStale = computed(
  () => silence.value !== undefined && silence.value > STALE_AFTER_MS,
);
export const isLoaded = computed(() => silence.value !== undefined);

let offset = 0;
let heardAt: number | undefined;

export function receive(message: FeedMessage): void {
  const age = message.kind === 'snapshot' ? (message.ageMs ?? 0) : 0;
  heardAt = performance.now() - age;
  batch(() => {
    if (message.kind === 'snapshot') replaceAll(message.status, age);
    else {
      const { change } = message;
      offset = change.now - Date.now();
      sites.change(change.sites);
      links.change(change.links);
      agents.change(change.agents);
      services.change(change.services);
      incidents.change(change.incidents, change.removedIncidents);
      if (change.maintenance !== undefined) maintenance.value = change.maintenance;
      if (change.own !== undefined) ownTroubles.value = change.own;
    }
    tick();
  });
}

/** Once a second: ages grow, and silence shows. */
export function tick(): void {
  clock.value = Date.now() + offset;
  if (heardAt !== undefined) silence.value = performance.now() - heardAt;
}

function replaceAll(status: StatusView, age: number): void {
  offset = status.now + age - Date.now();
  version.value = status.version;
  sites.replace(status.sites);
  links.replace(status.links);
  agents.replace(status.agents);
  services.replace(status.services);
  maintenance.value = status.maintenance;
  ownTroubles.value = status.own;
  incidents.replace(status.incidents);
}

export interface Counts {
  readonly health: Record<Health, number>;
  readonly sites: number;
  readonly links: number;
  readonly silentAgents: number;
}

export const counts = computed<Counts>(() => {
  void [sites.shape.value, links.shape.value, agents.shape.value];
  const health: Record<Health, number> = { up: 0, degraded: 0, down: 0, unknown: 0 };
  for (const site of sites.rows()) health[site.health] += 1;
  return {
    health,
    sites: sites.rows().length,
    links: links.rows().length,
    silentAgents: agents.rows().filter((agent) => agent.state !== 'live').length,
  };
});

export interface OpenCounts {
  readonly open: number;
  readonly unacknowledged: number;
  readonly people: number;
  readonly critical: number;
  /** End of the newest ended incident. */
  readonly lastFaultAt: number | undefined;
}

export const openCounts = computed<OpenCounts>(() => {
  void incidents.shape.value;
  const all = incidents.rows();
  const open = all.filter(isOpen);
  // Two incidents of one site hit the same people.
  const people = new Map<string, number>();
  for (const one of open) {
    const where = one.site ?? one.subject;
    people.set(where, Math.max(people.get(where) ?? 0, one.users));
  }
  const ended = all.filter((one) => !isOpen(one)).map(endedAt);
  return {
    open: open.length,
    unacknowledged: open.filter((one) => one.state === 'open' && one.takenOver === undefined)
      .length,
    people: [...people.values()].reduce((sum, users) => sum + users, 0),
    critical: open.filter((one) => one.severity === 'critical').length,
    lastFaultAt: ended.length === 0 ? undefined : Math.max(...ended),
  };
});

const linkIdsBySite = computed(() => {
  void links.shape.value;
  const found = new Map<string, string[]>();
  for (const id of links.ids.value) {
    const site = links.row(id)?.peek().site ?? '';
    const list = found.get(site);
    if (list === undefined) found.set(site, [id]);
    else list.push(id);
  }
  return found;
});

/** Most links that any site has; decides how high a card must be. */
export const mostLinks = computed(() =>
  Math.max(0, ...[...linkIdsBySite.value.values()].map((ids) => ids.length)),
);

export const linksOfSite = (site: string): readonly string[] => linkIdsBySite.value.get(site) ?? [];

/** Name of a site, or its id as long as nothing is known of it. */
export function siteNameOf(id: string): string {
  // Rows have no signal before the first snapshot; this one makes the caller look again then.
  void isLoaded.value;
  return sites.row(id)?.value.name ?? id;
}

/** Ids of the windows in force: a string, so that the seconds that pass change nothing. */
const inForce = computed(() =>
  maintenance.value
    .filter(({ from, until }) => from <= clock.value && clock.value < until)
    .map(({ id }) => id)
    .join(' '),
);

/** What is under announced work now, by subject; a site also when one of its parts is. */
export const maintained = computed(() => {
  const ids = new Set(inForce.value.split(' '));
  const found = new Map<string, MaintenanceWindow>();
  for (const window of maintenance.value) {
    if (!ids.has(window.id)) continue;
    for (const subject of window.subjects) {
      found.set(subject, window);
      const site = siteOf(subject);
      if (site !== undefined && !found.has(`part-of:${site}`)) found.set(`part-of:${site}`, window);
    }
  }
  return found;
});

export interface ServiceCounts {
  readonly all: number;
  readonly down: number;
  readonly degraded: number;
  readonly atRisk: number;
  /** Of those that are down in their hours; absent when that costs nothing that is known. */
  readonly costPerHour: Money | undefined;
}

export const serviceCounts = computed<ServiceCounts>(() => {
  void services.shape.value;
  const all = services.rows();
  const of = (state: ServiceView['state']) => all.filter((one) => one.state === state).length;
  const costs = all.flatMap((one) =>
    one.state === 'down' && one.isOpen && one.costPerHour !== undefined ? [one.costPerHour] : [],
  );
  const amount = costs.reduce((sum, cost) => sum + cost.amount, 0);
  const [first] = costs;
  return {
    all: all.length,
    down: of('down'),
    degraded: of('degraded'),
    atRisk: of('at-risk'),
    costPerHour: first === undefined ? undefined : { amount, currency: first.currency },
  };
});

/** Open incidents that hit a service, the most urgent first. */
export function incidentsOfService(id: string): readonly string[] {
  void incidents.shape.value;
  return incidents.ids.value.filter((incident) => {
    const one = incidents.row(incident)?.peek();
    return one !== undefined && isOpen(one) && one.services?.some((hit) => hit.id === id);
  });
}

/** The site that a subject belongs to; undefined when nothing is known of it. */
export function siteOf(subject: string): string | undefined {
  void isLoaded.value;
  const cut = subject.indexOf(':');
  const id = subject.slice(cut + 1);
  switch (subject.slice(0, cut)) {
    case 'site':
      return id;
    case 'link':
      return links.row(id)?.peek().site;
    case 'device':
    case 'interface':
      return deviceAt(id.split('/')[0] ?? '')?.site;
    case 'agent':
      return agents.row(id)?.peek().site;
    default:
      return undefined;
  }
}

function deviceAt(id: string): { readonly site: string; readonly name: string } | undefined {
  for (const site of sites.rows()) {
    const device = site.devices.find((one) => one.id === id);
    if (device !== undefined) return { site: site.id, name: device.name };
  }
  return undefined;
}

/** A subject by the name that people know, else by its id. */
export function subjectName(subject: string): string {
  void isLoaded.value;
  const cut = subject.indexOf(':');
  const id = subject.slice(cut + 1);
  switch (subject.slice(0, cut)) {
    case 'site':
      return sites.row(id)?.peek().name ?? id;
    case 'link':
      return links.row(id)?.peek().name ?? `link ${id}`;
    case 'device':
      return deviceAt(id)?.name ?? `device ${id}`;
    case 'interface': {
      const [device = '', ...rest] = id.split('/');
      return `${rest.join('/')} of ${deviceAt(device)?.name ?? device}`;
    }
    case 'service':
      return services.row(id)?.peek().name ?? id;
    default:
      return `${subject.slice(0, cut)} ${id}`;
  }
}
