import { closeSync, writeSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { FromWorker, IcmpModes, ToWorker } from './messages.ts';

/** The thread keeps rounds under way and little else; a small heap keeps the agent small. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };
const WAKE = new BigUint64Array([1n]);

/** A running thread and the ways to it. */
export interface Thread {
  readonly modes: IcmpModes;
  tell(message: ToWorker): void;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
}

/** Resolves when the thread says that its sockets work. */
export function startThread(program: URL, hear: (message: FromWorker) => void): Promise<Thread> {
  const { port1: port, port2 } = new MessageChannel();
  const cache = getCompileCacheDir();
  const worker = new Worker(program, {
    workerData: port2,
    transferList: [port2],
    resourceLimits: LIMITS,
    // The parent's loaders and flags (a test runner's) are of no use to the thread.
    execArgv: [],
    name: 'echo sockets',
    // Sources that main has on disk without types need not be stripped anew: that costs 20 MB. Node
    // adds a folder for its version to the one it is told.
    env: cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) },
  });
  let wakeFd = -1;
  let crash = '';
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      port.close();
      // The number was kept open for us to the end, so that it never means another file.
      if (wakeFd >= 0) closeSync(wakeFd);
      wakeFd = -1;
      resolve();
    });
  });
  const tell = (message: ToWorker): void => {
    port.postMessage(message);
    if (wakeFd >= 0) writeSync(wakeFd, WAKE);
  };
  return new Promise((resolve, reject) => {
    worker.on('error', (error: Error) => {
      crash = error.message;
    });
    ended.then(() => reject(new Error(crash || 'the socket thread ended')));
    port.on('message', (message: FromWorker) => {
      if (message.say === 'ready') {
        wakeFd = message.wakeFd;
        resolve({ modes: message.modes, tell, ended });
      } else if (message.say === 'unable') crash = message.because;
      else hear(message);
    });
  });
}
