import type { Libc } from './libc.ts';
import { POLLIN } from './linux.ts';

/** The sockets on which the thread sleeps, and what to do when one of them has something. */
export interface PollSet {
  readonly isFull: boolean;
  add(fd: number, onReady: () => void): void;
  remove(fd: number): void;
  /**
   * Sleeps until something is ready, at most `timeoutMs` (whole ms), then calls who it is for. Returns
   * the steady time of waking: what arrived before it has been taken when this returns, so that it is
   * the time by which deadlines may be judged.
   */
  wait(timeoutMs: number): number;
}

const CAPACITY = 256;
/** struct pollfd: fd 4, events 2, revents 2. */
const ENTRY_BYTES = 8;

export function createPollSet(libc: Libc): PollSet {
  const { address, view } = libc.allocate(CAPACITY * ENTRY_BYTES);
  // Replaced, never changed: a callback may open and close sockets while we walk the old list.
  let entries: readonly { readonly fd: number; readonly onReady: () => void }[] = [];

  const replace = (next: typeof entries): void => {
    entries = next;
    for (const [index, { fd }] of entries.entries()) {
      view.setInt32(index * ENTRY_BYTES, fd, true);
      view.setInt16(index * ENTRY_BYTES + 4, POLLIN, true);
    }
  };

  return {
    get isFull() {
      return entries.length >= CAPACITY;
    },
    add: (fd, onReady) => replace([...entries, { fd, onReady }]),
    remove: (fd) => replace(entries.filter((entry) => entry.fd !== fd)),
    wait(timeoutMs) {
      const ready = libc.poll(address, entries.length, timeoutMs);
      const wokenAt = performance.now();
      if (ready <= 0) return wokenAt;
      // Errors waiting in a queue come as POLLERR, which is always reported.
      const woken = entries.filter((_, i) => view.getInt16(i * ENTRY_BYTES + 6, true) !== 0);
      for (const { onReady } of woken) onReady();
      return wokenAt;
    },
  };
}
