import type { Fact } from '../../protocol/model/fact.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Instant } from '../../rules/contract.ts';
import type { InputLog } from '../ports/input-log.ts';
import type { SnapshotStore } from '../ports/snapshot-store.ts';
import type { FactStore } from '../ports/store.ts';
import type { EngineFactory } from './core.ts';
import { type Core, type CoreListener, type CoreSnapshot, createCore } from './core.ts';
import { isKept, type PipelineLog } from './writer.ts';

/** A snapshot file's content. Another `format` is not read: the log is replayed instead. */
export interface PipelineSnapshot {
  readonly format: 1;
  readonly position: number;
  readonly now: EpochMs;
  readonly marks: readonly Mark[];
  readonly core: CoreSnapshot;
}

/** Where the log was at some time, so that its tail can be found without reading all of it. */
export interface Mark {
  readonly position: number;
  readonly now: EpochMs;
  /** Samples up to here, since the first mark. */
  readonly samples: number;
}

export interface RestoreDeps {
  readonly log: InputLog;
  readonly store: FactStore;
  readonly snapshots: SnapshotStore;
  readonly createEngine: EngineFactory;
  readonly listener: CoreListener;
  readonly logger: PipelineLog;
  readonly alongside: (facts: readonly Fact[], at: Instant) => void;
  readonly committed: (facts: readonly Fact[], at: Instant) => void;
  /** Samples observed since the start, for the marks in snapshots. */
  readonly samples?: () => number;
  /** Before the replay: fills what only people look at from the log before the snapshot. */
  readonly warmUp?: (snapshot: PipelineSnapshot) => Promise<void>;
}

export interface Restored {
  readonly core: Core;
  readonly position: number;
  readonly now: EpochMs;
  readonly marks: readonly Mark[];
}

/**
 * The newest snapshot that can be read and that the engine accepts, then the log from there on
 * through the same code as live inputs. Facts that were committed before are not written again.
 */
export async function restore(deps: RestoreDeps): Promise<Restored> {
  const { snapshot, core } = await newestCore(deps);
  if (snapshot !== undefined) await deps.warmUp?.(snapshot);
  const end = await replayFrom(deps, core, {
    position: snapshot?.position ?? 0,
    now: snapshot?.now ?? epochMs(0),
  });
  const committed = deps.store.committedPosition();
  if (end.position < committed) {
    throw new Error(
      `the database holds facts of input ${committed}, but the input log ends at ${end.position}: they do not belong together (restore both from one backup)`,
    );
  }
  return { core, ...end, marks: snapshot?.marks ?? [] };
}

async function replayFrom(deps: RestoreDeps, core: Core, start: Instant): Promise<Instant> {
  const { log, logger } = deps;
  const committed = deps.store.committedPosition();
  const started = Date.now();
  let end = start;
  let unreadable = 0;
  for await (const record of log.read(start.position + 1)) {
    if (record.position !== end.position + 1) missing(deps, end, record.position);
    end = { position: record.position, now: record.now };
    const facts = replayOne(deps, core, record);
    if (facts === undefined) unreadable++;
    else settle(deps, facts, end, committed);
  }
  if (unreadable > 0) {
    logger.warn({ unreadable }, 'records of the log could not be used: their state is missing');
  }
  const replayed = end.position - start.position;
  if (replayed > 0) {
    logger.info({ from: start.position, replayed, ms: Date.now() - started }, 'replayed');
  }
  return end;
}

/** Before the first record of a pruned log there is nothing to be had; a hole after it is a loss. */
function missing({ logger }: RestoreDeps, { position }: Instant, first: number): void {
  if (position > 0) {
    throw new Error(`the input log lacks records ${position + 1} to ${first - 1}`);
  }
  logger.warn(
    { first },
    'no snapshot can be used and the log does not reach back to its beginning: the engine starts with what is left',
  );
}

type ReplayRecord = Parameters<Core['replay']>[0];

function replayOne(deps: RestoreDeps, core: Core, record: ReplayRecord): Fact[] | undefined {
  try {
    return core.replay(record);
  } catch (err) {
    const { position, kind } = record;
    deps.logger.error({ err, position, kind }, 'the engine failed on an input');
    return [];
  }
}

function settle(
  { store, alongside, committed: tell }: RestoreDeps,
  facts: readonly Fact[],
  { position, now }: Instant,
  committed: number,
): void {
  const at = { position, now };
  if (position > committed && facts.some(isKept)) {
    store.commit(position, facts, () => alongside(facts, at));
  }
  if (facts.length > 0) tell(facts, at);
}

async function newestCore(
  deps: RestoreDeps,
): Promise<{ snapshot: PipelineSnapshot | undefined; core: Core }> {
  const { createEngine, listener, logger } = deps;
  for (const stored of await deps.snapshots.load()) {
    try {
      const snapshot = JSON.parse(stored.json) as PipelineSnapshot;
      if (snapshot.format !== 1) throw new Error(`unknown format ${snapshot.format}`);
      if (snapshot.position >= deps.log.next) {
        throw new Error(`the log ends at ${deps.log.next - 1}, before it`);
      }
      return { snapshot, core: createCore(createEngine, listener, snapshot.core) };
    } catch (err) {
      logger.warn(
        { err, position: stored.position },
        'snapshot not used; an older one or the log is',
      );
    }
  }
  return { snapshot: undefined, core: createCore(createEngine, listener) };
}
