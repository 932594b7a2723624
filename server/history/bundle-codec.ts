import { constants, crc32, zstdCompressSync } from 'node:zlib';
import { ByteWriter } from './bytes.ts';
import { encodeIntegers } from './integer-codec.ts';

/** No sample of this column in that row. */
export const ABSENT = -2_147_483_648;
/** `digits` of a column of doubles that are kept as they are. */
export const AS_IT_IS = 255;

/** One column as the head keeps it. Rows without a sample: ABSENT, NaN, or `present` 0. */
export interface ColumnInput {
  /** What the column is, unique in the bundle. */
  readonly number: number;
  readonly isCounter: boolean;
  /** Whole numbers are values times 10^digits; AS_IT_IS for doubles. */
  readonly digits: number;
  readonly data: Int32Array | Float64Array | BigUint64Array;
  readonly present?: Uint8Array;
}

/** Series that are sampled at the same times. */
export interface RoundInput {
  /** Ascending, epoch ms. */
  readonly times: Float64Array;
  readonly rows: number;
  readonly columns: readonly ColumnInput[];
}

export interface EncodedBundle {
  readonly blob: Uint8Array;
  readonly samples: number;
  readonly from: number;
  readonly to: number;
}

/** 2: one column can be read, and proved sound, without the others. */
export const VERSION = 2;
/** version, whether the head is compressed, CRC-32 of all that follows, two lengths. */
export const FIXED_BEFORE_2 = 2 + 4 + 4 + 4;
/** The same, then the CRC-32 of the head alone. */
export const FIXED = FIXED_BEFORE_2 + 4;
/** Before the bits of a noisy column: their CRC-32. */
export const NOISE_CRC = 4;
export const TAG = { counter: 1, based: 2, raw64: 4, holes: 8, noisy: 16 } as const;
/** Columns above this many bytes a sample are noise: zstd would find nothing in them. */
const NOISY = 0.5;
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

const head = new ByteWriter();
const noise = new ByteWriter();
const inline = new ByteWriter();
let numbers = new Float64Array(1024);

/**
 * One blob of all rounds: a head with directory, times and quiet columns (zstd over all together),
 * then the bits of noisy columns as they are, each after its checksum.
 */
export function encodeBundle(rounds: readonly RoundInput[]): EncodedBundle {
  head.reset();
  noise.reset();
  let samples = 0;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  head.varint(rounds.length);
  for (const { times, rows, columns } of rounds) {
    from = Math.min(from, times[0]!);
    to = Math.max(to, times[rows - 1]!);
    head.varint(rows);
    writeSection(() => encodeIntegers(times, rows, inline), rows, 0);
    head.varint(columns.length);
    let before = 0;
    for (const column of columns) {
      head.signed(column.number - before);
      before = column.number;
      head.byte(column.digits);
      samples += writeColumn(column, rows);
    }
  }
  return { blob: assemble(), samples, from, to };
}

/** Tag, length of what is inline, length of what is among the noise, then what is inline. */
function writeSection(encode: () => Uint8Array | undefined, rows: number, tag: number): void {
  inline.reset();
  const bits = encode();
  const isNoisy = bits !== undefined && bits.length > NOISY * rows;
  if (bits !== undefined && !isNoisy) inline.bytes(bits);
  head.byte(isNoisy ? tag | TAG.noisy : tag);
  head.varint(inline.length);
  head.varint(isNoisy ? NOISE_CRC + bits.length : 0);
  head.bytes(inline.finish());
  if (!isNoisy) return;
  noise.u32(crc32(bits));
  noise.bytes(bits);
}

function writeColumn(column: ColumnInput, rows: number): number {
  const { data, isCounter } = column;
  if (numbers.length < rows) numbers = new Float64Array(rows);
  const tag = isCounter ? TAG.counter : 0;
  if (data instanceof BigUint64Array) return writeBig(column, data, rows, tag);
  let count = 0;
  for (let i = 0; i < rows; i++) {
    const value = data[i]!;
    if (value !== ABSENT && !Number.isNaN(value)) numbers[count++] = value;
  }
  const hasHoles = count < rows;
  const isPresent = (i: number) => data[i] !== ABSENT && !Number.isNaN(data[i]);
  writeSection(
    () => {
      if (hasHoles) writeHoles(isPresent, rows);
      return count === 0 ? undefined : encodeIntegers(numbers, count, inline);
    },
    rows,
    hasHoles ? tag | TAG.holes : tag,
  );
  return count;
}

/** Counters beyond 2^53: as distances from the smallest where those fit, else as they are. */
function writeBig(column: ColumnInput, data: BigUint64Array, rows: number, tag: number): number {
  const kept: bigint[] = [];
  for (let i = 0; i < rows; i++) if (column.present?.[i] !== 0) kept.push(data[i]!);
  let low = kept[0] ?? 0n;
  let high = low;
  for (const value of kept) {
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  const isNear = high - low < 1n << 50n;
  const hasHoles = kept.length < rows;
  writeSection(
    () => {
      if (hasHoles) writeHoles((i) => column.present?.[i] !== 0, rows);
      if (kept.length === 0) return undefined;
      if (!isNear) {
        for (const value of kept) inline.u64(value);
        return undefined;
      }
      inline.u64(low);
      for (const [i, value] of kept.entries()) numbers[i] = Number(value - low);
      return encodeIntegers(numbers, kept.length, inline);
    },
    rows,
    tag | (isNear ? TAG.based : TAG.raw64) | (hasHoles ? TAG.holes : 0),
  );
  return kept.length;
}

function writeHoles(isPresent: (row: number) => boolean, rows: number): void {
  for (let from = 0; from < rows; from += 8) {
    let bits = 0;
    for (let i = from; i < Math.min(rows, from + 8); i++) if (isPresent(i)) bits |= 1 << (i - from);
    inline.byte(bits);
  }
}

function assemble(): Uint8Array {
  const plain = head.finish();
  const packed = zstdCompressSync(plain, LEVEL);
  const isPacked = packed.length < plain.length;
  const stored = isPacked ? packed : plain;
  const bits = noise.finish();
  const blob = Buffer.alloc(FIXED + stored.length + bits.length);
  blob[0] = VERSION;
  blob[1] = isPacked ? 1 : 0;
  blob.writeUInt32LE(plain.length, 6);
  blob.writeUInt32LE(stored.length, 10);
  stored.copy(blob, FIXED);
  blob.set(bits, FIXED + stored.length);
  blob.writeUInt32LE(headChecksum(blob, FIXED + stored.length), FIXED_BEFORE_2);
  blob.writeUInt32LE(checksum(blob), 2);
  return blob;
}

/** Of everything but itself. */
export const checksum = (blob: Uint8Array): number =>
  crc32(blob.subarray(6), crc32(blob.subarray(0, 2)));

/** Of the head, and of what says how long it is. @param end where the noise begins */
export const headChecksum = (blob: Uint8Array, end: number): number =>
  crc32(
    blob.subarray(FIXED, end),
    crc32(blob.subarray(6, FIXED_BEFORE_2), crc32(blob.subarray(0, 2))),
  );
