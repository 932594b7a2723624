import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { SnapshotStore, StoredSnapshot } from '../../ports/snapshot-store.ts';
import { syncFolder } from './segment.ts';

const KEPT = 2;
const NAME = /^snapshot-(\d{16})\.json$/;

export interface SnapshotFilesOptions {
  readonly folder: string;
  readonly onUnreadable?: (file: string, because: string) => void;
}

/**
 * Files `snapshot-POSITION.json`: first line the CRC-32 of the rest, then the JSON. Written beside,
 * synced, renamed: a crash leaves the old ones whole.
 */
export function createSnapshotFiles({ folder, onUnreadable }: SnapshotFilesOptions): SnapshotStore {
  return {
    async save({ position, json }) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const sum = json.reduce((before, piece) => crc32(piece, before), 0);
      const path = join(folder, `snapshot-${String(position).padStart(16, '0')}.json`);
      const file = await open(`${path}.part`, 'w', 0o600);
      try {
        await file.writeFile([Buffer.from(`${sum}\n`), ...json]);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.part`, path);
      await syncFolder(folder);
      const positions = await listPositions(folder);
      for (const old of positions.slice(KEPT)) await unlink(join(folder, old.name));
      return positions[KEPT - 1]?.position ?? 0;
    },
    async load() {
      const found: StoredSnapshot[] = [];
      for (const { position, name } of await listPositions(folder)) {
        const json = await readChecked(join(folder, name));
        // Whoever writes them keeps the newest two: an older one may go while we read.
        if (json === null) continue;
        if (json === undefined) onUnreadable?.(name, 'checksum differs');
        else found.push({ position, json });
      }
      return found;
    },
  };
}

/** Undefined: damaged; null: no longer there. */
async function readChecked(path: string): Promise<string | null | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (bytes === null) return null;
  const end = bytes.indexOf(10);
  if (end < 0) return undefined;
  const body = bytes.subarray(end + 1);
  return String(crc32(body)) === bytes.toString('latin1', 0, end) ? body.toString() : undefined;
}

async function listPositions(folder: string): Promise<{ position: number; name: string }[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const match = NAME.exec(name);
      return match === null ? [] : [{ position: Number(match[1]), name }];
    })
    .sort((a, b) => b.position - a.position);
}
