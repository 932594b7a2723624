import { ABSENT, AS_IT_IS, type ColumnInput, type RoundInput } from './bundle-codec.ts';
import type { Scale } from './scale.ts';

/** One series in memory: whole numbers in the smallest array that holds them. */
export interface Column {
  /** Number of the series. */
  readonly number: number;
  readonly scale: Scale;
  digits: number;
  form: 'i32' | 'f64' | 'u64';
  data: Int32Array | Float64Array | BigUint64Array;
  /** Only of BigUint64Array, which has no value left to mean "none". */
  present: Uint8Array | undefined;
}

/** Series that are sampled together share one column of times. */
export interface Round {
  times: Float64Array;
  rows: number;
  readonly columns: Column[];
}

const FIRST_ROWS = 32;
const LARGEST_I32 = 2_147_483_647;

export const createRound = (): Round => ({
  times: new Float64Array(FIRST_ROWS),
  rows: 0,
  columns: [],
});

export function addColumn(round: Round, number: number, scale: Scale): Column {
  const column: Column = {
    number,
    scale,
    digits: scale.digits,
    form: 'i32',
    data: new Int32Array(round.times.length).fill(ABSENT),
    present: undefined,
  };
  round.columns.push(column);
  return column;
}

/** Row of this time, made if there is none yet. */
export function rowAt(round: Round, at: number): number {
  const { times, rows } = round;
  const newest = rows === 0 ? Number.NEGATIVE_INFINITY : times[rows - 1]!;
  if (at === newest) return rows - 1;
  if (at > newest) return insertRow(round, rows, at);
  let row = rows;
  while (row > 0 && times[row - 1]! > at) row--;
  return row > 0 && times[row - 1] === at ? row - 1 : insertRow(round, row, at);
}

function insertRow(round: Round, row: number, at: number): number {
  if (round.rows === round.times.length) grow(round);
  const { times, rows, columns } = round;
  if (row < rows) {
    times.copyWithin(row + 1, row, rows);
    for (const { data, present } of columns) {
      data.copyWithin(row + 1, row, rows);
      present?.copyWithin(row + 1, row, rows);
    }
  }
  times[row] = at;
  round.rows = rows + 1;
  if (row < rows) for (const column of columns) clear(column, row);
  return row;
}

/** By half: most rounds are sealed before they need the next step. */
function grow(round: Round): void {
  const length = Math.ceil(round.times.length * 1.5);
  round.times = larger(round.times, length);
  for (const column of round.columns) {
    const { data } = column;
    if (column.present) column.present = larger(column.present, length);
    const before = data.length;
    if (data instanceof Int32Array) column.data = larger(data, length).fill(ABSENT, before);
    else if (data instanceof Float64Array) column.data = larger(data, length).fill(NaN, before);
    else column.data = larger(data, length);
  }
}

function larger<T extends Int32Array | Float64Array | BigUint64Array | Uint8Array>(
  old: T,
  length: number,
): T {
  const made = new (old.constructor as new (length: number) => T)(length);
  made.set(old as never);
  return made;
}

function clear(column: Column, row: number): void {
  if (column.data instanceof Int32Array) column.data[row] = ABSENT;
  else if (column.data instanceof Float64Array) column.data[row] = Number.NaN;
  else column.present![row] = 0;
}

/** Puts a value in its row; true when that row had one, which is replaced. */
export function put(column: Column, row: number, value: number | bigint): boolean {
  if (typeof value === 'bigint') return putCounter(column, row, value);
  if (column.digits === AS_IT_IS) return putNumber(column, row, value);
  const whole = Math.round(value * column.scale.perUnit);
  if (Math.abs(whole) <= Number.MAX_SAFE_INTEGER) return putNumber(column, row, whole);
  asItIs(column);
  return putNumber(column, row, value);
}

function putCounter(column: Column, row: number, value: bigint): boolean {
  if (column.form === 'u64') {
    const data = column.data as BigUint64Array;
    const had = column.present![row] === 1;
    data[row] = value;
    column.present![row] = 1;
    return had;
  }
  const number = Number(value);
  if (number <= Number.MAX_SAFE_INTEGER) return putNumber(column, row, number);
  toBig(column);
  return putCounter(column, row, value);
}

function putNumber(column: Column, row: number, value: number): boolean {
  const { data } = column;
  if (column.form === 'i32') {
    const ints = data as Int32Array;
    if (value > LARGEST_I32 || value < -LARGEST_I32 || !Number.isInteger(value)) {
      toDoubles(column);
      return putNumber(column, row, value);
    }
    const had = ints[row] !== ABSENT;
    ints[row] = value;
    return had;
  }
  if (column.form === 'u64') return putCounter(column, row, BigInt(value));
  const doubles = data as Float64Array;
  const before = doubles[row]!;
  doubles[row] = value;
  return !Number.isNaN(before);
}

function toDoubles(column: Column): void {
  const doubles = new Float64Array(column.data.length);
  for (let i = 0; i < doubles.length; i++) {
    const value = Number(column.data[i]);
    doubles[i] = value === ABSENT ? Number.NaN : value;
  }
  column.data = doubles;
  column.form = 'f64';
}

function toBig(column: Column): void {
  if (column.data instanceof Int32Array) toDoubles(column);
  const doubles = column.data;
  const big = new BigUint64Array(doubles.length);
  const present = new Uint8Array(doubles.length);
  for (let i = 0; i < doubles.length; i++) {
    const value = Number(doubles[i]);
    if (Number.isNaN(value)) continue;
    big[i] = BigInt(value);
    present[i] = 1;
  }
  column.data = big;
  column.form = 'u64';
  column.present = present;
}

/** A number too large to be scaled: the whole column becomes doubles in their own unit. */
function asItIs(column: Column): void {
  if (!(column.data instanceof Float64Array)) toDoubles(column);
  const doubles = column.data as Float64Array;
  const { perUnit } = column.scale;
  for (let i = 0; i < doubles.length; i++) doubles[i] = doubles[i]! / perUnit;
  column.digits = AS_IT_IS;
}

/** What is in a round, apart from it: the round begins anew. Undefined when it is empty. */
export function takeRound(round: Round): RoundInput | undefined {
  const { times, rows, columns } = round;
  if (rows === 0) return undefined;
  const taken: ColumnInput[] = [];
  const length = Math.max(FIRST_ROWS, Math.min(times.length, rows));
  for (const column of columns) {
    const { number, scale, digits, data, present } = column;
    const { isCounter } = scale;
    taken.push({ number, isCounter, digits, data, ...(present && { present }) });
    column.digits = scale.digits;
    column.present = undefined;
    column.form = column.form === 'i32' ? 'i32' : 'f64';
    // Octets will need doubles again; a column that once did is made so at once.
    column.data =
      data instanceof Int32Array
        ? new Int32Array(length).fill(ABSENT)
        : new Float64Array(length).fill(Number.NaN);
  }
  round.times = new Float64Array(length);
  round.rows = 0;
  return { times, rows, columns: taken };
}

/**
 * Trimmed copies in one buffer, for another thread: handing over one buffer is many times cheaper
 * than handing over one for each column.
 */
export function copyRounds(rounds: readonly RoundInput[]): {
  readonly rounds: readonly RoundInput[];
  readonly buffer: ArrayBuffer;
} {
  let size = 0;
  for (const { rows, columns } of rounds) size += (2 * columns.length + 1) * (8 * rows + 8);
  const buffer = new ArrayBuffer(size);
  let next = 0;
  function copy<T extends Int32Array | Float64Array | BigUint64Array | Uint8Array>(
    from: T,
    rows: number,
  ): T {
    const Kind = from.constructor as new (buffer: ArrayBuffer, at: number, length: number) => T;
    const made = new Kind(buffer, next, rows);
    made.set(from.subarray(0, rows) as never);
    next = Math.ceil((next + made.byteLength) / 8) * 8;
    return made;
  }
  const copies = rounds.map(({ times, rows, columns }) => ({
    times: copy(times, rows),
    rows,
    columns: columns.map((column) => ({
      ...column,
      data: copy(column.data, rows),
      ...(column.present && { present: copy(column.present, rows) }),
    })),
  }));
  return { rounds: copies, buffer };
}

/** Samples of one column between two instants, both included. */
export function readColumn(
  { times, rows }: Pick<RoundInput, 'times' | 'rows'>,
  { isCounter, digits, data, present }: Omit<ColumnInput, 'number'>,
  from: number,
  to: number,
): { at: Float64Array; value: Float64Array | BigUint64Array } {
  const kept: number[] = [];
  for (let i = 0; i < rows; i++) {
    if (times[i]! < from || times[i]! > to) continue;
    if (present ? present[i] === 1 : data[i] !== ABSENT && !Number.isNaN(data[i])) kept.push(i);
  }
  const at = Float64Array.from(kept, (i) => times[i]!);
  if (isCounter) return { at, value: BigUint64Array.from(kept, (i) => BigInt(data[i]!)) };
  const perUnit = digits === AS_IT_IS ? 1 : 10 ** digits;
  return { at, value: Float64Array.from(kept, (i) => Number(data[i]) / perUnit) };
}
