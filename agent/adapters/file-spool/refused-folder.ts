import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from './folder.ts';

const MAX_FILES = 64;
const MAX_BYTES = 16 * 1024 * 1024;

/** Batches that the collector will never take, kept for whoever looks for the reason; oldest go first. */
export function keepRefused(root: string, name: string, body: Uint8Array, reason: string): void {
  const folder = join(root, 'refused');
  makeFolder(folder);
  writeFileSync(join(folder, `${name}.json.zst`), body, { mode: 0o600 });
  writeFileSync(join(folder, `${name}.reason.txt`), `${reason}\n`, { mode: 0o600 });
  const files = readdirSync(folder)
    .map((file) => ({ path: join(folder, file), ...pick(join(folder, file)) }))
    .sort((a, b) => b.changedAt - a.changedAt);
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    bytes += file.size;
    if (index >= 2 * MAX_FILES || bytes > MAX_BYTES) rmSync(file.path, { force: true });
  }
}

function pick(path: string): { size: number; changedAt: number } {
  const { size, mtimeMs } = statSync(path);
  return { size, changedAt: mtimeMs };
}
