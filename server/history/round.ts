import { AS_IT_IS, type ColumnInput, type RoundInput } from './bundle-codec.ts';
import type { DecodedColumn } from './open-bundle.ts';
import type { Scale } from './scale.ts';

/** One series of a round. */
export interface Column {
  /** Number of the series. */
  readonly number: number;
  readonly scale: Scale;
  /** Newest sample that was taken out with an earlier row; -1 = there was none. */
  lastAt: number;
  lastValue: number;
}

/** By column and time: counters that a double does not hold exactly. */
type Huge = Map<number, Map<number, bigint>>;

/**
 * Series that are sampled together: one time for each row, and the values of a row side by side, so
 * that what comes together is written together. NaN is no sample.
 */
export interface Round {
  times: Float64Array;
  rows: number;
  /** Of the newest row; -Infinity when there is none. */
  newest: number;
  values: Float64Array;
  /** Places in a row. */
  width: number;
  /** Samples in it. */
  samples: number;
  /** Rows that it is likely to hold when it is sealed; 0 = nobody knows. */
  readonly expected: number;
  readonly columns: Column[];
  huge: Huge | undefined;
}

/** What is in a round, apart from it. */
export interface TakenRound {
  readonly times: Float64Array;
  readonly rows: number;
  readonly values: Float64Array;
  readonly width: number;
  readonly columns: readonly { readonly number: number; readonly scale: Scale }[];
  readonly huge: Huge | undefined;
}

/** Until all its series are known and their first rows have come. */
const FIRST_ROWS = 4;
const FIRST_WIDTH = 4;
const SPREAD = 16;
const LEAST_ROWS = 32;

/**
 * It grows once, to what it is likely to hold: memory outside the heap that comes and goes makes V8 mark
 * the heap, some ms at each request.
 * @param number of its first series. After a start all rounds fill at one pace: of one first length
 *   thousands would grow in the same batch, which stopped the event loop for 45 ms.
 * @param expected rows when it is sealed, 0 = nobody knows
 */
export function createRound(number: number, expected: number): Round {
  const length = FIRST_ROWS + ((number * 7) % SPREAD);
  return {
    times: new Float64Array(length),
    rows: 0,
    newest: Number.NEGATIVE_INFINITY,
    values: empty(length * FIRST_WIDTH),
    width: FIRST_WIDTH,
    samples: 0,
    columns: [],
    huge: undefined,
    expected,
  };
}

const empty = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN);

/** Adds a series; returns its place in the rows. */
export function addColumn(round: Round, number: number, scale: Scale): number {
  const place = round.columns.length;
  if (place === round.width) widen(round, 2 * round.width);
  round.columns.push({ number, scale, lastAt: -1, lastValue: 0 });
  return place;
}

function widen(round: Round, width: number): void {
  const { values, rows, times } = round;
  const wider = empty(times.length * width);
  for (let row = 0; row < rows; row++) {
    wider.set(values.subarray(row * round.width, (row + 1) * round.width), row * width);
  }
  round.values = wider;
  round.width = width;
}

/** Row of this time, made if there is none yet. */
export function rowAt(round: Round, at: number): number {
  const { times, rows, newest } = round;
  if (at === newest) return rows - 1;
  if (at > newest) return insertRow(round, rows, at);
  let row = rows;
  while (row > 0 && times[row - 1]! > at) row--;
  return row > 0 && times[row - 1] === at ? row - 1 : insertRow(round, row, at);
}

function insertRow(round: Round, row: number, at: number): number {
  if (round.rows === round.times.length) grow(round);
  const { times, rows, values, width } = round;
  if (row < rows) {
    times.copyWithin(row + 1, row, rows);
    values.copyWithin((row + 1) * width, row * width, rows * width);
    values.fill(Number.NaN, row * width, (row + 1) * width);
  } else round.newest = at;
  times[row] = at;
  round.rows = rows + 1;
  return row;
}

function grow(round: Round): void {
  const { times, values, width, columns, expected } = round;
  const length = Math.max(expected, LEAST_ROWS, Math.ceil(times.length * 1.5));
  round.times = new Float64Array(length);
  round.times.set(times);
  // All its series are known by now.
  round.width = columns.length;
  round.values = empty(length * round.width);
  for (let row = 0; row < times.length; row++) {
    const from = row * width;
    round.values.set(values.subarray(from, from + round.width), row * round.width);
  }
}

/** Puts a value in its row; true when that row had one, which is replaced. */
export function put(round: Round, place: number, row: number, value: number | bigint): boolean {
  const { values } = round;
  const i = row * round.width + place;
  const had = values[i]!;
  if (typeof value === 'number') values[i] = value;
  else {
    const number = Number(value);
    values[i] = number;
    if (number > Number.MAX_SAFE_INTEGER) keepExactly(round, place, row, value);
    else round.huge?.get(place)?.delete(round.times[row]!);
  }
  // Only NaN differs from itself.
  // biome-ignore lint/suspicious/noSelfCompare: this runs for every sample
  if (had === had) return true;
  round.samples++;
  return false;
}

function keepExactly(round: Round, place: number, row: number, value: bigint): void {
  round.huge ??= new Map();
  let exact = round.huge.get(place);
  if (exact === undefined) {
    exact = new Map();
    round.huge.set(place, exact);
  }
  exact.set(round.times[row]!, value);
}

/** Newest sample of a series, also when it was taken out; undefined when there was none. */
export function newestOf(
  { rows, times, values, width, columns }: Round,
  place: number,
): { readonly at: number; readonly value: number } | undefined {
  for (let row = rows - 1; row >= 0; row--) {
    const value = values[row * width + place]!;
    if (!Number.isNaN(value)) return { at: times[row]!, value };
  }
  const { lastAt, lastValue } = columns[place]!;
  return lastAt < 0 ? undefined : { at: lastAt, value: lastValue };
}

/** What is in a round, apart from it: the round begins anew. Undefined when it is empty. */
export function takeRound(round: Round): TakenRound | undefined {
  const { times, rows, values, width, columns, huge } = round;
  if (rows === 0) return undefined;
  for (const [place, column] of columns.entries()) {
    const newest = newestOf(round, place);
    column.lastAt = newest?.at ?? -1;
    column.lastValue = newest?.value ?? 0;
  }
  const length = Math.max(LEAST_ROWS, Math.min(times.length, rows));
  round.times = new Float64Array(length);
  round.rows = 0;
  round.newest = Number.NEGATIVE_INFINITY;
  // Nothing more is to be expected than what there is.
  round.width = Math.max(1, columns.length);
  round.values = empty(length * round.width);
  round.samples = 0;
  round.huge = undefined;
  // Series that come later are not in it.
  return { times, rows, values, width, columns: [...columns], huge };
}

/**
 * Trimmed copies in one buffer, for another thread: handing over one buffer is many times cheaper
 * than handing over one for each column.
 */
export function copyRounds(taken: readonly TakenRound[]): {
  readonly rounds: readonly TakenRound[];
  readonly buffer: ArrayBuffer;
} {
  const length = taken.reduce((sum, { rows, width }) => sum + rows * (width + 1), 0);
  const all = new Float64Array(length);
  let next = 0;
  const copy = (from: Float64Array, count: number): Float64Array => {
    all.set(from.subarray(0, count), next);
    next += count;
    return all.subarray(next - count, next);
  };
  const rounds = taken.map(({ times, rows, values, width, columns, huge }) => ({
    times: copy(times, rows),
    rows,
    values: copy(values, rows * width),
    width,
    columns: columns.map(({ number, scale }) => ({ number, scale })),
    huge,
  }));
  return { rounds, buffer: all.buffer };
}

/** The columns of a round as they are coded: whole numbers where the resolution allows it. */
export function toInput(round: TakenRound): RoundInput {
  const { times, rows, columns } = round;
  const made = columns.flatMap((_, place) => columnOf(round, place) ?? []);
  return { times, rows, columns: made };
}

/** Undefined when it has no samples. */
function columnOf(round: TakenRound, place: number): ColumnInput | undefined {
  const { values, rows, width, huge } = round;
  const { number, scale } = round.columns[place]!;
  const data = new Float64Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const value = values[row * width + place]!;
    data[row] = value;
    if (!Number.isNaN(value)) count++;
  }
  if (count === 0) return undefined;
  const exact = huge?.get(place);
  if (exact !== undefined) return exactly(round, place, exact);
  const { isCounter, digits } = scale;
  if (isCounter) return { number, isCounter, digits, data };
  return { number, isCounter, ...scaled(data, scale) };
}

/** Times 10^digits, unless a number is too large for that: then all stay as they are. */
function scaled(
  data: Float64Array,
  { digits, perUnit }: Scale,
): Pick<ColumnInput, 'digits' | 'data'> {
  const whole = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = Math.round(data[i]! * perUnit);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return { digits: AS_IT_IS, data };
    whole[i] = value;
  }
  return { digits, data: whole };
}

function exactly(
  { times, values, rows, width, columns }: TakenRound,
  place: number,
  exact: ReadonlyMap<number, bigint>,
): ColumnInput {
  const { number, scale } = columns[place]!;
  const data = new BigUint64Array(rows);
  const present = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const value = values[row * width + place]!;
    if (Number.isNaN(value)) continue;
    data[row] = exact.get(times[row]!) ?? BigInt(value);
    present[row] = 1;
  }
  return { number, isCounter: true, digits: scale.digits, data, present };
}

/** Samples of one column between two instants, both included. */
export function readColumn(
  { times, rows, values, width, columns, huge }: TakenRound,
  place: number,
  from: number,
  to: number,
): DecodedColumn {
  const kept: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (times[row]! < from || times[row]! > to) continue;
    if (!Number.isNaN(values[row * width + place])) kept.push(row);
  }
  const { isCounter, perUnit } = columns[place]!.scale;
  const at = Float64Array.from(kept, (row) => times[row]!);
  const valueIn = (row: number): number => values[row * width + place]!;
  const exact = huge?.get(place);
  if (exact !== undefined) {
    const counter = (row: number): bigint => exact.get(times[row]!) ?? BigInt(valueIn(row));
    return { at, value: BigUint64Array.from(kept, counter) };
  }
  // Gauges as they will be read when they are sealed.
  const value = (row: number) => (isCounter ? valueIn(row) : toResolution(valueIn(row), perUnit));
  return { at, value: Float64Array.from(kept, value) };
}

function toResolution(value: number, perUnit: number): number {
  const whole = Math.round(value * perUnit);
  return Math.abs(whole) <= Number.MAX_SAFE_INTEGER ? whole / perUnit : value;
}
