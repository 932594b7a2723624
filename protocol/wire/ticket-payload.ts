import type { Reason, Severity } from '../model/alert.ts';
import type { IncidentId, IncidentState, Level, Money, Priority } from '../model/incident.ts';
import type { SubjectKey } from '../model/subject.ts';

/** Types of the generic webhook (Standard Webhooks 1.0.0). */
export type TicketMessageType =
  | 'incident.opened'
  | 'incident.updated'
  | 'incident.acknowledged'
  | 'incident.resolved'
  | 'test';

/** Body of every message. Times are ISO 8601 UTC. `data.id` is the key: one id, one ticket. */
export interface TicketMessage {
  readonly type: TicketMessageType;
  readonly timestamp: string;
  readonly data: TicketData;
}

export interface TicketData {
  readonly id: IncidentId;
  readonly state: IncidentState;
  readonly title: string;
  readonly subject: SubjectKey;
  readonly site?: { readonly id: string; readonly name: string };
  readonly severity: Severity;
  readonly impact: Level;
  readonly urgency: Level;
  readonly priority: Priority;
  readonly cause: string;
  readonly confidence: number;
  /** Sentences for the resolver: what was seen, what it explains, what speaks against it. */
  readonly because: readonly Reason[];
  readonly symptoms: readonly {
    readonly subject: SubjectKey;
    readonly rule: string;
    readonly text: string;
  }[];
  /** Symptoms that are not in the list. Absent = all are. */
  readonly moreSymptoms?: number;
  readonly users: number;
  /** Sites behind the root that suffer as a whole; absent when none does. */
  readonly sites?: readonly { readonly id: string; readonly name: string }[];
  /** What the business loses, worst first; one that is well again stays listed. */
  readonly services?: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    readonly users: number;
    /** Whether it is within its service hours. */
    readonly open: boolean;
    readonly costPerHour?: Money;
    /** Seconds without it in its service hours. */
    readonly downSeconds: number;
  }[];
  /** Of the services that are down now; 0 outside their service hours. */
  readonly costPerHour?: Money;
  /** Until `timestamp`. */
  readonly costSoFar?: Money;
  readonly advice: readonly string[];
  readonly onsetAt: string;
  readonly openedAt: string;
  readonly resolvedAt?: string;
  /** Plain-text description, ready to be put into a ticket. */
  readonly text: string;
  /** Address of the incident on the page; absent when no public address is configured. */
  readonly url?: string;
}
