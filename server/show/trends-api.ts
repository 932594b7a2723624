import type { FastifyInstance } from 'fastify';
import type { TrendFact } from '../../protocol/model/fact.ts';
import { isSubjectKey, type SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs, hours } from '../../protocol/model/units.ts';
import type { ChangesView, ForecastsView } from '../../protocol/wire/views.ts';
import type { TrendRecords } from '../ports/show.ts';
import { refuse } from './problems.ts';
import * as schema from './schemas.ts';

interface ChangesRequest {
  readonly subject?: string;
  readonly limit?: number;
}

/** A finding is told anew every day as long as it holds: an older one does not hold any more. */
const FORECAST_HOLDS = hours(36);
const MOST_FORECASTS = 5_000;

/** Routes of what is written down without alarming anybody. */
export function registerTrends(
  app: FastifyInstance,
  trends: TrendRecords,
  now: () => EpochMs,
  problems: object,
): void {
  app.get<{ Querystring: ChangesRequest }>(
    '/api/v1/changes',
    {
      schema: {
        summary: 'Change log: series that settled on another level, newest first',
        querystring: schema.ChangesQuery,
        response: { 200: schema.ChangesAnswer, ...problems },
      },
    },
    (request, reply) => {
      const { subject, limit = 100 } = request.query;
      if (isMalformed(subject)) return refuse(request, reply, 'malformed', SUBJECT_WANTED);
      const query = { kind: 'level.changed', since: epochMs(0), limit, ...of(subject) } as const;
      return { changes: trends.trends(query) } as ChangesView;
    },
  );

  app.get<{ Querystring: { readonly subject?: string } }>(
    '/api/v1/forecasts',
    {
      schema: {
        summary: 'Limits that will be reached if it goes on like this, soonest first',
        querystring: schema.ForecastsQuery,
        response: { 200: schema.ForecastsAnswer, ...problems },
      },
    },
    (request, reply) => {
      const { subject } = request.query;
      if (isMalformed(subject)) return refuse(request, reply, 'malformed', SUBJECT_WANTED);
      const since = epochMs(Math.max(0, now() - FORECAST_HOLDS));
      const limit = MOST_FORECASTS;
      const found = trends.trends({ kind: 'limit.forecast', since, limit, ...of(subject) });
      return { forecasts: newestOfEach(found) };
    },
  );
}

const SUBJECT_WANTED = 'subject must be kind:id';

const isMalformed = (subject: string | undefined): boolean =>
  subject !== undefined && !isSubjectKey(subject);

const of = (subject: string | undefined) =>
  subject === undefined ? {} : { subject: subject as SubjectKey };

function newestOfEach(found: readonly TrendFact[]): ForecastsView['forecasts'] {
  const newest = new Map<string, ForecastsView['forecasts'][number]>();
  for (const fact of found)
    if (fact.kind === 'limit.forecast' && !newest.has(fact.series)) newest.set(fact.series, fact);
  return [...newest.values()].sort((a, b) => a.reachedAt - b.reachedAt);
}
