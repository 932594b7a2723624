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
      /**
       * Loss only: judged echo by echo against the learned usual loss, not by the mean; `raiseAt` is
       * the least loss that is told, `clearAt` what may remain, `over` how far the mean looks back.
       */
      readonly beyondChance?: BeyondChance;
      /** Silent where the baseline of the series lies beyond `clearAt`: there it is no trouble. */
      readonly unlessUsual?: true;
    }
  | {
      /**
       * A count that keeps its level (sessions, ports, routes) has dropped below it; immediate. Also
       * judged: the metrics in `also`, each by itself.
       */
      readonly kind: 'drop';
      readonly metric: RuleMetricName;
      readonly also?: readonly RuleMetricName[];
      /** So many must be missing, and this share of the usual level, 0..1. */
      readonly least: number;
      readonly share: number;
      /** A level counts as usual when it has kept so long. */
      readonly settleFor: DurationMs;
      /** What has been missing so long is not coming back: the low level becomes the usual one. */
      readonly forgetAfter: DurationMs;
      /** Composite: only where this metric of the same subject rose at the time of the drop. */
      readonly alongside?: { readonly metric: RuleMetricName; readonly within: DurationMs };
    }
  | {
      /**
       * Counted faults against their usual rate, a Poisson CUSUM: found soonest is a rate of
       * max(`raiseAt`, `times` x usual); while the usual rate is not known yet, of `youngAt`.
       */
      readonly kind: 'surge';
      /** Rates per second. */
      readonly metric: RuleMetricName;
      readonly also?: readonly RuleMetricName[];
      readonly raiseAt: number;
      readonly youngAt: number;
      readonly times: number;
      /** Logarithm of the odds that is proof enough. */
      readonly evidence: number;
      /** Fewer faults than this share of the packets do not matter, 0..1; judged where the load is known. */
      readonly perPacket: number;
    }
  | {
      /** More than usual at this hour of the week (UTC), once two weeks are known. */
      readonly kind: 'profile';
      readonly metric: RuleMetricName;
      readonly also?: readonly RuleMetricName[];
      /** At least so much above the usual band, in units of the metric. */
      readonly margin: number;
      /** Below this nothing is judged. */
      readonly least: number;
    }
  | {
      /** When will the daily peaks reach `raiseAt`? Writes `limit.forecast`, never alarms. */
      readonly kind: 'forecast';
      readonly metric: RuleMetricName;
      readonly also?: readonly RuleMetricName[];
      readonly raiseAt: number;
      /** Only what is reached so soon is told. */
      readonly within: DurationMs;
    }
  | {
      /** Minutes with at least `badAt` of loss use up the error budget of `objective` too fast. */
      readonly kind: 'burn-rate';
      readonly metric: RuleMetricName;
      /** Judged where the first is not measured. */
      readonly also?: readonly RuleMetricName[];
      readonly badAt: number;
      /** Share of good minutes that is promised, 0..1. */
      readonly objective: number;
      readonly windows: readonly BurnWindow[];
    }
  | {
      /** A condition over metrics of one subject, see `rules/express/`. Without `clear`: not `raise`. */
      readonly kind: 'expression';
      readonly raise: string;
      readonly clear?: string;
    }
  | {
      /**
       * Outside what is usual for this very series, for long enough. `below` is judged too where
       * `side` is both. The margin is the greatest of `atLeast` (in the metric's unit), `share` of
       * the median, and `spread` times the distance from the median to the 95th percentile (both:
       * 98th, and at least half the width from the 2nd to the 98th).
       */
      readonly kind: 'baseline';
      readonly metric: RuleMetricName;
      /** Judged by the same figures, each by itself. */
      readonly also?: readonly RuleMetricName[];
      readonly side: 'above' | 'both';
      readonly atLeast: number;
      readonly share: number;
      readonly spread: number;
      /** So long must a step by exactly the margin last; a step by four margins half as long. */
      readonly proof: DurationMs;
    }
  | { readonly kind: 'interface-down' }
  | { readonly kind: 'snmp-silent'; readonly after: DurationMs }
  | { readonly kind: 'agent-silent'; readonly after: DurationMs };

/** Fires while the budget burns `factor` times as fast as it may, over both windows. At most 3 d. */
export interface BurnWindow {
  readonly long: DurationMs;
  readonly short: DurationMs;
  readonly factor: number;
}

/**
 * A share of five echoes is 0 or at least 20 %, so its mean says little. A cumulative sum of
 * log-likelihood ratios, echo by echo, tells loss from chance (Page's CUSUM, Biometrika 1954).
 */
export interface BeyondChance {
  /** Loss that is taken for usual until the usual loss is known, 0..1. */
  readonly usual: number;
  /** Loss to be found soonest, 0..1, above `usual`. Smaller ones from `raiseAt` on take longer. */
  readonly bad: number;
  /** Sum that is proof enough at one round every 5 s; rarer rounds need less for as few false alarms. */
  readonly evidence: number;
}

/** Narrows a rule to some subjects; every given field must match, an absent one matches all. */
export interface Selector {
  readonly subjects?: readonly string[];
  readonly sites?: readonly string[];
  readonly linkKinds?: readonly LinkKind[];
  /** Subjects that match one of these are another rule's, which has other figures for them. */
  readonly except?: readonly Selector[];
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
