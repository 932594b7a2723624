import { type ReadonlySignal, type Signal, signal } from '@preact/signals';

/** Rows by id, a signal each, so that a changed row redraws itself and nothing else. */
export interface Table<T extends { readonly id: string }> {
  /** Sorted; a new array only when the order or the set of rows changed. */
  readonly ids: ReadonlySignal<readonly string[]>;
  /** Grows when something changed that orders or counts depend on. */
  readonly shape: ReadonlySignal<number>;
  row(id: string): Signal<T> | undefined;
  rows(): readonly T[];
  replace(rows: readonly T[]): void;
  change(rows: readonly T[] | undefined, removed?: readonly string[]): void;
}

export interface TableOptions<T> {
  readonly order: (a: T, b: T) => number;
  /** What order and counts depend on, as one string. */
  readonly shapeOf: (row: T) => string;
}

export function createTable<T extends { readonly id: string }>(options: TableOptions<T>): Table<T> {
  const signals = new Map<string, Signal<T>>();
  const ids = signal<readonly string[]>([]);
  const shape = signal(0);

  return {
    ids,
    shape,
    row: (id) => signals.get(id),
    rows,
    replace(next) {
      const kept = new Set(next.map((row) => row.id));
      const gone = [...signals.keys()].filter((id) => !kept.has(id));
      put(next, gone);
    },
    change: (next = [], removed = []) => put(next, removed),
  };

  function rows(): readonly T[] {
    return [...signals.values()].map((row) => row.peek());
  }

  function put(next: readonly T[], removed: readonly string[]): void {
    let isReshaped = false;
    for (const id of removed) isReshaped = signals.delete(id) || isReshaped;
    for (const row of next) isReshaped = set(row) || isReshaped;
    if (!isReshaped) return;
    ids.value = [...rows()].sort(options.order).map((row) => row.id);
    shape.value += 1;
  }

  function set(row: T): boolean {
    const known = signals.get(row.id);
    if (known === undefined) {
      signals.set(row.id, signal(row));
      return true;
    }
    const isReshaped = options.shapeOf(known.peek()) !== options.shapeOf(row);
    known.value = row;
    return isReshaped;
  }
}
