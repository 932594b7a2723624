import type { KeepJob, KeepOutcome, LookOutcome, Sealer, SealJob, SealOutcome } from './sealing.ts';
import { startThread } from './thread.ts';

export interface SealerThreadOptions {
  /** history.db and the file that reserves room beside it. */
  readonly path: string;
  readonly reservePath: string;
}

export type SealerRequest =
  | { readonly id: number; readonly kind: 'seal'; readonly job: SealJob }
  | { readonly id: number; readonly kind: 'keep'; readonly job: KeepJob }
  | { readonly id: number; readonly kind: 'look' }
  | { readonly id: number; readonly kind: 'stop' };

const THREAD = new URL('../history-thread.ts', import.meta.url);

/** Coding, compression and the disk in a thread of their own: the event loop only hands over. */
export function startSealerThread(options: SealerThreadOptions): Sealer {
  const { ask, gone } = startThread(THREAD, options, 'sealing');
  return {
    // The copies belong to the thread from here on.
    seal: (job) => ask<SealOutcome>({ kind: 'seal', job }, [job.buffer]),
    keep: (job) => ask<KeepOutcome>({ kind: 'keep', job }),
    look: () => ask<LookOutcome>({ kind: 'look' }),
    async stop() {
      void ask({ kind: 'stop' });
      await gone;
    },
  };
}
