import { Worker } from 'node:worker_threads';

/** What a thread says to the request of that number. */
export interface ThreadAnswer {
  readonly id: number;
  readonly outcome: unknown;
}

/** The thread has ended, or ended before it answered. */
export interface ThreadEnded {
  readonly kind: 'failed';
  readonly because: string;
}

export interface Thread {
  /** Never rejects. What is transferred belongs to the thread from here on. */
  ask<T>(request: object, transfer?: ArrayBuffer[]): Promise<T | ThreadEnded>;
  /** Whether it still answers. */
  isAlive(): boolean;
  /** Resolves when it has ended. */
  readonly gone: Promise<void>;
}

/**
 * A thread that answers requests by their number.
 * @param name what it does, for the sentence that says that it ended
 */
export function startThread(file: URL, workerData: unknown, name: string): Thread {
  const worker = new Worker(file, { workerData });
  const waiting = new Map<number, (outcome: never) => void>();
  const gone = Promise.withResolvers<void>();
  let next = 1;
  let endedBy: string | undefined;

  worker.on('message', ({ id, outcome }: ThreadAnswer) => {
    waiting.get(id)?.(outcome as never);
    waiting.delete(id);
  });
  worker.on('error', (error) => {
    endedBy = `the ${name} thread died: ${(error as Error).message}`;
  });
  worker.on('exit', () => {
    endedBy ??= `the ${name} thread has ended`;
    const ended: ThreadEnded = { kind: 'failed', because: endedBy };
    for (const answer of waiting.values()) answer(ended as never);
    waiting.clear();
    gone.resolve();
  });

  return {
    ask<T>(request: object, transfer: ArrayBuffer[] = []) {
      if (endedBy !== undefined) {
        return Promise.resolve<ThreadEnded>({ kind: 'failed', because: endedBy });
      }
      const id = next++;
      return new Promise<T | ThreadEnded>((resolve) => {
        waiting.set(id, resolve);
        worker.postMessage({ ...request, id }, transfer);
      });
    },
    isAlive: () => endedBy === undefined,
    gone: gone.promise,
  };
}
