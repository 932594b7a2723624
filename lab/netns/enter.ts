import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

const CLONE_NEWNET = 0x4000_0000;

/**
 * Moves this thread into a network namespace (setns(2)): sockets that it opens and programs that it
 * starts from now on live there. So a test can sit at the hub and speak plain HTTP to its neighbours.
 */
export function enterNamespace(name: string): void {
  const libc = koffi.load('libc.so.6');
  const setns = libc.func('int setns(int fd, int type)');
  const fd = openSync(`/run/netns/${name}`, 'r');
  try {
    if (setns(fd, CLONE_NEWNET) !== 0)
      throw new Error(`lab: cannot enter namespace ${name} (errno ${koffi.errno()})`);
  } finally {
    closeSync(fd);
  }
}
