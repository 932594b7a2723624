import { parentPort, workerData } from 'node:worker_threads';
import { openHistoryStore } from './adapters/sqlite/history-store.ts';
import { toMessage } from './history/range-message.ts';
import { createRangeReader, type RangeJob } from './history/range-reader.ts';
import type { ReaderOutcome, ReaderRequest, ReaderThreadOptions } from './history/reader-thread.ts';
import type { ThreadAnswer } from './history/thread.ts';

/** Wires the thread that reads ranges. */
const { path } = workerData as ReaderThreadOptions;
const store = openHistoryStore(path, true);
const reader = createRangeReader(store);

parentPort?.on('message', (request: ReaderRequest) => {
  if (request.kind === 'range') {
    void answer(request.id, request.job);
    return;
  }
  store.close();
  parentPort?.close();
});

async function answer(id: number, job: RangeJob): Promise<void> {
  const outcome = await read(job);
  const said: ThreadAnswer = { id, outcome };
  const columns = outcome.kind === 'read' ? outcome.message.columns : [];
  parentPort?.postMessage(
    said,
    columns.map(([, packed]) => packed.buffer),
  );
}

async function read(job: RangeJob): Promise<ReaderOutcome> {
  try {
    return { kind: 'read', message: toMessage(await reader.range(job)) };
  } catch (error) {
    return { kind: 'unreadable', because: (error as Error).message };
  }
}
