import { isUtf8 } from 'node:buffer';
import type { SampleBatch } from '../../protocol/wire/batch.ts';
import { BATCH_LIMITS } from '../../protocol/wire/limits.ts';
import {
  type BatchColumns,
  type CounterColumns,
  columnsOf,
  type GaugeColumns,
} from './batch-columns.ts';

/** What a body of the usual form says. */
export interface ScannedBatch {
  /** All but the samples, with empty columns: to be checked by the schema. */
  readonly head: unknown;
  readonly gauges: GaugeColumns;
  readonly counters: CounterColumns;
}

const SAMPLES = BATCH_LIMITS.samples;
/** As in the schema. */
const MAX_INDEX = 1_000_000;
const MAX_OFFSET = 604_800_000;
/** So many digits a double holds exactly, whatever they are. */
const EXACT_DIGITS = 15;
const TENS = Array.from({ length: EXACT_DIGITS + 1 }, (_, n) => 10 ** n);
const SMALL_DIGITS = 9;
const HALF = 4_294_967_296;

/** Cannot be inside a string: a quote is escaped there. */
const GAUGES = ',"gauges":{"series":[';
const NO_SAMPLES = ',"gauges":{"series":[],"at":[],"value":[]},"counters":[]}';
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const AT = bytesOf(',"at":[');
const VALUE = bytesOf(',"value":[');
const COUNTERS = bytesOf('},"counters":[');
const SERIES = bytesOf('{"series":');
const BASE = bytesOf(',"base":"');
const DELTA = bytesOf('","delta":[');

const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const END = 93;
const CLOSE = 125;

/** Columns while they are read, as long as a batch may be. */
const series = new Float64Array(SAMPLES);
const at = new Float64Array(SAMPLES);
const value = new Float64Array(SAMPLES);
const steps = new Float64Array(SAMPLES);

/** The body is not of the usual form; never leaves this file. */
const UNUSUAL = new Error('unusual');

let bytes: Buffer;
let next = 0;

/**
 * Reads a body as agents write it (JSON of one shape, without spaces) straight into columns. To parse
 * it to objects, check those and take them apart again was a third of what a sample costs outside of
 * the engine. Undefined for any other body, good or bad: that one goes the long way, which also knows
 * what to say of it.
 */
export function scanBatch(body: Buffer): ScannedBatch | undefined {
  const begin = body.indexOf(GAUGES, 0, 'latin1');
  if (begin < 0) return undefined;
  bytes = body;
  next = begin + GAUGES.length;
  try {
    const head = readHead(body.subarray(0, begin));
    const gauges = readGauges();
    const counters = readCounters();
    const isWhole = bytes[next] === CLOSE && next + 1 === body.length;
    if (!isWhole || gauges.at.length + counters.at.length > SAMPLES) return undefined;
    return { head, gauges, counters };
  } catch (error) {
    if (error === UNUSUAL || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A body that the log holds: it was checked when it came. @throws when it is no batch */
export function readBatch(body: Buffer): BatchColumns {
  const scanned = scanBatch(body);
  if (scanned !== undefined) {
    return { ...(scanned.head as SampleBatch), gauges: scanned.gauges, counters: scanned.counters };
  }
  const columns = columnsOf(JSON.parse(body.toString()) as SampleBatch);
  if ('detail' in columns) throw new Error(columns.detail);
  return columns;
}

/** What was cut off in the midst of something is no JSON when it is closed here. */
function readHead(head: Buffer): unknown {
  if (!isUtf8(head)) throw UNUSUAL;
  return JSON.parse(head.toString() + NO_SAMPLES);
}

function readGauges(): GaugeColumns {
  const length = readWholes(series, 0, MAX_INDEX);
  expect(AT);
  if (readWholes(at, 0, MAX_OFFSET) !== length) throw UNUSUAL;
  expect(VALUE);
  if (readNumbers() !== length) throw UNUSUAL;
  return {
    series: series.slice(0, length),
    at: at.slice(0, length),
    value: value.slice(0, length),
  };
}

function readCounters(): CounterColumns {
  expect(COUNTERS);
  let rows = 0;
  if (bytes[next] === END) next++;
  else {
    do rows = readCounter(rows);
    while (readComma());
  }
  return { series: series.slice(0, rows), at: at.slice(0, rows), value: wide(rows) };
}

/** One counter into the rows from `first` on; returns the row after its last. */
function readCounter(first: number): number {
  expect(SERIES);
  const index = readWhole(MAX_INDEX);
  expect(AT);
  const rows = readWholes(at, first, MAX_OFFSET);
  expect(BASE);
  let total = readWhole(Number.MAX_SAFE_INTEGER, true);
  expect(DELTA);
  if (rows === first || readSteps() !== rows - first - 1) throw UNUSUAL;
  for (let row = first; row < rows; row++) {
    if (row > first) total += steps[row - first - 1]!;
    if (!(total >= 0 && total <= Number.MAX_SAFE_INTEGER)) throw UNUSUAL;
    series[row] = index;
    value[row] = total;
  }
  if (bytes[next++] !== CLOSE) throw UNUSUAL;
  return rows;
}

/** Whole numbers below 2^53 as 64 bits; by halves, for a bigint of each would cost as much again. */
function wide(rows: number): BigUint64Array {
  const counters = new BigUint64Array(rows);
  const halves = new Uint32Array(counters.buffer);
  for (let i = 0; i < rows; i++) {
    const high = Math.floor(value[i]! / HALF);
    halves[2 * i] = value[i]! - high * HALF;
    halves[2 * i + 1] = high;
  }
  return counters;
}

/** Whole numbers up to the end of their list, from place `first` on; returns the place after the last. */
function readWholes(into: Float64Array, first: number, most: number): number {
  if (bytes[next] === END) {
    next++;
    return first;
  }
  let count = first;
  do {
    if (count === SAMPLES) throw UNUSUAL;
    into[count++] = readWhole(most);
  } while (readComma());
  return count;
}

function readSteps(): number {
  if (bytes[next] === END) {
    next++;
    return 0;
  }
  let count = 0;
  do {
    if (count === SAMPLES) throw UNUSUAL;
    const isNegative = bytes[next] === MINUS;
    if (isNegative) next++;
    const size = readWhole(Number.MAX_SAFE_INTEGER);
    steps[count++] = isNegative ? -size : size;
  } while (readComma());
  return count;
}

function readNumbers(): number {
  if (bytes[next] === END) {
    next++;
    return 0;
  }
  let count = 0;
  do {
    if (count === SAMPLES) throw UNUSUAL;
    value[count++] = readNumber();
  } while (readComma());
  return count;
}

/** Up to fifteen digits over a power of ten are what `Number` makes of them; more are left to it. */
function readNumber(): number {
  const begin = next;
  const isNegative = bytes[next] === MINUS;
  if (isNegative) next++;
  let digits = readDigits();
  const whole = read;
  let number = whole;
  if (bytes[next] === POINT) {
    next++;
    const decimals = readDigits(true);
    digits += decimals;
    if (digits <= EXACT_DIGITS) number = (whole * TENS[decimals]! + read) / TENS[decimals]!;
  }
  if (digits > EXACT_DIGITS) {
    number = Number(bytes.toString('latin1', begin, next));
    return Number.isFinite(number) ? number : fail();
  }
  return isNegative ? -number : number;
}

/** @param isText may begin with zeros */
function readWhole(most: number, isText = false): number {
  const digits = readDigits(isText);
  if (digits > EXACT_DIGITS || read > most) throw UNUSUAL;
  return read;
}

/** What the last digits say; exact up to fifteen of them. */
let read = 0;

/** Reads digits; returns how many. */
function readDigits(mayLeadWithZero = false): number {
  const source = bytes;
  const begin = next;
  let end = begin;
  let byte = source[end]!;
  // As long as it fits 31 bits by whole numbers, which are twice as fast.
  let small = 0;
  const soon = begin + SMALL_DIGITS;
  while (byte >= ZERO && byte <= NINE && end < soon) {
    small = (small * 10 + byte - ZERO) | 0;
    byte = source[++end]!;
  }
  let number = small;
  while (byte >= ZERO && byte <= NINE) {
    number = number * 10 + byte - ZERO;
    byte = source[++end]!;
  }
  next = end;
  const digits = next - begin;
  if (digits === 0 || (digits > 1 && bytes[begin] === ZERO && !mayLeadWithZero)) throw UNUSUAL;
  read = number;
  return digits;
}

/** True at a comma, false at the end of the list. */
function readComma(): boolean {
  const byte = bytes[next++];
  if (byte === COMMA) return true;
  if (byte === END) return false;
  throw UNUSUAL;
}

function expect(literal: Uint8Array): void {
  const source = bytes;
  const begin = next;
  for (let i = 0; i < literal.length; i++) {
    if (source[begin + i] !== literal[i]) throw UNUSUAL;
  }
  next = begin + literal.length;
}

function fail(): never {
  throw UNUSUAL;
}
