import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createDiskReserve } from './adapters/disk-reserve/disk-reserve.ts';
import { openHistoryStore } from './adapters/sqlite/history-store.ts';
import type { ThreadAnswer, ThreadOptions, ThreadRequest } from './history/sealer-thread.ts';
import { createSealer } from './history/sealing.ts';

const LOOK_EVERY_MS = 10_000;

/** Wires the thread that seals: the one writer of history.db. */
function run(port: MessagePort, { path, reservePath }: ThreadOptions): void {
  const reserve = createDiskReserve(reservePath);
  const sealer = createSealer(openHistoryStore(path), reserve);
  // Also while nothing is sealed: the input log may be the one that fills the disk.
  const timer = setInterval(() => reserve.check(), LOOK_EVERY_MS);
  reserve.check();

  port.on('message', (request: ThreadRequest) => {
    if (request.kind === 'stop') {
      clearInterval(timer);
      void sealer.stop().finally(() => port.close());
      return;
    }
    void answer(request);
  });

  async function answer(request: Exclude<ThreadRequest, { kind: 'stop' }>): Promise<void> {
    const { id } = request;
    const outcome = await outcomeOf(request);
    const said: ThreadAnswer = { id, outcome };
    port.postMessage(said);
  }

  function outcomeOf(request: Exclude<ThreadRequest, { kind: 'stop' }>) {
    if (request.kind === 'look') return sealer.look();
    return request.kind === 'seal' ? sealer.seal(request.job) : sealer.keep(request.job);
  }
}

if (!isMainThread && parentPort !== null) run(parentPort, workerData as ThreadOptions);
