import type { ServiceFact, ServiceState } from '../../protocol/model/fact.ts';
import type { HitService, IncidentId } from '../../protocol/model/incident.ts';
import type { Service } from '../../protocol/model/inventory.ts';
import { type SubjectKey, subjectKey } from '../../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { isTimeZone } from '../../protocol/model/zoned-time.ts';
import type { EngineSettings } from '../settings.ts';
import { createLedger, type Ledger, type LedgerState, type Toll, tollOf } from './cost.ts';
import { isOpen, nextChange } from './hours.ts';
import { rankOfState } from './needs.ts';
import { createStandings, type Standings, type Trouble } from './standings.ts';

/** What changed in a review. */
export interface Review {
  readonly facts: readonly ServiceFact[];
  /** Whoever has an alert on one of these, or is one of these, tells something else now. */
  readonly subjects: readonly SubjectKey[];
  readonly incidents: readonly IncidentId[];
}

/** What an incident means to the business. */
export interface Business extends Toll {
  /** Every service it hits or hit, worst first. */
  readonly services: readonly HitService[];
  /** People who use the worst hit of those that do not work well; they may be the site's own. */
  readonly users: number;
}

export interface ServiceBookState {
  readonly told: readonly (readonly [string, ServiceState])[];
  readonly changes: readonly (readonly [string, EpochMs])[];
  readonly ledger: LedgerState;
}

/**
 * How the services do, by what they need. Pure: a function of the alerts, the settings and `now`.
 * Call `touch` for the subject of every alert that fires, resolves or is judged anew, then `review`
 * once before the incidents are told.
 */
export interface ServiceBook {
  configure(settings: EngineSettings): void;
  touch(subject: SubjectKey): void;
  review(now: EpochMs): Review;
  /** When service hours begin or end for a service that is not well. */
  nextDueAt(): EpochMs | undefined;
  /** No service is configured: there is nothing to review. */
  isEmpty(): boolean;
  stateOf(service: string): ServiceState;
  /** Books and tells what alerts on these subjects did to the services; `[]` once it is over. */
  business(incident: IncidentId, subjects: Iterable<SubjectKey>, now: EpochMs): Business;
  absorb(from: IncidentId, into: IncidentId): void;
  /** Forgets the books of incidents that are no longer known. */
  keepOnly(isKnown: (incident: IncidentId) => boolean): void;
  snapshot(): ServiceBookState;
}

export interface ServiceBookDeps {
  readonly settings: EngineSettings;
  /** Firing alerts on a subject; only those that mean that it works badly or not at all. */
  readonly troublesOn: (subject: SubjectKey) => readonly Trouble[];
  /** The subject as people call it. */
  readonly nameOf: (subject: SubjectKey) => string;
}

const NOTHING: Review = { facts: [], subjects: [], incidents: [] };
const NO_BUSINESS: Business = { services: [], users: 0 };
/** Causes named in a sentence. */
const NAMED = 3;

export function createServiceBook(deps: ServiceBookDeps, state?: ServiceBookState): ServiceBook {
  const { troublesOn, nameOf } = deps;
  let services = servicesOf(deps.settings);
  let standings: Standings = createStandings(
    deps.settings.inventory,
    deps.settings.watches,
    troublesOn,
  );
  const ledger: Ledger = createLedger((id) => services.get(id), state?.ledger);
  /** Services that are not healthy, as they were told last. */
  const told = new Map<string, ServiceState>(state?.told);
  const culprits = new Map<string, readonly SubjectKey[]>();
  const hitBy = new Map<SubjectKey, Set<string>>();
  /** Next change of the hours of each service that is not healthy. */
  const changes = new Map<string, EpochMs>(state?.changes);
  /** Looked at in the next review, whether they moved or not. */
  const pending = new Set<string>();

  function configure(settings: EngineSettings): void {
    services = servicesOf(settings);
    standings = createStandings(settings.inventory, settings.watches, troublesOn);
    for (const id of [...told.keys()]) if (!services.has(id)) told.delete(id);
    for (const map of [culprits, hitBy, changes]) map.clear();
    // New standings begin healthy: what was told otherwise is looked at again.
    for (const id of told.keys()) pending.add(id);
  }

  function blame(service: string, now: readonly SubjectKey[]): void {
    for (const subject of culprits.get(service) ?? []) hitBy.get(subject)?.delete(service);
    culprits.delete(service);
    if (now.length > 0) culprits.set(service, now);
    for (const subject of now) {
      const known = hitBy.get(subject);
      if (known === undefined) hitBy.set(subject, new Set([service]));
      else known.add(service);
    }
  }

  /** Follows one service; its fact when its state is another one than was told. */
  function follow(id: string, now: EpochMs): ServiceFact | undefined {
    const service = services.get(id);
    if (service === undefined) return undefined;
    const standing = standings.of(subjectKey('service', id));
    blame(id, standing.culprits);
    const before = told.get(id) ?? 'healthy';
    if (standing.state === 'healthy') told.delete(id);
    else told.set(id, standing.state);
    plan(service, now);
    if (before === standing.state) return undefined;
    return {
      kind: 'service.changed',
      at: now,
      service: id,
      state: standing.state,
      because: standing.culprits,
      text: sentenceOf(service.name, standing.state, standing.culprits.map(nameOf)),
    };
  }

  function plan({ id, hours }: Service, now: EpochMs): void {
    changes.delete(id);
    const next = told.has(id) ? nextChange(hours, now) : undefined;
    if (next !== undefined) changes.set(id, next);
  }

  /** Services whose hours begin or end now, while they are not well. */
  function turning(now: EpochMs): string[] {
    const due = [...changes].filter(([, at]) => at <= now).map(([id]) => id);
    for (const id of due) plan(services.get(id) as Service, now);
    return due;
  }

  function review(now: EpochMs): Review {
    if (services.size === 0) return NOTHING;
    const moved = [...new Set([...standings.settle(), ...pending])].sort();
    pending.clear();
    const before = moved.flatMap((id) => culprits.get(id) ?? []);
    const facts = moved.flatMap((id) => follow(id, now) ?? []);
    const all = [...moved, ...turning(now)];
    if (all.length === 0) return NOTHING;
    const after = all.flatMap((id) => culprits.get(id) ?? []);
    return {
      facts,
      subjects: [...new Set([...before, ...after])],
      incidents: [...new Set(all.flatMap((id) => ledger.incidentsOf(id)))],
    };
  }

  function hitOf(id: string, downFor: number, now: EpochMs): HitService[] {
    const service = services.get(id);
    if (service === undefined) return [];
    const { name, users, criticality, hours, costPerHour } = service;
    return [
      {
        id,
        name,
        state: told.get(id) ?? 'healthy',
        users,
        criticality,
        isOpen: isOpen(hours, now),
        ...(costPerHour === undefined ? {} : { costPerHour }),
        downFor: durationMs(downFor),
      },
    ];
  }

  function business(incident: IncidentId, subjects: Iterable<SubjectKey>, now: EpochMs): Business {
    if (services.size === 0) return NO_BUSINESS;
    const hit = new Set<string>();
    for (const subject of subjects) for (const id of hitBy.get(subject) ?? []) hit.add(id);
    const down = new Set([...hit].filter((id) => told.get(id) === 'down'));
    ledger.book(incident, down, hit, now);
    const lines = [...ledger.linesOf(incident)];
    const listed = lines.flatMap(([id, downFor]) => hitOf(id, downFor, now)).sort(worstFirst);
    const suffering = listed.filter(({ state: one }) => one === 'down' || one === 'degraded');
    return {
      services: listed,
      users: Math.max(0, ...suffering.map(({ users }) => users)),
      ...tollOf(listed),
    };
  }

  /** What was told before a restart is no news; what is different now is told in the next review. */
  function resume(): void {
    for (const id of new Set([...standings.settle(), ...told.keys()])) {
      const standing = standings.of(subjectKey('service', id));
      if (standing.state === (told.get(id) ?? 'healthy')) blame(id, standing.culprits);
      else pending.add(id);
    }
  }

  resume();
  return {
    configure,
    touch: (subject) => standings.touch(subject),
    review,
    nextDueAt() {
      const next = Math.min(...changes.values());
      return Number.isFinite(next) ? epochMs(next) : undefined;
    },
    isEmpty: () => services.size === 0,
    stateOf: (service) => told.get(service) ?? 'healthy',
    business,
    absorb: ledger.absorb,
    keepOnly: ledger.keepOnly,
    snapshot: () => ({ told: [...told], changes: [...changes], ledger: ledger.state() }),
  };
}

const LEVELS = ['high', 'medium', 'low'] as const;

const worstFirst = (a: HitService, b: HitService): number =>
  rankOfState(b.state) - rankOfState(a.state) ||
  LEVELS.indexOf(a.criticality) - LEVELS.indexOf(b.criticality) ||
  (a.id < b.id ? -1 : 1);

const servicesOf = ({ inventory }: EngineSettings): Map<string, Service> =>
  new Map((inventory.services ?? []).map((service) => [service.id, withKnownHours(service)]));

/** Hours in a zone that this machine does not know (an older log): round the clock. */
function withKnownHours(service: Service): Service {
  if (service.hours === undefined || isTimeZone(service.hours.timeZone)) return service;
  const { hours: _, ...rest } = service;
  return rest;
}

const SENTENCES: Readonly<Record<ServiceState, (name: string, causes: string) => string>> = {
  healthy: (name) => `${name} works again`,
  'at-risk': (name, causes) => `${name} works, but nothing is left in reserve: ${causes}`,
  degraded: (name, causes) => `${name} works badly: ${causes}`,
  down: (name, causes) => `${name} is down: ${causes}`,
  unknown: (name, causes) => `nobody can see whether ${name} works: ${causes}`,
};

function sentenceOf(name: string, state: ServiceState, causes: readonly string[]): string {
  const more = causes.length > NAMED ? ` and ${causes.length - NAMED} more` : '';
  return SENTENCES[state](name, `${causes.slice(0, NAMED).join(', ')}${more}`);
}
