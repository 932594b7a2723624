import { crc32, zstdDecompressSync } from 'node:zlib';
import { CorruptChunkError } from './bits.ts';
import {
  AS_IT_IS,
  checksum,
  FIXED,
  FIXED_BEFORE_2,
  headChecksum,
  NOISE_CRC,
  TAG,
  VERSION,
} from './bundle-codec.ts';
import { ByteReader } from './bytes.ts';
import { decodeIntegers, MAX_ROWS } from './integer-codec.ts';

export interface DecodedColumn {
  readonly at: Float64Array;
  /** Counters are BigUint64Array where doubles would not hold them exactly. */
  readonly value: Float64Array | BigUint64Array;
}

/** A blob, opened: the directory is read, columns are decoded when asked for. */
export interface OpenBundle {
  /** Memory that it holds while it is open. */
  readonly bytes: number;
  /**
   * Undefined: not in here.
   * @param atHand the blob, by whoever has it just now: nothing more is read from the disk
   * @throws CorruptChunkError
   */
  read(number: number, atHand?: Uint8Array): DecodedColumn | undefined;
}

/** A head of our making is a few kB; of roll-ups of 64 series about 30. */
const MAX_HEAD = 16 * 1024 * 1024;
/** Heads that are unpacked together have at most so many bytes. */
const MAX_TOGETHER = 1024 * 1024;
/** Smaller ones zlib refuses. */
const MIN_BUFFER = 64;

/** A blob that is let go when it is open: what is not in its head is read when it is asked for. */
export interface PartOfBlob {
  readonly blob: Uint8Array;
  /** The bytes from there on, so many at most; fewer when it ends before. */
  later(at: number, length: number): Uint8Array;
}

/** @throws CorruptChunkError whatever the bytes are, if they are not what was written. */
export function openBundle(bytes: Uint8Array): OpenBundle {
  const blob = checked(bufferOf(bytes));
  return bundleOf({ blob, noise: within(blob), held: blob.length }, unpackedAlone(blob));
}

/**
 * Many at once, each as `openBundle` would open it; in place of one that is damaged stands what is
 * wrong with it. Frames of zstd may follow each other, so all heads are unpacked by one call: a day
 * of a series is 13 blobs, and 13 decoders cost more than everything else that is done with them.
 * Of a blob that is let go the head is proved sound, and each column when it is read.
 */
export function openBundles(
  blobs: readonly (Uint8Array | PartOfBlob)[],
): (OpenBundle | CorruptChunkError)[] {
  const sound = blobs.map((one) => orDamage(() => soundOf(one)));
  const packed = sound.flatMap((one) =>
    one instanceof CorruptChunkError || !isPacked(one.blob) ? [] : [one.blob],
  );
  const plain = new Map<Buffer, Buffer>();
  const size = packed.reduce((sum, blob) => sum + plainSize(blob), 0);
  if (packed.length > 1 && size <= MAX_TOGETHER) unpackTogether(packed, size, plain);
  return sound.map((one) => {
    if (one instanceof CorruptChunkError) return one;
    return orDamage(() => bundleOf(one, plain.get(one.blob) ?? unpackedAlone(one.blob)));
  });
}

/** The bytes of one noisy column. @param at in the blob */
type Noise = (at: number, length: number) => Uint8Array;

interface Sound {
  readonly blob: Buffer;
  readonly noise: Noise;
  /** Bytes that reading noise holds on to. */
  readonly held: number;
}

const within =
  (blob: Uint8Array): Noise =>
  (at, length) =>
    blob.subarray(at, at + length);

function soundOf(one: Uint8Array | PartOfBlob): Sound {
  const bytes = one instanceof Uint8Array ? one : one.blob;
  const blob = bufferOf(bytes);
  const hasOwnChecksums = blob.length >= FIXED && blob[0] === VERSION;
  if (!(one instanceof Uint8Array) && hasOwnChecksums && storedEnd(blob) <= blob.length) {
    checkHead(blob);
    return { blob, noise: one.later, held: 0 };
  }
  checked(blob);
  return { blob, noise: within(blob), held: blob.length };
}

function checkHead(blob: Buffer): void {
  const isSound = headChecksum(blob, storedEnd(blob)) === blob.readUInt32LE(FIXED_BEFORE_2);
  if (!isSound) throw new CorruptChunkError('the checksum of its head differs');
  if (plainSize(blob) > MAX_HEAD) throw new CorruptChunkError('its head is too large');
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

function orDamage<T>(work: () => T): T | CorruptChunkError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CorruptChunkError) return error;
    throw error;
  }
}

/** Whatever does not come out as it should is left to be opened, and found damaged, alone. */
function unpackTogether(packed: readonly Buffer[], size: number, into: Map<Buffer, Buffer>): void {
  const frames = Buffer.concat(packed.map(storedHead));
  const all = orDamage(() => unpack(frames, size));
  if (all instanceof CorruptChunkError || all.length !== size) return;
  let at = 0;
  for (const blob of packed) {
    const end = at + plainSize(blob);
    into.set(blob, all.subarray(at, end));
    at = end;
  }
}

/** Of our version, whole, and with the checksum that it says. */
function checked(blob: Buffer): Buffer {
  if (blob.length < FIXED_BEFORE_2) throw new CorruptChunkError('it is too short');
  if (blob[0] !== VERSION && blob[0] !== 1) {
    throw new CorruptChunkError(`it has the unknown version ${blob[0]}`);
  }
  if (blob.length < fixedOf(blob)) throw new CorruptChunkError('it is too short');
  if (checksum(blob) !== blob.readUInt32LE(2)) throw new CorruptChunkError('its checksum differs');
  if (plainSize(blob) > MAX_HEAD) throw new CorruptChunkError('its head is too large');
  return blob;
}

const isPacked = (blob: Buffer): boolean => blob[1] !== 0;
const plainSize = (blob: Buffer): number => blob.readUInt32LE(6);
const fixedOf = (blob: Buffer): number => (blob[0] === 1 ? FIXED_BEFORE_2 : FIXED);
const storedEnd = (blob: Buffer): number => fixedOf(blob) + blob.readUInt32LE(10);
const storedHead = (blob: Buffer): Buffer => blob.subarray(fixedOf(blob), storedEnd(blob));

const unpackedAlone = (blob: Buffer): Buffer =>
  // A copy, or the whole blob would stay with it.
  isPacked(blob) ? unpack(storedHead(blob), plainSize(blob)) : Buffer.from(storedHead(blob));

function unpack(frames: Buffer, size: number): Buffer {
  try {
    // As large as it gets: the usual buffer of 64 KiB for each is most of what a query leaves behind.
    const chunkSize = Math.max(MIN_BUFFER, size);
    return zstdDecompressSync(frames, { chunkSize, maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw new CorruptChunkError('its head cannot be unpacked', { cause });
  }
}

/**
 * What the directory says of a section, as numbers side by side: an object for each column of each
 * blob that is kept open would be moved about by every collection of garbage.
 */
const FIELD = {
  number: 0,
  round: 1,
  tag: 2,
  digits: 3,
  inlineAt: 4,
  inline: 5,
  noiseAt: 6,
  noise: 7,
};
const FIELDS = 8;
/** As the number of a section that holds the times of a round. */
const TIMES = -1;

interface Round {
  readonly rows: number;
  /** Where its times are in the directory. */
  readonly times: number;
}

function bundleOf({ blob, noise: noiseLater, held }: Sound, plain: Buffer): OpenBundle {
  const noiseStart = storedEnd(blob);
  const hasChecksums = blob[0] !== 1;
  const rounds: Round[] = [];
  const directory = readDirectory(plain, rounds);
  const field = (section: number, name: number): number => directory[section * FIELDS + name]!;

  // Of one round only: series of one device share it, but 40 links have 40 rounds, 2 kB each.
  let latest: Round | undefined;
  let times: Float64Array | undefined;

  function timesOf(round: Round, noise: Noise): Float64Array {
    if (round !== latest || times === undefined) {
      times = integers(round.times, readerOf(round.times, 0), round.rows, noise);
      latest = round;
    }
    return times;
  }

  function readerOf(section: number, skip: number): ByteReader {
    const at = field(section, FIELD.inlineAt);
    return new ByteReader(plain, at + skip, at + field(section, FIELD.inline));
  }

  function integers(section: number, reader: ByteReader, count: number, noise: Noise) {
    if (!(field(section, FIELD.tag) & TAG.noisy)) return decodeIntegers(reader, count);
    const at = noiseStart + field(section, FIELD.noiseAt);
    const bits = noise(at, field(section, FIELD.noise));
    return decodeIntegers(reader, count, hasChecksums ? soundBits(bits) : bits);
  }

  function valuesOf(section: number, reader: ByteReader, count: number, noise: Noise) {
    const tag = field(section, FIELD.tag);
    if (tag & TAG.raw64) return new BigUint64Array(count).map(() => reader.u64());
    if (tag & TAG.based) {
      const base = reader.u64();
      const near = integers(section, reader, count, noise);
      return BigUint64Array.from(near, (value: number) => base + BigInt(value));
    }
    const whole = integers(section, reader, count, noise);
    return tag & TAG.counter ? whole : unscale(whole, field(section, FIELD.digits));
  }

  function find(number: number): number {
    for (let at = FIELD.number; at < directory.length; at += FIELDS) {
      if (directory[at] === number) return at / FIELDS;
    }
    return -1;
  }

  const longest = rounds.reduce((most, { rows }) => Math.max(most, rows), 0);
  return {
    bytes: held + plain.length + directory.byteLength + longest * Float64Array.BYTES_PER_ELEMENT,
    read(number, atHand) {
      const section = find(number);
      if (section < 0) return undefined;
      const round = rounds[field(section, FIELD.round)]!;
      const noise = atHand === undefined ? noiseLater : within(atHand);
      const all = timesOf(round, noise);
      if (!(field(section, FIELD.tag) & TAG.holes)) {
        return { at: all, value: valuesOf(section, readerOf(section, 0), all.length, noise) };
      }
      const length = Math.ceil(round.rows / 8);
      const begin = field(section, FIELD.inlineAt);
      const holes = plain.subarray(begin, begin + Math.min(length, field(section, FIELD.inline)));
      const at = all.filter((_, i) => isSet(holes, i));
      if (at.length === 0) return { at, value: new Float64Array(0) };
      return { at, value: valuesOf(section, readerOf(section, length), at.length, noise) };
    },
  };
}

/** @throws CorruptChunkError */
function soundBits(stored: Uint8Array): Uint8Array {
  const bits = stored.subarray(NOISE_CRC);
  const isSound = stored.length > NOISE_CRC && bufferOf(stored).readUInt32LE(0) === crc32(bits);
  if (!isSound) throw new CorruptChunkError('the checksum of a column differs');
  return bits;
}

const isSet = (bits: Uint8Array, i: number): boolean => ((bits[i >> 3]! >> (i & 7)) & 1) === 1;

function unscale(values: Float64Array, digits: number): Float64Array {
  if (digits === 0 || digits === AS_IT_IS) return values;
  const perUnit = 10 ** digits;
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / perUnit;
  return values;
}

/** Used again and again: how many sections there are is known at the end. */
let scratch = new Int32Array(128 * FIELDS);

function readDirectory(plain: Buffer, rounds: Round[]): Int32Array {
  const reader = new ByteReader(plain);
  let sections = 0;
  let noiseAt = 0;

  function section(number: number, round: number, digits: number): void {
    const at = sections * FIELDS;
    if (at === scratch.length) {
      const larger = new Int32Array(2 * at);
      larger.set(scratch);
      scratch = larger;
    }
    const tag = reader.byte();
    const inline = reader.varint();
    const noise = reader.varint();
    scratch[at + FIELD.number] = number;
    scratch[at + FIELD.round] = round;
    scratch[at + FIELD.tag] = tag;
    scratch[at + FIELD.digits] = digits;
    scratch[at + FIELD.inlineAt] = reader.skip(inline);
    scratch[at + FIELD.inline] = inline;
    scratch[at + FIELD.noiseAt] = noiseAt;
    scratch[at + FIELD.noise] = noise;
    noiseAt += noise;
    sections++;
  }

  const count = reader.varint();
  for (let round = 0; round < count; round++) {
    const rows = reader.varint();
    if (rows > MAX_ROWS) throw new CorruptChunkError('it has too many rows');
    rounds.push({ rows, times: sections });
    section(TIMES, round, 0);
    const columns = reader.varint();
    let number = 0;
    for (let column = 0; column < columns; column++) {
      number += reader.signed();
      section(number, round, reader.byte());
    }
  }
  return scratch.slice(0, sections * FIELDS);
}
