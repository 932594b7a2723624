import type { MetricName, RuleMetricName } from './metrics.ts';
import type { AgentId, SubjectKey } from './subject.ts';
import type { DurationMs, EpochMs } from './units.ts';

/** A series: one metric of one subject as one agent sees it. `bits` is the width of a counter. */
export interface Series {
  readonly metric: MetricName;
  readonly subject: SubjectKey;
  readonly agent: AgentId;
  readonly bits?: 32 | 64;
  /** How often a sample is due. Staleness is judged by it; absent = learned from the samples. */
  readonly every?: DurationMs;
}

/** One value of one series. Counters are bigint, exact at 2^64; gauges are finite numbers. */
export interface Sample {
  readonly series: Series;
  readonly at: EpochMs;
  readonly value: number | bigint;
}

/** `agent|metric|subject`: the name of a series in the API and in snapshots. */
export type SeriesKey = `${AgentId}|${RuleMetricName}|${SubjectKey}`;

export const seriesKey = (agent: AgentId, metric: RuleMetricName, subject: SubjectKey): SeriesKey =>
  `${agent}|${metric}|${subject}`;

/** What an agent learned about an interface; shown to people, never judged. */
export interface InterfaceAttributes {
  readonly subject: SubjectKey;
  readonly ifIndex: number;
  readonly name: string;
  readonly descr?: string;
  readonly alias?: string;
  readonly mac?: string;
}

/** A batch as the engine sees it: dictionary resolved, clock skew corrected, counters exact. */
export interface ObservedBatch {
  readonly agent: AgentId;
  readonly lane: Lane;
  readonly samples: readonly Sample[];
}

export type Lane = 'live' | 'backfill';
