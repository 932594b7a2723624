import { performance } from 'node:perf_hooks';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { InputLog } from '../ports/input-log.ts';
import type { SnapshotStore } from '../ports/snapshot-store.ts';
import type { Core } from './core.ts';
import type { Mark, PipelineSnapshot, Restored } from './restore.ts';
import type { PipelineLog } from './writer.ts';

export interface SnapshotterOptions {
  readonly every?: DurationMs;
  /** Sooner, when so many inputs came: it bounds the replay after a crash. */
  readonly inputs?: number;
}

interface SnapshotterDeps {
  readonly log: InputLog;
  readonly snapshots: SnapshotStore;
  readonly logger: PipelineLog;
  /** Samples observed since the start. */
  readonly samples?: () => number;
}

export interface Snapshotter {
  /** Called when nothing is in flight: takes a snapshot if one is due. */
  idle(position: number, now: EpochMs): void;
  /** Closed for a moment when a snapshot is overdue and inputs never stop. */
  gate(isBusy: boolean): Promise<void>;
  /** Lets waiting inputs through (to be refused): nothing moves, so no such moment will come. */
  open(): void;
  /** A last one; resolves when it is durable. */
  stop(position: number, now: EpochMs): Promise<void>;
}

const EVERY_MS = 30_000;
const INPUTS = 50_000;
/**
 * A snapshot of many series takes long and nothing else happens meanwhile (0.5 s for 100,000), so it
 * comes less often: at most this share of the time, well below the hundredth of a 99th percentile.
 */
const SHARE = 0.005;
/** How long an overdue snapshot waits for a moment without inputs before it makes one. */
const PATIENCE_MS = 2000;
/** How far back the tail of the log may be wanted. */
const MARKS_KEPT_MS = 2 * 3_600_000;

export function createSnapshotter(
  deps: SnapshotterDeps,
  core: Core,
  restored: Restored,
  startedAt: EpochMs,
  { every = EVERY_MS as DurationMs, inputs = INPUTS }: SnapshotterOptions = {},
): Snapshotter {
  let taken = { position: restored.position, at: performance.now(), cost: 0 };
  const samplesBefore = restored.marks.at(-1)?.samples ?? 0;
  let marks: readonly Mark[] = [
    ...restored.marks,
    { position: restored.position, now: startedAt, samples: samplesBefore },
  ];
  let saving: Promise<void> = Promise.resolve();
  let isSaving = false;
  let closed: PromiseWithResolvers<void> | undefined;

  function isDue(position: number): boolean {
    const since = performance.now() - taken.at;
    const pause = Math.max(every, taken.cost / SHARE);
    return since >= pause || (position - taken.position >= inputs && since >= taken.cost / SHARE);
  }

  function take(position: number, now: EpochMs): void {
    const started = performance.now();
    const samples = samplesBefore + (deps.samples?.() ?? 0);
    marks = [...marks, { position, now, samples }].filter((m) => now - m.now < MARKS_KEPT_MS);
    const snapshot: PipelineSnapshot = { format: 1, position, now, marks, core: core.snapshot() };
    const json = JSON.stringify(snapshot);
    const cost = performance.now() - started;
    taken = { position, at: performance.now(), cost };
    isSaving = true;
    saving = save(position, json).finally(() => {
      isSaving = false;
    });
  }

  async function save(position: number, json: string): Promise<void> {
    try {
      const older = await deps.snapshots.save({ position, json });
      if (older > 0) await deps.log.prune(older + 1);
    } catch (err) {
      // Not fatal: the log still holds everything; the replay after a crash only gets longer.
      deps.logger.warn({ err, position }, 'snapshot not saved');
    }
  }

  function open(): void {
    closed?.resolve();
    closed = undefined;
  }

  return {
    idle(position, now) {
      if (!isSaving && position > taken.position && isDue(position)) take(position, now);
      open();
    },
    open,
    async gate(isBusy) {
      const overdue = performance.now() - taken.at - Math.max(every, taken.cost / SHARE);
      if (isBusy && overdue > PATIENCE_MS && !isSaving) closed ??= Promise.withResolvers<void>();
      await closed?.promise;
    },
    async stop(position, now) {
      await saving;
      if (position > taken.position) take(position, now);
      await saving;
    },
  };
}
