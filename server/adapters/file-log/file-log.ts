import { constants, type FileHandle, mkdir, open, stat, truncate, unlink } from 'node:fs/promises';
import type { DurationMs } from '../../../protocol/model/units.ts';
import { encodeHead } from '../../input-log/record-codec.ts';
import type { InputLog, InputRecord } from '../../ports/input-log.ts';
import { readSegments } from './read-segments.ts';
import {
  createSegment,
  DSYNC,
  listSegments,
  recoverSegment,
  SEGMENT_HEADER,
  type Segment,
  segmentPath,
  sizeOf,
  syncFolder,
} from './segment.ts';

export interface FileLogOptions {
  readonly folder: string;
  /** A segment is closed when it is larger than this. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** `prune` keeps segments younger than this, as long as all together are below `retainBytes`. */
  readonly retainFor?: DurationMs;
  readonly retainBytes?: number;
  /** A torn tail was cut: bytes of a write that was never promised to anybody. */
  readonly onTorn?: (file: string, bytes: number) => void;
  /** For readers beside a running server: nothing is cut, created or appended. */
  readonly isReadOnly?: boolean;
}

interface Waiting {
  readonly draft: Omit<InputRecord, 'position'>;
  readonly resolve: (record: InputRecord) => void;
  readonly reject: (error: Error) => void;
}

const MIB = 1024 * 1024;
/** One group commit at most; larger queues go in several. */
const GROUP_BYTES = 8 * MIB;

/**
 * The input log as files `log-FIRSTPOSITION.vlog`. Many appends share one write and one fdatasync.
 * When a write fails (disk full), the file is cut back to what is durable and EVERY waiting append
 * is refused, so that the caller's order of positions stays simple: refused means not in the log.
 */
export async function openFileLog(options: FileLogOptions): Promise<InputLog> {
  const { folder, isReadOnly = false, segmentBytes = 64 * MIB } = options;
  if (!isReadOnly) await mkdir(folder, { recursive: true, mode: 0o700 });
  let segments: Segment[] = await listSegments(folder);
  let tail = await openTail(folder, segments, options);
  segments = tail.segments;
  let next = tail.next;
  let queue: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let isClosed = false;

  const append = (draft: Omit<InputRecord, 'position'>): Promise<InputRecord> => {
    if (isClosed || isReadOnly) return Promise.reject(new Error('the input log is closed'));
    return new Promise((resolve, reject) => {
      queue.push({ draft, resolve, reject });
      writing ??= writeAll();
    });
  };

  async function writeAll(): Promise<void> {
    // One turn of the event loop lets every request that is ready join the first group.
    await new Promise(setImmediate);
    while (queue.length > 0) {
      const group = takeGroup();
      try {
        const records = await writeGroup(group);
        for (const [index, waiting] of group.entries()) waiting.resolve(records[index]!);
      } catch (error) {
        await cutBack();
        // Only now: what was appended during the cut has waited behind the refused ones.
        const refused = [...group, ...queue];
        queue = [];
        for (const waiting of refused) waiting.reject(error as Error);
      }
    }
    writing = undefined;
  }

  function takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && (count === 0 || bytes < GROUP_BYTES)) {
      bytes += queue[count++]!.draft.body.length;
    }
    return queue.splice(0, count);
  }

  async function writeGroup(group: readonly Waiting[]): Promise<InputRecord[]> {
    if (tail.isBroken) await reopenTail();
    if (tail.bytes >= segmentBytes) await rotate();
    const records = group.map(({ draft }, index) => ({ ...draft, position: next + index }));
    const parts = records.flatMap((record) => [encodeHead(record, next), record.body]);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    await writeFully(tail.file!, parts, bytes, tail.bytes);
    if (DSYNC === 0) await tail.file!.datasync();
    tail.bytes += bytes;
    next += records.length;
    return records;
  }

  async function rotate(): Promise<void> {
    const file = await createSegment(folder, next);
    await tail.file!.close();
    segments = [...segments, { first: next, path: segmentPath(folder, next) }];
    tail = { ...tail, segments, file, bytes: SEGMENT_HEADER.length };
  }

  /** After a failed write or sync the file may hold part of a group that was refused. */
  async function cutBack(): Promise<void> {
    tail.isBroken = true;
    try {
      await tail.file!.truncate(tail.bytes);
      await tail.file!.datasync();
      tail.isBroken = false;
    } catch {
      // Stays broken: the next append tries again, and nothing is promised until it works.
    }
  }

  async function reopenTail(): Promise<void> {
    await tail.file!.truncate(tail.bytes);
    await tail.file!.datasync();
    tail.isBroken = false;
  }

  return {
    append,
    get next() {
      return next;
    },
    read: (position) => readSegments(segments, position, next),
    async prune(position) {
      const kept = await pruneSegments(segments, position, options);
      if (kept.length === segments.length) return;
      segments = segments.filter((s) => kept.includes(s) || s.first > (kept.at(-1)?.first ?? 0));
      await syncFolder(folder);
    },
    async close() {
      isClosed = true;
      await writing;
      await tail.file?.close();
    },
  };
}

interface Tail {
  readonly segments: Segment[];
  readonly next: number;
  readonly file: FileHandle | undefined;
  /** Durable bytes of the newest segment. */
  bytes: number;
  isBroken: boolean;
}

async function openTail(
  folder: string,
  segments: Segment[],
  { isReadOnly = false, onTorn }: FileLogOptions,
): Promise<Tail> {
  const last = segments.at(-1);
  if (last === undefined) {
    if (isReadOnly) return { segments, next: 1, file: undefined, bytes: 0, isBroken: false };
    const file = await createSegment(folder, 1);
    const path = segmentPath(folder, 1);
    return {
      segments: [{ first: 1, path }],
      next: 1,
      file,
      bytes: SEGMENT_HEADER.length,
      isBroken: false,
    };
  }
  const { next, bytes, torn } = await recoverSegment(last);
  if (isReadOnly) return { segments, next, file: undefined, bytes, isBroken: false };
  if (torn > 0) {
    onTorn?.(last.path, torn);
    await truncate(last.path, bytes);
  }
  if (bytes === 0) {
    // The crash came while the segment was being made: nothing was promised in it.
    const file = await createSegment(folder, last.first);
    return { segments, next, file, bytes: SEGMENT_HEADER.length, isBroken: false };
  }
  const file = await open(last.path, constants.O_RDWR | DSYNC);
  await file.datasync();
  return { segments, next, file, bytes, isBroken: false };
}

async function writeFully(
  file: FileHandle,
  parts: Buffer[],
  bytes: number,
  at: number,
): Promise<void> {
  const { bytesWritten } = await file.writev(parts, at);
  if (bytesWritten === bytes) return;
  // A short write is how a disk that is nearly full looks; the second try then says ENOSPC.
  const rest = Buffer.concat(parts).subarray(bytesWritten);
  let done = 0;
  while (done < rest.length) {
    const written = await file.write(rest, done, rest.length - done, at + bytesWritten + done);
    done += written.bytesWritten;
  }
}

/** Deletes the oldest segments that `position` allows and retention does not hold; returns the rest. */
async function pruneSegments(
  segments: readonly Segment[],
  position: number,
  { retainFor = 0 as DurationMs, retainBytes = 0 }: FileLogOptions,
): Promise<Segment[]> {
  const sizes = await Promise.all(segments.map((segment) => sizeOf(segment.path)));
  let total = sizes.reduce((sum, size) => sum + size, 0);
  let gone = 0;
  while (gone < segments.length - 1 && segments[gone + 1]!.first <= position) {
    const { path } = segments[gone]!;
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (age < retainFor && total <= retainBytes) break;
    await unlink(path);
    total -= sizes[gone]!;
    gone++;
  }
  return segments.slice(gone);
}
