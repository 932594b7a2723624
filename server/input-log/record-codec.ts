import { crc32 } from 'node:zlib';
import { epochMs } from '../../protocol/model/units.ts';
import type { InputKind, InputRecord } from '../ports/input-log.ts';

/**
 * One record on disk, little endian:
 *
 *   length u32 | crc32 u32 | position f64 | group f64 | now f64 | sentAt f64 | oldest f64 | kind u8 | from-length u8 | from | body
 *                          └──────────────────────────── crc32 and length cover this ────────────────────────────────────────┘
 *
 * `group` is the first position of the group commit that wrote the record: everything before it
 * was durable already. It tells a torn tail (nobody was promised those records) from damage.
 * sentAt and oldest are NaN when absent.
 */
const FRAME = 8;
const FIXED = 5 * 8 + 2;
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

const KINDS: readonly InputKind[] = [
  'batch',
  'heartbeat',
  'dictionary',
  'tick',
  'command',
  'config',
];

export interface Frame {
  readonly record: InputRecord;
  /** First position of the group commit it belongs to. */
  readonly group: number;
  /** Offset of the byte after the frame. */
  readonly end: number;
}

export type FrameReading =
  | ({ readonly kind: 'frame' } & Frame)
  /** The bytes end inside the frame; `needed` bytes from `offset` are wanted (at least). */
  | { readonly kind: 'short'; readonly needed: number }
  | { readonly kind: 'damaged'; readonly because: string };

/** Everything of a frame but the body, which follows unchanged (no copy of large batches). */
export function encodeHead(record: InputRecord, group: number): Buffer {
  const from = Buffer.from(record.from, 'utf8');
  if (from.length > 255) throw new RangeError('sender of a record is longer than 255 bytes');
  const head = Buffer.allocUnsafe(FRAME + FIXED + from.length);
  const payload = FIXED + from.length + record.body.length;
  if (payload > MAX_RECORD_BYTES) throw new RangeError(`record of ${payload} bytes is too large`);
  head.writeUInt32LE(payload, 0);
  head.writeDoubleLE(record.position, 8);
  head.writeDoubleLE(group, 16);
  head.writeDoubleLE(record.now, 24);
  head.writeDoubleLE(record.sentAt ?? Number.NaN, 32);
  head.writeDoubleLE(record.oldest ?? Number.NaN, 40);
  head.writeUInt8(KINDS.indexOf(record.kind), 48);
  head.writeUInt8(from.length, 49);
  from.copy(head, FRAME + FIXED);
  head.writeUInt32LE(crc32(record.body, crc32(head.subarray(FRAME))), 4);
  return head;
}

/** Reads the frame at `offset`. The body is a view into `bytes`. */
export function readFrame(bytes: Buffer, offset: number): FrameReading {
  const left = bytes.length - offset;
  if (left < FRAME) return { kind: 'short', needed: FRAME };
  const length = bytes.readUInt32LE(offset);
  if (length < FIXED || length > MAX_RECORD_BYTES) {
    return { kind: 'damaged', because: `impossible length ${length}` };
  }
  if (left < FRAME + length) return { kind: 'short', needed: FRAME + length };
  const payload = bytes.subarray(offset + FRAME, offset + FRAME + length);
  if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) {
    return { kind: 'damaged', because: 'checksum differs' };
  }
  return readPayload(payload, offset + FRAME + length);
}

function readPayload(payload: Buffer, end: number): FrameReading {
  const kind = KINDS[payload.readUInt8(40)];
  const fromLength = payload.readUInt8(41);
  if (kind === undefined || FIXED + fromLength > payload.length) {
    return { kind: 'damaged', because: 'unknown kind of record' };
  }
  const sentAt = payload.readDoubleLE(24);
  const oldest = payload.readDoubleLE(32);
  const record: InputRecord = {
    position: payload.readDoubleLE(0),
    now: epochMs(payload.readDoubleLE(16)),
    kind,
    from: payload.toString('utf8', FIXED, FIXED + fromLength),
    ...(Number.isNaN(sentAt) ? {} : { sentAt: epochMs(sentAt) }),
    ...(Number.isNaN(oldest) ? {} : { oldest }),
    body: payload.subarray(FIXED + fromLength),
  };
  return { kind: 'frame', record, group: payload.readDoubleLE(8), end };
}

/**
 * The lowest `group` of the whole frames found anywhere after `offset`, or undefined when there is
 * none. A damaged frame at position P is a torn tail exactly when no later frame was written in a
 * group that began after P. Slow (tries every byte); only used after damage was found.
 */
export function laterFrames(bytes: Buffer, offset: number, after: number): Frame | undefined {
  for (let at = offset + 1; at + FRAME + FIXED <= bytes.length; at++) {
    const length = bytes.readUInt32LE(at);
    if (length < FIXED || at + FRAME + length > bytes.length) continue;
    // Cheap test before the checksum: the position must be a plausible successor.
    const position = bytes.readDoubleLE(at + FRAME);
    if (!(Number.isSafeInteger(position) && position >= after)) continue;
    const reading = readFrame(bytes, at);
    if (reading.kind === 'frame' && reading.group > after) return reading;
  }
  return undefined;
}
