import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isSubjectKey } from '../../../protocol/model/subject.ts';
import type { AnnouncedWindow, AnnouncedWindows } from '../../ports/maintenance.ts';

/** Ours is some kilobytes; what is larger was not written by us. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Announced windows in one JSON file, written beside it, synced and renamed. */
export function createMaintenanceFile(file: string): AnnouncedWindows {
  return {
    load() {
      let text: string;
      try {
        if (statSync(file).size > MAX_BYTES)
          throw new Error(`${file}: larger than ${MAX_BYTES} bytes`);
        text = readFileSync(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
      const windows = parse(text);
      if (windows === undefined) throw new Error(`${file}: not a list of windows`);
      return windows;
    },
    save(windows) {
      const fresh = `${file}.new`;
      writeFileSync(fresh, `${JSON.stringify(windows, undefined, 2)}\n`, {
        mode: 0o600,
        flush: true,
      });
      renameSync(fresh, file);
      const folder = openSync(file.slice(0, file.lastIndexOf('/') + 1) || '.', 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    },
  };
}

function parse(text: string): AnnouncedWindow[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Array.isArray(value) && value.every(isWindow) ? value : undefined;
}

function isWindow(value: unknown): value is AnnouncedWindow {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, by, subjects, from, until, announcedAt } = value as Record<string, unknown>;
  return (
    [id, name, by].every((text) => typeof text === 'string') &&
    [from, until, announcedAt].every((at) => Number.isSafeInteger(at)) &&
    Array.isArray(subjects) &&
    subjects.every((subject) => typeof subject === 'string' && isSubjectKey(subject))
  );
}
