/** A snapshot as written: the position it stands for and its JSON. */
export interface StoredSnapshot {
  /** The state holds every input up to and including this position. */
  readonly position: number;
  readonly json: string;
}

/** A snapshot to be written; the pieces one after the other are its JSON. */
export interface NewSnapshot {
  readonly position: number;
  readonly json: readonly Buffer[];
}

/** Snapshots of the pipeline; the two newest are kept, so that a bad one is not the end. */
export interface SnapshotStore {
  /** Durable when it resolves. Returns the position of the older snapshot that is kept (0 = none). */
  save(snapshot: NewSnapshot): Promise<number>;
  /** Newest first; unreadable files are left out (and reported by the adapter). */
  load(): Promise<readonly StoredSnapshot[]>;
}
