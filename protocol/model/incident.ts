import type { AlertKey, Disturbance, Reason, RuleId, Severity } from './alert.ts';
import type { SeriesKey } from './sample.ts';
import type { SiteId, SubjectKey } from './subject.ts';
import type { DurationMs, EpochMs } from './units.ts';

export type IncidentId = string;

/** resolved = by the engine, after the trouble cleared; closed = by a person. */
export type IncidentState = 'open' | 'acknowledged' | 'resolved' | 'closed';

export type Level = 'high' | 'medium' | 'low';
export type Priority = 1 | 2 | 3 | 4 | 5;

/** ITIL matrix. Rows: impact. Columns: urgency. */
export const PRIORITY_MATRIX = {
  high: { high: 1, medium: 2, low: 3 },
  medium: { high: 2, medium: 3, low: 4 },
  low: { high: 3, medium: 4, low: 5 },
} as const satisfies Record<Level, Record<Level, Priority>>;

/** The alert that explains the others: a hypothesis with its evidence. */
export interface SuspectedRoot {
  readonly alert: AlertKey;
  readonly subject: SubjectKey;
  readonly rule: RuleId;
  /** The cause by name: "circuit down", "agent stopped", "congestion". */
  readonly cause: string;
  /** 0..1 */
  readonly confidence: number;
  readonly because: readonly Reason[];
}

export interface Symptom {
  readonly alert: AlertKey;
  readonly subject: SubjectKey;
  readonly rule: RuleId;
  readonly since: EpochMs;
  /** Set once the symptom has cleared; it stays listed for the record. */
  readonly clearedAt?: EpochMs;
  readonly because: Reason;
}

export interface Acknowledgement {
  readonly by: string;
  readonly at: EpochMs;
  readonly note?: string;
  /** When it expires and the incident is loud again. */
  readonly until: EpochMs;
}

/** Money in one currency (ISO 4217). */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** A service that the incident hits, or hit: it stays listed once it is well again. */
export interface HitService {
  readonly id: string;
  readonly name: string;
  readonly state: 'healthy' | 'at-risk' | 'degraded' | 'down' | 'unknown';
  readonly users: number;
  readonly criticality: Level;
  /** Whether it is within its service hours now. */
  readonly isOpen: boolean;
  /** What an hour without it costs in its service hours. */
  readonly costPerHour?: Money;
  /** How long it was down in its service hours because of this incident. */
  readonly downFor: DurationMs;
}

/** An unplanned interruption or loss of quality that people must handle; groups alerts. */
export interface Incident {
  readonly id: IncidentId;
  readonly state: IncidentState;
  /** One line for a ticket's subject: what, where, how bad. */
  readonly title: string;
  readonly subject: SubjectKey;
  readonly site?: SiteId;
  readonly root: SuspectedRoot;
  /** At most 100, circuits first; `moreSymptoms` counts the others. */
  readonly symptoms: readonly Symptom[];
  /** Symptoms that are not listed, and how many of them have cleared. Absent = all are listed. */
  readonly moreSymptoms?: { readonly count: number; readonly cleared: number };
  readonly severity: Severity;
  readonly disturbance: Disturbance;
  readonly impact: Level;
  readonly urgency: Level;
  readonly priority: Priority;
  /** People affected, by the inventory. */
  readonly users: number;
  /** Ids of the sites behind the root that suffer: no other way, or one that works badly. */
  readonly sites?: readonly SiteId[];
  /** Worst first. Absent when no service is hit. */
  readonly services?: readonly HitService[];
  /** What the services that are down now cost an hour; nothing outside their service hours. */
  readonly costPerHour?: Money;
  /** What it has cost until `updatedAt`. */
  readonly costSoFar?: Money;
  readonly onsetAt: EpochMs;
  readonly openedAt: EpochMs;
  readonly updatedAt: EpochMs;
  readonly resolvedAt?: EpochMs;
  readonly acknowledged?: Acknowledgement;
  /** A person works on it by hand: the engine goes on watching and does not resolve it. */
  readonly takenOver?: { readonly by: string; readonly at: EpochMs; readonly note?: string };
  /** When late data told of it: it was over before anybody knew, and nobody was told. */
  readonly foundLater?: EpochMs;
  /** The incident that absorbed this one; it is told no more by itself. */
  readonly mergedInto?: IncidentId;
  /** Since when nobody can see whether the trouble goes on. */
  readonly blindSince?: EpochMs;
  /** The series a graph should show. */
  readonly deciding?: SeriesKey;
  /** What to do at 3 a.m., most useful step first. */
  readonly advice: readonly string[];
  readonly reopened: number;
  readonly because: readonly Reason[];
}
