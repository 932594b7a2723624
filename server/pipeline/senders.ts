import type { AgentId } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { DictionaryEntry } from '../../protocol/wire/batch.ts';
import { arrayText, type JsonText, objectText, textsText } from '../../rules/json-text.ts';
import { addEntries, entriesOf, type SeriesTable } from './dictionary.ts';
import { jsonText } from './json-pieces.ts';
import { copyLane, emptyLane, type LaneState } from './lane.ts';
import type { SkewState } from './skew.ts';

/** What the log has taught us of one spool of one agent. */
export interface SpoolState {
  readonly id: string;
  readonly table: SeriesTable;
  size: number;
  readonly live: LaneState;
  readonly backfill: LaneState;
  lastUsedAt: EpochMs;
}

export interface SenderState {
  readonly agent: AgentId;
  readonly spools: Map<string, SpoolState>;
  readonly skew: SkewState;
}

/** Spools remembered per agent; an agent takes a new one only when it was cloned or restored. */
const MAX_SPOOLS = 4;

/**
 * The state that belongs to the log: per agent its dictionaries, where its lanes stand and its
 * clock. A deterministic function of the records, so it is part of the snapshot.
 */
export interface Senders {
  sender(agent: AgentId): SenderState;
  /** Undefined while the spool is unknown. */
  spool(agent: AgentId, id: string): SpoolState | undefined;
  /** Of many spools of one agent the least recently used is forgotten. */
  addSpool(agent: AgentId, spool: SpoolState): void;
  spools(): Iterable<SpoolState>;
  /** JSON of a `SendersSnapshot` of now, made bit by bit: batches that come meanwhile do not reach into it. */
  snapshotText(): JsonText;
}

export type SendersSnapshot = readonly {
  readonly agent: AgentId;
  readonly skew: readonly number[];
  readonly spools: readonly {
    readonly id: string;
    readonly lastUsedAt: number;
    readonly dictionary: readonly DictionaryEntry[];
    readonly live: LaneState;
    readonly backfill: LaneState;
  }[];
}[];

export const emptySpool = (id: string, now: EpochMs): SpoolState => ({
  id,
  table: [],
  size: 0,
  live: emptyLane(),
  backfill: emptyLane(),
  lastUsedAt: now,
});

export function createSenders(snapshot: SendersSnapshot = []): Senders {
  const senders = new Map<AgentId, SenderState>();
  for (const { agent, skew, spools } of snapshot) {
    const state: SenderState = { agent, skew: [...skew], spools: new Map() };
    for (const { id, lastUsedAt, dictionary, live, backfill } of spools) {
      const table: SeriesTable = [];
      addEntries(table, agent, dictionary);
      const spool = { id, table, size: dictionary.length, live, backfill };
      state.spools.set(id, { ...spool, lastUsedAt: epochMs(lastUsedAt) });
    }
    senders.set(agent, state);
  }

  function sender(agent: AgentId): SenderState {
    let state = senders.get(agent);
    if (state === undefined) {
      state = { agent, spools: new Map(), skew: [] };
      senders.set(agent, state);
    }
    return state;
  }

  return {
    sender,
    spool: (agent, id) => senders.get(agent)?.spools.get(id),
    addSpool(agent, spool) {
      const { spools } = sender(agent);
      spools.set(spool.id, spool);
      if (spools.size > MAX_SPOOLS) forgetOldest(spools, spool.id);
    },
    *spools() {
      for (const { spools } of senders.values()) yield* spools.values();
    },
    snapshotText: () => textsText([...senders.values()].map(senderText)),
  };
}

function senderText({ agent, skew, spools }: SenderState): JsonText {
  return objectText({
    agent: jsonText(agent),
    skew: jsonText([...skew]),
    spools: textsText([...spools.values()].map(spoolText)),
  } satisfies Record<keyof SendersSnapshot[number], JsonText>);
}

/** The entries are made when their turn comes; that a table is copied costs next to nothing. */
function spoolText({ id, lastUsedAt, table, live, backfill }: SpoolState): JsonText {
  return objectText({
    id: jsonText(id),
    lastUsedAt: jsonText(lastUsedAt),
    dictionary: arrayText(entriesOf([...table])),
    live: jsonText(copyLane(live)),
    backfill: jsonText(copyLane(backfill)),
  } satisfies Record<keyof SendersSnapshot[number]['spools'][number], JsonText>);
}

function forgetOldest(spools: Map<string, SpoolState>, except: string): void {
  let oldest: SpoolState | undefined;
  for (const spool of spools.values()) {
    const isOlder = oldest === undefined || spool.lastUsedAt < oldest.lastUsedAt;
    if (spool.id !== except && isOlder) oldest = spool;
  }
  if (oldest !== undefined) spools.delete(oldest.id);
}
