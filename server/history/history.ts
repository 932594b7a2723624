import { METRICS } from '../../protocol/model/metrics.ts';
import type { SeriesKey } from '../../protocol/model/sample.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { History, HistoryStore, NumberedSeries } from '../ports/history.ts';
import { findSeries } from './find.ts';
import { HeadBook, SPAN_MS } from './head-book.ts';
import { createIntake } from './intake.ts';
import { type RangeDeps, readRange } from './range.ts';
import { newestOf } from './round.ts';
import {
  asStored,
  createColumnReader,
  keepingHeads,
  type ReadSamples,
  readSamples,
} from './samples.ts';
import { createSealQueue, type HistoryLog } from './seal-queue.ts';
import type { Sealer } from './sealing.ts';

export interface HistoryOptions {
  /** For reading; the sealer writes by its own. */
  readonly store: HistoryStore;
  readonly sealer: Sealer;
  readonly log: HistoryLog;
  readonly now: () => number;
  readonly rawFor: DurationMs;
  readonly rollupFor: DurationMs;
  /** Samples in memory at most; 8 bytes each or less. */
  readonly maxWaiting?: number;
}

export interface RunningHistory extends History {
  /** Roll-ups and deletions that are due; called by the calendar. */
  keep(): Promise<void>;
  /** Seals everything that is in memory; resolves when it is stored, or cannot be. */
  sealAll(): Promise<void>;
}

const SWEEP_MS = 30_000;
const LOOK_MS = 5000;

/**
 * Chunks kept open, 6 to 11 kB each: a page asks for several series of one device, and again every
 * minute. A day of the links of 20,000 series is 19 MB.
 */
const OPENED_BYTES = 24 * 1024 * 1024;
const MAX_WAITING = 8_000_000;

/** Keeps every sample: in memory until sealed, in chunks from then on. */
export function createHistory(options: HistoryOptions): RunningHistory {
  const { store, sealer, log, now, rawFor, rollupFor } = options;
  const { sealed, bundles } = store.positions();
  const book = new HeadBook(store.series(), bundles);
  const damaged = new Set<string>();
  const queue = createSealQueue({
    book,
    sealer,
    log,
    now,
    position: () => intake.position(),
    sealedBefore: sealed,
  });
  const intake = createIntake({
    book,
    due: queue.due,
    maxWaiting: options.maxWaiting ?? MAX_WAITING,
    rawFor,
    onLost: (from, to) => queue.lost(from, to),
  });
  const timers = [
    setInterval(() => void queue.look(), LOOK_MS),
    setInterval(() => queue.sweep(now() - SPAN_MS), SWEEP_MS),
  ];
  for (const timer of timers) timer.unref();
  void queue.look();

  function onCorrupt(what: string): void {
    if (damaged.has(what)) return;
    damaged.add(what);
    log.error({ what }, 'a stored piece of the history is damaged: its time is left out');
  }

  const columns = createColumnReader(keepingHeads(store), OPENED_BYTES);
  const stored = {
    chunks: store.chunks,
    gaps: (from: EpochMs, to: EpochMs) => [
      ...store.gaps(from, to),
      ...queue.gaps().filter((gap) => gap.to >= from && gap.from <= to),
    ],
  };
  const read: ReadSamples = (key, from, to) => {
    const slot = book.slots.get(key);
    if (slot === undefined) return undefined;
    const heads = slot.late === undefined ? [slot.live] : [slot.late, slot.live];
    const damagedChunk = (id: number) => onCorrupt(`chunk ${id}`);
    return store.together(() =>
      readSamples(stored, slot.series, heads, { from, to }, damagedChunk, columns),
    );
  };
  const rangeDeps: RangeDeps = {
    store,
    series: (key: SeriesKey) => book.slots.get(key)?.series,
    read,
    onCorrupt,
  };

  return {
    observed: (batch, at) => intake.observed(batch, at.now, at.position),
    find: (query) => findSeries(seriesOf(book), query),
    series: (key) => book.slots.get(key)?.series,
    samples(key, from, to) {
      const samples = read(key, from, to);
      return samples && asStored(samples, isCounter(book.slots.get(key)!.series));
    },
    range: (query) => readRange(rangeDeps, query),
    latest(key) {
      const slot = book.slots.get(key);
      const newest = slot && newestOf(slot.live.round, slot.live.place);
      if (newest === undefined || isCounter(slot!.series)) return undefined;
      return { at: epochMs(newest.at), value: newest.value };
    },
    sealedPosition: queue.sealedPosition,
    state: () => ({
      ...queue.figures(),
      series: book.slots.size,
      waiting: intake.waiting(),
      lostSamples: intake.figures.lost,
      refusedSamples: intake.figures.refused,
      repeatedSamples: intake.figures.repeated,
      takenSamples: intake.figures.taken,
      corruptChunks: damaged.size,
    }),
    async keep() {
      const outcome = await sealer.keep({ now: now(), rawFor, rollupFor });
      if (outcome.kind === 'failed') {
        log.error({ because: outcome.because }, 'old samples could not be rolled up or deleted');
      } else log.info({ ...outcome }, 'history rolled up and pruned');
    },
    settled: queue.idle,
    async sealAll() {
      await queue.look();
      queue.sweep(Number.MAX_SAFE_INTEGER);
      await queue.idle();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await queue.idle();
      queue.stop();
      await sealer.stop();
    },
  };
}

const isCounter = ({ metric }: NumberedSeries): boolean => METRICS[metric].kind === 'counter';

function* seriesOf(book: HeadBook) {
  for (const { series } of book.slots.values()) yield series;
}
