import type { FileHandle } from 'node:fs/promises';
import { constants, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Frame, laterFrames, readFrame } from '../../input-log/record-codec.ts';

/** First bytes of every segment: name, version of the format. */
export const SEGMENT_HEADER = Buffer.from('VEDLOG\n\u0001', 'latin1');

/**
 * The write itself waits until the bytes are durable, as write and fdatasync would, but in one call:
 * half the changes of thread. 0 where the system has no such flag (Windows).
 */
export const DSYNC: number = constants.O_DSYNC ?? 0;

export interface Segment {
  /** Position of its first record. */
  readonly first: number;
  readonly path: string;
}

export const segmentPath = (folder: string, first: number): string =>
  join(folder, `log-${String(first).padStart(16, '0')}.vlog`);

export async function listSegments(folder: string): Promise<Segment[]> {
  const names = await readdir(folder);
  return names
    .map((name) => ({ name, match: /^log-(\d{16})\.vlog$/.exec(name) }))
    .flatMap(({ name, match }) =>
      match === null ? [] : [{ first: Number(match[1]), path: join(folder, name) }],
    )
    .sort((a, b) => a.first - b.first);
}

/** Damage that is not a torn tail: records that were promised are gone. Nobody may skip it silently. */
export class InputLogDamaged extends Error {
  readonly code = 'INPUT_LOG_DAMAGED';
  readonly file: string;
  readonly offset: number;
  constructor(file: string, offset: number, because: string, lost: string) {
    super(`input log damaged: ${file} at byte ${offset}: ${because}; lost: ${lost}`);
    this.file = file;
    this.offset = offset;
  }
}

export interface Recovery {
  /** Position after the last good record. */
  readonly next: number;
  /** Length of the good part in bytes. */
  readonly bytes: number;
  /** Bytes after it: a write that was never promised. */
  readonly torn: number;
}

/**
 * Checks every record of the newest segment.
 * @throws InputLogDamaged when a bad record is followed by one of a later group commit.
 */
export async function recoverSegment(segment: Segment): Promise<Recovery> {
  const bytes = await readWhole(segment.path);
  if (bytes.length < SEGMENT_HEADER.length) {
    return { next: segment.first, bytes: 0, torn: bytes.length };
  }
  checkHeader(segment.path, bytes);
  let offset = SEGMENT_HEADER.length;
  let next = segment.first;
  while (offset < bytes.length) {
    const reading = readFrame(bytes, offset);
    if (reading.kind !== 'frame' || reading.record.position !== next) {
      const later = laterFrames(bytes, offset, next);
      if (later !== undefined) throw damaged(segment.path, offset, next, later);
      return { next, bytes: offset, torn: bytes.length - offset };
    }
    offset = reading.end;
    next++;
  }
  return { next, bytes: offset, torn: 0 };
}

export function checkHeader(path: string, bytes: Buffer): void {
  if (!bytes.subarray(0, SEGMENT_HEADER.length).equals(SEGMENT_HEADER)) {
    throw new InputLogDamaged(path, 0, 'not a segment of this version', 'the whole file');
  }
}

const damaged = (path: string, offset: number, next: number, later: Frame): InputLogDamaged =>
  new InputLogDamaged(
    path,
    offset,
    'a record is unreadable and later ones are whole',
    `records ${next} to ${later.record.position - 1}`,
  );

async function readWhole(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Makes the folder's entry of a new, renamed or deleted file durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const sizeOf = async (path: string): Promise<number> => (await stat(path)).size;

/** Creates an empty segment, durable before any record is promised in it. */
export async function createSegment(folder: string, first: number): Promise<FileHandle> {
  const flags = constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY | DSYNC;
  const handle = await open(segmentPath(folder, first), flags, 0o600);
  await handle.write(SEGMENT_HEADER, 0, SEGMENT_HEADER.length, 0);
  await handle.sync();
  await syncFolder(folder);
  return handle;
}
