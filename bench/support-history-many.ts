import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { residentOf } from '../lab/prometheus.ts';
import type { Sample, Series } from '../protocol/model/sample.ts';
import { durationMs, epochMs } from '../protocol/model/units.ts';
import { openHistoryStore } from '../server/adapters/sqlite/history-store.ts';
import { createHistory } from '../server/history/history.ts';
import { createSealer } from '../server/history/sealing.ts';
import { addEntries, type SeriesTable } from '../server/pipeline/dictionary.ts';
import type { HistoryData } from './support-history-data.ts';
import { type Asked, type Picked, settled } from './support-history-measure.ts';
import { judged, queries, type Stall, sender, startServer } from './support-history-ours.ts';

export interface ManyFigures {
  readonly asked: Asked;
  readonly stall: Stall;
  /** While the server stops: it takes a snapshot then. */
  readonly snapshotStall: Stall;
  /** Growth of the resident memory since the start, bytes for each series. */
  readonly residentPerSeries: number;
  readonly residentPeak: number;
}

/** Rounds fed to the server: a third until everything is compiled, the rest measured. */
const LIVE_ROUNDS = 120;
const WARM_ROUNDS = 40;

/**
 * A server with many series: a day is on record before it starts (as it would have sealed it; no
 * server is fed so much in the time of a bench), the last hour is fed to it.
 */
export async function measureMany(
  data: HistoryData,
  rounds: number,
  firstAt: number,
  picks: readonly Picked[],
): Promise<ManyFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-history-many-'));
  const stored = rounds - LIVE_ROUNDS;
  await storeRounds(join(folder, 'state'), data, stored, firstAt);
  const server = await startServer(data, folder, firstAt + stored * data.roundMs);
  try {
    const idle = residentOf(server.pid).now;
    const send = sender(server, data, firstAt);
    for (let n = 0; n < LIVE_ROUNDS; n++) {
      if (n === WARM_ROUNDS) await server.ask({ kind: 'watch' });
      await send();
    }
    await judged(server.first.peopleUrl);
    const stall = await server.ask({ kind: 'report' });
    await settled(server.pid);
    const resident = residentOf(server.pid);
    const asked = await queries(server, picks);
    const snapshotStall = await server.ask({ kind: 'stop' });
    return {
      asked,
      stall,
      snapshotStall,
      residentPerSeries: (resident.now - idle) / data.series.length,
      residentPeak: resident.peak,
    };
  } finally {
    await server.program.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Into a history.db as a server's own history writes it. */
async function storeRounds(
  state: string,
  data: HistoryData,
  rounds: number,
  firstAt: number,
): Promise<void> {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const path = join(state, 'history.db');
  const sealer = createSealer(openHistoryStore(path));
  const store = openHistoryStore(path, true);
  const quiet = { info() {}, warn() {}, error() {} };
  const forever = durationMs(Number.MAX_SAFE_INTEGER);
  let now = firstAt;
  const history = createHistory({
    store,
    sealer,
    log: quiet,
    now: () => now,
    rawFor: forever,
    rollupFor: forever,
  });
  const series = tableOf(data);
  for (let n = 0; n < rounds; n++) {
    const { offset, value } = data.next();
    const begin = firstAt + n * data.roundMs;
    now = begin + data.roundMs;
    const samples = series.map(
      (one, i): Sample => ({ series: one, at: epochMs(begin + offset[i]!), value: value[i]! }),
    );
    const at = { now: epochMs(now), position: n + 1 };
    history.observed({ agent: 'agent-0', lane: 'live', samples }, at);
    await history.settled();
  }
  await history.sealAll();
  await history.stop();
  store.close();
  // The server has a log of its own, which begins anew.
  const db = new DatabaseSync(path);
  db.exec("UPDATE bundles SET position = 0; UPDATE meta SET value = 0 WHERE key = 'sealed'");
  db.close();
}

function tableOf({ series, roundMs }: HistoryData): readonly Series[] {
  const table: SeriesTable = [];
  const entries = series.map(({ metric, subject, isCounter }, index) => ({
    index,
    metric,
    subject,
    ...(isCounter && { bits: 64 as const }),
    every: roundMs,
  }));
  addEntries(table, 'agent-0', entries);
  return table as Series[];
}
