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
  const { blocks, bsize } = statfsSync(dirname(path));
  const total = blocks * bsize;
  const floor = Math.min(FLOOR.most, total * FLOOR.share);
  const size = Math.min(RESERVE.most, total * RESERVE.share);
  const free = (): number => {
    const disk = statfsSync(dirname(path));
    return disk.bavail * disk.bsize;
  };

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
      const left = free();
      if (left < total * CRITICAL_SHARE) release();
      if (left < floor) {
        return `the disk is nearly full: ${Math.round(left / MIB)} MiB left, ${Math.ceil(floor / MIB)} MiB are kept for detection and tickets`;
      }
      fill();
      return undefined;
    },
  };
}
