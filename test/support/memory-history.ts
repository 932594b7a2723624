import { METRICS } from '../../protocol/model/metrics.ts';
import { type SeriesKey, seriesKey } from '../../protocol/model/sample.ts';
import type {
  HistoryFile,
  HistoryGap,
  SeriesSamples,
  StoredSeries,
} from '../../server/ports/history.ts';

/** A history in memory, for what only reads and writes one. */
export function createMemoryHistory(
  pageSize = 3,
): HistoryFile & { writes: number; gaps: HistoryGap[] } {
  const all = new Map<SeriesKey, { series: StoredSeries; points: Map<number, number | bigint> }>();
  const history = {
    writes: 0,
    gaps: [] as HistoryGap[],
    find: ({ after, limit }: { after?: string; limit: number }) => {
      const keys = [...all.keys()].sort().filter((key) => after === undefined || key > after);
      const most = Math.min(limit, pageSize);
      return { series: keys.slice(0, most), hasMore: keys.length > most };
    },
    series: (key: SeriesKey) => all.get(key)?.series,
    samples(key: SeriesKey, from: number, to: number): SeriesSamples | undefined {
      const found = all.get(key);
      if (found === undefined) return undefined;
      const points = [...found.points]
        .filter(([at]) => at >= from && at <= to)
        .sort(([a], [b]) => a - b);
      const value = points.map(([, one]) => one);
      return {
        at: Float64Array.from(points, ([at]) => at),
        value:
          METRICS[found.series.metric].kind === 'counter'
            ? BigUint64Array.from(value as bigint[])
            : Float64Array.from(value as number[]),
        gaps: history.gaps.filter((gap) => gap.from <= to && gap.to >= from),
      };
    },
    range: async () => undefined,
    write(series: Omit<StoredSeries, 'key'>, { at, value }: Omit<SeriesSamples, 'gaps'>) {
      history.writes += 1;
      const key = seriesKey(series.agent, series.metric, series.subject);
      const points = all.get(key)?.points ?? new Map<number, number | bigint>();
      const { resolution } = METRICS[series.metric];
      for (const [i, time] of at.entries()) {
        const one = value[i]!;
        const steps = Math.round(1 / resolution);
        points.set(time, typeof one === 'bigint' ? one : Math.round(one * steps) / steps);
      }
      all.set(key, { series: { ...series, key }, points });
    },
    close: () => {},
  };
  return history;
}
