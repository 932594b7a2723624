import { Worker } from 'node:worker_threads';
import type { KeepJob, KeepOutcome, LookOutcome, Sealer, SealJob, SealOutcome } from './sealing.ts';

export interface ThreadOptions {
  /** history.db and the file that reserves room beside it. */
  readonly path: string;
  readonly reservePath: string;
}

export type ThreadRequest =
  | { readonly id: number; readonly kind: 'seal'; readonly job: SealJob }
  | { readonly id: number; readonly kind: 'keep'; readonly job: KeepJob }
  | { readonly id: number; readonly kind: 'look' }
  | { readonly id: number; readonly kind: 'stop' };

export interface ThreadAnswer {
  readonly id: number;
  readonly outcome: SealOutcome | KeepOutcome | LookOutcome;
}

const THREAD = new URL('../history-thread.ts', import.meta.url);

/** Loads what the server's thread will run, and runs none of it: then it is in the compile cache. */
export const loadAll = (): Promise<unknown> => import('../history-thread.ts');

/** Coding, compression and the disk in a thread of their own: the event loop only hands over. */
export function startSealerThread(options: ThreadOptions): Sealer {
  const worker = new Worker(THREAD, { workerData: options });
  const waiting = new Map<number, (outcome: ThreadAnswer['outcome']) => void>();
  const gone = Promise.withResolvers<void>();
  let next = 1;
  let endedBy: string | undefined;

  worker.on('message', ({ id, outcome }: ThreadAnswer) => {
    waiting.get(id)?.(outcome);
    waiting.delete(id);
  });
  worker.on('error', (error) => {
    endedBy = `the sealing thread died: ${(error as Error).message}`;
  });
  worker.on('exit', () => {
    endedBy ??= 'the sealing thread has ended';
    for (const answer of waiting.values()) answer({ kind: 'failed', because: endedBy });
    waiting.clear();
    gone.resolve();
  });

  function ask<T>(request: object, transfer: ArrayBuffer[] = []): Promise<T> {
    if (endedBy !== undefined) {
      return Promise.resolve({ kind: 'failed', because: endedBy } as T);
    }
    const id = next++;
    return new Promise((resolve) => {
      waiting.set(id, resolve as never);
      worker.postMessage({ ...request, id }, transfer);
    });
  }

  return {
    // The copies belong to the thread from here on.
    seal: (job) => ask({ kind: 'seal', job }, [job.buffer]),
    keep: (job) => ask({ kind: 'keep', job }),
    look: () => ask({ kind: 'look' }),
    async stop() {
      void ask({ kind: 'stop' });
      await gone.promise;
    },
  };
}
