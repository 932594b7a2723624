import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { problem } from '../../protocol/wire/problem.ts';
import type { MaintenanceDesk } from '../ports/maintenance.ts';
import type { OwnFigure, Readiness } from '../ports/show.ts';
import { type ApiDeps, registerApi } from './api.ts';
import { foreignOrigin, isOurHost, SECURITY_HEADERS } from './guard.ts';
import { registerMaintenance } from './maintenance-api.ts';
import { createOwnMetrics } from './metrics.ts';
import { registerPage } from './page-files.ts';
import { answerError, refuse } from './problems.ts';
import { createStream, type Stream } from './stream.ts';

export interface ShowDeps extends ApiDeps {
  readonly version: string;
  /** Host names besides loopback's under which people may ask; without port, lower case. */
  readonly hosts: readonly string[];
  /** Folder of the built page (web/dist); it need not exist. */
  readonly pageRoot: string;
  /** Empty or all ready: /readyz says 200. */
  readonly readiness: () => readonly Readiness[];
  /** Figures of the other stages for /metrics. */
  readonly figures: () => Iterable<OwnFigure>;
  readonly log?: FastifyBaseLogger;
  readonly maxStreams?: number;
  /** Announced work; without it there are no such routes. */
  readonly maintenance?: MaintenanceDesk;
}

/**
 * The listener for people: page, API, stream, documentation, health and metrics. The caller binds
 * it, to loopback only as long as there are no users; `close()` ends the streams too.
 */
export async function createShow(deps: ShowDeps): Promise<FastifyInstance> {
  const app = Fastify({
    ...(deps.log === undefined ? { logger: false } : { loggerInstance: deps.log }),
    // People's clicks are no news; what fails is logged by the error handler.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 16 * 1024,
    // Of a request, not of its answer: a body that comes byte by byte ends here.
    requestTimeout: 60_000,
    genReqId: () => randomUUID(),
    // Before every hook: an address that cannot be decoded.
    frameworkErrors(_error, request, reply) {
      reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
      return refuse(request, reply, 'malformed', 'The address cannot be decoded.');
    },
    // Unknown parameters are refused instead of removed in silence.
    ajv: { customOptions: { removeAdditional: false } },
  });
  const stream = createStream({
    status: deps.status,
    now: deps.now,
    ...(deps.maxStreams !== undefined && { maxClients: deps.maxStreams }),
  });
  // Answers are described, not filtered: a field that the description lacks must not vanish.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) =>
    refuse(request, reply, 'not-found', `Nothing at ${request.url.slice(0, 200)}`),
  );
  guard(app, deps.hosts);
  app.addHook('preClose', async () => stream.close());

  await registerDocs(app, deps.version);
  registerApi(app, deps);
  if (deps.maintenance) registerMaintenance(app, deps.maintenance, deps.now);
  registerStream(app, stream);
  registerHealth(app, deps);
  registerMetrics(app, deps, stream);
  // Tickets carry this address: it must go on working whatever the page's own addresses become.
  app.get<{ Params: { id: string } }>(
    '/incidents/:id',
    { schema: { hide: true } },
    (request, reply) => reply.redirect(`/#/incidents/${encodeURIComponent(request.params.id)}`),
  );
  await registerPage(app, deps.pageRoot);
  return app as unknown as FastifyInstance;
}

type App = Pick<FastifyInstance, 'addHook'>;

function guard(app: App, hosts: readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
    // What is asked for, not how it is written: %61pi is api too.
    const path = request.routeOptions.url ?? request.url;
    if (path.startsWith('/api/')) reply.header('cache-control', 'no-store');
    if (!isOurHost(request.headers.host, hosts))
      return refuse(request, reply, 'forbidden-origin', 'The Host header is not a name of ours.');
    const why = foreignOrigin(request.method, path, request.headers);
    if (why !== undefined)
      return refuse(request, reply, 'forbidden-origin', `${why}; only our own page may do that.`);
    return undefined;
  });
}

async function registerDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'Vedette',
        version,
        description:
          'Incidents, status and samples. Errors are application/problem+json. `/api/v1/stream` is ' +
          'a stream of server-sent events: `snapshot` once, then `change`.',
      },
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  // Swagger UI sets style attributes; its pages show nothing but this description.
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP:
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
      "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  });
}

function registerStream(app: FastifyInstance, stream: Stream): void {
  app.get(
    '/api/v1/stream',
    { schema: { summary: 'Changes as server-sent events', produces: ['text/event-stream'] } },
    (request, reply) => {
      reply.hijack();
      const { raw } = reply;
      const headers = {
        ...SECURITY_HEADERS,
        'x-request-id': request.id,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      };
      for (const [name, value] of Object.entries(headers)) raw.setHeader(name, value);
      const last = request.headers['last-event-id'];
      if (stream.open(raw, typeof last === 'string' ? last : undefined)) return;
      const body = problem('busy', 'Too many pages are open; one stream serves all tabs.');
      raw.setHeader('content-type', 'application/problem+json');
      raw.setHeader('retry-after', '10');
      raw.statusCode = body.status;
      raw.end(JSON.stringify(body));
    },
  );
}

function registerHealth(app: FastifyInstance, deps: ShowDeps): void {
  app.get('/healthz', { schema: { summary: 'The process lives' } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok', version: deps.version }),
  );
  app.get('/readyz', { schema: { summary: 'Ready to serve, or why not' } }, (_request, reply) => {
    const reasons = deps.readiness();
    const isReady = reasons.every((reason) => reason.isReady);
    return reply
      .code(isReady ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: isReady ? 'ready' : 'not-ready', reasons });
  });
}

function registerMetrics(app: FastifyInstance, deps: ShowDeps, stream: Stream): void {
  const metrics = createOwnMetrics({ version: deps.version, figures });
  app.get('/metrics', { schema: { summary: 'OpenMetrics' } }, async (request, reply) => {
    const { contentType, text } = await metrics.scrape(request.headers.accept);
    reply.header('vary', 'accept').header('cache-control', 'no-store');
    return reply.type(contentType).send(text);
  });

  function* figures(): Generator<OwnFigure> {
    yield {
      name: 'show_streams',
      help: 'Open streams to pages',
      kind: 'gauge',
      value: stream.clients,
    };
    yield {
      name: 'show_skipped_messages_total',
      help: 'Messages that slow pages got later, as part of another one',
      kind: 'counter',
      value: stream.skipped,
    };
    yield* deps.figures();
  }
}
