import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DictionaryEntry } from '../../../protocol/wire/batch.ts';
import { syncFolder } from './folder.ts';
import { HEAD_BYTES, scanFrames, writeFrame } from './frame.ts';

/** The series dictionary of one spool, append-only, so that indices stay what they are across restarts. */
export interface DictionaryFile {
  readonly isNew: boolean;
  /** Entries were lost in the middle: the indices in older batches cannot be trusted to be known. */
  readonly isDamaged: boolean;
  entries(): readonly DictionaryEntry[];
  add(entries: readonly DictionaryEntry[]): void;
  /** What was added is durable when it returns; when it throws, the next call tries again. */
  flush(): void;
  close(): void;
}

export function openDictionaryFile(folder: string): DictionaryFile {
  const path = join(folder, 'dictionary');
  const isNew = !existsSync(path);
  const fd = openSync(path, isNew ? 'wx+' : 'r+', 0o600);
  if (isNew) syncFolder(folder);
  const bytes = readFileSync(fd);
  const scan = scanFrames(bytes);
  if (scan.end < bytes.length) ftruncateSync(fd, scan.end);
  const entries = scan.frames.flatMap((frame) => {
    const start = frame.offset + HEAD_BYTES;
    const text = bytes.subarray(start, start + frame.length).toString('utf8');
    return JSON.parse(text) as DictionaryEntry[];
  });
  let end = scan.end;
  let blocks = scan.frames.length;
  let unwritten: DictionaryEntry[] = [];
  return {
    isNew,
    isDamaged: scan.damaged > 0,
    entries: () => entries,
    add(added) {
      entries.push(...added);
      unwritten.push(...added);
    },
    flush() {
      if (unwritten.length === 0) return;
      const payload = Buffer.from(JSON.stringify(unwritten));
      const frame = writeFrame({ sequence: blocks + 1, samples: 0, at: 0 }, payload);
      try {
        for (let done = 0; done < frame.length; ) {
          done += writeSync(fd, frame, done, frame.length - done, end + done);
        }
        fsyncSync(fd);
      } catch (cause) {
        ftruncateSync(fd, end);
        throw cause;
      }
      end += frame.length;
      blocks += 1;
      unwritten = [];
    },
    close: () => closeSync(fd),
  };
}
