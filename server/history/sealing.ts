import { epochMs } from '../../protocol/model/units.ts';
import {
  type DiskReserve,
  HistoryDiskError,
  type HistoryGap,
  type HistoryStore,
  type NumberedSeries,
} from '../ports/history.ts';
import { encodeBundle } from './bundle-codec.ts';
import { keepUp } from './keeping.ts';
import { type TakenRound, toInput } from './round.ts';

/** Everything one bundle held, on its way to the disk. */
export interface SealJob {
  readonly bundle: number;
  readonly rounds: readonly TakenRound[];
  /** What all columns lie in. */
  readonly buffer: ArrayBuffer;
  readonly newSeries: readonly NumberedSeries[];
  readonly bundlePosition: number;
  readonly sealedPosition: number;
  readonly gap?: HistoryGap;
}

export interface KeepJob {
  readonly now: number;
  readonly rawFor: number;
  readonly rollupFor: number;
}

export interface SealFailure {
  readonly kind: 'failed';
  readonly because: string;
}

export type SealOutcome =
  | { readonly kind: 'sealed'; readonly samples: number; readonly bytes: number }
  | SealFailure;

export type KeepOutcome =
  | { readonly kind: 'kept'; readonly rolled: number; readonly pruned: number }
  | SealFailure;

export type LookOutcome = { readonly kind: 'ready' } | SealFailure;

/** Codes and stores, in another thread or in this one. Never rejects. */
export interface Sealer {
  seal(job: SealJob): Promise<SealOutcome>;
  /** Makes the roll-ups that are due and deletes what is too old. */
  keep(job: KeepJob): Promise<KeepOutcome>;
  /** Whether something could be sealed now, as far as that can be told without doing it. */
  look(): Promise<LookOutcome>;
  stop(): Promise<void>;
}

/** Does the work where it is called. */
export function createSealer(store: HistoryStore, reserve?: DiskReserve): Sealer {
  function failure(error: unknown): SealFailure {
    if (!(error instanceof HistoryDiskError)) throw error;
    if (error.isFull) reserve?.release();
    return { kind: 'failed', because: error.message };
  }

  return {
    async seal({ bundle, rounds, ...durable }) {
      const noRoom = reserve?.check();
      if (noRoom !== undefined) return { kind: 'failed', because: noRoom };
      try {
        const { blob, samples, from, to } = encodeBundle(rounds.map(toInput));
        const chunk = { bundle, from: epochMs(from), to: epochMs(to), samples, blob };
        store.seal({ chunk, ...durable });
        return { kind: 'sealed', samples, bytes: blob.length };
      } catch (error) {
        return failure(error);
      }
    },
    async keep(job) {
      let rolled = 0;
      let pruned = 0;
      try {
        for (const done of keepUp(store, job)) {
          if (done === 'rolled') rolled++;
          else pruned += done;
          // Chunks that wait are sealed in between.
          await new Promise(setImmediate);
        }
        return { kind: 'kept', rolled, pruned };
      } catch (error) {
        return failure(error);
      }
    },
    async look() {
      const noRoom = reserve?.check();
      return noRoom === undefined ? { kind: 'ready' } : { kind: 'failed', because: noRoom };
    },
    async stop() {
      store.close();
    },
  };
}
