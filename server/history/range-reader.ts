import type { SeriesKey } from '../../protocol/model/sample.ts';
import type {
  HistoryGap,
  HistoryStore,
  NumberedSeries,
  RangeColumns,
  RangeQuery,
} from '../ports/history.ts';
import type { DecodedColumn } from './open-bundle.ts';
import { readRange } from './range.ts';
import { createOpenChunks, type ReadSamples, readSamples } from './samples.ts';

/** What is still in memory of a series that an answer may be made of. */
export interface Unsealed {
  readonly series: NumberedSeries;
  /** In the order in which they will be sealed. */
  readonly parts: readonly DecodedColumn[];
}

/** A range to be read, with all that is not in history.db. */
export interface RangeJob {
  readonly query: RangeQuery;
  readonly unsealed: readonly Unsealed[];
  readonly gaps: readonly HistoryGap[];
}

export interface RangeAnswer {
  /** Undefined: no such series. */
  readonly columns: RangeColumns | undefined;
  /** Names of the stored pieces that were found damaged. */
  readonly damaged: readonly string[];
}

/** Reads ranges, in another thread or in this one. */
export interface RangeReader {
  /** @throws when history.db cannot be read */
  range(job: RangeJob): Promise<RangeAnswer>;
  stop(): Promise<void>;
}

/** Blobs kept open: a page asks for several series of one device, and again every minute. */
const OPENED_BYTES = 8 * 1024 * 1024;

/** Reads where it is called. The store stays the caller's. */
export function createRangeReader(store: HistoryStore): RangeReader {
  const open = createOpenChunks(store, OPENED_BYTES);
  return {
    async range({ query, unsealed, gaps }) {
      const byKey = new Map<SeriesKey, Unsealed>(unsealed.map((one) => [one.series.key, one]));
      const damaged: string[] = [];
      const stored = {
        chunks: store.chunks,
        gaps: (from: number, to: number) => [
          ...store.gaps(from as never, to as never),
          ...gaps.filter((gap) => gap.to >= from && gap.from <= to),
        ],
      };
      const read: ReadSamples = (key, from, to) => {
        const known = byKey.get(key);
        if (known === undefined) return undefined;
        const onCorrupt = (chunk: number) => void damaged.push(`chunk ${chunk}`);
        return readSamples(stored, known.series, known.parts, { from, to }, onCorrupt, open);
      };
      const columns = await readRange(
        {
          store,
          series: (key) => byKey.get(key)?.series,
          read,
          onCorrupt: (what) => void damaged.push(what),
        },
        query,
      );
      return { columns, damaged };
    },
    async stop() {},
  };
}
