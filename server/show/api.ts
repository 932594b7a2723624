import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Incident } from '../../protocol/model/incident.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { IncidentDetail, IncidentView } from '../../protocol/wire/views.ts';
import type { HistoryReader } from '../ports/history.ts';
import type {
  Commands,
  DeliveryRecords,
  IncidentRecords,
  ShownStatus,
  TrendRecords,
} from '../ports/show.ts';
import { isOpen } from './incident-book.ts';
import { pageOf } from './incident-pages.ts';
import { type PersonsCommand, registerPeople } from './people-api.ts';
import { refuse } from './problems.ts';
import { registerRange } from './range.ts';
import * as schema from './schemas.ts';
import { absorbedBy, alertsOf, buildTimeline, decidingEvidence } from './timeline.ts';
import { registerTrends } from './trends-api.ts';

export interface ApiDeps {
  readonly status: ShownStatus;
  readonly incidents: IncidentRecords;
  readonly deliveries: DeliveryRecords;
  readonly trends: TrendRecords;
  readonly samples: Pick<HistoryReader, 'find' | 'range'>;
  readonly commands: Commands;
  readonly now: () => EpochMs;
  /** How long an acknowledgement holds when the person did not say. */
  readonly acknowledgeFor: DurationMs;
}

const MAX_ACKNOWLEDGE_MS = 30 * 86_400_000;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type IdRequest = { Params: { id: string } };

/** Routes under /api/v1. Reads come from the model and the records; writes are commands of the engine. */
export function registerApi(app: FastifyInstance, deps: ApiDeps): void {
  const problems = { '4xx': schema.ProblemAnswer, '5xx': schema.ProblemAnswer };

  app.get(
    '/api/v1/status',
    { schema: { summary: 'Everything as it is now', response: { 200: schema.StatusAnswer } } },
    () => deps.status.view(deps.now()),
  );

  app.get<{ Querystring: { state?: 'open' | 'all'; limit?: number; cursor?: string } }>(
    '/api/v1/incidents',
    {
      schema: {
        summary: 'Incidents, newest first',
        querystring: schema.IncidentsQuery,
        response: { 200: schema.IncidentsAnswer, ...problems },
      },
    },
    (request, reply) => {
      const { state = 'open', limit = 100, cursor } = request.query;
      const page = pageOf(deps.incidents, {
        state,
        limit,
        ...(cursor !== undefined && { cursor }),
      });
      if (page === undefined)
        return refuse(request, reply, 'malformed', 'cursor must be a nextCursor of this list');
      return { ...page, incidents: page.incidents.map(withTickets) };
    },
  );

  app.get<IdRequest>(
    '/api/v1/incidents/:id',
    {
      schema: {
        summary: 'One incident with its time line',
        params: schema.IdParams,
        response: { 200: schema.IncidentDetailAnswer, ...problems },
      },
    },
    (request, reply) => {
      const incident = deps.incidents.incident(request.params.id);
      return incident === undefined ? unknownIncident(request, reply) : detail(incident);
    },
  );

  app.post<IdRequest & { Body: schema.AcknowledgeBody }>(
    '/api/v1/incidents/:id/acknowledge',
    writes('A person has it; detection goes on', schema.AcknowledgeBody),
    (request, reply) => {
      const { by, note, for: length } = request.body;
      const lasts = length === undefined ? deps.acknowledgeFor : durationOf(length);
      if (lasts > MAX_ACKNOWLEDGE_MS)
        return refuse(request, reply, 'malformed', 'body/for may be at most 30d');
      return act(request, reply, {
        kind: 'acknowledge',
        incident: request.params.id,
        by,
        ...(note !== undefined && { note }),
        until: epochMs(deps.now() + lasts),
      });
    },
  );

  app.post<IdRequest & { Body: { by: string } }>(
    '/api/v1/incidents/:id/unacknowledge',
    writes('Nobody has it any more', schema.UnacknowledgeBody),
    (request, reply) =>
      act(request, reply, {
        kind: 'unacknowledge',
        incident: request.params.id,
        by: request.body.by,
      }),
  );

  app.post<IdRequest & { Body: { by: string; note?: string } }>(
    '/api/v1/incidents/:id/close',
    writes('A person ends it, also while it still fails', schema.CloseBody),
    (request, reply) =>
      act(request, reply, { kind: 'close', incident: request.params.id, ...request.body }),
  );

  registerPeople(app, { incident: deps.incidents.incident, act, problems });
  registerRange(app, deps.samples, problems);
  registerTrends(app, deps.trends, deps.now, problems);

  app.get<{ Querystring: { incident?: string; limit?: number } }>(
    '/api/v1/deliveries',
    {
      schema: {
        summary: 'Messages to ticket systems, newest first',
        querystring: schema.DeliveriesQuery,
        response: { 200: schema.DeliveriesAnswer, ...problems },
      },
    },
    (request) => {
      const { incident, limit = 100 } = request.query;
      const query = { limit, ...(incident !== undefined && { incident }) };
      return { deliveries: deps.deliveries.deliveries(query).map(publicDelivery) };
    },
  );

  function writes(summary: string, body: object) {
    const answers = { 200: schema.IncidentDetailAnswer, ...problems };
    return {
      // Without coercion: a number is not a name.
      validatorCompiler: TypeBoxValidatorCompiler,
      schema: { summary, params: schema.IdParams, body, response: answers },
    };
  }

  function withTickets(incident: Incident): IncidentView {
    return { ...incident, tickets: deps.deliveries.tickets(incident.id) };
  }

  function detail(incident: Incident): IncidentDetail {
    const facts = deps.incidents.factsOf(incident.id);
    const sent = deps.deliveries.deliveries({ incident: incident.id, limit: 200 });
    const evidence = decidingEvidence(incident, facts);
    return {
      ...withTickets(incident),
      timeline: buildTimeline(incident, facts, sent),
      ...(evidence && { evidence }),
      alerts: alertsOf(incident, facts),
      absorbed: absorbedBy(incident, facts),
    };
  }

  async function act(
    request: FastifyRequest,
    reply: FastifyReply,
    command: PersonsCommand,
    why?: string,
  ): Promise<IncidentDetail | FastifyReply> {
    const before = deps.incidents.incident(command.incident);
    if (before === undefined) return unknownIncident(request, reply);
    if (!isOpen(before))
      return refuse(request, reply, 'conflict', `The incident is ${before.state} already.`);
    if (why !== undefined) return refuse(request, reply, 'conflict', why);
    const outcome = await deps.commands.command(command);
    if (outcome.kind === 'refused') return refuse(request, reply, 'conflict', outcome.why);
    if (outcome.kind === 'busy') {
      reply.header('retry-after', Math.max(1, Math.ceil(outcome.retryAfter / 1000)));
      return refuse(request, reply, 'busy', 'The command was not taken; try again.');
    }
    return detail(deps.incidents.incident(command.incident) ?? before);
  }
}

/** Whatever a row holds besides, its body stays inside: it may carry what a person wrote. */
function publicDelivery(row: object): object {
  const { message: _body, ...rest } = row as { message?: unknown };
  return rest;
}

const unknownIncident = (
  request: FastifyRequest<IdRequest> | FastifyRequest,
  reply: FastifyReply,
) =>
  refuse(request, reply, 'not-found', 'No incident has this id; it may have been deleted by age.');

/** "8h" in ms; the schema has checked the form. */
function durationOf(text: string): DurationMs {
  const unit = text.at(-1) as keyof typeof UNIT_MS;
  return durationMs(Number(text.slice(0, -1)) * UNIT_MS[unit]);
}
