import { type Static, Type } from 'typebox';

/** Requests are strict: an unknown field or parameter is an error that names it, not a silence. */
const strict = { additionalProperties: false } as const;
/** Answers are described for readers; they may grow. */
const open = { additionalProperties: true } as const;

// Names and notes end up in tickets and logs: no control characters.
const Person = Type.String({
  pattern: '^[^\\u0000-\\u001f\\u007f]{1,64}$',
  description: 'Who does it, as colleagues know the person',
});
const Note = Type.String({ maxLength: 2_000, description: 'Why, in a sentence' });
const Instant = Type.Integer({ description: 'Milliseconds since 1970 (UTC)' });

export const IdParams = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 128, pattern: '^[a-zA-Z0-9_.:-]+$' }) },
  strict,
);

export const AcknowledgeBody = Type.Object(
  {
    by: Person,
    note: Type.Optional(Note),
    for: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,4}(s|m|h|d)$',
        description: 'How long it holds: "30m", "8h", "2d", at most 30 days',
      }),
    ),
  },
  strict,
);
export type AcknowledgeBody = Static<typeof AcknowledgeBody>;
export const UnacknowledgeBody = Type.Object({ by: Person }, strict);
export const CloseBody = Type.Object({ by: Person, note: Type.Optional(Note) }, strict);
export type CloseBody = Static<typeof CloseBody>;
export const MergeBody = Type.Object(
  {
    by: Person,
    note: Type.Optional(Note),
    into: Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[a-zA-Z0-9_.:-]+$',
      description: 'Id of the incident that goes on',
    }),
  },
  strict,
);
export type MergeBody = Static<typeof MergeBody>;
export const AlertBody = Type.Object(
  {
    by: Person,
    note: Type.Optional(Note),
    alert: Type.String({ minLength: 1, maxLength: 400, description: '`rule|subject|agent`' }),
  },
  strict,
);
export type AlertBody = Static<typeof AlertBody>;

export const IncidentsQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Union([Type.Literal('open'), Type.Literal('all')], { description: 'Default: open' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 500, description: 'Page size, default 100' }),
    ),
    cursor: Type.Optional(
      Type.String({ maxLength: 200, description: '`nextCursor` of the page before' }),
    ),
  },
  strict,
);

export const RangeQuery = Type.Object(
  {
    series: Type.String({ maxLength: 400, description: '`agent|metric|subject`' }),
    from: Type.Integer({ minimum: 0, description: 'Milliseconds since 1970' }),
    to: Type.Integer({ minimum: 0, description: 'Milliseconds since 1970' }),
    step: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: 86_400_000,
        description: 'Bucket length, ms; left out: samples up to 8 days, then buckets that fit',
      }),
    ),
  },
  strict,
);

export const SeriesQuery = Type.Object(
  {
    subject: Type.Optional(Type.String({ maxLength: 256, description: '`kind:id`' })),
    metric: Type.Optional(Type.String({ maxLength: 64 })),
    agent: Type.Optional(Type.String({ maxLength: 64 })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, description: 'Page size, default 100' }),
    ),
    cursor: Type.Optional(
      Type.String({ maxLength: 400, description: '`nextCursor` of the page before' }),
    ),
  },
  strict,
);

export const SeriesAnswer = Type.Object(
  {
    series: Type.Array(
      Type.Object(
        {
          series: Type.String({ description: '`agent|metric|subject`, for /api/v1/range' }),
          agent: Type.String(),
          metric: Type.String(),
          subject: Type.String(),
        },
        open,
      ),
    ),
    nextCursor: Type.Optional(Type.String()),
  },
  open,
);

const SubjectFilter = Type.Optional(
  Type.String({ maxLength: 256, description: '`kind:id`; left out: all' }),
);
export const ChangesQuery = Type.Object(
  {
    subject: SubjectFilter,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Default 100' })),
  },
  strict,
);
export const ForecastsQuery = Type.Object({ subject: SubjectFilter }, strict);

export const DeliveriesQuery = Type.Object(
  {
    incident: Type.Optional(Type.String({ maxLength: 128 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  },
  strict,
);

const Health = Type.Union(
  (['up', 'degraded', 'down', 'unknown'] as const).map((word) => Type.Literal(word)),
);
const Ticket = Type.Object(
  {
    destination: Type.String(),
    state: Type.String({ description: 'waiting, sending, open, resolved or failed' }),
    number: Type.Optional(Type.String()),
    url: Type.Optional(Type.String()),
    attempts: Type.Integer(),
    lastAnswer: Type.Optional(Type.String()),
  },
  open,
);

const IncidentAnswer = Type.Object(
  {
    id: Type.String(),
    state: Type.String({ description: 'open, acknowledged, resolved or closed' }),
    title: Type.String(),
    subject: Type.String({ description: '`kind:id`' }),
    site: Type.Optional(Type.String()),
    root: Type.Object(
      {
        subject: Type.String(),
        rule: Type.String(),
        cause: Type.String(),
        confidence: Type.Number({ description: '0..1' }),
      },
      open,
    ),
    symptoms: Type.Array(Type.Object({}, open)),
    severity: Type.String({ description: 'critical, major, minor or warning' }),
    priority: Type.Integer({ minimum: 1, maximum: 5 }),
    users: Type.Integer(),
    onsetAt: Instant,
    openedAt: Instant,
    updatedAt: Instant,
    resolvedAt: Type.Optional(Instant),
    tickets: Type.Array(Ticket),
  },
  open,
);

export const IncidentDetailAnswer = Type.Intersect([
  IncidentAnswer,
  Type.Object(
    {
      timeline: Type.Array(
        Type.Object({ at: Instant, kind: Type.String(), text: Type.String() }, open),
      ),
      evidence: Type.Optional(
        Type.Object({}, { ...open, description: 'Limit and value that decided, with the series' }),
      ),
      alerts: Type.Array(
        Type.Object(
          { key: Type.String(), subject: Type.String(), firedAt: Instant },
          { ...open, description: "The root's first" },
        ),
      ),
      absorbed: Type.Array(
        Type.Object({ id: Type.String(), title: Type.String(), at: Instant }, open),
      ),
    },
    open,
  ),
]);

export const IncidentsAnswer = Type.Object(
  { incidents: Type.Array(IncidentAnswer), nextCursor: Type.Optional(Type.String()) },
  open,
);

const Place = Type.Object(
  { id: Type.String(), name: Type.String(), health: Health, because: Type.String() },
  open,
);
export const StatusAnswer = Type.Object(
  {
    now: Instant,
    version: Type.String(),
    incidents: Type.Array(IncidentAnswer),
    sites: Type.Array(Place),
    links: Type.Array(Place),
    agents: Type.Array(Type.Object({ id: Type.String(), state: Type.String() }, open)),
    services: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          name: Type.String(),
          state: Type.String({ description: 'healthy, at-risk, degraded, down or unknown' }),
          because: Type.String(),
          users: Type.Integer(),
          isOpen: Type.Boolean({ description: 'Within its service hours' }),
        },
        open,
      ),
    ),
    maintenance: Type.Array(
      Type.Object(
        { name: Type.String(), subjects: Type.Array(Type.String()), from: Instant, until: Instant },
        open,
      ),
    ),
    own: Type.Array(
      Type.Object(
        { id: Type.String(), text: Type.String() },
        { ...open, description: 'What keeps the server itself from its work' },
      ),
    ),
  },
  open,
);

export const RangeAnswer = Type.Object(
  {
    series: Type.String(),
    metric: Type.String(),
    subject: Type.String(),
    at: Type.Array(Instant),
    value: Type.Array(Type.Number(), { description: 'Samples or means; counters as rates' }),
    form: Type.Optional(Type.String({ description: 'raw or buckets' })),
    step: Type.Optional(Type.Integer({ description: 'Bucket length, ms' })),
    count: Type.Optional(Type.Array(Type.Integer())),
    min: Type.Optional(Type.Array(Type.Number())),
    max: Type.Optional(Type.Array(Type.Number())),
    p50: Type.Optional(Type.Array(Type.Number())),
    p95: Type.Optional(Type.Array(Type.Number())),
    loss: Type.Optional(Type.Array(Type.Union([Type.Number(), Type.Null()]))),
    gaps: Type.Optional(
      Type.Array(Type.Object({ from: Instant, to: Instant, because: Type.String() }, open)),
    ),
  },
  open,
);

const Trend = {
  at: Instant,
  series: Type.String(),
  subject: Type.String(),
  metric: Type.String(),
  text: Type.String(),
};
export const ChangesAnswer = Type.Object(
  {
    changes: Type.Array(
      Type.Object({ ...Trend, since: Instant, before: Type.Number(), after: Type.Number() }, open),
    ),
  },
  open,
);
export const ForecastsAnswer = Type.Object(
  {
    forecasts: Type.Array(
      Type.Object(
        {
          ...Trend,
          limit: Type.Number(),
          reachedAt: Instant,
          earliest: Instant,
          latest: Type.Optional(Instant),
        },
        open,
      ),
    ),
  },
  open,
);

export const DeliveriesAnswer = Type.Object(
  { deliveries: Type.Array(Type.Object({}, open)) },
  open,
);

export const ProblemAnswer = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; listed in docs/errors.md' }),
    detail: Type.String(),
  },
  { ...open, description: 'application/problem+json (RFC 9457)' },
);
