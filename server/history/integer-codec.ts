import { BitWriter, bitLength, CorruptChunkError, readRices, riceBits } from './bits.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/**
 * Whole numbers as the residuals of a prediction in Golomb-Rice bits. `order` 0: away from the usual
 * value; 1: from the usual step; 2: from the step before. `unit` divides all (loss goes in fifths).
 */
interface Plan {
  readonly order: 0 | 1 | 2;
  readonly first: number;
  readonly unit: number;
  readonly centre: number;
  readonly k: number;
}

/** Wider than this a column is kept as it is: sums of residuals would not be exact any more. */
const WIDEST = 2 ** 50;
/** Numbers in a column at most; nobody makes more, so more is damage. */
export const MAX_ROWS = 65_536;
const PROBES = 15;
/** Up to so many values all are looked at. */
const FEW = 64;
/** Orders of prediction follow this: all values are equal. */
const CONSTANT = 3;
const PLAIN = 4;

let scaled = new Float64Array(1024);
let residuals = new Float64Array(1024);
const lengths = new Uint32Array(64);
const probes = new Float64Array(PROBES);
const writer = new BitWriter();

/**
 * Writes the head of a column to `head` and returns its bits (valid until the next call).
 * @param values whole numbers, -2^53..2^53; or any finite numbers, which are then kept as doubles
 */
export function encodeIntegers(
  values: Float64Array,
  count: number,
  head: ByteWriter,
): Uint8Array | undefined {
  const first = values[0]!;
  const widest = widestOffset(values, count, first);
  if (!(widest <= WIDEST && Math.abs(first) <= WIDEST) || !Number.isInteger(first)) {
    return plain(values, count, head);
  }
  if (widest === 0) {
    head.byte(CONSTANT);
    head.signed(first);
    return undefined;
  }
  const unit = scale(values, count, first);
  const plan = bestPlan(count, first, unit);
  writePlan(plan, head);
  return writeResiduals(plan, count);
}

/**
 * Reads what `encodeIntegers` wrote.
 * @param elsewhere the bits, when they do not follow the head
 */
export function decodeIntegers(
  head: ByteReader,
  count: number,
  elsewhere?: Uint8Array,
): Float64Array {
  if (count > MAX_ROWS) throw new CorruptChunkError('a column is too long');
  const kind = head.byte();
  const values = new Float64Array(count);
  if (kind === CONSTANT) return values.fill(head.signed());
  if (kind === PLAIN) {
    for (let i = 0; i < count; i++) values[i] = head.double();
    return values;
  }
  const k = head.byte();
  if (kind > PLAIN || k > 53) throw new CorruptChunkError('unknown coding');
  const first = head.signed();
  const unit = head.varint();
  const centre = head.signed();
  values[0] = first;
  readRices(elsewhere ?? head.rest(), k, values);
  accumulate(values, kind, centre, unit);
  return values;
}

/** Residuals, folded, to what they were made of; in place. */
function accumulate(values: Float64Array, order: number, centre: number, unit: number): void {
  const first = values[0]!;
  // How much of the value and of the step before goes on: without branches the loop takes a third less.
  const keepValue = order === 0 ? 0 : 1;
  const keepStep = order === 2 ? 1 : 0;
  let value = 0;
  let step = 0;
  for (let i = 1; i < values.length; i++) {
    const z = values[i]!;
    const half = Math.floor(z * 0.5);
    const odd = z - 2 * half;
    step = step * keepStep + half + centre - odd * (2 * half + 1);
    value = value * keepValue + step;
    values[i] = first + value * unit;
  }
}

function plain(values: Float64Array, count: number, head: ByteWriter): undefined {
  head.byte(PLAIN);
  for (let i = 0; i < count; i++) head.double(values[i]!);
}

/** Largest distance from the first value; NaN or Infinity when a value is not a whole number. */
function widestOffset(values: Float64Array, count: number, first: number): number {
  let low = first;
  let high = first;
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    if (value < low) low = value;
    else if (value > high) high = value;
    if (value !== Math.floor(value)) return Number.NaN;
  }
  return Math.max(high - first, first - low);
}

/** Offsets from the first value into `scaled`, divided by what all have in common; returns that. */
function scale(values: Float64Array, count: number, first: number): number {
  if (scaled.length < count) {
    scaled = new Float64Array(count);
    residuals = new Float64Array(count);
  }
  let unit = 0;
  for (let i = 0; i < count; i++) {
    const offset = values[i]! - first;
    scaled[i] = offset;
    if (unit !== 1 && offset !== 0) unit = greatestDivisor(unit, Math.abs(offset));
  }
  if (unit > 1) for (let i = 0; i < count; i++) scaled[i] = scaled[i]! / unit;
  return unit;
}

function greatestDivisor(a: number, b: number): number {
  let larger = a;
  let smaller = b;
  while (smaller !== 0) {
    const rest = larger % smaller;
    larger = smaller;
    smaller = rest;
  }
  return larger;
}

/** Judged by every fourth value (of few, by all): what is decided is only the size. */
function bestPlan(count: number, first: number, unit: number): Plan {
  const every = count > FEW ? 4 : 1;
  let best: Plan | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const order of [1, 0, 2] as const) {
    const centre = order === 2 ? 0 : usual(order, count);
    predict(order, centre, count, every);
    const { k, bits } = bestDivisor();
    if (bits >= least) continue;
    least = bits;
    best = { order, first, unit, centre, k };
  }
  const { order, centre } = best!;
  leave(order, centre, count);
  return best!;
}

/** All residuals, folded, of the prediction that was chosen. */
function leave(order: 0 | 1 | 2, centre: number, count: number): void {
  let before = order === 0 ? 0 : scaled[0]!;
  let step = 0;
  for (let i = 1; i < count; i++) {
    const value = scaled[i]!;
    const residual = value - before - (order === 2 ? step : centre);
    residuals[i] = residual >= 0 ? 2 * residual : -2 * residual - 1;
    if (order === 0) continue;
    step = value - before;
    before = value;
  }
}

/** The middle one of fifteen: near enough to the median, and not moved by a spike. */
function usual(order: 0 | 1, count: number): number {
  for (let n = 0; n < PROBES; n++) {
    const i = 1 + Math.floor((n * (count - 1)) / PROBES);
    probes[n] = order === 0 ? scaled[i]! : scaled[i]! - scaled[i - 1]!;
  }
  return probes.sort()[PROBES >> 1]!;
}

/** How long in bits what the prediction leaves is, folded to 0, 1, 2 … for 0, -1, 1 …. */
function predict(order: 0 | 1 | 2, centre: number, count: number, every: number): void {
  lengths.fill(0);
  if (order === 0) {
    for (let i = 1; i < count; i += every) note(scaled[i]! - centre);
  } else if (order === 1) {
    for (let i = 1; i < count; i += every) note(scaled[i]! - scaled[i - 1]! - centre);
  } else {
    note(scaled[1]!);
    for (let i = 2; i < count; i += every) {
      note(scaled[i]! - 2 * scaled[i - 1]! + scaled[i - 2]!);
    }
  }
}

function note(residual: number): void {
  lengths[bitLength(residual >= 0 ? 2 * residual : -2 * residual - 1)]!++;
}

/** The divisor that costs least, near the commonest length. */
function bestDivisor(): { k: number; bits: number } {
  let commonest = 0;
  let longest = 0;
  for (let length = 0; length < 56; length++) {
    const n = lengths[length]!;
    if (n > 0) longest = length;
    if (n > lengths[commonest]!) commonest = length;
  }
  let best = { k: 0, bits: Number.POSITIVE_INFINITY };
  for (let k = Math.max(0, commonest - 3); k <= commonest && k <= 53; k++) {
    let bits = 0;
    for (let length = 0; length <= longest; length++) {
      const n = lengths[length]!;
      if (n > 0) bits += n * riceBits(length, k);
    }
    if (bits < best.bits) best = { k, bits };
  }
  return best;
}

function writePlan({ order, first, unit, centre, k }: Plan, head: ByteWriter): void {
  head.byte(order);
  head.byte(k);
  head.signed(first);
  head.varint(unit);
  head.signed(centre);
}

function writeResiduals({ k }: Plan, count: number): Uint8Array {
  writer.reset();
  writer.writeRices(residuals, count, k);
  return writer.finish();
}
