import type { Numbers } from '../ports/history.ts';

/**
 * JSON of an object with columns of numbers behind its other fields, byte for byte as JSON.stringify
 * writes it. A day of a series is 5,760 numbers; most are instants or have few decimals, and their
 * digits come from a table: a third of the time.
 * @param head has one field at least
 */
export function withColumns(
  head: Readonly<Record<string, unknown>>,
  columns: Readonly<Record<string, Numbers>>,
): Buffer {
  const named = Object.entries(columns);
  const texts = [
    JSON.stringify(head).slice(0, -1),
    ...named.map(([n]) => `,${JSON.stringify(n)}:`),
  ];
  let room = 1;
  for (const text of texts) room += 3 * text.length;
  for (const [, values] of named) room += MOST * values.length + SPARE;
  if (room > scratch.length) scratch = Buffer.allocUnsafeSlow(room);
  const bytes = scratch;
  const view = new DataView(bytes.buffer);
  let end = bytes.write(texts[0]!);
  for (const [i, [, values]] of named.entries()) {
    end += bytes.write(texts[i + 1]!, end);
    end = column(values, bytes, view, end);
  }
  bytes[end] = CLOSE_OBJECT;
  return Buffer.from(bytes.subarray(0, end + 1));
}

/** Used again and again: how long a text gets is known at the end. */
let scratch = Buffer.allocUnsafeSlow(1024);

const COMMA = 0x2c;
const DOT = 0x2e;
const ZERO = 0x30;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const CLOSE_OBJECT = 0x7d;

/** Bytes of a number with its comma: -0.0000012345678901234567 is the longest there is. */
const MOST = 26;
/** Both brackets, and what a word of four digits may write beyond the end of a number. */
const SPARE = 8;

/** The four digits of each number below 10,000, the first in the lowest byte. */
const DIGITS = Uint32Array.from({ length: 10_000 }, (_, n) =>
  Buffer.from(String(n).padStart(4, '0')).readUInt32LE(0),
);

function column(values: Numbers, bytes: Buffer, view: DataView, start: number): number {
  bytes[start] = OPEN_LIST;
  let end = instants(values, bytes, view, start + 1);
  if (end < 0) end = decimals(values, bytes, view, start + 1);
  if (end < 0 || values.length === 0)
    return start + bytes.write(JSON.stringify(Array.from(values)), start);
  // The last comma.
  bytes[end - 1] = CLOSE_LIST;
  return end;
}

/** Whole numbers of 13 digits: milliseconds from 2001 to 2286. -1: one is not. */
function instants(values: Numbers, bytes: Buffer, view: DataView, start: number): number {
  let end = start;
  for (let i = 0; i < values.length; i++) {
    const at = values[i]!;
    const top = Math.floor(at / 1e8) | 0;
    const rest = (at - top * 1e8) | 0;
    if (top < 10_000 || top > 99_999 || top * 1e8 + rest !== at) return -1;
    const first = (top / 10_000) | 0;
    const middle = (rest / 10_000) | 0;
    bytes[end] = ZERO + first;
    view.setUint32(end + 1, DIGITS[top - first * 10_000]!, true);
    view.setUint32(end + 5, DIGITS[middle]!, true);
    view.setUint32(end + 9, DIGITS[rest - middle * 10_000]!, true);
    bytes[end + 13] = COMMA;
    end += 14;
  }
  return end;
}

const DECIMALS = 10_000;
const TOO_LARGE = 10_000 * DECIMALS;

/** From 0 to below 10,000, of at most four decimals: what gauges mostly are. -1: one is not. */
function decimals(values: Numbers, bytes: Buffer, view: DataView, start: number): number {
  let end = start;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const scaled = Math.round(value * DECIMALS);
    // A double has one decimal form of up to 15 digits, so this is the one that JSON has.
    if (!(scaled >= 0 && scaled < TOO_LARGE && scaled / DECIMALS === value)) return -1;
    const ticks = scaled | 0;
    const whole = (ticks / DECIMALS) | 0;
    const zeros = zerosBefore(whole);
    view.setUint32(end, DIGITS[whole]! >>> (8 * zeros), true);
    end += 4 - zeros;
    const fraction = ticks - whole * DECIMALS;
    if (fraction > 0) {
      bytes[end] = DOT;
      view.setUint32(end + 1, DIGITS[fraction]!, true);
      end += 5;
      while (bytes[end - 1] === ZERO) end--;
    }
    bytes[end++] = COMMA;
  }
  return end;
}

/** How many of its four digits are zeros that nobody writes. */
function zerosBefore(whole: number): number {
  if (whole >= 1000) return 0;
  if (whole >= 100) return 1;
  return whole >= 10 ? 2 : 3;
}
