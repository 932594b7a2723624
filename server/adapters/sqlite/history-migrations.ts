/** Of history.db. Ordered, never edited once released: add a step at the end. */
export const HISTORY_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('sealed', 0);

  CREATE TABLE bundles (id INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;

  CREATE TABLE series (
    id INTEGER PRIMARY KEY, bundle INTEGER NOT NULL,
    agent TEXT NOT NULL, metric TEXT NOT NULL, subject TEXT NOT NULL,
    bits INTEGER, every INTEGER
  ) STRICT;

  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, bundle INTEGER NOT NULL,
    from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, samples INTEGER NOT NULL,
    bytes INTEGER NOT NULL, blob BLOB NOT NULL
  ) STRICT;
  CREATE INDEX chunks_bundle ON chunks (bundle, to_at, from_at);
  CREATE INDEX chunks_age ON chunks (to_at);

  CREATE TABLE rollups (
    bundle INTEGER NOT NULL, day INTEGER NOT NULL, bytes INTEGER NOT NULL, blob BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX rollups_bundle ON rollups (bundle, day);
  CREATE INDEX rollups_day ON rollups (day);

  CREATE TABLE rollups_due (
    day INTEGER NOT NULL, bundle INTEGER NOT NULL, PRIMARY KEY (day, bundle)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE gaps (
    from_at INTEGER NOT NULL PRIMARY KEY, to_at INTEGER NOT NULL, because TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];
