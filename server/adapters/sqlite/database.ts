import { chmodSync, existsSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import type { Outbox } from '../../ports/outbox.ts';
import type { TrendRecords } from '../../ports/show.ts';
import type { FactStore, TokenStore } from '../../ports/store.ts';
import { createFactStore, type HealthRecords } from './fact-store.ts';
import { migrate } from './migrations.ts';
import { createOutbox, type DeliveryLog } from './outbox.ts';
import { createTokenStore } from './token-store.ts';

export interface ServerDatabase {
  readonly facts: FactStore & HealthRecords & TrendRecords;
  readonly outbox: Outbox & DeliveryLog;
  readonly tokens: TokenStore;
  /** A consistent copy into a new file, while readers and the writer go on. */
  backup(path: string): Promise<void>;
  close(): void;
}

/**
 * Opens (and makes or migrates) the server's database. WAL with synchronous FULL: a commit survives
 * power loss. One writer; a short `vedette token` beside it waits at most `busy_timeout`.
 */
export function openDatabase(path: string): ServerDatabase {
  const isNew = path !== ':memory:' && !existsSync(path);
  const db = new DatabaseSync(path, { timeout: 5000 });
  try {
    if (isNew) chmodSync(path, 0o600);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    // Bounded: without it a long-lived reader would let the WAL grow past any size and stay there.
    db.exec('PRAGMA journal_size_limit = 67108864');
    migrate(db);
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    facts: createFactStore(db),
    outbox: createOutbox(db),
    tokens: createTokenStore(db),
    async backup(target) {
      await backup(db, target);
    },
    close: () => db.close(),
  };
}

/**
 * Holds a lock on a state folder until closed or until the process dies, however it dies: the
 * kernel drops it, so no stale lock file ever needs a person.
 * @throws when another process holds it.
 */
export function lockFolder(path: string): { release(): void } {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    throw new Error(`another vedette server uses this state folder (${path})`, { cause: error });
  }
  return { release: () => db.close() };
}
