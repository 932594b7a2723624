import { CorruptChunkError } from './bits.ts';

/** Bytes one after the other: whole numbers as varints (LEB128), text and doubles. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** @param value a whole number, 0..2^53 */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      const high = Math.floor(rest / 128);
      this.#bytes[this.#length++] = rest - high * 128 + 128;
      rest = high;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** @param value a whole number, -2^52..2^52 */
  signed(value: number): void {
    this.varint(value >= 0 ? 2 * value : -2 * value - 1);
  }

  u32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  u64(value: bigint): void {
    this.#room(8);
    this.#length = this.#bytes.writeBigUInt64LE(value, this.#length);
  }

  double(value: number): void {
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** Valid until the next use. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  /** Reads from one place to another; what the places are of is never read beyond. */
  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = Math.min(from, bytes.length);
    this.#end = Math.min(to, bytes.length);
  }

  get at(): number {
    return this.#at;
  }

  /** What has not been read yet. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new CorruptChunkError('a number is too long');
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** Skips `length` bytes and says where they begin. */
  skip(length: number): number {
    return this.#take(length);
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#end) throw new CorruptChunkError('it ends too soon');
    this.#at = from + length;
    return from;
  }
}
