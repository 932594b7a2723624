import type { ServiceFact } from '../../protocol/model/fact.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { AlertBook, FiringAlert } from '../correlate/alert-book.ts';
import type { Family } from '../correlate/family.ts';
import { isOutage } from '../correlate/family.ts';
import type { EngineSettings } from '../settings.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentRecord } from './incident-record.ts';
import {
  type Business as BusinessView,
  createServiceBook,
  type ServiceBookState,
} from './services.ts';
import type { Trouble } from './standings.ts';

/** Findings that no user feels yet: a device without SNMP works, and so does a warm one. */
const UNFELT: ReadonlySet<Family> = new Set(['snmp-silent', 'resources', 'budget', 'other']);

const NONE: readonly never[] = [];
const NO_BUSINESS: BusinessView = { services: NONE, users: 0 };

/** Ties the services to the alerts and incidents of the network engine. */
export interface Business {
  /** The time of this input; before anything else of it. */
  at(now: EpochMs): void;
  /** An alert on the subject fired, resolved or became blind. */
  touch(subject: SubjectKey): void;
  /** After all alerts have their place and before incidents are told: facts of services. */
  review(): readonly ServiceFact[];
  of(incident: IncidentRecord): BusinessView;
  nextDueAt(): EpochMs | undefined;
  configure(settings: EngineSettings): void;
  snapshot(): ServiceBookState;
}

export interface BusinessDeps {
  readonly settings: EngineSettings;
  readonly book: AlertBook;
  readonly incidents: () => IncidentBook;
  readonly nameOf: (subject: SubjectKey) => string;
}

export function createBusiness(deps: BusinessDeps, state?: ServiceBookState): Business {
  const { book, incidents, nameOf, settings } = deps;
  let now = epochMs(0);

  function troubleOf(firing: FiringAlert): Trouble | undefined {
    const family = book.familyOf(firing);
    if (UNFELT.has(family)) return undefined;
    const isDark = firing.verdict?.cause === 'site or circuit down';
    return { agent: firing.alert.agent, isOutage: isOutage(family), isDark };
  }

  const troublesOn = (subject: SubjectKey): readonly Trouble[] =>
    book.on(subject).flatMap((firing) => troubleOf(firing) ?? []);

  const services = createServiceBook({ settings, troublesOn, nameOf }, state);

  /** Subjects with a firing alert of the incident; none once it is over. */
  function subjectsOf(incident: IncidentRecord): Set<SubjectKey> {
    if (incident.state === 'resolved') return new Set();
    const firing = [...incident.live].flatMap((key) => book.get(key) ?? []);
    return new Set(firing.map(({ alert }) => alert.subject));
  }

  /** Incidents that tell something else now are told; those that were merged leave their books. */
  function settle(moved: ReadonlySet<string>): void {
    for (const incident of incidents().all()) {
      if (moved.has(incident.id)) incidents().touch(incident);
      if (incident.mergedInto !== undefined) services.absorb(incident.id, incident.mergedInto);
    }
    services.keepOnly((id) => incidents().get(id) !== undefined);
  }

  function review(): readonly ServiceFact[] {
    if (services.isEmpty()) return NONE;
    // What a silence means is found out after it was told.
    for (const { alert } of book.ofFamily('agent-silent')) services.touch(alert.subject);
    const { facts, subjects, incidents: hit } = services.review(now);
    const holding = subjects.flatMap(book.on).flatMap(({ incident }) => incident ?? []);
    settle(new Set([...hit, ...holding]));
    return facts;
  }

  return {
    at: (instant) => {
      now = instant;
    },
    touch: services.touch,
    review,
    of: (incident) =>
      services.isEmpty() ? NO_BUSINESS : services.business(incident.id, subjectsOf(incident), now),
    nextDueAt: services.nextDueAt,
    configure: services.configure,
    snapshot: services.snapshot,
  };
}
