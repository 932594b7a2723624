import { chmodSync, existsSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import type { MetricName } from '../../../protocol/model/metrics.ts';
import { seriesKey } from '../../../protocol/model/sample.ts';
import type { SubjectKey } from '../../../protocol/model/subject.ts';
import { durationMs, type EpochMs } from '../../../protocol/model/units.ts';
import {
  HistoryDiskError,
  type HistoryGap,
  type HistoryStore,
  type HistoryUsage,
  type NumberedSeries,
  type Seal,
  type StoredChunk,
  type StoredRollup,
} from '../../ports/history.ts';
import { HISTORY_MIGRATIONS } from './history-migrations.ts';
import { migrate } from './migrations.ts';
import { inTransaction } from './transaction.ts';

const DAY_MS = 86_400_000;
/** Series of bundles of which nothing is left; one that comes back is a new one. */
const FORGET_SERIES = `DELETE FROM series WHERE bundle NOT IN
  (SELECT abs(bundle) FROM chunks UNION SELECT bundle FROM rollups)`;
/** SQLITE_FULL; what an I/O error of a full disk is called depends on the file system. */
const FULL = 13;
/** Blobs of 10 to 30 kB: small pages waste less of the last one. */
const PAGE_BYTES = 2048;

interface SeriesRow {
  readonly id: number;
  readonly bundle: number;
  readonly agent: string;
  readonly metric: MetricName;
  readonly subject: SubjectKey;
  readonly bits: 32 | 64 | null;
  readonly every: number | null;
}

type ChunkRow = readonly [id: number, bundle: number, from: EpochMs, to: EpochMs];

/**
 * history.db: a file of its own, so that sealing in a thread never waits for the facts and the
 * facts never for it. A reader sees what was committed when it asked.
 * @throws when the file is of a newer version
 */
export function openHistoryStore(path: string, isReadOnly = false): HistoryStore {
  const isNew = !existsSync(path);
  const db = new DatabaseSync(path, { timeout: 5000, readOnly: isReadOnly });
  try {
    if (!isReadOnly) prepareFile(db, path, isNew);
  } catch (error) {
    db.close();
    throw error;
  }
  const readers = createReaders(db);
  const writers = isReadOnly ? undefined : createWriters(db);
  const write = (): ReturnType<typeof createWriters> => {
    if (writers === undefined) throw new Error('the history was opened for reading only');
    return writers;
  };
  return {
    ...readers,
    seal: (seal) => guarded(() => write().seal(seal)),
    saveRollup: (rollup) => guarded(() => write().saveRollup(rollup)),
    prune: (before, day, limit) => guarded(() => write().prune(before, day, limit)),
    close: () => db.close(),
  };
}

/** A consistent copy, while the server goes on. Nothing to copy is no error. */
export async function copyHistory(path: string, target: string): Promise<void> {
  if (!existsSync(path)) return;
  const db = new DatabaseSync(path, { timeout: 5000, readOnly: true });
  try {
    await backup(db, target);
  } finally {
    db.close();
  }
}

function prepareFile(db: DatabaseSync, path: string, isNew: boolean): void {
  if (isNew) chmodSync(path, 0o600);
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec('PRAGMA journal_size_limit = 16777216');
  migrate(db, HISTORY_MIGRATIONS);
  // Not while a server runs: it knows them by their numbers.
  db.exec(FORGET_SERIES);
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { errcode, message } = cause as Error & { errcode?: number };
    if (errcode === undefined) throw cause;
    // The low byte is the error, the rest says which kind of it.
    const isFull = (errcode & 255) === FULL;
    throw new HistoryDiskError(message, isFull, { cause });
  }
}

function createReaders(db: DatabaseSync) {
  const series = db.prepare('SELECT * FROM series ORDER BY id');
  const sealed = db.prepare("SELECT value FROM meta WHERE key = 'sealed'");
  const bundles = db.prepare('SELECT id, position FROM bundles');
  // The index chunks_bundle has all of it: no page of the blobs is read.
  const chunks = db.prepare(
    `SELECT id, bundle, from_at, to_at FROM chunks
      WHERE bundle IN (?1, -?1) AND to_at >= ?2 AND from_at <= ?3 ORDER BY id`,
  );
  chunks.setReturnArrays(true);
  const blob = db.prepare('SELECT blob FROM chunks WHERE id = ?');
  const part = db.prepare('SELECT substr(blob, ?2 + 1, ?3) AS blob FROM chunks WHERE id = ?1');
  const begin = db.prepare('BEGIN');
  const end = db.prepare('ROLLBACK');
  const rollups = db.prepare(
    'SELECT bundle, day, blob FROM rollups WHERE bundle = ? AND day BETWEEN ? AND ? ORDER BY day',
  );
  const gaps = hasTable(db, 'gaps')
    ? db.prepare('SELECT from_at, to_at, because FROM gaps WHERE to_at >= ? AND from_at <= ?')
    : undefined;
  const due = db.prepare('SELECT day, bundle FROM rollups_due WHERE day < ? LIMIT ?');
  const usage = db.prepare(
    `SELECT coalesce(sum(bytes), 0) AS chunkBytes, coalesce(sum(samples), 0) AS chunkSamples,
            min(from_at) AS firstAt, max(to_at) AS lastAt FROM chunks`,
  );
  const rollupUsage = db.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM rollups');
  const count = db.prepare('SELECT count(*) AS n FROM series');
  return {
    series: () => (series.all() as unknown as SeriesRow[]).map(seriesOf),
    positions() {
      const rows = bundles.all() as unknown as { id: number; position: number }[];
      return {
        sealed: (sealed.get() as { value: number }).value,
        bundles: new Map(rows.map(({ id, position }) => [id, position])),
      };
    },
    chunks(bundle: number, from: EpochMs, to: EpochMs): readonly StoredChunk[] {
      const rows = chunks.all(bundle, from, to) as unknown as ChunkRow[];
      return rows.map(([id, of, begin, end]) => ({ id, bundle: of, from: begin, to: end }));
    },
    blob: (chunk: number) => (blob.get(chunk) as { blob: Uint8Array } | undefined)?.blob,
    together<T>(work: () => T): T {
      if (db.isTransaction) return work();
      begin.run();
      try {
        return work();
      } finally {
        // It wrote nothing. Closed meanwhile, or ended by SQLite after an error of the disk: it is over.
        if (db.isOpen && db.isTransaction) end.run();
      }
    },
    part: (chunk: number, at: number, length: number) =>
      (part.get(chunk, at, length) as { blob: Uint8Array } | undefined)?.blob,
    gaps(from: EpochMs, to: EpochMs): readonly HistoryGap[] {
      const rows = (gaps?.all(from, to) ?? []) as unknown as {
        from_at: EpochMs;
        to_at: EpochMs;
        because: string;
      }[];
      return rows.map(({ from_at, to_at, because }) => ({ from: from_at, to: to_at, because }));
    },
    rollups: (bundle: number, fromDay: number, toDay: number) =>
      rollups.all(bundle, fromDay, toDay) as unknown as StoredRollup[],
    rollupsDue: (beforeDay: number, limit: number) =>
      due.all(beforeDay, limit) as unknown as { bundle: number; day: number }[],
    usage(): HistoryUsage {
      const row = usage.get() as unknown as {
        chunkBytes: number;
        chunkSamples: number;
        firstAt: EpochMs | null;
        lastAt: EpochMs | null;
      };
      const pages = db.prepare('PRAGMA page_count').get() as { page_count: number };
      const size = db.prepare('PRAGMA page_size').get() as { page_size: number };
      return {
        chunkBytes: row.chunkBytes,
        chunkSamples: row.chunkSamples,
        rollupBytes: (rollupUsage.get() as { bytes: number }).bytes,
        fileBytes: pages.page_count * size.page_size,
        firstAt: row.firstAt ?? undefined,
        lastAt: row.lastAt ?? undefined,
        series: (count.get() as { n: number }).n,
      };
    },
  };
}

function createWriters(db: DatabaseSync) {
  const addSeries = db.prepare(
    `INSERT OR REPLACE INTO series (id, bundle, agent, metric, subject, bits, every)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const addChunk = db.prepare(
    'INSERT INTO chunks (bundle, from_at, to_at, samples, bytes, blob) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const addDue = db.prepare('INSERT OR IGNORE INTO rollups_due (day, bundle) VALUES (?, ?)');
  const bundlePosition = db.prepare(
    `INSERT INTO bundles (id, position) VALUES (?, ?)
     ON CONFLICT (id) DO UPDATE SET position = max(position, excluded.position)`,
  );
  const sealedPosition = db.prepare("UPDATE meta SET value = max(value, ?) WHERE key = 'sealed'");
  const addRollup = db.prepare(
    `INSERT INTO rollups (bundle, day, bytes, blob) VALUES (?, ?, ?, ?)
     ON CONFLICT (bundle, day) DO UPDATE SET bytes = excluded.bytes, blob = excluded.blob`,
  );
  const addGap = db.prepare(
    'INSERT OR REPLACE INTO gaps (from_at, to_at, because) VALUES (?, ?, ?)',
  );
  const oldGaps = db.prepare('DELETE FROM gaps WHERE to_at < ?');
  const isDone = db.prepare('DELETE FROM rollups_due WHERE day = ? AND bundle = ?');
  const oldChunks = db.prepare(
    'DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE to_at < ? LIMIT ?)',
  );
  const oldRollups = db.prepare(
    'DELETE FROM rollups WHERE rowid IN (SELECT rowid FROM rollups WHERE day < ? LIMIT ?)',
  );
  return {
    seal: ({ chunk, newSeries, gap, ...positions }: Seal) =>
      inTransaction(db, () => {
        for (const one of newSeries) {
          const { id, bundle, agent, metric, subject, bits, every } = one;
          addSeries.run(id, bundle, agent, metric, subject, bits ?? null, every ?? null);
        }
        const { bundle, from, to, samples, blob } = chunk;
        addChunk.run(bundle, from, to, samples, blob.length, blob);
        // Roll-ups are of the bundle and its late twin together.
        for (let day = Math.floor(from / DAY_MS); day * DAY_MS <= to; day++) {
          addDue.run(day, Math.abs(bundle));
        }
        if (gap) addGap.run(gap.from, gap.to, gap.because);
        bundlePosition.run(bundle, positions.bundlePosition);
        sealedPosition.run(positions.sealedPosition);
      }),
    saveRollup: ({ bundle, day, blob }: StoredRollup) =>
      inTransaction(db, () => {
        if (blob.length > 0) addRollup.run(bundle, day, blob.length, blob);
        isDone.run(day, bundle);
      }),
    prune(chunksBefore: EpochMs, rollupsBeforeDay: number, limit: number): number {
      return inTransaction(db, () => {
        oldGaps.run(chunksBefore);
        const chunks = Number(oldChunks.run(chunksBefore, limit).changes);
        return chunks + Number(oldRollups.run(rollupsBeforeDay, limit).changes);
      });
    },
  };
}

/** A file of an older version, opened for reading, lacks what came since. */
const hasTable = (db: DatabaseSync, name: string): boolean =>
  db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !==
  undefined;

const seriesOf = ({
  id,
  bundle,
  agent,
  metric,
  subject,
  bits,
  every,
}: SeriesRow): NumberedSeries => ({
  id,
  bundle,
  key: seriesKey(agent, metric, subject),
  agent,
  metric,
  subject,
  ...(bits !== null && { bits }),
  ...(every !== null && { every: durationMs(every) }),
});
