import { performance } from 'node:perf_hooks';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import { type JsonText, objectText } from '../../rules/json-text.ts';
import type { InputLog } from '../ports/input-log.ts';
import type { SnapshotStore } from '../ports/snapshot-store.ts';
import type { Core } from './core.ts';
import { inPieces, jsonText } from './json-pieces.ts';
import type { Mark, PipelineSnapshot, Restored } from './restore.ts';
import type { PipelineLog } from './writer.ts';

export interface SnapshotterOptions {
  /** At least so often, however little came. */
  readonly every?: DurationMs;
}

interface SnapshotterDeps {
  readonly log: InputLog;
  readonly snapshots: SnapshotStore;
  readonly logger: PipelineLog;
  /** Samples observed since the start. */
  readonly samples?: () => number;
  /** Nothing is judged until the answer is called; inputs are taken and made durable meanwhile. */
  readonly hold: () => () => void;
  /** Milliseconds that judging has taken since the start. */
  readonly worked: () => number;
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

const EVERY_MS = 1_800_000;
/**
 * A snapshot only spares work after a crash, so it is taken when there is work to be spared: as much as
 * is done again in a few seconds, and ten times what the snapshot takes itself. By the clock, as it was,
 * snapshots took several times the CPU that judging takes (20,000 series polled every 30 s).
 */
const WORK_MS = 2000;
const WORK_FOR_COST = 10;
/** Judging waits for a snapshot, so at most this share of the time, below the hundredth of a 99th percentile. */
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
  { every = EVERY_MS as DurationMs }: SnapshotterOptions = {},
): Snapshotter {
  let taken = { position: restored.position, at: performance.now(), cost: 0, worked: 0 };
  let overdueSince: number | undefined;
  const samplesBefore = restored.marks.at(-1)?.samples ?? 0;
  let marks: readonly Mark[] = [
    ...restored.marks,
    { position: restored.position, now: startedAt, samples: samplesBefore },
  ];
  let saving: Promise<void> = Promise.resolve();
  let isSaving = false;
  let closed: PromiseWithResolvers<void> | undefined;

  function isDue(): boolean {
    const since = performance.now() - taken.at;
    if (since < taken.cost / SHARE) return false;
    const worked = deps.worked() - taken.worked;
    return since >= every || worked >= Math.max(WORK_MS, WORK_FOR_COST * taken.cost);
  }

  function take(position: number, now: EpochMs): void {
    const started = performance.now();
    const samples = samplesBefore + (deps.samples?.() ?? 0);
    marks = [...marks, { position, now, samples }].filter((m) => now - m.now < MARKS_KEPT_MS);
    const text = objectText({
      format: jsonText(1),
      position: jsonText(position),
      now: jsonText(now),
      marks: jsonText(marks),
      core: core.snapshotText(),
    } satisfies Record<keyof PipelineSnapshot, JsonText>);
    // The engine makes its text bit by bit, so it stands still until all is text.
    const release = deps.hold();
    taken = { position, at: started, cost: 0, worked: deps.worked() };
    overdueSince = undefined;
    isSaving = true;
    saving = save(position, text, () => {
      taken.cost = performance.now() - started;
      release();
    });
  }

  async function save(position: number, text: JsonText, written: () => void): Promise<void> {
    try {
      const json = await write(text).finally(written);
      const older = await deps.snapshots.save({ position, json });
      if (older > 0) await deps.log.prune(older + 1);
    } catch (err) {
      // Not fatal: the log still holds everything; the replay after a crash only gets longer.
      deps.logger.warn({ err, position }, 'snapshot not saved');
    } finally {
      isSaving = false;
    }
  }

  /** A piece in each turn of the event loop. */
  async function write(text: JsonText): Promise<readonly Buffer[]> {
    const pieces: Buffer[] = [];
    for (const piece of inPieces(text)) {
      pieces.push(Buffer.from(piece));
      await new Promise(setImmediate);
    }
    return pieces;
  }

  function open(): void {
    closed?.resolve();
    closed = undefined;
  }

  return {
    idle(position, now) {
      if (!isSaving && position > taken.position && isDue()) take(position, now);
      open();
    },
    open,
    async gate(isBusy) {
      if (isBusy && !isSaving && isDue()) {
        overdueSince ??= performance.now();
        if (performance.now() - overdueSince > PATIENCE_MS) {
          closed ??= Promise.withResolvers<void>();
        }
      }
      await closed?.promise;
    },
    async stop(position, now) {
      await saving;
      if (position > taken.position) take(position, now);
      await saving;
    },
  };
}
