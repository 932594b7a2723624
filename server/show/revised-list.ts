import type { Revision } from './revised-map.ts';

/** A short list that is told whole whenever it changed. */
export interface RevisedList<T> {
  set(list: readonly T[]): void;
  readonly list: readonly T[];
  /** Undefined: it has not changed after `revision`. */
  changedSince(revision: number): readonly T[] | undefined;
}

export function createRevisedList<T>(revision: Revision): RevisedList<T> {
  let list: readonly T[] = [];
  let text = '[]';
  let at = 0;

  return {
    set(next) {
      const nextText = JSON.stringify(next);
      if (nextText === text) return;
      list = next;
      text = nextText;
      at = revision.next();
    },
    get list() {
      return list;
    },
    changedSince: (since) => (at > since ? list : undefined),
  };
}
