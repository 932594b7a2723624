import { fromMessage, type RangeMessage } from './range-message.ts';
import type { RangeJob, RangeReader } from './range-reader.ts';
import type { HistoryLog } from './seal-queue.ts';
import { startThread } from './thread.ts';

export interface ReaderThreadOptions {
  /** history.db */
  readonly path: string;
}

export type ReaderRequest =
  | { readonly id: number; readonly kind: 'range'; readonly job: RangeJob }
  | { readonly id: number; readonly kind: 'stop' };

export type ReaderOutcome =
  | { readonly kind: 'read'; readonly message: RangeMessage }
  | { readonly kind: 'unreadable'; readonly because: string };

const THREAD = new URL('../history-reader-thread.ts', import.meta.url);

/**
 * Ranges are read in a thread of their own. On the event loop the blobs of a hundred queries were so
 * much memory beside the heap that V8 collected all of it, engine included: 3 ms of CPU for each
 * query, and pauses of 60 ms. The thread's heap is small, and nothing waits for it.
 * @param here reads when the thread has died: slower, but there is an answer
 */
export function startReaderThread(
  options: ReaderThreadOptions,
  here: RangeReader,
  log: HistoryLog,
): RangeReader {
  const { ask, isAlive, gone } = startThread(THREAD, options, 'reading');
  let isStopped = false;
  let isSaid = false;
  return {
    async range(job) {
      if (!isAlive()) return here.range(job);
      const outcome = await ask<ReaderOutcome>({ kind: 'range', job });
      if (outcome.kind === 'read') return fromMessage(outcome.message);
      if (outcome.kind === 'unreadable') throw new Error(outcome.because);
      if (isStopped) throw new Error(outcome.because);
      if (!isSaid) log.error({ because: outcome.because }, 'ranges are read by the event loop now');
      isSaid = true;
      return here.range(job);
    },
    async stop() {
      isStopped = true;
      void ask({ kind: 'stop' });
      await gone;
      await here.stop();
    },
  };
}
