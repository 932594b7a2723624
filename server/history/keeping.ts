import { epochMs } from '../../protocol/model/units.ts';
import type { HistoryStore, NumberedSeries } from '../ports/history.ts';
import { CONTEXT_METRICS } from './derive.ts';
import { DAY_MS, encodeRollup } from './rollup.ts';
import { createColumnReader, type ReadSamples, readSamples } from './samples.ts';
import type { KeepJob } from './sealing.ts';

/** A day is rolled up this long after its end: late samples make it be rolled up again. */
const SETTLE_MS = 3 * 3_600_000;
const DELETED_AT_ONCE = 200;
/** Those of a bundle on one day, its late twin's too, with room to spare. */
const OPENED_BYTES = 4 * 1024 * 1024;
/** What is known of devices and ports of one bundle. */
const KNOWN = 128;
/** Two ranges (rates begin a little earlier) of a bundle and its twin, and of one that knows a device. */
const REMEMBERED = 8;

/** Reads what is stored, by name; what a series is, is looked up once. */
export function createStoredReader(
  store: HistoryStore,
  onCorrupt: (chunk: number) => void,
): { readonly byKey: ReadonlyMap<string, NumberedSeries>; readonly read: ReadSamples } {
  const byKey = new Map<string, NumberedSeries>(store.series().map((one) => [one.key, one]));
  const columns = createColumnReader(store.blob, OPENED_BYTES);
  // Series of one bundle are asked for one after the other, for the same day.
  const answers = new Map<string, ReturnType<HistoryStore['chunks']>>();
  /** What is known of a device or port is read for each counter of it. */
  const known = new Map<string, ReturnType<ReadSamples>>();
  const chunks: HistoryStore['chunks'] = (bundle, from, to) => {
    const question = `${bundle}|${from}|${to}`;
    const known = answers.get(question);
    if (known !== undefined) return known;
    if (answers.size >= REMEMBERED) answers.clear();
    const found = store.chunks(bundle, from, to);
    answers.set(question, found);
    return found;
  };
  return {
    byKey,
    read(key, from, to) {
      const series = byKey.get(key);
      if (series === undefined) return undefined;
      const question = `${key}|${from}|${to}`;
      const before = known.get(question);
      if (before !== undefined) return before;
      const made = readSamples({ chunks }, series, [], { from, to }, onCorrupt, columns);
      if (!CONTEXT_METRICS.includes(series.metric)) return made;
      if (known.size >= KNOWN) known.clear();
      known.set(question, made);
      return made;
    },
  };
}

/**
 * Roll-ups of the days that are over, then deletes what is too old; a piece at a time, so that a
 * chunk can be sealed in between. Samples are never deleted before their day is rolled up.
 */
export function* keepUp(
  store: HistoryStore,
  { now, rawFor, rollupFor }: KeepJob,
): Generator<'rolled' | number> {
  const beforeDay = Math.floor((now - SETTLE_MS) / DAY_MS);
  let reader: ReturnType<typeof createStoredReader> | undefined;
  for (;;) {
    const [due] = store.rollupsDue(beforeDay, 1);
    if (due === undefined) break;
    reader ??= createStoredReader(store, () => {});
    const members = [...reader.byKey.values()].filter(({ bundle }) => bundle === due.bundle);
    store.saveRollup({ ...due, blob: encodeRollup(members, due.day, reader.read) });
    yield 'rolled';
  }
  for (;;) {
    const rollupsBefore = Math.floor((now - rollupFor) / DAY_MS);
    const pruned = store.prune(epochMs(now - rawFor), rollupsBefore, DELETED_AT_ONCE);
    if (pruned === 0) return;
    yield pruned;
  }
}
