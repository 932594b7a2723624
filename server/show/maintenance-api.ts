import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { SUBJECT_PATTERN, type SubjectKey } from '../../protocol/model/subject.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { MaintenanceDesk, MaintenanceOutcome } from '../ports/maintenance.ts';
import { refuse } from './problems.ts';
import { ProblemAnswer } from './schemas.ts';

const strict = { additionalProperties: false } as const;
const open = { additionalProperties: true } as const;
const Person = Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{1,64}$' });
const Instant = Type.Integer({
  minimum: 0,
  maximum: 8.64e15,
  description: 'Milliseconds since 1970',
});

const AddBody = Type.Object(
  {
    by: Person,
    name: Type.String({
      pattern: '^[^\\u0000-\\u001f\\u007f]{1,200}$',
      description: 'What is done, in a few words',
    }),
    subjects: Type.Array(Type.String({ pattern: SUBJECT_PATTERN }), {
      minItems: 1,
      maxItems: 1000,
    }),
    from: Type.Optional(Instant),
    until: Instant,
  },
  strict,
);
const EndBody = Type.Object({ by: Person }, strict);
const IdParams = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 128, pattern: '^[a-zA-Z0-9_.:@-]+$' }) },
  strict,
);
const Window = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    subjects: Type.Array(Type.String()),
    from: Instant,
    until: Instant,
    source: Type.String({ description: 'configuration, or person' }),
    by: Type.Optional(Type.String()),
  },
  open,
);

/** Routes of announced work: nothing opens for its subjects and what lies behind them. */
export function registerMaintenance(
  app: FastifyInstance,
  desk: MaintenanceDesk,
  now: () => number,
): void {
  const problems = { '4xx': ProblemAnswer, '5xx': ProblemAnswer };
  const writes = (summary: string) => ({
    validatorCompiler: TypeBoxValidatorCompiler,
    schema: { summary, response: { 200: Window, ...problems } },
  });

  app.get(
    '/api/v1/maintenance',
    {
      schema: {
        summary: 'Maintenance windows that are not over',
        response: { 200: Type.Object({ windows: Type.Array(Window) }, open) },
      },
    },
    () => ({ windows: desk.list() }),
  );

  const add = writes('Announce work: nothing opens for it');
  app.post<{ Body: Static<typeof AddBody> }>(
    '/api/v1/maintenance',
    { ...add, schema: { ...add.schema, body: AddBody } },
    async (request, reply) => {
      const { subjects, from = now(), until, ...rest } = request.body;
      const outcome = await desk.add({
        ...rest,
        subjects: subjects as SubjectKey[],
        from: epochMs(from),
        until: epochMs(until),
      });
      return answer(request, reply, outcome);
    },
  );

  const end = writes('End announced work now, or take it back');
  app.post<{ Params: { id: string }; Body: { by: string } }>(
    '/api/v1/maintenance/:id/end',
    { ...end, schema: { ...end.schema, params: IdParams, body: EndBody } },
    async (request, reply) =>
      answer(request, reply, await desk.end(request.params.id, request.body.by)),
  );
}

function answer(request: FastifyRequest, reply: FastifyReply, outcome: MaintenanceOutcome) {
  if (outcome.kind === 'done') return outcome.window;
  return outcome.kind === 'unknown'
    ? refuse(request, reply, 'not-found', 'No window has this id; it may be over.')
    : refuse(request, reply, 'conflict', outcome.why);
}
