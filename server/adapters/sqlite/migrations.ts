import type { DatabaseSync } from 'node:sqlite';

/** Ordered, never edited once released: add a step at the end. `user_version` counts the steps done. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('committed', 0);

  CREATE TABLE facts (
    position INTEGER NOT NULL, ordinal INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
    incident TEXT, alert TEXT, body TEXT NOT NULL,
    PRIMARY KEY (position, ordinal)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX facts_incident ON facts (incident) WHERE incident IS NOT NULL;
  CREATE INDEX facts_alert ON facts (alert, at) WHERE alert IS NOT NULL;

  CREATE TABLE incidents (
    id TEXT PRIMARY KEY, is_open INTEGER NOT NULL, opened_at INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX incidents_opened ON incidents (opened_at);
  CREATE INDEX incidents_open ON incidents (opened_at) WHERE is_open = 1;

  CREATE TABLE health (
    subject TEXT PRIMARY KEY, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, incident TEXT NOT NULL,
    type TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, message TEXT NOT NULL,
    not_before INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting', last_answer TEXT,
    created_at INTEGER NOT NULL, settled_at INTEGER
  ) STRICT;
  CREATE INDEX outbox_undelivered ON outbox (destination, incident, id)
    WHERE state IN ('waiting', 'sending');

  CREATE INDEX outbox_incident ON outbox (incident, id);

  CREATE TABLE tickets (
    incident TEXT NOT NULL, destination TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (incident, destination)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tokens (
    id TEXT PRIMARY KEY, agent TEXT NOT NULL, hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, revoked_at INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE INDEX facts_changes ON facts (at) WHERE kind = 'level.changed';
  CREATE INDEX facts_forecasts ON facts (at) WHERE kind = 'limit.forecast';
  CREATE INDEX facts_into ON facts (json_extract(body, '$.into')) WHERE kind = 'incident.merged';
  `,
];

/** @throws when the file was made by a newer version, which this one must not touch. */
export function migrate(db: DatabaseSync, steps: readonly string[] = MIGRATIONS): void {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (row.user_version > steps.length) {
    throw new Error(
      `the database is of a newer version (${row.user_version}, known: ${steps.length}): use the newer program`,
    );
  }
  for (let step = row.user_version; step < steps.length; step++) {
    db.exec('BEGIN EXCLUSIVE');
    try {
      db.exec(steps[step]!);
      db.exec(`PRAGMA user_version = ${step + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}
