import { durationMs, hours } from '../protocol/model/units.ts';
import { createCore, type EngineFactory, effectOf } from './pipeline/core.ts';
import { emptyLane } from './pipeline/lane.ts';
import type { PipelineSnapshot } from './pipeline/restore.ts';
import type { InputLog } from './ports/input-log.ts';
import type { Recent } from './recent.ts';

/** How far back graphs reach after a restart, and how many samples may be read for it. */
const REACH = hours(1);
const MAX_SAMPLES = 1_000_000;
const MAX_MS = durationMs(3000);

/**
 * Fills the recent samples from the log before the snapshot. Its own engine, whose facts nobody
 * hears, makes the derived figures again; the live one starts from the snapshot as if this had not
 * happened. Only graphs are at stake: it stops when it takes too long.
 */
export async function warmUp(
  snapshot: PipelineSnapshot,
  log: InputLog,
  createEngine: EngineFactory,
  recent: Recent,
): Promise<void> {
  const newest = snapshot.marks.at(-1);
  const from = snapshot.marks.find(
    (mark) =>
      snapshot.now - mark.now < REACH && (newest?.samples ?? 0) - mark.samples < MAX_SAMPLES,
  );
  if (from === undefined || from.position >= snapshot.position) return;
  // Dictionaries of now hold those of then; where the lanes stood does not matter here.
  const senders = snapshot.core.senders.map((sender) => ({
    ...sender,
    spools: sender.spools.map((spool) => ({ ...spool, live: emptyLane(), backfill: emptyLane() })),
  }));
  const { settings, known } = snapshot.core;
  if (settings === undefined) return;
  const core = createCore((given) => createEngine(given), recent.listener, {
    settings,
    known,
    senders,
    engine: undefined,
  });
  const until = performance.now() + MAX_MS;
  for await (const record of log.read(from.position + 1)) {
    if (record.position > snapshot.position || performance.now() > until) return;
    const effect = effectOf(core.senders, record, true);
    if (effect?.kind === 'batch') core.apply(effect, record);
  }
}
