import { epochMs } from '../../protocol/model/units.ts';
import type { HistoryGap, HistoryState } from '../ports/history.ts';
import { type Bundle, type HeadBook, sealedAgain } from './head-book.ts';
import { copyRounds, type TakenRound, takeRound } from './round.ts';
import type { Sealer, SealJob } from './sealing.ts';

/** The part of pino that is used here. */
export interface HistoryLog {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

export interface SealQueueDeps {
  readonly book: HeadBook;
  readonly sealer: Sealer;
  readonly log: HistoryLog;
  /** Newest input that was observed whole. */
  readonly position: () => number;
  readonly now: () => number;
  readonly sealedBefore: number;
}

/** Takes bundles out one by one, so that no turn of the event loop carries more than one. */
export interface SealQueue {
  due(bundle: Bundle): void;
  /** Bundles whose oldest sample has waited this long, also those that nothing comes for any more. */
  sweep(olderThan: number): void;
  /** Whether it can be written; tries again what failed. */
  look(): Promise<void>;
  /** Samples of that time were given up: it is stored with the next seal. */
  lost(from: number, to: number): void;
  /** What was given up and is not stored yet. */
  gaps(): readonly HistoryGap[];
  idle(): Promise<void>;
  figures(): Pick<
    HistoryState,
    'stoppedBy' | 'stoppedAt' | 'isLookedAt' | 'sealedSamples' | 'sealedBytes'
  >;
  sealedPosition(): number;
  stop(): void;
}

/** A failure is said at once, and then once in this time. */
const SAY_AGAIN_MS = 60_000;
const GIVEN_UP = 'the history was stopped for so long that samples had to be given up';

export function createSealQueue(deps: SealQueueDeps): SealQueue {
  const { book, sealer, log } = deps;
  const queue: Bundle[] = [];
  const waiters: (() => void)[] = [];
  let isBusy = false;
  let isEnded = false;
  let sealed = deps.sealedBefore;
  let sealedSamples = 0;
  let sealedBytes = 0;
  let stoppedBy: string | undefined;
  let stoppedAt: number | undefined;
  let saidAt = Number.NEGATIVE_INFINITY;
  let isLookedAt = false;
  let gap: HistoryGap | undefined;

  function due(bundle: Bundle): void {
    if (bundle.isDue) return;
    bundle.isDue = true;
    queue.push(bundle);
    if (!isBusy && stoppedBy === undefined) setImmediate(pump);
  }

  function pump(): void {
    if (isBusy || isEnded || stoppedBy !== undefined) return;
    const bundle = queue.shift();
    if (bundle === undefined) {
      for (const wake of waiters.splice(0)) wake();
      return;
    }
    isBusy = true;
    void sealBundle(bundle).finally(() => {
      isBusy = false;
      setImmediate(pump);
    });
  }

  async function sealBundle(bundle: Bundle): Promise<void> {
    bundle.frozen ??= freeze(bundle);
    bundle.isDue = false;
    const { frozen } = bundle;
    if (frozen === undefined) return;
    const job = jobOf(bundle, frozen.rounds);
    const outcome = await sealer.seal(job);
    if (outcome.kind === 'failed') {
      bundle.isDue = true;
      queue.unshift(bundle);
      fail(outcome.because);
      return;
    }
    for (const { key } of job.newSeries) {
      const slot = book.slots.get(key);
      if (slot) slot.isNew = false;
    }
    bundle.frozen = undefined;
    // Grown meanwhile: told again whole.
    if (job.gap === gap) gap = undefined;
    works();
    sealed = Math.max(sealed, job.sealedPosition);
    sealedSamples += outcome.samples;
    sealedBytes += outcome.bytes;
    sealedAgain(bundle);
  }

  function freeze(bundle: Bundle): Bundle['frozen'] {
    const samples = [...bundle.rounds.values()].reduce((sum, round) => sum + round.samples, 0);
    const rounds = [...bundle.rounds.values()]
      .map(takeRound)
      .filter((round): round is TakenRound => round !== undefined);
    const { unsealedFrom: from } = bundle;
    bundle.unsealedFrom = 0;
    bundle.unsealedSince = 0;
    bundle.firstAt = 0;
    bundle.sealedTo = deps.position();
    return rounds.length === 0 ? undefined : { rounds, from, samples };
  }

  function jobOf(bundle: Bundle, rounds: readonly TakenRound[]): SealJob {
    const members = rounds.flatMap(({ columns }) => columns.map(({ number }) => number));
    const inHere = new Set(members);
    const newSeries = [...bundle.slots].filter((slot) => slot.isNew && inHere.has(slot.series.id));
    return {
      bundle: bundle.id,
      ...copyRounds(rounds),
      newSeries: newSeries.map(({ series }) => series),
      bundlePosition: bundle.sealedTo,
      sealedPosition: positionWithout(bundle),
      ...(gap && { gap }),
    };
  }

  /** Up to which input everything will be sealed once this bundle is. */
  function positionWithout(sealing: Bundle): number {
    let position = deps.position();
    for (const bundle of book.bundles.values()) {
      if (bundle !== sealing && bundle.frozen)
        position = Math.min(position, bundle.frozen.from - 1);
      if (bundle.unsealedFrom > 0) position = Math.min(position, bundle.unsealedFrom - 1);
    }
    return position;
  }

  function works(): void {
    isLookedAt = true;
    if (stoppedBy === undefined) return;
    log.info({ since: stoppedAt }, 'the history goes on');
    stoppedBy = undefined;
    stoppedAt = undefined;
  }

  function fail(because: string): void {
    const now = deps.now();
    isLookedAt = true;
    stoppedAt ??= now;
    stoppedBy = because;
    for (const wake of waiters.splice(0)) wake();
    if (now - saidAt < SAY_AGAIN_MS) return;
    saidAt = now;
    log.error({ because }, 'the history is stopped: samples are judged but not kept');
  }

  return {
    due,
    sweep(olderThan) {
      for (const bundle of book.bundles.values()) {
        if (bundle.unsealedFrom > 0 && bundle.unsealedSince <= olderThan) due(bundle);
      }
    },
    async look() {
      if (isBusy || isEnded) return;
      // While it is stopped, only a seal that succeeds shows that it works again.
      if (stoppedBy !== undefined && queue.length > 0) return tryOne();
      const outcome = await sealer.look();
      if (outcome.kind === 'failed') fail(outcome.because);
      else if (queue.length === 0 || stoppedBy === undefined) works();
    },
    lost(from, to) {
      gap = {
        from: epochMs(Math.min(from, gap?.from ?? from)),
        to: epochMs(Math.max(to, gap?.to ?? to)),
        because: GIVEN_UP,
      };
    },
    gaps: () => (gap === undefined ? [] : [gap]),
    idle() {
      if (!isBusy && (queue.length === 0 || stoppedBy !== undefined)) return Promise.resolve();
      return new Promise((resolve) => void waiters.push(resolve));
    },
    figures: () => ({
      stoppedBy,
      stoppedAt: stoppedAt as HistoryState['stoppedAt'],
      isLookedAt,
      sealedSamples,
      sealedBytes,
    }),
    // Rather no history of these hours than a log that fills the rest of the disk.
    sealedPosition: () => (stoppedBy === undefined ? sealed : Number.MAX_SAFE_INTEGER),
    stop() {
      isEnded = true;
      for (const wake of waiters.splice(0)) wake();
    },
  };

  async function tryOne(): Promise<void> {
    const bundle = queue.shift()!;
    isBusy = true;
    await sealBundle(bundle);
    isBusy = false;
    setImmediate(pump);
  }
}
