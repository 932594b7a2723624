import { epochMs } from '../../protocol/model/units.ts';
import type { RangeColumns } from '../ports/history.ts';
import type { RangeAnswer } from './range-reader.ts';

/**
 * An answer on its way between threads: typed arrays, which change hands. A list of numbers is copied
 * number by number, which costs as much as reading them from the disk.
 */
export interface RangeMessage {
  readonly told: Pick<RangeColumns, 'form' | 'step' | 'gaps'> | undefined;
  /** By name, NaN for null. */
  readonly columns: readonly (readonly [ColumnName, Float64Array<ArrayBuffer>])[];
  readonly damaged: readonly string[];
}

type ColumnName = Exclude<keyof RangeColumns, 'form' | 'step' | 'gaps'>;

export function toMessage({ columns, damaged }: RangeAnswer): RangeMessage {
  if (columns === undefined) return { told: undefined, columns: [], damaged };
  const { form, step, gaps, ...lists } = columns;
  const told = { form, ...(step !== undefined && { step }), gaps };
  const packed = Object.entries(lists).map(
    ([name, list]) => [name as ColumnName, pack(list)] as const,
  );
  return { told, columns: packed, damaged };
}

export function fromMessage({ told, columns, damaged }: RangeMessage): RangeAnswer {
  if (told === undefined) return { columns: undefined, damaged };
  const lists: Partial<Record<ColumnName, (number | null)[]>> = {};
  for (const [name, packed] of columns) lists[name] = unpack(packed, name === 'loss');
  const at = (lists.at ?? []) as number[];
  return {
    columns: { ...told, ...(lists as object), at: at.map(epochMs), value: lists.value as number[] },
    damaged,
  };
}

// Loops, not Float64Array.from and Array.from: those are ten times slower.
function pack(list: readonly (number | null)[]): Float64Array<ArrayBuffer> {
  const packed = new Float64Array(list.length);
  for (let i = 0; i < list.length; i++) packed[i] = list[i] ?? Number.NaN;
  return packed;
}

function unpack(packed: Float64Array, hasNulls: boolean): (number | null)[] {
  const list = new Array<number | null>(packed.length);
  for (let i = 0; i < packed.length; i++) {
    const value = packed[i]!;
    list[i] = hasNulls && Number.isNaN(value) ? null : value;
  }
  return list;
}
