import { flushCompileCache } from 'node:module';
import { isMainThread, MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { findIcmpModes } from './icmp-modes.ts';
import { loadLibc } from './libc.ts';
import { SOCK_QUIET } from './linux.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { runSocketLoop } from './socket-loop.ts';

/** Thread that owns all sockets of the echo engines. It sleeps in `poll`, so messages are fetched. */
async function own(port: MessagePort): Promise<void> {
  const post = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...transfer]);
  try {
    const libc = await loadLibc();
    const modes = findIcmpModes(libc);
    // Main writes to it and, when the thread has ended, closes it: a number that main may still use
    // must not be given to another file in between.
    const wakeFd = libc.eventfd(0, SOCK_QUIET);
    if (wakeFd < 0) throw new Error(`no eventfd (errno ${libc.errno()})`);
    post({ say: 'ready', modes, wakeFd });
    // Now, because a thread that is killed writes nothing at its end.
    flushCompileCache();
    runSocketLoop({
      libc,
      modes,
      wakeFd,
      post,
      receive: () => receiveMessageOnPort(port)?.message as ToWorker | undefined,
    });
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    post({ say: 'unable', because });
  }
  port.close();
}

if (!isMainThread && workerData instanceof MessagePort) await own(workerData);
