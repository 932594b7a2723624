import type { SeriesKey } from '../../protocol/model/sample.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import type { SeriesPage, SeriesQuery, StoredSeries } from '../ports/history.ts';
import { derivedOf } from './derive.ts';

/** Series by what they are of, in the order of their keys, a page at a time. */
export function findSeries(all: Iterable<StoredSeries>, query: SeriesQuery): SeriesPage {
  const found: SeriesKey[] = [];
  const { subject, agent, metric: wanted, after = '' } = query;
  for (const series of all) {
    if ((subject ?? series.subject) !== series.subject) continue;
    if ((agent ?? series.agent) !== series.agent) continue;
    for (const { key, metric } of namesOf(series)) {
      if ((wanted ?? metric) === metric && key > after) found.push(key);
    }
  }
  found.sort();
  return { series: found.slice(0, query.limit), hasMore: found.length > query.limit };
}

/** A counter also answers by the name of its rate. */
function namesOf({ key, agent, metric, subject }: StoredSeries) {
  const derived = derivedOf(metric);
  if (derived === undefined) return [{ key, metric }];
  return [
    { key, metric },
    { key: seriesKey(agent, derived, subject), metric: derived },
  ];
}
