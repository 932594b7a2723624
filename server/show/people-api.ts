import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AlertKey } from '../../protocol/model/alert.ts';
import type { Command } from '../../protocol/model/command.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import { isOpen } from './incident-book.ts';
import * as schema from './schemas.ts';

export type PersonsCommand = Exclude<
  Command,
  { kind: 'server-started' | 'own-trouble' | 'own-trouble-over' }
>;

export interface PeopleApiDeps {
  readonly incident: (id: IncidentId) => Incident | undefined;
  /** Gives the command to the engine and answers with what became of it; `why`: refused before that. */
  readonly act: (
    request: FastifyRequest,
    reply: FastifyReply,
    command: PersonsCommand,
    why?: string,
  ) => Promise<object>;
  readonly problems: object;
}

type IdRequest = { Params: { id: string } };

/** Routes of what only a person can know: who works on it, what belongs together, what is not the cause. */
export function registerPeople(app: FastifyInstance, deps: PeopleApiDeps): void {
  const { incident, act, problems } = deps;
  const writes = (summary: string, body: object) => ({
    // Without coercion: a number is not a name.
    validatorCompiler: TypeBoxValidatorCompiler,
    schema: {
      summary,
      params: schema.IdParams,
      body,
      response: { 200: schema.IncidentDetailAnswer, ...problems },
    },
  });

  app.post<IdRequest & { Body: schema.CloseBody }>(
    '/api/v1/incidents/:id/take-over',
    writes('A person works on it by hand: the engine no longer resolves it', schema.CloseBody),
    (request, reply) =>
      act(request, reply, { kind: 'take-over', incident: request.params.id, ...request.body }),
  );

  app.post<IdRequest & { Body: schema.MergeBody }>(
    '/api/v1/incidents/:id/merge',
    writes('These are one trouble: this incident becomes part of another', schema.MergeBody),
    (request, reply) => {
      const command = { kind: 'merge', incident: request.params.id, ...request.body } as const;
      return act(request, reply, command, whyNoMerge(command.incident, command.into));
    },
  );

  app.post<IdRequest & { Body: schema.AlertBody }>(
    '/api/v1/incidents/:id/split',
    writes('The alert is a trouble of its own', schema.AlertBody),
    (request, reply) => {
      const command = asAlertCommand('split', request);
      return act(request, reply, command, whyNoSplit(command.incident, command.alert));
    },
  );

  app.post<IdRequest & { Body: schema.AlertBody }>(
    '/api/v1/incidents/:id/not-the-cause',
    writes('The suspected root is wrong: another is sought', schema.AlertBody),
    (request, reply) => {
      const command = asAlertCommand('not-the-cause', request);
      return act(request, reply, command, whyNotRefused(command.incident, command.alert));
    },
  );

  function whyNoMerge(from: IncidentId, into: IncidentId): string | undefined {
    if (from === into) return 'An incident cannot become part of itself.';
    const other = incident(into);
    if (other === undefined) return 'The incident that it shall become part of is not known.';
    return isOpen(other)
      ? undefined
      : `The incident that it shall become part of is ${other.state}.`;
  }

  function whyNoSplit(id: IncidentId, alert: AlertKey): string | undefined {
    const one = incident(id);
    if (one === undefined) return undefined;
    const live = one.symptoms.filter(({ clearedAt }) => clearedAt === undefined);
    if (one.root.alert === alert)
      return live.length === 0 ? 'It is the only alert of this incident.' : undefined;
    const symptom = one.symptoms.find((known) => known.alert === alert);
    if (symptom === undefined) return 'That alert is not part of this incident (any more).';
    return symptom.clearedAt === undefined ? undefined : 'That alert has cleared already.';
  }

  function whyNotRefused(id: IncidentId, alert: AlertKey): string | undefined {
    const one = incident(id);
    if (one === undefined || one.root.alert === alert) return undefined;
    return `The suspected root is another one by now: ${one.root.cause} on ${one.root.subject}.`;
  }
}

const asAlertCommand = <K extends 'split' | 'not-the-cause'>(
  kind: K,
  request: { readonly params: { readonly id: string }; readonly body: schema.AlertBody },
) => {
  const { alert, ...rest } = request.body;
  return { kind, incident: request.params.id, alert: alert as AlertKey, ...rest };
};
