import type { Alert, AlertKey, Reason } from './alert.ts';
import type { Incident, IncidentId } from './incident.ts';
import type { RuleMetricName } from './metrics.ts';
import type { SeriesKey } from './sample.ts';
import type { AgentId, SubjectKey } from './subject.ts';
import type { DurationMs, EpochMs } from './units.ts';

/** How a site, device, interface, link or agent does, as shown on the page. */
export type Health = 'up' | 'degraded' | 'down' | 'unknown';

/** Facts of the site engine: what detection saw. The network engine consumes only these. */
export type AlertFact =
  | { readonly kind: 'alert.fired'; readonly at: EpochMs; readonly alert: Alert }
  | {
      readonly kind: 'alert.resolved';
      readonly at: EpochMs;
      readonly alert: AlertKey;
      readonly subject: SubjectKey;
      readonly because: Reason;
    }
  | {
      /** The data behind a firing alert stopped (`since` set) or came back (`since` absent). */
      readonly kind: 'alert.blind';
      readonly at: EpochMs;
      readonly alert: AlertKey;
      readonly subject: SubjectKey;
      readonly since?: EpochMs;
    }
  | {
      /**
       * A firing alert is on its way to clear (`since` set): the newest samples say that it is over, and
       * are not yet proof enough. Or it is not any more (`since` absent).
       */
      readonly kind: 'alert.fading';
      readonly at: EpochMs;
      readonly alert: AlertKey;
      readonly subject: SubjectKey;
      readonly since?: EpochMs;
    }
  | {
      /** It comes and goes: it stays firing until it has been quiet, and is told once. */
      readonly kind: 'alert.flapping';
      readonly at: EpochMs;
      readonly alert: AlertKey;
      readonly subject: SubjectKey;
      readonly because: Extract<Reason, { kind: 'flapping' }>;
    };

export type HealthFact =
  | {
      readonly kind: 'subject.changed';
      readonly at: EpochMs;
      readonly subject: SubjectKey;
      readonly health: Health;
      readonly because: string;
    }
  | {
      /** A healthy answer: the agent reached the subject at `at`. Contradicts "down". Sent on change and, while others doubt it, each round. */
      readonly kind: 'subject.answered';
      readonly at: EpochMs;
      readonly subject: SubjectKey;
      readonly agent: AgentId;
    }
  | {
      readonly kind: 'device.restarted';
      readonly at: EpochMs;
      readonly subject: SubjectKey;
      readonly uptime: DurationMs;
    };

/** What detection writes down without alarming anybody: the change log and findings for planning. */
export type TrendFact =
  | {
      /** A series settled on another level, up or down, and stayed. */
      readonly kind: 'level.changed';
      readonly at: EpochMs;
      readonly series: SeriesKey;
      readonly subject: SubjectKey;
      readonly metric: RuleMetricName;
      /** First sample of the new level. */
      readonly since: EpochMs;
      readonly before: number;
      readonly after: number;
      readonly text: string;
    }
  | {
      /** If it goes on like this, a limit is reached; a finding for planning, never a page. */
      readonly kind: 'limit.forecast';
      readonly at: EpochMs;
      readonly series: SeriesKey;
      readonly subject: SubjectKey;
      readonly metric: RuleMetricName;
      readonly limit: number;
      /** Most likely, and the ends of an interval that holds it in 8 of 10 cases. */
      readonly reachedAt: EpochMs;
      readonly earliest: EpochMs;
      /** Absent: perhaps never. */
      readonly latest?: EpochMs;
      readonly text: string;
    };

/** How a service does, by its dependency formula. */
export const SERVICE_STATES = ['healthy', 'at-risk', 'degraded', 'down', 'unknown'] as const;
export type ServiceState = (typeof SERVICE_STATES)[number];

export interface ServiceFact {
  readonly kind: 'service.changed';
  readonly at: EpochMs;
  readonly service: string;
  readonly state: ServiceState;
  /** The subjects that made it so. */
  readonly because: readonly SubjectKey[];
  readonly text: string;
}

export const INCIDENT_FACT_KINDS = [
  'incident.opened',
  'incident.updated',
  'incident.acknowledged',
  'incident.unacknowledged',
  'incident.merged',
  'incident.resolved',
  'incident.reopened',
  'incident.closed',
] as const;
export type IncidentFactKind = (typeof INCIDENT_FACT_KINDS)[number];

/** Carries the incident as it is after the fact, so that a reader needs no other state. */
export interface IncidentFact {
  readonly kind: IncidentFactKind;
  readonly at: EpochMs;
  readonly incident: IncidentId;
  readonly view: Incident;
  readonly because: readonly Reason[];
  /** incident.updated: whether people outside should hear of it (root, priority or extent changed). */
  readonly material: boolean;
  /** incident.merged: the incident that absorbed this one. */
  readonly into?: IncidentId;
}

/** Why an alert opened nothing; answers "why did this not page me?". */
export interface SuppressionFact {
  readonly kind: 'alert.suppressed';
  readonly at: EpochMs;
  readonly alert: AlertKey;
  readonly subject: SubjectKey;
  readonly because: Reason;
}

/** A command of the engine to the shell: have an agent probe a subject now (hold-down, design 6.3). */
export interface ConfirmFact {
  readonly kind: 'confirm.requested';
  readonly at: EpochMs;
  readonly agent: AgentId;
  readonly subject: SubjectKey;
  readonly until: EpochMs;
}

/** Something that happened: past tense, immutable, serialisable. */
export type Fact =
  | AlertFact
  | HealthFact
  | TrendFact
  | ServiceFact
  | IncidentFact
  | SuppressionFact
  | ConfirmFact;

export const isIncidentFact = (fact: Fact): fact is IncidentFact =>
  fact.kind.startsWith('incident.');
