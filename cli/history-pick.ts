import type { EpochMs } from '../protocol/model/units.ts';
import type { HistoryGap, HistoryReader, StoredSeries } from '../server/ports/history.ts';

/** Which part of a history is wanted; an empty list means all. */
export interface Picking {
  readonly series: readonly string[];
  readonly subjects: readonly string[];
  readonly metrics: readonly string[];
  /** Both ends included. */
  readonly from: EpochMs;
  readonly to: EpochMs;
}

const PAGE = 1000;

/** The series that agents sent and that are wanted, in the order of their keys. */
export function pickSeries(history: HistoryReader, picking: Picking): StoredSeries[] {
  const found: StoredSeries[] = [];
  const isIn = (list: readonly string[], text: string) => list.length === 0 || list.includes(text);
  let after: string | undefined;
  for (;;) {
    const page = history.find({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const key of page.series) {
      // Derived figures are listed too, but are made from counters, not kept.
      const series = history.series(key);
      const isWanted =
        series !== undefined &&
        isIn(picking.series, key) &&
        isIn(picking.subjects, series.subject) &&
        isIn(picking.metrics, series.metric);
      if (isWanted) found.push(series);
    }
    after = page.series.at(-1);
    if (!page.hasMore || after === undefined) break;
  }
  return found.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
}

/** Says each gap once, whichever series it is met in. */
export function gapTeller(tell: (text: string) => void): (gaps: readonly HistoryGap[]) => void {
  const told = new Set<string>();
  return (gaps) => {
    for (const { from, to, because } of gaps) {
      const text = `gap from ${isoTime(from)} to ${isoTime(to)}: ${because}`;
      if (!told.has(text)) tell(text);
      told.add(text);
    }
  };
}

const isoTime = (at: EpochMs): string => new Date(at).toISOString();
