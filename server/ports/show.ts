import type { Command } from '../../protocol/model/command.ts';
import type { TrendFact } from '../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { StatusChange, StatusView, TicketView } from '../../protocol/wire/views.ts';
import type { OutboxRow } from './outbox.ts';
import type { StoredFact } from './store.ts';

/** What people are shown now. Fed by the pipeline, read by the API and by every open stream. */
export interface ShownStatus {
  view(now: EpochMs): StatusView;
  /**
   * What changed after `revision`. `change` is undefined when that is too long ago (or was never
   * ours), so the reader needs a whole view.
   */
  changeSince(revision: number, now: EpochMs): RevisedChange;
  /** Grows with every visible change; 0 before the first. */
  revision(now: EpochMs): number;
}

interface RevisedChange {
  readonly revision: number;
  readonly change: StatusChange | undefined;
  readonly isEmpty: boolean;
}

interface IncidentPage {
  readonly state: 'open' | 'all';
  readonly limit: number;
  /** Only incidents opened before this. */
  readonly before?: EpochMs;
}

/** Incidents on record. `FactStore` of ports/store.ts has this shape. */
export interface IncidentRecords {
  incidents(query: IncidentPage): readonly Incident[];
  incident(id: IncidentId): Incident | undefined;
  factsOf(id: IncidentId): readonly StoredFact[];
}

/** The change log and findings for planning, as they were stored. */
export interface TrendRecords {
  /** Newest first; those told at `since` or later. */
  trends(query: {
    readonly kind: TrendFact['kind'];
    readonly subject?: SubjectKey;
    readonly since: EpochMs;
    readonly limit: number;
  }): readonly TrendFact[];
}

/** A message to a ticket system, without its body. An `OutboxRow` is one. */
export type DeliveryView = Omit<OutboxRow, 'message'>;

export interface DeliveryRecords {
  tickets(incident: IncidentId): readonly TicketView[];
  /** Newest first; of one incident when asked. */
  deliveries(query: { incident?: IncidentId; limit: number }): readonly DeliveryView[];
}

export interface SamplePoint {
  readonly at: EpochMs;
  readonly value: number;
}

/** What the engine made of a command. `busy`: it could not be logged now, try again. */
export type CommandOutcome =
  | { readonly kind: 'applied' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'busy'; readonly retryAfter: DurationMs };

export interface Commands {
  /** Resolves when the command is durable in the input log and its facts are visible here. */
  command(command: Command): Promise<CommandOutcome>;
}

/** One thing that must be well before people can be served. */
export interface Readiness {
  readonly name: string;
  readonly isReady: boolean;
  readonly detail: string;
}

/** One figure of /metrics, read at every scrape. `name` without the prefix `vedette_`. */
export interface OwnFigure {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  /** Then the name ends in it: `clock_ahead_seconds`, `history_written_bytes_total`. */
  readonly unit?: 'seconds' | 'bytes';
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}
