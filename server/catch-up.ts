import { effectOf } from './pipeline/core.ts';
import { emptyLane } from './pipeline/lane.ts';
import type { PipelineSnapshot } from './pipeline/restore.ts';
import { createSenders } from './pipeline/senders.ts';
import type { History } from './ports/history.ts';
import type { InputLog } from './ports/input-log.ts';

/** Inputs read before the history may catch its breath. */
const AT_ONCE = 200;

/**
 * Fills what the history held in memory from the log before the snapshot: everything from the
 * position up to which all was sealed. What comes after the snapshot is replayed by the pipeline.
 */
export async function catchUp(
  snapshot: PipelineSnapshot,
  log: InputLog,
  history: History,
): Promise<number> {
  const from = history.sealedPosition() + 1;
  if (from > snapshot.position) return 0;
  // Dictionaries of now hold those of then; where the lanes stood does not matter here.
  const senders = createSenders(
    snapshot.core.senders.map((sender) => ({
      ...sender,
      spools: sender.spools.map((spool) => ({
        ...spool,
        live: emptyLane(),
        backfill: emptyLane(),
      })),
    })),
  );
  let read = 0;
  for await (const record of log.read(from)) {
    if (record.position > snapshot.position) break;
    if (record.kind !== 'batch' && record.kind !== 'dictionary') continue;
    const effect = effectOf(senders, record, true);
    if (effect?.kind === 'batch') history.observed(effect.observed(), record);
    if (++read % AT_ONCE === 0) await history.settled();
  }
  return read;
}

/** The log as the pipeline prunes it: what is not sealed yet stays. */
export const keepUnsealed = (log: InputLog, history: History): InputLog => ({
  append: (record) => log.append(record),
  read: (position) => log.read(position),
  get next() {
    return log.next;
  },
  prune: (position) => log.prune(Math.min(position, history.sealedPosition() + 1)),
  close: () => log.close(),
});
