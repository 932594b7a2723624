import { crc32 } from 'node:zlib';

/**
 * A record on disk: 32 bytes of head, then the payload. All numbers big-endian.
 * magic 4 · payload length 4 · CRC-32 4 · samples 4 · sequence 8 · time of the oldest sample 8.
 * The CRC covers everything but itself, so a head cannot lie about its sequence.
 */
export interface Frame {
  readonly offset: number;
  /** Of the payload. */
  readonly length: number;
  readonly sequence: number;
  readonly samples: number;
  readonly at: number;
}

export const HEAD_BYTES = 32;
const MAGIC = 0x56445431; // "VDT1"
const MAGIC_BYTES = Buffer.from('VDT1');

/** Larger payloads are refused by the writer and taken for damage by the reader. */
export const MAX_PAYLOAD = 8 * 1024 * 1024;

const checksum = (head: Buffer, payload: Uint8Array): number =>
  crc32(payload, crc32(head.subarray(12, HEAD_BYTES), crc32(head.subarray(0, 8))));

export function writeFrame(
  record: { readonly sequence: number; readonly samples: number; readonly at: number },
  payload: Uint8Array,
): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(payload.length, 4);
  bytes.writeUInt32BE(record.samples, 12);
  bytes.writeBigUInt64BE(BigInt(record.sequence), 16);
  bytes.writeDoubleBE(record.at, 24);
  bytes.set(payload, HEAD_BYTES);
  bytes.writeUInt32BE(checksum(bytes, payload), 8);
  return bytes;
}

/** The frame at `offset`, or undefined when there is none that is whole and undamaged. */
export function readFrame(bytes: Buffer, offset: number): Frame | undefined {
  const frame = readHead(bytes, offset);
  if (frame === undefined) return undefined;
  const end = offset + HEAD_BYTES + frame.length;
  if (end > bytes.length) return undefined;
  const head = bytes.subarray(offset, offset + HEAD_BYTES);
  const payload = bytes.subarray(offset + HEAD_BYTES, end);
  return checksum(head, payload) === bytes.readUInt32BE(offset + 8) ? frame : undefined;
}

function readHead(bytes: Buffer, offset: number): Frame | undefined {
  if (offset + HEAD_BYTES > bytes.length || bytes.readUInt32BE(offset) !== MAGIC) return undefined;
  const length = bytes.readUInt32BE(offset + 4);
  const sequence = bytes.readBigUInt64BE(offset + 16);
  if (length > MAX_PAYLOAD || sequence > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    offset,
    length,
    sequence: Number(sequence),
    samples: bytes.readUInt32BE(offset + 12),
    at: bytes.readDoubleBE(offset + 24),
  };
}

export const frameEnd = (frame: Frame): number => frame.offset + HEAD_BYTES + frame.length;

export interface Scan {
  readonly frames: readonly Frame[];
  /** Where the last whole record ends; what follows is a torn tail. */
  readonly end: number;
  /** Damaged stretches between whole records. */
  readonly damaged: number;
}

/** All whole records from `from` on. Damage in the middle is skipped, damage at the end is the tail. */
export function scanFrames(bytes: Buffer, from = 0): Scan {
  const frames: Frame[] = [];
  let end = from;
  let damaged = 0;
  for (let offset = from; offset < bytes.length; ) {
    const frame = readFrame(bytes, offset);
    if (frame === undefined) {
      offset = bytes.indexOf(MAGIC_BYTES, offset + 1);
      if (offset === -1) break;
      continue;
    }
    if (frame.offset > end) damaged += 1;
    frames.push(frame);
    offset = frameEnd(frame);
    end = offset;
  }
  return { frames, end, damaged };
}
