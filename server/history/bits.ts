/** Longest run of ones; a larger quotient is written as this run, its length in bits, and itself. */
const RUN = 20;
const PIECE = 24;
const PIECE_SIZE = 2 ** PIECE;
const LENGTH_BITS = 6;
const WORD = 32;

/** What a bit stream that ends too soon, or cannot be of our making, throws. */
export class CorruptChunkError extends Error {
  readonly code = 'HISTORY_CORRUPT';
}

/** Bits needed for a whole number, 0..53. */
export const bitLength = (z: number): number =>
  z < 4_294_967_296 ? 32 - Math.clz32(z) : 64 - Math.clz32(z / 4_294_967_296);

/** The middle quotient of values so many bits longer than the divisor. */
const QUOTIENTS = [0, 1.5, 3, 6, 12];

/** Bits that `writeRice` takes, about: for a value of `length` bits, the middle of those. */
export function riceBits(length: number, k: number): number {
  if (length <= k) return 1 + k;
  const quotient = length - k < QUOTIENTS.length ? QUOTIENTS[length - k]! : RUN;
  return quotient >= RUN ? RUN + LENGTH_BITS + length : 1 + k + quotient;
}

/** Writes whole numbers of 0..2^53 as bits, lowest first. Grows by itself and is used again. */
export class BitWriter {
  #bytes = new Uint8Array(4096);
  #length = 0;
  #pending = 0;
  #count = 0;

  reset(): void {
    this.#length = 0;
    this.#pending = 0;
    this.#count = 0;
  }

  /** @param bits 0..24 */
  write(value: number, bits: number): void {
    let pending = this.#pending | (value << this.#count);
    let count = this.#count + bits;
    if (this.#length + 8 > this.#bytes.length) this.#grow();
    while (count >= 8) {
      this.#bytes[this.#length++] = pending;
      pending >>>= 8;
      count -= 8;
    }
    this.#pending = pending;
    this.#count = count;
  }

  /** @param bits 0..53 */
  writeLong(value: number, bits: number): void {
    let rest = value;
    let left = bits;
    while (left > PIECE) {
      const high = Math.floor(rest / PIECE_SIZE);
      this.write(rest - high * PIECE_SIZE, PIECE);
      rest = high;
      left -= PIECE;
    }
    this.write(rest, left);
  }

  /**
   * The values from the second on, in Golomb-Rice bits: the quotient by 2^k as a run of ones, then
   * the low k bits (Rice, JPL 79-22, 1979).
   */
  writeRices(values: Float64Array, count: number, k: number): void {
    const divisor = 2 ** k;
    const inverse = 1 / divisor;
    for (let i = 1; i < count; i++) {
      const z = values[i]!;
      const quotient = Math.floor(z * inverse);
      const low = z - quotient * divisor;
      const bits = quotient + 1 + k;
      if (bits <= PIECE && quotient < RUN)
        this.write(((1 << quotient) - 1) | (low << (quotient + 1)), bits);
      else if (quotient >= RUN) this.#writeFar(z);
      else {
        this.write((1 << quotient) - 1, quotient + 1);
        this.writeLong(low, k);
      }
    }
  }

  #writeFar(z: number): void {
    const length = bitLength(z);
    this.write((1 << RUN) - 1, RUN);
    this.write(length, LENGTH_BITS);
    this.writeLong(z, length);
  }

  /** The bytes so far, the last one filled up; valid until the next use. */
  finish(): Uint8Array {
    if (this.#count > 0) this.write(0, 8 - this.#count);
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/**
 * Reads as many Golomb-Rice numbers as `into` has places, from its second place on. Most codes lie whole
 * in the 25 bits and more of four bytes: those are read in this one loop, where nothing leaves the registers.
 * @throws CorruptChunkError when the bits end too soon
 */
export function readRices(bytes: Uint8Array, k: number, into: Float64Array): void {
  const reader = new BitReader(bytes);
  const mask = 2 ** Math.min(k, WORD) - 1;
  const last = bytes.length - 4;
  let at = 0;
  for (let i = 1; i < into.length; i++) {
    const byte = at >> 3;
    if (byte <= last) {
      const part = at & 7;
      const four =
        bytes[byte]! |
        (bytes[byte + 1]! << 8) |
        (bytes[byte + 2]! << 16) |
        (bytes[byte + 3]! << 24);
      const word = four >>> part;
      // Trailing ones of what is there; -1 when it is nothing else, which is no code of ours.
      const run = 31 - Math.clz32(~word & -~word);
      const used = run + 1 + k;
      if (used <= WORD - part && run >>> 0 < RUN) {
        into[i] = (run << k) | ((word >>> (run + 1)) & mask);
        at += used;
        continue;
      }
    }
    reader.at = at;
    into[i] = reader.takeRice(k);
    at = reader.at;
  }
}

/** Reads codes of any length from any bit on. */
class BitReader {
  readonly #bytes: Uint8Array;
  /** In bits. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  takeRice(k: number): number {
    let run = 0;
    while (run < RUN && this.#take(1) === 1) run++;
    return run === RUN ? this.#take(this.#take(LENGTH_BITS)) : run * 2 ** k + this.#take(k);
  }

  /** Lowest bit first; from each byte what is left of it. */
  #take(bits: number): number {
    let value = 0;
    let scale = 1;
    let wanted = bits;
    while (wanted > 0) {
      const byte = this.#bytes[this.at >> 3];
      if (byte === undefined) throw new CorruptChunkError('a column ends too soon');
      const part = this.at & 7;
      const some = Math.min(8 - part, wanted);
      const size = 1 << some;
      value += ((byte >> part) & (size - 1)) * scale;
      scale *= size;
      this.at += some;
      wanted -= some;
    }
    return value;
  }
}
