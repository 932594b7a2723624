import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Lane } from '../../../protocol/model/sample.ts';
import { syncFolder } from './folder.ts';
import { type Frame, frameEnd, HEAD_BYTES, readFrame, scanFrames, writeFrame } from './frame.ts';

const syncData = promisify(fdatasync);

/** One file of a lane. Its name holds the sequence of its first record, so an empty one still tells the next. */
export interface Segment {
  readonly path: string;
  readonly fd: number;
  readonly firstSequence: number;
  nextSequence: number;
  bytes: number;
  /** Samples after the read position. */
  samples: number;
  /** Age of what it holds: the newest of the `at` of its batches. */
  newestAt: number;
  openedAt: number;
  /** Where the lowest unacknowledged record starts. */
  position: number;
}

export const segmentName = (lane: Lane, sequence: number): string =>
  `${lane}-${String(sequence).padStart(16, '0')}.seg`;

export function parseSegmentName(name: string): { lane: Lane; sequence: number } | undefined {
  const match = /^(live|backfill)-(\d{16})\.seg$/.exec(name);
  return match === null ? undefined : { lane: match[1] as Lane, sequence: Number(match[2]) };
}

export function createSegment(folder: string, lane: Lane, sequence: number, now: number): Segment {
  const path = join(folder, segmentName(lane, sequence));
  const fd = openSync(path, 'wx+', 0o600);
  syncFolder(folder);
  return {
    path,
    fd,
    firstSequence: sequence,
    nextSequence: sequence,
    bytes: 0,
    samples: 0,
    newestAt: 0,
    openedAt: now,
    position: 0,
  };
}

export interface OpenedSegment {
  readonly segment: Segment;
  /** Bytes of a torn tail that were cut off. */
  readonly tornBytes: number;
  /** Damaged stretches between whole records; their records are lost. */
  readonly damaged: number;
}

/** Opens what an earlier run left: cuts a torn tail, counts damage in the middle. */
export function openSegment(path: string, sequence: number, now: number): OpenedSegment {
  const fd = openSync(path, 'r+');
  const bytes = readFileSync(fd);
  const scan = scanFrames(bytes);
  if (scan.end < bytes.length) {
    ftruncateSync(fd, scan.end);
  }
  const segment: Segment = {
    path,
    fd,
    firstSequence: sequence,
    nextSequence: Math.max(sequence, (scan.frames.at(-1)?.sequence ?? 0) + 1),
    bytes: scan.end,
    samples: scan.frames.reduce((sum, frame) => sum + frame.samples, 0),
    newestAt: scan.frames.reduce((newest, frame) => Math.max(newest, frame.at), 0),
    openedAt: now,
    position: 0,
  };
  return { segment, tornBytes: bytes.length - scan.end, damaged: scan.damaged };
}

/** Writes one record at the end, not yet durable. After a failure the file is as before. */
export function writeRecord(
  segment: Segment,
  record: { readonly sequence: number; readonly samples: number; readonly at: number },
  payload: Uint8Array,
): void {
  const bytes = writeFrame(record, payload);
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(segment.fd, bytes, done, bytes.length - done, segment.bytes + done);
    }
  } catch (cause) {
    ftruncateSync(segment.fd, segment.bytes);
    throw cause;
  }
  segment.bytes += bytes.length;
  segment.samples += record.samples;
  segment.nextSequence = record.sequence + 1;
  segment.newestAt = Math.max(segment.newestAt, record.at);
}

/** The record at the read position; steps over damage. Undefined at the end. */
export function readRecord(segment: Segment): { frame: Frame; payload: Buffer } | undefined {
  if (segment.position >= segment.bytes) return undefined;
  const head = readAt(segment.fd, segment.position, HEAD_BYTES);
  const length = head.length === HEAD_BYTES ? head.readUInt32BE(4) : 0;
  if (segment.position + HEAD_BYTES + length <= segment.bytes) {
    const bytes = readAt(segment.fd, segment.position, HEAD_BYTES + length);
    const frame = readFrame(bytes, 0);
    if (frame !== undefined) {
      return {
        frame: { ...frame, offset: segment.position },
        payload: bytes.subarray(HEAD_BYTES),
      };
    }
  }
  const next = scanFrames(readAt(segment.fd, 0, segment.bytes), segment.position + 1).frames[0];
  segment.position = next === undefined ? segment.bytes : next.offset;
  return next === undefined ? undefined : readRecord(segment);
}

/** Moves the read position over the records up to and including `sequence`. */
export function skipThrough(segment: Segment, sequence: number): void {
  if (sequence >= segment.nextSequence - 1) {
    segment.position = segment.bytes;
    segment.samples = 0;
    return;
  }
  for (;;) {
    const record = readRecord(segment);
    if (record === undefined || record.frame.sequence > sequence) return;
    segment.samples -= record.frame.samples;
    segment.position = frameEnd(record.frame);
  }
}

export const syncSegment = (segment: Segment): Promise<void> => syncData(segment.fd);

export function removeSegment(segment: Segment): void {
  closeSync(segment.fd);
  unlinkSync(segment.path);
}

export const closeSegment = (segment: Segment): void => closeSync(segment.fd);

function readAt(fd: number, offset: number, length: number): Buffer {
  const size = Math.min(length, Math.max(0, fstatSync(fd).size - offset));
  const bytes = Buffer.allocUnsafe(size);
  const read = size === 0 ? 0 : readSync(fd, bytes, 0, size, offset);
  return bytes.subarray(0, read);
}
