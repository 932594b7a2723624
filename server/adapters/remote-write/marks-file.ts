import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { ForwardMarks } from '../../ports/remote-write.ts';

/**
 * Marks of all destinations in one small JSON file, replaced whole. A file that is missing or
 * unreadable means "nothing was sent": the receiver then sees a few samples again.
 */
export function createMarksFile(path: string): ForwardMarks {
  return {
    read() {
      try {
        const entries = Object.entries(JSON.parse(readFileSync(path, 'utf8')) as object);
        return new Map(entries.filter((entry): entry is [string, number] => isMark(entry[1])));
      } catch {
        return new Map();
      }
    },
    async write(marks) {
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(Object.fromEntries(marks)));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
  };
}

const isMark = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
