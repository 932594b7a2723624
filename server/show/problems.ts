import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_MEDIA_TYPE, type ProblemCode, problem } from '../../protocol/wire/problem.ts';

/** Answers with problem+json; the instance is the request id, which the log has too. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  detail: string,
): FastifyReply {
  const body = problem(code, detail, { instance: `urn:request:${request.id}` });
  return reply.code(body.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(body));
}

/** Errors of Fastify and of the schemas in our own words; anything else is our fault and logged. */
export function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error.validation !== undefined) return refuse(request, reply, 'malformed', detailOf(error));
  const status = error.statusCode ?? 500;
  if (status === 413)
    return refuse(request, reply, 'too-large', 'A body may have at most 16 kB here.');
  if (status === 415)
    return refuse(
      request,
      reply,
      'malformed',
      'The body must be JSON: Content-Type application/json.',
    );
  if (status === 404) return refuse(request, reply, 'not-found', `No such page: ${request.url}`);
  if (status >= 400 && status < 500) return refuse(request, reply, 'malformed', error.message);
  request.log.error({ err: error }, 'request failed');
  return refuse(request, reply, 'internal', `Tell the operator this id: ${request.id}`);
}

function detailOf(error: FastifyError): string {
  const [first] = error.validation ?? [];
  const part = error.validationContext ?? 'request';
  const where = first?.instancePath ?? '';
  const unknown = first?.params?.['additionalProperty'] ?? first?.params?.['additionalProperties'];
  const name = unknown === undefined ? '' : ` (${String(unknown)})`;
  return `${part}${where} ${first?.message ?? 'is malformed'}${name}`;
}
