import {
  DERIVED_METRICS,
  isMetricName,
  type RuleMetricName,
} from '../../protocol/model/metrics.ts';
import type { SeriesKey } from '../../protocol/model/sample.ts';
import { isSubjectKey, type SubjectKey } from '../../protocol/model/subject.ts';
import type { SamplePoint } from '../ports/show.ts';

/** `agent|metric|subject` taken apart; undefined when it is not a series of the catalogue. */
export function parseSeries(
  text: string,
): { series: SeriesKey; metric: RuleMetricName; subject: SubjectKey } | undefined {
  const [agent, metric, ...rest] = text.split('|');
  const subject = rest.join('|');
  if (agent === undefined || metric === undefined || !isSubjectKey(subject)) return undefined;
  if (!isMetricName(metric) && !Object.hasOwn(DERIVED_METRICS, metric)) return undefined;
  return { series: text as SeriesKey, metric: metric as RuleMetricName, subject };
}

/**
 * At most `limit` points (even, at least 4): of each stretch its lowest and its highest, so that a
 * spike of a single sample is never drawn away. Short ranges come exactly as they are.
 */
export function thin(points: readonly SamplePoint[], limit: number): readonly SamplePoint[] {
  if (points.length <= limit) return points;
  const stretches = limit / 2;
  const kept: SamplePoint[] = [];
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const from = Math.floor((stretch * points.length) / stretches);
    const to = Math.floor(((stretch + 1) * points.length) / stretches);
    kept.push(...extremes(points.slice(from, to)));
  }
  return kept;
}

function extremes(points: readonly SamplePoint[]): SamplePoint[] {
  const [first] = points;
  if (first === undefined) return [];
  let low = first;
  let high = first;
  for (const point of points) {
    if (point.value < low.value) low = point;
    if (point.value > high.value) high = point;
  }
  if (low === high) return [low];
  return low.at < high.at ? [low, high] : [high, low];
}
