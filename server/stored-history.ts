import { createHistory } from './history/history.ts';
import type { Sealer } from './history/sealing.ts';
import { effectOf } from './pipeline/core.ts';
import { emptyLane } from './pipeline/lane.ts';
import type { PipelineSnapshot } from './pipeline/restore.ts';
import { createSenders } from './pipeline/senders.ts';
import type { HistoryReader, HistoryStore } from './ports/history.ts';
import type { InputLog } from './ports/input-log.ts';

export interface StoredHistoryDeps {
  /** Opened for reading. */
  readonly store: HistoryStore;
  /** Undefined: no server has run here. */
  readonly log: Pick<InputLog, 'read'> | undefined;
  /** The newest one, for the dictionaries; undefined: the log has its beginning. */
  readonly snapshot: PipelineSnapshot | undefined;
}

/** Nothing is sealed by who only reads; what would be stays readable in memory. */
const NO_SEALER: Sealer = {
  seal: () => new Promise(() => {}),
  keep: async () => ({ kind: 'kept', rolled: 0, pruned: 0 }),
  look: async () => ({ kind: 'ready' }),
  stop: async () => {},
};

/**
 * Everything that is durable, beside a running server or without one: the chunks, and from the input
 * log what is not sealed yet (about the newest two hours, which are held in memory).
 */
export async function readStoredHistory(deps: StoredHistoryDeps): Promise<HistoryReader> {
  const { store, log, snapshot } = deps;
  const quiet = { info() {}, warn() {}, error() {} };
  const history = createHistory({
    store,
    sealer: NO_SEALER,
    log: quiet,
    now: Date.now,
    // What is still on record is wanted, however old.
    rawFor: Number.MAX_SAFE_INTEGER as never,
    rollupFor: Number.MAX_SAFE_INTEGER as never,
    maxWaiting: Number.MAX_SAFE_INTEGER,
  });
  // An index never changes its meaning; clocks and lanes of now do not belong to the past.
  const senders = createSenders(
    (snapshot?.core.senders ?? []).map((sender) => ({
      ...sender,
      skew: [],
      spools: sender.spools.map((one) => ({ ...one, live: emptyLane(), backfill: emptyLane() })),
    })),
  );
  // Dictionaries told after the snapshot are in batches that may be sealed already.
  const known = Math.min(history.sealedPosition(), snapshot?.position ?? 0);
  for await (const record of log?.read(known + 1) ?? []) {
    if (record.kind === 'tick' || record.kind === 'command' || record.kind === 'config') continue;
    const effect = effectOf(senders, record, true);
    if (effect?.kind === 'batch') history.observed(effect.observed(), record);
  }
  return history;
}
