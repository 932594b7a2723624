import type { AlertKey, Evidence, RuleId } from '../model/alert.ts';
import type { Health, ServiceState, TrendFact } from '../model/fact.ts';
import type { Incident, IncidentId, Level, Money } from '../model/incident.ts';
import type { LinkKind, MaintenanceWindow, ServiceHours } from '../model/inventory.ts';
import type { RuleMetricName } from '../model/metrics.ts';
import type { InterfaceAttributes, SeriesKey } from '../model/sample.ts';
import type { AgentId, DeviceId, LinkId, SiteId, SubjectKey } from '../model/subject.ts';
import type { DurationMs, EpochMs } from '../model/units.ts';

/** The record outside, as far as we know it. One per destination and incident. */
export interface TicketView {
  readonly destination: string;
  /** waiting = not sent yet (openAfter), open/resolved = the destination has taken it, failed = retries are over, none = not ticketed by routing. */
  readonly state: 'waiting' | 'sending' | 'open' | 'resolved' | 'failed';
  /** Number and address in the outside system, when it told us. */
  readonly number?: string;
  readonly url?: string;
  readonly attempts: number;
  readonly nextAttemptAt?: EpochMs;
  /** Last answer or error in plain words. */
  readonly lastAnswer?: string;
}

/** What the API and the stream say of an incident. */
export interface IncidentView extends Incident {
  readonly tickets: readonly TicketView[];
}

export interface TimelineEntry {
  readonly at: EpochMs;
  readonly kind: string;
  readonly text: string;
}

/** An alert of an incident, its root's first: what a graph marks and what a person may split off. */
export interface AlertView {
  readonly key: AlertKey;
  readonly rule: RuleId;
  readonly subject: SubjectKey;
  readonly firedAt: EpochMs;
  readonly resolvedAt?: EpochMs;
  readonly evidence: Evidence;
}

/** GET /api/v1/incidents/:id */
export interface IncidentDetail extends IncidentView {
  readonly timeline: readonly TimelineEntry[];
  /** Figures of the root's alert: the limit that was crossed, for the graph. */
  readonly evidence?: Evidence;
  readonly alerts: readonly AlertView[];
  /** Incidents that became part of this one. */
  readonly absorbed: readonly {
    readonly id: IncidentId;
    readonly title: string;
    readonly at: EpochMs;
  }[];
}

/** A service as people are shown it. */
export interface ServiceView {
  readonly id: string;
  readonly name: string;
  readonly state: ServiceState;
  readonly because: string;
  /** Since when it is in this state; absent as long as nothing was told of it. */
  readonly since?: EpochMs;
  readonly users: number;
  readonly criticality: Level;
  readonly costPerHour?: Money;
  /** Absent: round the clock. */
  readonly hours?: ServiceHours;
  readonly isOpen: boolean;
  /** When its hours begin or end next. */
  readonly turnsAt?: EpochMs;
}

/** What keeps Vedette itself from its work: louder than anything in the network. */
export interface OwnTrouble {
  readonly id: string;
  readonly text: string;
  readonly since?: EpochMs;
}

export interface SiteView {
  readonly id: SiteId;
  readonly name: string;
  readonly hub: boolean;
  readonly users: number;
  readonly health: Health;
  readonly because: string;
  readonly devices: readonly DeviceView[];
}

export interface DeviceView {
  readonly id: DeviceId;
  readonly name: string;
  readonly health: Health;
  readonly because: string;
  readonly interfaces: readonly (InterfaceAttributes & { readonly health: Health })[];
}

export interface LinkView {
  readonly id: LinkId;
  readonly name: string;
  readonly kind: LinkKind;
  readonly site: SiteId;
  readonly provider?: string;
  readonly health: Health;
  readonly because: string;
  /** Newest figures, absent when nothing fresh is known. */
  readonly rttMs?: number;
  readonly lossRatio?: number;
  readonly jitterMs?: number;
  readonly measuredAt?: EpochMs;
}

export interface AgentView {
  readonly id: AgentId;
  readonly site: SiteId;
  readonly state: 'live' | 'silent' | 'never-seen';
  readonly lastSeenAt?: EpochMs;
  readonly version?: string;
  readonly clockSkewMs?: number;
  readonly lagMs?: number;
  readonly spoolSamples?: number;
  readonly dropped?: number;
  readonly engines: readonly {
    readonly probe: string;
    readonly engine: string;
    readonly note?: string;
  }[];
}

/** GET /api/v1/status, and the `snapshot` message of the stream. */
export interface StatusView {
  readonly now: EpochMs;
  readonly version: string;
  readonly incidents: readonly IncidentView[];
  readonly sites: readonly SiteView[];
  readonly links: readonly LinkView[];
  readonly agents: readonly AgentView[];
  /** Empty when the configuration has none. */
  readonly services: readonly ServiceView[];
  /** In force now, and the next one of each name; soonest first. */
  readonly maintenance: readonly MaintenanceWindow[];
  readonly own: readonly OwnTrouble[];
}

/**
 * GET /api/v1/stream (SSE): event `snapshot` with a StatusView first, then event `change`, at most
 * two a second, each with what changed since the last message; event id = stream position, so that
 * Last-Event-ID resumes. `: ping` every 15 s.
 */
export interface StatusChange {
  readonly now: EpochMs;
  readonly incidents?: readonly IncidentView[];
  readonly removedIncidents?: readonly IncidentId[];
  readonly sites?: readonly SiteView[];
  readonly links?: readonly LinkView[];
  readonly agents?: readonly AgentView[];
  readonly services?: readonly ServiceView[];
  /** The whole list, as in the snapshot. */
  readonly maintenance?: readonly MaintenanceWindow[];
  /** The whole list. */
  readonly own?: readonly OwnTrouble[];
}

/** GET /api/v1/changes?subject=SUBJECT&limit=N: the change log, newest first. */
export interface ChangesView {
  readonly changes: readonly Extract<TrendFact, { kind: 'level.changed' }>[];
}

/** GET /api/v1/forecasts?subject=SUBJECT: the newest finding of each series, soonest first. */
export interface ForecastsView {
  readonly forecasts: readonly Extract<TrendFact, { kind: 'limit.forecast' }>[];
}

/** GET /api/v1/series?subject=SUBJECT&metric=NAME&agent=ID&limit=N&cursor=CURSOR */
export interface SeriesListView {
  readonly series: readonly {
    readonly series: SeriesKey;
    readonly agent: AgentId;
    readonly metric: RuleMetricName;
    readonly subject: SubjectKey;
  }[];
  readonly nextCursor?: string;
}

/** GET /api/v1/range?series=KEY&from=MS&to=MS&step=MS; counters come as rates per second. */
export interface RangeView {
  readonly series: SeriesKey;
  readonly metric: RuleMetricName;
  readonly subject: SubjectKey;
  readonly at: readonly EpochMs[];
  /** Samples, or the means of buckets. */
  readonly value: readonly number[];
  /** `raw`: sample by sample. `buckets`: `at` is the begin of each `step`, and the columns below are there. */
  readonly form?: 'raw' | 'buckets';
  readonly step?: DurationMs;
  readonly count?: readonly number[];
  readonly min?: readonly number[];
  readonly max?: readonly number[];
  readonly p50?: readonly number[];
  readonly p95?: readonly number[];
  /** Round trips: mean loss of the same probe; null where none is known. */
  readonly loss?: readonly (number | null)[];
  /** Stretches of which something stored could not be read. */
  readonly gaps?: readonly {
    readonly from: EpochMs;
    readonly to: EpochMs;
    readonly because: string;
  }[];
}
