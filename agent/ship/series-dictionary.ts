import type { Lane } from '../../protocol/model/sample.ts';
import type { DictionaryEntry } from '../../protocol/wire/batch.ts';

/** What names a series inside one agent. */
export interface SeriesName {
  readonly metric: string;
  readonly subject: string;
  readonly bits?: 32 | 64;
  readonly every?: number;
}

/** Series by index. A series whose width or period changes is another series: an index keeps its meaning. */
export interface SeriesDictionary {
  indexOf(series: SeriesName): number;
  entry(index: number): DictionaryEntry | undefined;
  entries(): readonly DictionaryEntry[];
  size(): number;
  /** Entries made since the last call; the spool makes them durable. */
  takeNew(): DictionaryEntry[];
  /** True once per lane and index: the first batch of a lane that uses an index defines it. */
  isNewTo(lane: Lane, index: number): boolean;
}

/** `PUT /v1/dictionary` takes 200,000; beyond this a new spool id starts an empty dictionary. */
export const DICTIONARY_MAX = 150_000;

export function createSeriesDictionary(known: readonly DictionaryEntry[] = []): SeriesDictionary {
  const entries: DictionaryEntry[] = [];
  const byName = new Map<string, number>();
  const told = { live: new Set<number>(), backfill: new Set<number>() };
  let fresh: DictionaryEntry[] = [];
  let next = 0;
  for (const entry of known) {
    entries[entry.index] = entry;
    byName.set(nameOf(entry), entry.index);
    told.live.add(entry.index);
    told.backfill.add(entry.index);
    next = Math.max(next, entry.index + 1);
  }
  return {
    indexOf(series) {
      const name = nameOf(series);
      const index = byName.get(name);
      if (index !== undefined) return index;
      const { metric, subject, bits, every } = series;
      const entry: DictionaryEntry = {
        index: next,
        metric,
        subject,
        ...(bits !== undefined && { bits }),
        ...(every !== undefined && { every }),
      };
      next += 1;
      entries[entry.index] = entry;
      fresh.push(entry);
      byName.set(name, entry.index);
      return entry.index;
    },
    entry: (index) => entries[index],
    size: () => byName.size,
    entries: () => entries.filter((entry) => entry !== undefined),
    takeNew() {
      const taken = fresh;
      fresh = [];
      return taken;
    },
    isNewTo(lane, index) {
      if (told[lane].has(index)) return false;
      told[lane].add(index);
      return true;
    },
  };
}

const nameOf = ({ metric, subject, bits, every }: SeriesName): string =>
  `${metric}|${bits ?? ''}|${every ?? ''}|${subject}`;
