import { type FileHandle, open } from 'node:fs/promises';
import { type Frame, readFrame } from '../../input-log/record-codec.ts';
import type { InputRecord } from '../../ports/input-log.ts';
import { checkHeader, InputLogDamaged, SEGMENT_HEADER, type Segment } from './segment.ts';

const CHUNK = 1024 * 1024;

/**
 * Records `from` .. `until - 1` of consecutive segments, in order.
 * @throws InputLogDamaged when one of them is missing or unreadable.
 */
export async function* readSegments(
  segments: readonly Segment[],
  from: number,
  until: number,
): AsyncGenerator<InputRecord> {
  const start = Math.max(
    0,
    segments.findLastIndex((segment) => segment.first <= from),
  );
  let next = segments[start]?.first ?? until;
  for (const segment of segments.slice(start)) {
    if (segment.first >= until) return;
    if (segment.first !== next) {
      throw new InputLogDamaged(
        segment.path,
        0,
        'a segment is missing before this one',
        `records ${next} to ${segment.first - 1}`,
      );
    }
    for await (const record of readSegment(segment, until)) {
      next = record.position + 1;
      if (record.position >= from) yield record;
    }
  }
  if (next < until) {
    const last = segments.at(-1);
    throw new InputLogDamaged(last?.path ?? '', 0, 'ends early', `records from ${next}`);
  }
}

async function* readSegment(segment: Segment, until: number): AsyncGenerator<InputRecord> {
  const handle = await open(segment.path, 'r');
  try {
    const reader = createReader(handle);
    if (!(await reader.need(SEGMENT_HEADER.length))) return;
    checkHeader(segment.path, reader.bytes());
    reader.skip(SEGMENT_HEADER.length);
    for (let next = segment.first; next < until; next++) {
      const frame = await nextFrame(reader, segment, next);
      if (frame === undefined) return;
      reader.skip(frame.end);
      yield frame.record;
    }
  } finally {
    await handle.close();
  }
}

async function nextFrame(
  reader: Reader,
  segment: Segment,
  next: number,
): Promise<Frame | undefined> {
  let reading = readFrame(reader.bytes(), 0);
  while (reading.kind === 'short') {
    if (!(await reader.need(reading.needed))) {
      if (reader.bytes().length === 0) return undefined;
      throw lost(segment, reader, 'ends inside a record', next);
    }
    reading = readFrame(reader.bytes(), 0);
  }
  if (reading.kind === 'damaged') throw lost(segment, reader, reading.because, next);
  if (reading.record.position !== next) throw lost(segment, reader, 'wrong position', next);
  return reading;
}

const lost = (segment: Segment, reader: Reader, because: string, next: number): InputLogDamaged =>
  new InputLogDamaged(segment.path, reader.offset(), because, `records from ${next}`);

interface Reader {
  /** What has been read and not skipped. */
  bytes(): Buffer;
  /** Where in the file that begins. */
  offset(): number;
  skip(count: number): void;
  /** Makes at least `count` bytes available; false at the end of the file. */
  need(count: number): Promise<boolean>;
}

function createReader(handle: FileHandle): Reader {
  let bytes: Buffer = Buffer.alloc(0);
  let offset = 0;
  return {
    bytes: () => bytes,
    offset: () => offset,
    skip(count) {
      bytes = bytes.subarray(count);
      offset += count;
    },
    async need(count) {
      while (bytes.length < count) {
        // A new buffer each time: bodies already handed out are views of the old one.
        const more = Buffer.allocUnsafe(Math.max(CHUNK, count));
        const { bytesRead } = await handle.read(more, 0, more.length, offset + bytes.length);
        if (bytesRead === 0) return false;
        bytes = Buffer.concat([bytes, more.subarray(0, bytesRead)]);
      }
      return true;
    },
  };
}
