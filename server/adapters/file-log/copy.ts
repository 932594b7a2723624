import { constants, copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { listSegments, syncFolder } from './segment.ts';

/** Shares the blocks where the file system can: then a copy costs nothing. */
const HOW = constants.COPYFILE_FICLONE;

/**
 * Copies the segments of a log that a server may be writing to. The newest copy may end in a torn
 * record; opening it cuts that off. Oldest first: a segment that is pruned meanwhile is missing
 * only at the beginning, where nobody needs it.
 */
export async function copySegments(from: string, to: string): Promise<number> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  let copied = 0;
  for (const { path } of await listSegments(from)) {
    try {
      await copyFile(path, join(to, basename(path)), HOW);
      copied++;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || copied > 0) throw error;
    }
  }
  await syncFolder(to);
  return copied;
}

/** Copies the snapshots; one that is replaced meanwhile is left out. */
export async function copySnapshots(from: string, to: string): Promise<number> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  // A server that has just been started has none yet.
  const found = await readdir(from).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = found.filter((name) => /^snapshot-\d+\.json$/.test(name));
  let copied = 0;
  for (const name of names.sort().reverse()) {
    try {
      await copyFile(join(from, name), join(to, name), HOW);
      copied++;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  await syncFolder(to);
  return copied;
}
