import type { Disturbance, RuleId, Severity } from '../protocol/model/alert.ts';
import type { Inventory, LinkKind, MaintenanceWindow } from '../protocol/model/inventory.ts';
import type { RuleMetricName } from '../protocol/model/metrics.ts';
import type { SubjectKind } from '../protocol/model/subject.ts';
import type { DurationMs } from '../protocol/model/units.ts';

/** Raise high, clear low. For `below` limits (not used by the default pack) clearAt is above raiseAt. */
export interface HysteresisBand {
  readonly raiseAt: number;
  readonly clearAt: number;
}

/** The algorithm that turns samples of one subject into a verdict: normal, breached or unknown. */
export type Detector =
  | {
      /**
       * Design 6.16. Breached at once when a whole confirm burst is lost; without a burst (foreign
       * data) when `missed` of the last `outOf` rounds were wholly lost. Normal as soon as one
       * round has an answer and no confirm burst since was wholly lost.
       */
      readonly kind: 'unreachable';
      /** `any`: whichever of the two the subject has; one alert for both. */
      readonly probe: 'icmp' | 'stamp' | 'any';
      readonly missed: number;
      readonly outOf: number;
    }
  | {
      /** Mean of the metric over the trailing `over` against the band. */
      readonly kind: 'threshold';
      readonly metric: RuleMetricName;
      /** Judged by the same band, each by itself: in and out, ICMP and STAMP. The worst one speaks. */
      readonly also?: readonly RuleMetricName[];
      readonly over: DurationMs;
      readonly band: HysteresisBand;
      /** Loss only: the mean must also be more than chance could make of the usual loss. */
      readonly beyondChance?: BeyondChance;
    }
  | { readonly kind: 'interface-down' }
  | { readonly kind: 'snmp-silent'; readonly after: DurationMs }
  | { readonly kind: 'agent-silent'; readonly after: DurationMs };

/**
 * A share of five echoes is 0 or at least 20 %, so its mean says little. A cumulative sum of
 * log-likelihood ratios, echo by echo, tells loss from chance (Page's CUSUM, Biometrika 1954).
 */
export interface BeyondChance {
  /** Loss that is tolerated for ever, 0..1. */
  readonly usual: number;
  /** Loss to be found soonest, 0..1, above `usual`. */
  readonly bad: number;
  /** Sum that is proof enough at one round every 5 s; rarer rounds need less for as few false alarms. */
  readonly evidence: number;
}

/** Narrows a rule to some subjects; every given field must match, an absent one matches all. */
export interface Selector {
  readonly subjects?: readonly string[];
  readonly sites?: readonly string[];
  readonly linkKinds?: readonly LinkKind[];
}

/** A configured judgement: what is measured, on which subjects, how bad it is, and why. */
export interface Rule {
  readonly id: RuleId;
  readonly on: readonly SubjectKind[];
  readonly where?: Selector;
  readonly detector: Detector;
  /** Must stay breached this long before it fires. */
  readonly holdFor: DurationMs;
  /** Must stay normal this long before it resolves. */
  readonly clearAfter: DurationMs;
  readonly severity: Severity;
  readonly disturbance: Disturbance;
  /** The cause by name, for titles: "unreachable", "packet loss", "congestion". */
  readonly cause: string;
  /** Why this limit, with its source. */
  readonly reason: string;
  /** What a resolver should do first. */
  readonly advice: readonly string[];
  readonly enabled: boolean;
}

/** Numbers of the life cycle that are not a rule's; each has its default and reason in DEFAULT_TIMING. */
export interface Timing {
  /** A sample older than this when it arrives corrects history and judges nothing. */
  readonly lateAfter: DurationMs;
  /** Without samples for this many intervals a series is unknown. */
  readonly staleIntervals: number;
  /** How long a child's alert may wait for its upstream to be probed. */
  readonly holdDown: DurationMs;
  /** A resolved incident whose root fires again this soon is reopened instead of opened anew. */
  readonly reopenWithin: DurationMs;
  /** Acknowledgements expire after this when the person gave no time. */
  readonly acknowledgeFor: DurationMs;
  /** This share of all agents silent at once (at least two) is the collector's own trouble. */
  readonly collectorBlindShare: number;
}

/** Everything the engine decides by; an input of the log like any other. */
export interface EngineSettings {
  /** Makes incident ids unique between installations. */
  readonly installation: string;
  readonly inventory: Inventory;
  readonly rules: readonly Rule[];
  readonly timing: Timing;
  /** Which target subjects each agent watches, so that "nobody can look" can be told. */
  readonly watches: readonly AgentWatch[];
  /** Announced work, recurring windows already unrolled by the shell. Absent = none. */
  readonly maintenance?: readonly MaintenanceWindow[];
  /** Learned edges may explain and suppress like the inventory's own. Absent = false. */
  readonly trustLearned?: boolean;
}

export interface AgentWatch {
  readonly agent: string;
  readonly subjects: readonly string[];
}
