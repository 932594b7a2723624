import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DiskReserve } from '../../ports/history.ts';

const MIB = 1024 * 1024;
/** Below this the history leaves the rest to the input log, the facts and the tickets. */
const FLOOR = { share: 0.05, most: 256 * MIB };
const RESERVE = { share: 0.02, most: 64 * MIB };
/** This little is as good as full: the reserve goes. */
const CRITICAL_SHARE = 0.005;

/**
 * A file that only takes up room. Once the disk is full it is deleted, so that checkpoints,
 * deletions and the input log work on; when there is room again it is made anew.
 */
export function createDiskReserve(path: string): DiskReserve {
  const folder = dirname(path);
  const { total, floor } = roomIn(folder);
  const size = Math.min(RESERVE.most, total * RESERVE.share);
  const free = (): number => roomIn(folder).left;

  function fill(): void {
    if (existsSync(path) || free() < floor + 2 * size) return;
    const file = openSync(path, 'w', 0o600);
    try {
      const zeros = Buffer.alloc(Math.min(MIB, Math.ceil(size)));
      for (let written = 0; written < size; written += zeros.length) writeSync(file, zeros);
      fsyncSync(file);
    } catch {
      // Somebody else was faster in filling the disk; what was written goes with the next release.
    } finally {
      closeSync(file);
    }
  }

  const release = (): void => rmSync(path, { force: true });

  return {
    release,
    check() {
      if (free() < total * CRITICAL_SHARE) release();
      const noRoom = noRoomIn(folder);
      if (noRoom === undefined) fill();
      return noRoom;
    },
  };
}

/** Why the history would not be written in this folder now; undefined while there is room. */
export function noRoomIn(folder: string): string | undefined {
  const { floor, left } = roomIn(folder);
  if (left >= floor) return undefined;
  return `the disk is nearly full: ${Math.round(left / MIB)} MiB left, ${Math.ceil(floor / MIB)} MiB are kept for detection and tickets`;
}

function roomIn(folder: string) {
  const { blocks, bavail, bsize } = statfsSync(folder);
  const total = blocks * bsize;
  return { total, left: bavail * bsize, floor: Math.min(FLOOR.most, total * FLOOR.share) };
}
