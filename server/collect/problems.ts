import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { DurationMs } from '../../protocol/model/units.ts';
import { BATCH_LIMITS } from '../../protocol/wire/limits.ts';
import {
  PROBLEM_MEDIA_TYPE,
  type Problem,
  type ProblemCode,
  problem,
} from '../../protocol/wire/problem.ts';

/** Answers with problem+json; the instance is the request id, which the log has too. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  wrong: Problem,
  retryAfter?: DurationMs,
): FastifyReply {
  if (retryAfter !== undefined) {
    reply.header('retry-after', Math.max(1, Math.ceil(retryAfter / 1000)));
  }
  const body = { ...wrong, instance: `urn:request:${request.id}` };
  return reply.code(wrong.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(body));
}

/** What Fastify and the decoders say, in our own words; anything else is our fault and logged. */
export function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const status = error.statusCode ?? 500;
  const wrong = byStatus(status, error) ?? byStatus(decoderStatus(error), error);
  if (wrong !== undefined) return refuse(request, reply, wrong);
  request.log.error({ err: error }, 'request failed');
  return refuse(request, reply, problem('internal', `The log has this id: ${request.id}`));
}

function byStatus(status: number, error: FastifyError): Problem | undefined {
  const code = CODES[status] ?? (status >= 400 && status < 500 ? 'malformed' : undefined);
  if (code === undefined) return undefined;
  return problem(code, code === 'too-large' ? TOO_LARGE : error.message);
}

const TOO_LARGE = `A body may have at most ${BATCH_LIMITS.bodyBytes} bytes after decompression.`;
const CODES: Readonly<Record<number, ProblemCode>> = {
  401: 'unauthenticated',
  404: 'not-found',
  413: 'too-large',
  415: 'unsupported-encoding',
};

/** zlib's errors carry no status: broken compression is the sender's. */
const decoderStatus = ({ code }: FastifyError): number =>
  /^(Z_|ZSTD_|ERR_(ZLIB|ZSTD))/i.test(code ?? '') ? 400 : 500;
