/** One counter for all maps of the status model. */
export interface Revision {
  readonly current: number;
  next(): number;
}

export function createRevision(): Revision {
  let current = 0;
  return {
    get current() {
      return current;
    },
    next() {
      current += 1;
      return current;
    },
  };
}

/** Values by id, each with the revision at which it last changed, and tombstones for removed ones. */
export interface RevisedMap<T> {
  set(id: string, value: T): void;
  remove(id: string): void;
  clear(): void;
  get(id: string): T | undefined;
  values(): readonly T[];
  changedSince(revision: number): readonly T[];
  removedSince(revision: number): readonly string[];
  /** A reader older than this may have missed a removal. */
  forgottenBefore(): number;
}

const MAX_TOMBSTONES = 2_000;

export function createRevisedMap<T>(revision: Revision): RevisedMap<T> {
  const entries = new Map<string, { value: T; at: number }>();
  const tombstones = new Map<string, number>();
  let forgotten = 0;
  // The newest change of the map: most questions are answered without a walk.
  let newest = 0;

  return {
    set(id, value) {
      newest = revision.next();
      // Deleted first, so that the map stays in the order of changes and a walk can end early.
      entries.delete(id);
      entries.set(id, { value, at: newest });
      tombstones.delete(id);
    },
    remove(id) {
      if (!entries.delete(id)) return;
      tombstones.set(id, revision.next());
      if (tombstones.size <= MAX_TOMBSTONES) return;
      const [oldest] = tombstones;
      if (oldest === undefined) return;
      tombstones.delete(oldest[0]);
      forgotten = oldest[1];
    },
    clear: () => entries.clear(),
    get: (id) => entries.get(id)?.value,
    values: () => [...entries.values()].map((entry) => entry.value),
    changedSince(since) {
      if (newest <= since) return [];
      const changed: T[] = [];
      for (const entry of entries.values()) if (entry.at > since) changed.push(entry.value);
      return changed;
    },
    removedSince: (since) => [...tombstones].filter(([, at]) => at > since).map(([id]) => id),
    forgottenBefore: () => forgotten,
  };
}
