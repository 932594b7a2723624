import type { Fact } from '../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import type { AgentId } from '../../protocol/model/subject.ts';
import type { EpochMs } from '../../protocol/model/units.ts';

/** A fact as stored: which input it came from, and its number within that input. */
export interface StoredFact {
  readonly position: number;
  readonly ordinal: number;
  readonly fact: Fact;
}

/** Facts and incidents. One writer: the pipeline. */
export interface FactStore {
  /** Position of the newest input whose facts are committed; 0 when none. */
  committedPosition(): number;
  /**
   * Facts, whatever `alongside` writes (outbox rows) and the position, in one transaction.
   * Not stored: subject.answered and confirm.requested (they are rebuilt by replay).
   */
  commit(position: number, facts: readonly Fact[], alongside: () => void): void;
  incidents(query: { state: 'open' | 'all'; limit: number; before?: EpochMs }): readonly Incident[];
  incident(id: IncidentId): Incident | undefined;
  /**
   * Facts that concern an incident or its alerts, also `incident.merged` of those it absorbed, oldest
   * first, for the time line.
   */
  factsOf(incident: IncidentId): readonly StoredFact[];
}

/** Agent tokens, stored as SHA-256 of a random 256-bit secret, compared in constant time. */
export interface TokenStore {
  create(agent: AgentId, now: EpochMs): { readonly id: string; readonly token: string };
  /** Agent of a token, or undefined. */
  verify(token: string): AgentId | undefined;
  revoke(id: string, now: EpochMs): boolean;
  list(): readonly {
    readonly id: string;
    readonly agent: AgentId;
    readonly createdAt: EpochMs;
    readonly revokedAt?: EpochMs;
  }[];
}
