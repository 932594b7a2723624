import type { RuleMetricName } from './metrics.ts';
import type { SeriesKey } from './sample.ts';
import type { AgentId, SiteId, SubjectKey } from './subject.ts';
import type { DurationMs, EpochMs } from './units.ts';

export type RuleId = string;
export type Severity = 'critical' | 'major' | 'minor' | 'warning';
export type Disturbance = 'outage' | 'degradation';

/** `rule|subject|agent`: one rule on one subject as one agent sees it. */
export type AlertKey = `${RuleId}|${SubjectKey}|${AgentId}`;

/** Why an alert fired or resolved, in figures a person can check. */
export interface Evidence {
  readonly metric?: RuleMetricName;
  readonly series?: SeriesKey;
  /** First sample of the run that led here, not the time it was noticed. */
  readonly onsetAt: EpochMs;
  readonly observed?: number;
  /** The limit that was crossed, or the usual value. */
  readonly expected?: number;
  readonly heldFor?: DurationMs;
  /** Where the series usually lies: its median and the 5th and 95th percentile. */
  readonly usual?: { readonly low: number; readonly middle: number; readonly high: number };
  /** How sure the detector is, 0..1; 1 = a fixed limit was measured to be broken, nothing is inferred. */
  readonly sureness?: number;
  /** Since when the baseline learns; "young" in its first day. */
  readonly learningSince?: EpochMs;
  /** One sentence in plain words: "10 of 10 echoes lost after 3 of 5, SNMP silent too". */
  readonly text: string;
}

export interface Alert {
  readonly key: AlertKey;
  readonly rule: RuleId;
  readonly subject: SubjectKey;
  readonly agent: AgentId;
  /** Where the subject is; undefined only for subjects outside the inventory (replay). */
  readonly site?: SiteId;
  readonly severity: Severity;
  readonly disturbance: Disturbance;
  readonly firedAt: EpochMs;
  readonly evidence: Evidence;
}

/** Why something was decided, as data; people and tests read the same words. */
export type Reason =
  | { readonly kind: 'evidence'; readonly alert: AlertKey; readonly text: string }
  | { readonly kind: 'explained-by'; readonly alert: AlertKey; readonly text: string }
  | { readonly kind: 'held-down'; readonly until: EpochMs; readonly text: string }
  | { readonly kind: 'cleared'; readonly text: string }
  | { readonly kind: 'no-data'; readonly since: EpochMs; readonly text: string }
  | { readonly kind: 'flapping'; readonly changes: number; readonly text: string }
  | { readonly kind: 'person'; readonly by: string; readonly text: string }
  | { readonly kind: 'configuration'; readonly text: string }
  | {
      readonly kind: 'maintenance';
      readonly window: string;
      readonly until: EpochMs;
      readonly text: string;
    }
  | { readonly kind: 'late-data'; readonly text: string };
