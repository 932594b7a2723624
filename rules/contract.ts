import type { Command } from '../protocol/model/command.ts';
import type { AlertFact, Fact, HealthFact, TrendFact } from '../protocol/model/fact.ts';
import type { Incident } from '../protocol/model/incident.ts';
import type { ObservedBatch } from '../protocol/model/sample.ts';
import type { AgentId } from '../protocol/model/subject.ts';
import type { EpochMs } from '../protocol/model/units.ts';
import type { EngineSettings } from './settings.ts';

/** When an input happened and which record of the input log it is. Ids derive from the position. */
export interface Instant {
  readonly now: EpochMs;
  readonly position: number;
}

/** A JSON value: snapshots survive a round trip through a file. */
export type Snapshot = unknown;

/**
 * The JSON text of a snapshot in pieces, each of a millisecond or so. No input may come between the
 * first piece and the last.
 */
export type SnapshotText = Iterable<string>;

/**
 * Detection for the agents of one site. Partition of the whole engine: shares nothing with the
 * engines of other sites. A path probe belongs to the site of its sender.
 */
export interface SiteEngine {
  configure(settings: EngineSettings, at: Instant): (AlertFact | HealthFact | TrendFact)[];
  observe(batch: ObservedBatch, at: Instant): (AlertFact | HealthFact | TrendFact)[];
  /** A batch or heartbeat of the agent arrived, whatever it held. */
  heard(agent: AgentId, at: Instant): (AlertFact | HealthFact | TrendFact)[];
  tick(at: Instant): (AlertFact | HealthFact | TrendFact)[];
  /** The collector was away: nobody is silent or stale for the time before `at`. */
  forgive(at: Instant): void;
  /** Ticks before this change nothing and tell nothing, unless another input comes first. */
  quietUntil(): EpochMs;
  snapshot(): Snapshot;
  snapshotText(): SnapshotText;
}

/** An outage of the past as late data tell it, correlated as it would have been at the time. */
export interface FoundOutage {
  /** Whose late data told it. */
  readonly agent: AgentId;
  readonly outage: Incident;
  /** The late data ended while it still failed; absent = its end was seen. */
  readonly seenUntil?: EpochMs;
}

/** Correlation and the life of incidents, over all sites. Consumes only facts of site engines. */
export interface NetworkEngine {
  configure(settings: EngineSettings, at: Instant): Fact[];
  /** Facts of one input, in any order; returns what follows from them (not the facts themselves). */
  consume(facts: readonly (AlertFact | HealthFact)[], at: Instant): Fact[];
  tick(at: Instant): Fact[];
  apply(command: Command, at: Instant): Fact[];
  /** Writes outages of the past into the record; opens, closes and reopens nothing. */
  correct(found: readonly FoundOutage[], at: Instant): Fact[];
  /** Ticks before this change nothing and tell nothing, unless another input comes first. */
  quietUntil(): EpochMs;
  snapshot(): Snapshot;
}

/** The whole engine: a deterministic function of its inputs. `rules/engine.ts` builds it. */
export interface Engine {
  configure(settings: EngineSettings, at: Instant): Fact[];
  observe(batch: ObservedBatch, at: Instant): Fact[];
  heard(agent: AgentId, at: Instant): Fact[];
  tick(at: Instant): Fact[];
  apply(command: Command, at: Instant): Fact[];
  /** Ticks before this change nothing and tell nothing, unless another input comes first. */
  quietUntil(): EpochMs;
  snapshot(): Snapshot;
  /** The same as text, so that the loop can turn in between. @throws when an input came meanwhile */
  snapshotText(): SnapshotText;
}
