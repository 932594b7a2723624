import { isEnd, isHole } from './cells.ts';
import { failure, SnmpReadError } from './snmp-error.ts';
import type { SnmpSession, Varbind } from './snmp-session.ts';

/** What was odd in what a device sent; counted, never fatal. */
export interface Oddities {
  /** Cells whose type or value does not fit the column. */
  badCells: number;
  /** Rows that came out of order or twice. */
  disorder: number;
  /** Columns the device refused to read. */
  refusedColumns: number;
}

export const noOddities = (): Oddities => ({ badCells: 0, disorder: 0, refusedColumns: 0 });

/** How much one answer may hold; learned per device and kept between walks. */
export interface ReplySize {
  /** Cells asked for in one request. */
  cells: number;
}

/** About 60 small cells fill an Ethernet frame; texts are longer, so fewer of them. */
export const CELLS_PER_REPLY = 60;
export const TEXT_CELLS_PER_REPLY = 24;

/** No device has more rows; a table that goes on is an agent that invents them. */
const ROWS_MAX = 20_000;

/** Cells of one column by index (the OID after the column's). */
export type Column = Map<string, Varbind>;

export interface WalkOptions {
  readonly session: Pick<SnmpSession, 'bulk' | 'hasAnswered'>;
  readonly size: ReplySize;
  readonly oddities: Oddities;
  /** Called after each answer with the cells read so far. */
  readonly onProgress?: (cells: number) => void;
}

interface Cursor {
  readonly prefix: string;
  readonly cells: Column;
  oid: string;
  /** Index of the latest cell, compared to notice disorder. */
  latest: number;
}

/**
 * Reads whole columns by wide GETBULK: all columns in one request, each from its own last row, so that
 * answers cut short, missing cells and agents that send fewer rows than asked cost nothing but another
 * request. Ends at the column's end, at a row seen before, or at 20,000 rows: no agent can make
 * it endless, because every request must bring a new cell. Throws `SnmpReadError`.
 */
export async function walkColumns(
  columns: readonly string[],
  options: WalkOptions,
): Promise<Column[]> {
  const cursors = columns.map(
    (oid): Cursor => ({ prefix: `${oid}.`, cells: new Map(), oid, latest: -1 }),
  );
  let open = cursors;
  let read = 0;
  while (open.length > 0) {
    const successors = await ask(open, options);
    // An answer cut short may not reach the last columns: they wait, as long as others get on.
    const isProgress = successors.some((cells) => cells !== null && cells.length > 0);
    open = open.filter((cursor, i) => {
      const cells = successors[i];
      if (cells === null) return false;
      if (cells === undefined || cells.length === 0) return isProgress;
      return advance(cursor, cells, options.oddities);
    });
    read = cursors.reduce((sum, cursor) => sum + cursor.cells.size, 0);
    options.onProgress?.(read);
  }
  return cursors.map((cursor) => cursor.cells);
}

/** One request for all open columns; adapts to a device that objects. `null` = column refused. */
async function ask(
  cursors: readonly Cursor[],
  options: WalkOptions,
): Promise<(Varbind[] | null)[]> {
  const { session, size } = options;
  for (;;) {
    const repetitions = Math.max(1, Math.floor(size.cells / cursors.length));
    try {
      return await session.bulk(
        cursors.map((cursor) => cursor.oid),
        repetitions,
      );
    } catch (cause) {
      const error = cause as SnmpReadError;
      if (isWorthLess(error, session, cursors.length, repetitions)) {
        size.cells = Math.max(1, Math.floor((cursors.length * repetitions) / 2));
        if (repetitions > 1) continue;
      }
      return narrow(error, cursors, options);
    }
  }
}

/** What to do when fewer rows do not help: fewer columns, or keep what was good. */
function narrow(
  error: SnmpReadError,
  cursors: readonly Cursor[],
  options: WalkOptions,
): Promise<(Varbind[] | null)[]> | [null] {
  if (!isObjection(error)) throw error;
  if (cursors.length > 1) return askOneByOne(cursors, options);
  if (cursors[0]?.cells.size === 0) throw error;
  options.oddities.refusedColumns++;
  return [null];
}

/** Too big for the device, or a large answer that some path on the way drops: ask for less. */
function isWorthLess(
  error: SnmpReadError,
  session: WalkOptions['session'],
  columns: number,
  repetitions: number,
): boolean {
  if (error.objection === 'too-big') return columns * repetitions > 1;
  return error.failure.kind === 'timed-out' && session.hasAnswered() && repetitions > 1;
}

const isObjection = ({ objection }: SnmpReadError): boolean =>
  objection === 'refused' || objection === 'too-big';

/** One column that a device refuses must not cost the others. */
async function askOneByOne(
  cursors: readonly Cursor[],
  options: WalkOptions,
): Promise<(Varbind[] | null)[]> {
  const answers: (Varbind[] | null)[] = [];
  let refusal: SnmpReadError | undefined;
  for (const cursor of cursors) {
    try {
      const [answer] = await ask([cursor], options);
      answers.push(answer ?? []);
    } catch (cause) {
      const error = cause as SnmpReadError;
      if (!isObjection(error)) throw error;
      refusal = error;
      options.oddities.refusedColumns++;
      answers.push(null);
    }
  }
  const isFruitless = (cursor: Cursor, i: number) => answers[i] === null && cursor.cells.size === 0;
  if (refusal !== undefined && cursors.every(isFruitless)) throw refusal;
  return answers;
}

/** Takes the cells of one column in; true if the column may go on. */
function advance(cursor: Cursor, answers: readonly Varbind[], oddities: Oddities): boolean {
  const { prefix, cells } = cursor;
  for (const varbind of answers) {
    if (isEnd(varbind) || !varbind.oid.startsWith(prefix)) return false;
    const index = varbind.oid.slice(prefix.length);
    if (cells.has(index) || index === '') {
      oddities.disorder++;
      return false;
    }
    // Only plain indexes can be compared at a glance; parsing "4.114.48" to NaN is slow.
    const order = index.includes('.') ? cursor.latest + 1 : Number(index);
    if (order <= cursor.latest) oddities.disorder++;
    cursor.latest = order;
    cells.set(index, varbind);
    cursor.oid = varbind.oid;
    if (cells.size >= ROWS_MAX) {
      throw new SnmpReadError(failure('malformed', `a table of more than ${ROWS_MAX} rows`));
    }
  }
  return true;
}

/** The cells that hold something: agents fill holes with noSuchInstance. */
export const isFilled = (varbind: Varbind | undefined): varbind is Varbind =>
  varbind !== undefined && !isHole(varbind) && !isEnd(varbind);
