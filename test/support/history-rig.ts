import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Lane, Sample, Series } from '../../protocol/model/sample.ts';
import { type DurationMs, durationMs, epochMs } from '../../protocol/model/units.ts';
import { openHistoryStore } from '../../server/adapters/sqlite/history-store.ts';
import { createHistory, type RunningHistory } from '../../server/history/history.ts';
import { createSealer, type Sealer } from '../../server/history/sealing.ts';
import { addEntries, type SeriesTable } from '../../server/pipeline/dictionary.ts';
import type { HistoryStore } from '../../server/ports/history.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** A midnight, UTC. */
export const T0 = 19_800 * DAY;
export const AGENT = 'agent-1';

export interface HistoryRig {
  readonly path: string;
  readonly history: RunningHistory;
  readonly store: HistoryStore;
  readonly said: string[];
  /** One input; the clock goes along with the newest sample. */
  feed(samples: readonly Sample[], lane?: Lane, position?: number): void;
  /** What a crash leaves: the file, and nothing of memory. */
  again(): HistoryRig;
  setNow(now: number): void;
  close(): Promise<void>;
}

export interface HistoryRigOptions {
  readonly path?: string;
  readonly wrap?: (sealer: Sealer) => Sealer;
  readonly maxWaiting?: number;
  readonly rawFor?: DurationMs;
}

const tables = new Map<string, Series>();

/** The series object of a dictionary, as the pipeline hands it on. */
export function seriesOf(metric: MetricName, subject = 'link:l1', every = 30_000): Series {
  const name = `${metric}|${subject}|${every}`;
  const known = tables.get(name);
  if (known !== undefined) return known;
  const table: SeriesTable = [];
  const bits = metric.endsWith('_total') ? ({ bits: 64 } as const) : {};
  addEntries(table, AGENT, [{ index: 0, metric, subject, every, ...bits }]);
  tables.set(name, table[0]!);
  return table[0]!;
}

export const sample = (series: Series, at: number, value: number | bigint): Sample => ({
  series,
  at: epochMs(at),
  value,
});

export const keyOf = ({ agent, metric, subject }: Series) =>
  `${agent}|${metric}|${subject}` as const;

/** A history over a real file; sealing happens in this thread. */
export function startHistoryRig(options: HistoryRigOptions = {}): HistoryRig {
  const folder = options.path ? undefined : mkdtempSync(join(tmpdir(), 'vedette-history-'));
  const path = options.path ?? join(folder!, 'history.db');
  const writer = openHistoryStore(path);
  const store = openHistoryStore(path, true);
  const said: string[] = [];
  const say = (_: object, sentence: string) => void said.push(sentence);
  let now = T0;
  let position = store.positions().sealed;
  let isDead = false;
  const working = createSealer(writer);
  const sealer: Sealer = {
    ...working,
    seal: (job) => (isDead ? new Promise(() => {}) : working.seal(job)),
  };
  const history = createHistory({
    store,
    sealer: options.wrap?.(sealer) ?? sealer,
    log: { info: say, warn: say, error: say },
    now: () => now,
    rawFor: options.rawFor ?? durationMs(14 * DAY),
    rollupFor: durationMs(400 * DAY),
    ...(options.maxWaiting !== undefined && { maxWaiting: options.maxWaiting }),
  });
  const close = async () => {
    if (isDead) writer.close();
    else await history.stop();
    store.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
  return {
    path,
    history,
    store,
    said,
    feed(samples, lane = 'live', given) {
      position = given ?? position + 1;
      for (const { at } of samples) now = Math.max(now, at);
      history.observed({ agent: AGENT, lane, samples }, { now: epochMs(now), position });
    },
    again() {
      isDead = true;
      return startHistoryRig({ ...options, path });
    },
    setNow(next) {
      now = next;
    },
    close,
  };
}
