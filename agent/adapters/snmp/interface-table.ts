import type { InterfaceRow } from '../../ports/snmp.ts';
import { counterOf, countOf, macOf, numberOf, textOf } from './cells.ts';
import {
  CELLS_PER_REPLY,
  type Column,
  isFilled,
  type ReplySize,
  TEXT_CELLS_PER_REPLY,
  type WalkOptions,
  walkColumns,
} from './column-walk.ts';
import { dropAbsent } from './drop-absent.ts';
import { INTERFACE } from './oids.ts';
import { failure, SnmpReadError } from './snmp-error.ts';
import type { Varbind } from './snmp-session.ts';

/** What one device can do, learned when names are read and used until the next time. */
export interface InterfaceHabits {
  /** Columns that turned out to be empty: not asked for again until the next slow poll. */
  empty: Set<string>;
  readonly figures: ReplySize;
  readonly texts: ReplySize;
}

export const newInterfaceHabits = (): InterfaceHabits => ({
  empty: new Set(),
  figures: { cells: CELLS_PER_REPLY },
  texts: { cells: TEXT_CELLS_PER_REPLY },
});

const FIGURES = [
  'inOctets64',
  'outOctets64',
  'inErrors',
  'outErrors',
  'inDiscards',
  'outDiscards',
  'admin',
  'oper',
  'discontinuity',
] as const;
/** With the figures of a slow poll. */
const SPEEDS = ['highSpeed', 'speed', 'type'] as const;
/** Read at every poll: counters belong to names, and devices renumber ifIndex without notice. */
const NAMES = ['name'] as const;
const TEXTS = ['name', 'descr', 'alias', 'mac'] as const;
const NARROW = ['inOctets32', 'outOctets32'] as const;

type ColumnName = keyof typeof INTERFACE;
type Table = Partial<Record<ColumnName, Column>>;

export interface TableOptions extends Omit<WalkOptions, 'size'> {
  readonly habits: InterfaceHabits;
}

/**
 * Reads the interface tables. HC counters where a row has them, else the 32-bit ones, row by row.
 * Throws `SnmpReadError`; a device that shows no interface at all fails as `not-in-view`.
 */
export async function readInterfaceTable(
  withNames: boolean,
  options: TableOptions,
): Promise<InterfaceRow[]> {
  const { habits } = options;
  if (withNames) {
    habits.empty = new Set();
    habits.figures.cells = Math.min(CELLS_PER_REPLY, habits.figures.cells * 2);
    habits.texts.cells = Math.min(TEXT_CELLS_PER_REPLY, habits.texts.cells * 2);
  }
  const table: Table = {};
  if (withNames) {
    await readInto(table, [...FIGURES, ...SPEEDS], habits.figures, options);
    await readInto(table, TEXTS, habits.texts, options);
  } else {
    // A name costs about as much as a counter, so both travel together.
    const label = habits.empty.has('name') ? (['descr'] as const) : NAMES;
    await readInto(table, [...FIGURES, ...label], habits.figures, options);
  }
  const indexes = rowIndexes(table);
  if (indexes.some((index) => lacksWide(table, index))) {
    await readInto(table, NARROW, habits.figures, options);
  }
  if (indexes.length === 0) {
    throw new SnmpReadError(
      failure('not-in-view', 'the device answers, but shows no interface: check the view (IF-MIB)'),
    );
  }
  return indexes.map((index) => toRow(Number(index), reader(table, index, options)));
}

async function readInto(
  table: Table,
  names: readonly ColumnName[],
  size: ReplySize,
  options: TableOptions,
): Promise<void> {
  const wanted = names.filter((name) => !options.habits.empty.has(name));
  const columns = await walkColumns(
    wanted.map((name) => INTERFACE[name]),
    { ...options, size },
  );
  wanted.forEach((name, i) => {
    const column = columns[i] ?? new Map();
    if (column.size === 0) options.habits.empty.add(name);
    table[name] = column;
  });
}

/** Every ifIndex that any column knows, ascending. */
function rowIndexes(table: Table): string[] {
  const indexes = new Set<string>();
  for (const column of Object.values(table)) for (const index of column.keys()) indexes.add(index);
  return [...indexes]
    .filter((index) => /^[0-9]{1,10}$/.test(index) && Number(index) <= 0x7fff_ffff)
    .sort((a, b) => Number(a) - Number(b));
}

const lacksWide = (table: Table, index: string): boolean =>
  !isFilled(table.inOctets64?.get(index)) || !isFilled(table.outOctets64?.get(index));

/** Reads one cell; a cell of the wrong kind is absent and counted. */
type Cell = <T>(name: ColumnName, parse: (varbind: Varbind) => T | undefined) => T | undefined;

function reader(table: Table, index: string, { oddities }: TableOptions): Cell {
  return (name, parse) => {
    const varbind = table[name]?.get(index);
    if (!isFilled(varbind)) return undefined;
    const value = parse(varbind);
    // An absent MAC is an ordinary empty string, not a fault.
    if (value === undefined && name !== 'mac') oddities.badCells++;
    return value;
  };
}

function toRow(ifIndex: number, cell: Cell): InterfaceRow {
  const admin = cell('admin', countOf);
  const oper = cell('oper', countOf);
  return dropAbsent({
    ifIndex,
    name: nonEmpty(cell('name', textOf)),
    descr: nonEmpty(cell('descr', textOf)),
    alias: nonEmpty(cell('alias', textOf)),
    mac: cell('mac', macOf),
    type: cell('type', countOf),
    speedBps: speedOf(cell('speed', countOf), cell('highSpeed', countOf)),
    adminUp: admin === undefined ? undefined : admin === IS_UP,
    operUp:
      oper === undefined || oper === IS_UNKNOWN ? undefined : oper === IS_UP || oper === IS_DORMANT,
    discontinuityTicks: cell('discontinuity', numberOf),
    counters: dropAbsent({
      inOctets: cell('inOctets64', counterOf) ?? cell('inOctets32', counterOf),
      outOctets: cell('outOctets64', counterOf) ?? cell('outOctets32', counterOf),
      inErrors: cell('inErrors', counterOf),
      outErrors: cell('outErrors', counterOf),
      inDiscards: cell('inDiscards', counterOf),
      outDiscards: cell('outDiscards', counterOf),
    }),
  });
}

const IS_UP = 1;
/** ifOperStatus unknown(4) says nothing, least of all "down". */
const IS_UNKNOWN = 4;
/** ifOperStatus dormant(5): fit for traffic, waiting for an event such as a dial (RFC 2863). */
const IS_DORMANT = 5;

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/**
 * ifSpeed is exact below 4.29 Gbit/s and stuck or cut above; ifHighSpeed is rounded to a million.
 * 0 = the device does not know.
 */
function speedOf(speed: number | undefined, highSpeed: number | undefined): number | undefined {
  if (highSpeed === undefined) return speed === STUCK ? undefined : speed;
  if (highSpeed >= 4_294) return highSpeed * 1_000_000;
  return speed !== undefined && speed > 0 && speed < STUCK ? speed : highSpeed * 1_000_000;
}

const STUCK = 0xffff_ffff;
