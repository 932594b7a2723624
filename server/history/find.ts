import type { MetricName } from '../../protocol/model/metrics.ts';
import { type SeriesKey, seriesKey } from '../../protocol/model/sample.ts';
import { kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import type { SeriesPage, SeriesQuery, StoredSeries } from '../ports/history.ts';
import { derivedOf } from './derive.ts';
import { MOS, VOICE_PROBES, voiceMetric } from './voice.ts';

/** Series by what they are of, in the order of their keys, a page at a time. */
export function findSeries(all: Iterable<StoredSeries>, query: SeriesQuery): SeriesPage {
  /** Both probes of a path tell of one voice. */
  const names = new Set<SeriesKey>();
  const { subject, agent, metric: wanted, after = '' } = query;
  for (const series of all) {
    if ((subject ?? series.subject) !== series.subject) continue;
    if ((agent ?? series.agent) !== series.agent) continue;
    for (const { key, metric } of namesOf(series)) {
      if ((wanted ?? metric) === metric && key > after) names.add(key);
    }
  }
  const found = [...names].sort();
  return { series: found.slice(0, query.limit), hasMore: found.length > query.limit };
}

/** A counter also answers by the name of its rate, a round trip by that of the voice it carries. */
function namesOf({ key, agent, metric, subject }: StoredSeries) {
  const derived = derivedOf(metric) ?? (isVoice(metric, subject) ? MOS : undefined);
  if (derived === undefined) return [{ key, metric }];
  return [
    { key, metric },
    { key: seriesKey(agent, derived, subject), metric: derived },
  ];
}

const isVoice = (metric: MetricName, subject: SubjectKey): boolean =>
  kindOf(subject) === 'link' &&
  VOICE_PROBES.some((probe) => metric === voiceMetric(probe, 'rtt_ms'));
