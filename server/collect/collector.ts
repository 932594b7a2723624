import { randomUUID } from 'node:crypto';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs, seconds } from '../../protocol/model/units.ts';
import type { BatchAck } from '../../protocol/wire/batch.ts';
import { BATCH_LIMITS, OLDEST_HEADER, SENT_AT_HEADER } from '../../protocol/wire/limits.ts';
import { problem } from '../../protocol/wire/problem.ts';
import type { Outcome, Pipeline, Sent } from '../pipeline.ts';
import type { TokenStore } from '../ports/store.ts';
import type { AgentConfigs } from './agent-configs.ts';
import { decodeBody } from './decode-body.ts';
import { type Parsed, parseBatch, parseDictionary, parseHeartbeat } from './parse.ts';
import { answerError, refuse } from './problems.ts';
import { createRateLimiter, type RateLimit } from './rate-limit.ts';

export interface CollectorDeps {
  readonly pipeline: Pick<Pipeline, 'batch' | 'heartbeat' | 'dictionary' | 'state'>;
  readonly tokens: Pick<TokenStore, 'verify'>;
  readonly configs: AgentConfigs;
  readonly now: () => EpochMs;
  readonly log?: FastifyBaseLogger;
  /** Per agent; a backlog is sent with several requests at once. */
  readonly rateLimit?: RateLimit;
  readonly tls?: { readonly key: string; readonly cert: string };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token came with the request. */
    agent: AgentId;
    receivedAt: EpochMs;
  }
}

const DEFAULT_RATE: RateLimit = { perSecond: 250, burst: 1000 };
/** A whole dictionary may be larger than a batch: 200,000 entries of about 100 bytes. */
const DICTIONARY_BYTES = 24 * 1024 * 1024;
const MAX_WAIT = seconds(30);

/** Fastify has none where nothing was sent. */
const bodyOf = ({ body }: FastifyRequest): Buffer => (body as Buffer | undefined) ?? NOTHING;
const NOTHING = Buffer.alloc(0);

/**
 * The listener for agents. A request is asked in this order: who (before a byte of the body is
 * read), how often, how large, what shape, and only then the pipeline.
 */
export async function createCollector(deps: CollectorDeps): Promise<FastifyInstance> {
  const { configs, now, tls } = deps;
  const limiter = createRateLimiter(deps.rateLimit ?? DEFAULT_RATE);
  const options = {
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BATCH_LIMITS.bodyBytes,
    genReqId: () => randomUUID(),
    // Before every hook: an address that cannot be decoded.
    frameworkErrors: (_error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      refuse(request, reply, problem('malformed', 'The address cannot be decoded.')),
    // An idle keep-alive connection outlives the agents' 5 s heartbeat.
    keepAliveTimeout: 75_000,
    requestTimeout: 60_000,
    forceCloseConnections: 'idle' as const,
    ...(deps.log === undefined ? { logger: false } : { loggerInstance: deps.log }),
  };
  const app = (tls === undefined
    ? Fastify(options)
    : Fastify({ ...options, https: tls })) as unknown as FastifyInstance;
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) =>
    refuse(request, reply, problem('not-found', `Nothing at ${request.url.slice(0, 200)}`)),
  );
  app.decorateRequest('agent', '');
  app.decorateRequest('receivedAt', 0 as EpochMs);
  app.addHook('onRequest', identify);
  app.addHook('preParsing', async (request, _reply, payload) => decodeBody(request, payload));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('preClose', async () => configs.release());

  app.post('/v1/samples', async (request, reply) => {
    const parsed = parseBatch(bodyOf(request), request.agent);
    const oldest = numberHeader(request, OLDEST_HEADER);
    return answer(request, reply, parsed, async (batch) => {
      const outcome = await deps.pipeline.batch(sentOf(request), batch, oldest);
      if (outcome.kind === 'refused') return outcome;
      const config = configs.revision(request.agent, now());
      const value: BatchAck = { acknowledged: outcome.value, config };
      return { kind: 'accepted', value };
    });
  });

  app.post('/v1/heartbeat', async (request, reply) => {
    const parsed = parseHeartbeat(bodyOf(request), request.agent);
    return answer(request, reply, parsed, async (heartbeat) => {
      const outcome = await deps.pipeline.heartbeat(sentOf(request), heartbeat);
      if (outcome.kind === 'refused') return outcome;
      return { kind: 'accepted', value: { config: configs.revision(request.agent, now()) } };
    });
  });

  app.put('/v1/dictionary', { bodyLimit: DICTIONARY_BYTES }, async (request, reply) => {
    const parsed = parseDictionary(bodyOf(request), request.agent);
    return answer(request, reply, parsed, async (dictionary) => {
      const outcome = await deps.pipeline.dictionary(sentOf(request), dictionary);
      return outcome.kind === 'refused' ? outcome : { kind: 'accepted', value: {} };
    });
  });

  app.get('/v1/agent/config', sendConfig);

  async function identify(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    request.receivedAt = now();
    reply.header('x-request-id', request.id).header('cache-control', 'no-store');
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ', 2);
    const agent = scheme?.toLowerCase() === 'bearer' ? deps.tokens.verify(token) : undefined;
    if (agent === undefined) {
      reply.header('www-authenticate', 'Bearer').header('connection', 'close');
      const detail = 'Send Authorization: Bearer with a token of `vedette token create AGENT`.';
      return refuse(request, reply, problem('unauthenticated', detail));
    }
    request.agent = agent;
    if (limiter.take(agent, request.receivedAt)) return undefined;
    return refuse(request, reply, problem('rate-limited', 'Slow down.'), seconds(1));
  }

  async function sendConfig(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { agent } = request;
    const known = request.headers['if-none-match'];
    const asked = Number((request.query as { wait?: string }).wait ?? 0);
    if (!(asked >= 0)) {
      return refuse(request, reply, problem('malformed', 'wait is a number of seconds, 0 to 30'));
    }
    if (etagOf(configs.revision(agent, now())) === known && asked > 0) {
      const until = AbortSignal.timeout(Math.min(asked * 1000, MAX_WAIT));
      const isGone = new AbortController();
      reply.raw.once('close', () => isGone.abort());
      if (!deps.pipeline.state().isDraining) {
        await configs.changed(agent, AbortSignal.any([until, isGone.signal]));
      }
    }
    const config = configs.current(agent, now());
    if (config === undefined) {
      const detail = `No agent "${agent}" is in the server's configuration.`;
      return refuse(request, reply, problem('not-found', detail));
    }
    const etag = etagOf(config.revision);
    reply.header('etag', etag);
    return etag === known ? reply.code(304).send() : reply.send(config);
  }

  function sentOf(request: FastifyRequest): Sent {
    const { agent, receivedAt } = request;
    const sentAt = numberHeader(request, SENT_AT_HEADER);
    return {
      agent,
      body: request.body as Buffer,
      receivedAt,
      ...(sentAt === undefined ? {} : { sentAt: epochMs(sentAt) }),
      mayReport: (subject: SubjectKey) => configs.mayReport(agent, subject),
    };
  }

  return app;
}

async function answer<T, R>(
  request: FastifyRequest,
  reply: FastifyReply,
  parsed: Parsed<T>,
  act: (value: T) => Promise<Outcome<R>>,
): Promise<unknown> {
  if (parsed.kind === 'wrong') return refuse(request, reply, parsed.problem);
  const wrongHeader = [OLDEST_HEADER, SENT_AT_HEADER].find((name) => isBadNumber(request, name));
  if (wrongHeader !== undefined) {
    return refuse(request, reply, problem('malformed', `${wrongHeader} is not a whole number`));
  }
  const outcome = await act(parsed.value);
  if (outcome.kind === 'accepted') return reply.send(outcome.value);
  return refuse(request, reply, outcome.problem, outcome.retryAfter);
}

const etagOf = (revision: string): string => `"${revision}"`;

function numberHeader(request: FastifyRequest, name: string): number | undefined {
  const text = request.headers[name];
  return text === undefined ? undefined : Number(text);
}

function isBadNumber(request: FastifyRequest, name: string): boolean {
  const value = numberHeader(request, name);
  return value !== undefined && !(Number.isSafeInteger(value) && value >= 0);
}
