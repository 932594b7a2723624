import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import type { Inventory, MaintenanceWindow } from '../../protocol/model/inventory.ts';
import type { InterfaceAttributes, SeriesKey } from '../../protocol/model/sample.ts';
import type { AgentId } from '../../protocol/model/subject.ts';
import { type DurationMs, type EpochMs, seconds } from '../../protocol/model/units.ts';
import type {
  AgentView,
  IncidentView,
  LinkView,
  OwnTrouble,
  ServiceView,
  SiteView,
  StatusView,
  TicketView,
} from '../../protocol/wire/views.ts';
import type { AgentWatch } from '../../rules/settings.ts';
import type { SamplePoint, ShownStatus } from '../ports/show.ts';
import { type AgentHeard, createAgentBook } from './agent-book.ts';
import { nextTurn, nowAndNext } from './announced.ts';
import { createIncidentBook } from './incident-book.ts';
import { createLinkFigures } from './link-figures.ts';
import { createPlaces } from './places.ts';
import { createRevisedList } from './revised-list.ts';
import { createRevisedMap, createRevision } from './revised-map.ts';
import { createServices } from './services.ts';

export interface StatusModelOptions {
  readonly version: string;
  readonly inventory: Inventory;
  readonly watches: readonly AgentWatch[];
  readonly maintenance?: readonly MaintenanceWindow[];
  /** What keeps the server itself from its work; asked about once a second. */
  readonly own?: () => readonly OwnTrouble[];
  /** Newest sample of a series, also of derived ones; undefined when there is none. */
  readonly latest: (series: SeriesKey) => SamplePoint | undefined;
  readonly tickets: (incident: IncidentId) => readonly TicketView[];
  /** An agent that was not heard for this long is shown as silent. */
  readonly silentAfter?: DurationMs;
}

/** What the pipeline tells; everything else of the model is read by the API. */
export interface StatusModel extends ShownStatus {
  /** Facts of one input, in their order. */
  apply(facts: readonly Fact[], now: EpochMs): void;
  /** A batch or heartbeat of the agent arrived; `heartbeat` when it was one. */
  heard(agent: AgentId, heard: AgentHeard): void;
  /** Names of interfaces, as agents report them with their batches. */
  learned(interfaces: readonly InterfaceAttributes[]): void;
  /** The outside record of an incident changed; it is read again from `tickets`. */
  ticketsChanged(incident: IncidentId): void;
  /** A new configuration took effect. Subjects that stay keep their health. */
  configure(
    inventory: Inventory,
    watches: readonly AgentWatch[],
    maintenance?: readonly MaintenanceWindow[],
  ): void;
  /** At start: incidents on record, newest first, before the replay. */
  restore(incidents: readonly Incident[]): void;
}

/** Figures are read at most this often, whoever asks. */
const FIGURES_EVERY = seconds(1);

/**
 * The status of everything, kept as small views with a revision each, so that a change costs what
 * changed and a reader of any age gets exactly what is new. Single writer: the pipeline.
 */
export function createStatusModel(options: StatusModelOptions): StatusModel {
  const revision = createRevision();
  const sites = createRevisedMap<SiteView>(revision);
  const links = createRevisedMap<LinkView>(revision);
  const agents = createRevisedMap<AgentView>(revision);
  const incidents = createRevisedMap<IncidentView>(revision);
  const services = createRevisedMap<ServiceView>(revision);
  const maintenance = createRevisedList<MaintenanceWindow>(revision);
  const own = createRevisedList<OwnTrouble>(revision);
  const agentBook = createAgentBook(options.silentAfter ?? seconds(12));
  const incidentBook = createIncidentBook(options.tickets, incidents);
  const figures = createLinkFigures(options.latest);
  const places = createPlaces({ isSilent: agentBook.isSilent, figuresOf: figures.of });
  const serviceBook = createServices(services);
  let windows: readonly MaintenanceWindow[] = [];
  let windowsTurnAt = 0;
  let figuresAt = 0;
  let wholeSince = 0;

  configure(options.inventory, options.watches, options.maintenance);

  return {
    apply(facts, now) {
      for (const fact of facts) applyFact(fact);
      if (facts.some(isIncidentFact)) incidentBook.forgetOld(now);
    },
    heard: (agent, heard) => agentBook.heard(agent, heard),
    learned: (interfaces) => places.learned(interfaces),
    ticketsChanged: (incident) => incidentBook.ticketsChanged(incident),
    configure,
    restore: (list) => incidentBook.restore(list),
    revision(now) {
      refresh(now);
      return revision.current;
    },
    view(now): StatusView {
      refresh(now);
      return {
        now,
        version: options.version,
        incidents: incidentBook.sorted(),
        sites: sites.values(),
        links: links.values(),
        agents: agents.values(),
        services: services.values(),
        maintenance: maintenance.list,
        own: own.list,
      };
    },
    changeSince(since, now) {
      refresh(now);
      const newest = revision.current;
      const isKnown =
        since >= wholeSince && since <= newest && since >= incidents.forgottenBefore();
      if (!isKnown) return { revision: newest, change: undefined, isEmpty: false };
      if (since === newest) return { revision: newest, change: { now }, isEmpty: true };
      const change = {
        now,
        ...some('incidents', incidents.changedSince(since)),
        ...some('removedIncidents', incidents.removedSince(since)),
        ...some('sites', sites.changedSince(since)),
        ...some('links', links.changedSince(since)),
        ...some('agents', agents.changedSince(since)),
        ...some('services', services.changedSince(since)),
        ...whole('maintenance', maintenance.changedSince(since)),
        ...whole('own', own.changedSince(since)),
      };
      return { revision: newest, change, isEmpty: false };
    },
  };

  function configure(
    inventory: Inventory,
    watches: readonly AgentWatch[],
    announced: readonly MaintenanceWindow[] = [],
  ): void {
    agentBook.configure(inventory.agents);
    figures.configure(inventory, watches);
    places.configure(inventory, watches);
    serviceBook.configure(inventory);
    for (const map of [sites, links, agents, services]) map.clear();
    windows = announced;
    windowsTurnAt = 0;
    figuresAt = 0;
    // Removed places have no tombstones: readers of the old inventory get a whole view.
    wholeSince = revision.next();
  }

  function applyFact(fact: Fact): void {
    if (isIncidentFact(fact)) incidentBook.apply(fact);
    else if (fact.kind === 'subject.changed')
      places.changed(fact.subject, fact.health, fact.because);
    else if (fact.kind === 'service.changed') serviceBook.changed(fact);
  }

  /** Brings the views up to date with time and figures: silence and staleness come without a fact. */
  function refresh(now: EpochMs): void {
    for (const view of agentBook.refresh(now)) agents.set(view.id, view);
    if (now - figuresAt >= FIGURES_EVERY || now < figuresAt) {
      figuresAt = now;
      incidentBook.forgetOld(now);
      own.set(options.own?.() ?? []);
      announce(now);
      serviceBook.refresh(now);
      for (const link of figures.refresh(now)) places.touchLink(link);
      places.watchersChanged(agentBook.takeTurned());
    }
    for (const link of places.takeLinks()) links.set(link.id, link);
    for (const site of places.takeSites()) sites.set(site.id, site);
  }

  function announce(now: EpochMs): void {
    if (now < windowsTurnAt) return;
    maintenance.set(nowAndNext(windows, now));
    windowsTurnAt = nextTurn(windows, now);
  }
}

function some<K extends string, T>(key: K, list: readonly T[]): { [P in K]?: readonly T[] } {
  return list.length === 0 ? {} : ({ [key]: list } as { [P in K]: readonly T[] });
}

function whole<K extends string, T>(
  key: K,
  list: readonly T[] | undefined,
): { [P in K]?: readonly T[] } {
  return list === undefined ? {} : ({ [key]: list } as { [P in K]: readonly T[] });
}
