import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  DERIVED_METRICS,
  isMetricName,
  type RuleMetricName,
} from '../../protocol/model/metrics.ts';
import type { SeriesKey } from '../../protocol/model/sample.ts';
import { isSubjectKey, type SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { RangeView, SeriesListView } from '../../protocol/wire/views.ts';
import type { HistoryReader, RangeColumns } from '../ports/history.ts';
import type { SamplePoint } from '../ports/show.ts';
import { withColumns } from './column-text.ts';
import { refuse } from './problems.ts';
import * as schema from './schemas.ts';

interface RangeRequest {
  readonly series: string;
  readonly from: number;
  readonly to: number;
  readonly step?: number;
}

interface SeriesRequest {
  readonly subject?: string;
  readonly metric?: string;
  readonly agent?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const MAX_POINTS = 4_000;
const MAX_DAYS = 800;
const MAX_RANGE_MS = MAX_DAYS * 86_400_000;

/** What is on record, and its figures over time. */
export function registerRange(
  app: FastifyInstance,
  samples: Pick<HistoryReader, 'find' | 'range'>,
  problems: object,
): void {
  app.get<{ Querystring: SeriesRequest }>(
    '/api/v1/series',
    {
      schema: {
        summary: 'Series on record, by name',
        querystring: schema.SeriesQuery,
        response: { 200: schema.SeriesAnswer, ...problems },
      },
    },
    series,
  );

  app.get<{ Querystring: RangeRequest }>(
    '/api/v1/range',
    {
      schema: {
        summary: 'Figures of one series over time',
        description: `Without a step samples one by one, up to 8 days; above ${MAX_POINTS} the lowest and the highest of each stretch. Longer ranges, and any with a step, in buckets with count, min, max, p50 and p95. Counters come as rates.`,
        querystring: schema.RangeQuery,
        response: { 200: schema.RangeAnswer, ...problems },
      },
    },
    range,
  );

  function series(
    request: FastifyRequest<{ Querystring: SeriesRequest }>,
    reply: FastifyReply,
  ): SeriesListView | FastifyReply {
    const { subject, metric, agent, limit = 100, cursor } = request.query;
    if (subject !== undefined && !isSubjectKey(subject))
      return refuse(request, reply, 'malformed', 'subject must be kind:id');
    if (metric !== undefined && !isRuleMetric(metric))
      return refuse(request, reply, 'malformed', 'metric must be a name of the catalogue');
    const page = samples.find({
      limit,
      ...(subject !== undefined && { subject }),
      ...(metric !== undefined && { metric }),
      ...(agent !== undefined && { agent }),
      ...(cursor !== undefined && { after: cursor }),
    });
    return {
      series: page.series.map((key) => {
        const [by = '', name, ...rest] = key.split('|');
        const of = { metric: name as RuleMetricName, subject: rest.join('|') as SubjectKey };
        return { series: key, agent: by, ...of };
      }),
      ...(page.hasMore && { nextCursor: page.series.at(-1)! }),
    };
  }

  async function range(
    request: FastifyRequest<{ Querystring: RangeRequest }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { series: text, from, to, step } = request.query;
    const parsed = parseSeries(text);
    if (parsed === undefined)
      return refuse(request, reply, 'malformed', 'series must be agent|metric|kind:id');
    if (to < from || to - from > MAX_RANGE_MS)
      return refuse(
        request,
        reply,
        'malformed',
        `to must be after from, by at most ${MAX_DAYS} days`,
      );
    if (step !== undefined && (to - from) / step > MAX_POINTS)
      return refuse(request, reply, 'malformed', `step must give at most ${MAX_POINTS} buckets`);
    const found = await samples.range({
      series: parsed.series,
      from: epochMs(from),
      to: epochMs(to),
      ...(step !== undefined && { step: durationMs(step) }),
    });
    if (found === undefined)
      return refuse(request, reply, 'not-found', 'No samples of that series are kept here.');
    const { at, value, gaps, ...others } = thinned(found);
    const head: Omit<RangeView, 'at' | 'value'> = {
      ...parsed,
      ...others,
      ...(gaps.length > 0 && { gaps }),
    };
    // Thousands of numbers: the serialiser of the schema takes several times as long for them. As bytes:
    // for a string Node sets three times its length aside before it is written.
    return reply.type(JSON_TYPE).send(withColumns(head, { at, value }));
  }
}

/** Buckets come as they are, and samples as long as there are not too many. */
function thinned(found: RangeColumns): RangeColumns {
  const { form, at, value } = found;
  if (form === 'buckets' || at.length <= MAX_POINTS) return found;
  const all = Array.from(at, (time, i): SamplePoint => ({ at: epochMs(time), value: value[i]! }));
  const points = thin(all, MAX_POINTS);
  return {
    ...found,
    at: points.map((point) => point.at),
    value: points.map((point) => point.value),
  };
}

const isRuleMetric = (name: string): name is RuleMetricName =>
  isMetricName(name) || Object.hasOwn(DERIVED_METRICS, name);

/** `agent|metric|subject` taken apart; undefined when it is not a series of the catalogue. */
function parseSeries(
  text: string,
): { series: SeriesKey; metric: RuleMetricName; subject: SubjectKey } | undefined {
  const [agent, metric, ...rest] = text.split('|');
  const subject = rest.join('|');
  if (agent === undefined || metric === undefined || !isSubjectKey(subject)) return undefined;
  if (!isRuleMetric(metric)) return undefined;
  return { series: text as SeriesKey, metric, subject };
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
