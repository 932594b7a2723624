import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Keeps a second agent out of the folder. The lock is the kernel's (fcntl, through an empty SQLite
 * file): it ends with the process however that ends, and holds between containers, where a file
 * with a process id would lie.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, '.lock');
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    file.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    file.close();
    throw Object.assign(
      new Error(`another agent works in ${folder}; give each agent its own folder (--state)`, {
        cause,
      }),
      { code: 'SPOOL_LOCKED' },
    );
  }
  chmodSync(path, 0o600);
  return () => file.close();
}
