import { type TSchema, Type } from 'typebox';
import { LAST_MILES } from '../protocol/model/inventory.ts';
import { ID_PATTERN, SUBJECT_PATTERN } from '../protocol/model/subject.ts';
import { EXPECTED_DURATION, Id, Path, strict, Text } from './schema-words.ts';
import { DURATION_PATTERN } from './words.ts';

const EXPECTED_SUBJECT = 'a subject such as site:lyon, link:lyon-mpls or device:lyon-r1';
const Subject = Type.String({ pattern: SUBJECT_PATTERN, expected: EXPECTED_SUBJECT });

export const LastMile = Type.Optional(
  Type.Union(
    LAST_MILES.map((kind) => Type.Literal(kind)),
    { description: 'What the last stretch to the site is made of' },
  ),
);
export const PointOfPresence = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 255,
    expected: 'a text of 1 to 255 characters',
    description: "The provider's point of presence that the circuit ends at",
  }),
);

export const RedundancyGroup = Type.Object(
  {
    id: Id,
    name: Type.Optional(Text),
    members: Type.Array(Subject, { maxItems: 64, description: 'Any one of them suffices' }),
  },
  strict,
);

/** A need as it is written: a subject, `group:ID`, or a formula of needs. */
export type NeedText =
  | string
  | { readonly all: readonly NeedText[] }
  | { readonly any: readonly NeedText[] }
  | { readonly atLeast: number; readonly of: readonly NeedText[] };

/** Formulas in formulas in formulas: deeper than this nobody can read. */
const NEED_DEPTH = 3;
const NEED_WORDS =
  'site:ID, link:ID, device:ID, service:ID or group:ID, or a formula of those: { all: […] }, { any: […] } or { atLeast: 2, of: […] }';
const NeedSubject = Type.String({
  pattern: `${SUBJECT_PATTERN}|^group:${ID_PATTERN.slice(1)}`,
  expected: NEED_WORDS,
});

function need(depth: number): TSchema {
  if (depth === 0) return NeedSubject;
  const parts = Type.Array(need(depth - 1), { maxItems: 1000 });
  const k = Type.Integer({ minimum: 1, maximum: 1000, expected: 'a number of needs' });
  return Type.Union(
    [
      NeedSubject,
      Type.Object({ all: parts }, strict),
      Type.Object({ any: parts }, strict),
      Type.Object({ atLeast: k, of: parts }, strict),
    ],
    { expected: NEED_WORDS },
  );
}

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const DAY = `(${DAYS.join('|')})`;
const Clock = Type.String({
  pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$',
  expected: 'a time of day such as "08:00", to "24:00"',
});
const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  expected: 'a time zone such as Europe/Paris or UTC',
});
const Hours = Type.Object(
  {
    timeZone: TimeZone,
    weekly: Type.Array(
      Type.Object(
        {
          days: Type.Array(
            Type.String({
              pattern: `^${DAY}(-${DAY})?$`,
              expected: 'a day or days: mon, tue, wed, thu, fri, sat, sun, mon-fri',
            }),
            { minItems: 1, maxItems: 7 },
          ),
          from: Clock,
          to: Clock,
        },
        strict,
      ),
      { maxItems: 50 },
    ),
  },
  { ...strict, description: 'When the service is used; left out: round the clock' },
);

export const COST_PATTERN = '^[0-9]{1,12}([.][0-9]{1,2})? [A-Z]{3}$';
const COST_WORDS = 'an amount and a currency such as "38 EUR", or { amount: 38, currency: EUR }';
const Cost = Type.Union(
  [
    Type.String({ pattern: COST_PATTERN, expected: COST_WORDS }),
    Type.Object(
      {
        amount: Type.Number({ minimum: 0, maximum: 1e12, expected: 'an amount of money' }),
        currency: Type.String({
          pattern: '^[A-Z]{3}$',
          expected: 'a currency (ISO 4217) such as EUR',
        }),
      },
      strict,
    ),
  ],
  { expected: COST_WORDS },
);

const LEVELS = ['high', 'medium', 'low'] as const;
export const Service = Type.Object(
  {
    id: Id,
    name: Type.Optional(Text),
    needs: Type.Unsafe<NeedText>(need(NEED_DEPTH)),
    users: Type.Integer({
      minimum: 0,
      maximum: 10_000_000,
      default: 0,
      expected: 'a number of people',
      description: 'People who use it',
    }),
    criticality: Type.Union(
      LEVELS.map((level) => Type.Literal(level)),
      { default: 'medium', description: 'The impact while it is down in its hours' },
    ),
    hours: Type.Optional(Hours),
    costPerHour: Type.Optional(Cost),
  },
  strict,
);

const INSTANT_PATTERN =
  '^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[+-][0-2][0-9]:[0-5][0-9])$';
const Instant = Type.String({
  pattern: INSTANT_PATTERN,
  expected: 'an instant with its zone, 2026-03-01T22:00:00+01:00 or …Z',
});

const SOURCES = ['lldp', 'cdp', 'arp', 'route'] as const;
export const LearnedEdge = Type.Object(
  {
    from: Type.String({
      pattern: SUBJECT_PATTERN,
      expected: EXPECTED_SUBJECT,
      description: 'The one nearer to the hub',
    }),
    to: Subject,
    source: Type.Union(SOURCES.map((source) => Type.Literal(source))),
    seenAt: Instant,
    evidence: Type.String({ minLength: 1, maxLength: 1000, expected: 'a sentence' }),
  },
  strict,
);

const WindowBase = {
  id: Id,
  name: Type.Optional(Text),
  subjects: Type.Array(Subject, {
    minItems: 1,
    maxItems: 1000,
    description: 'It holds for these and for everything behind them',
  }),
};
export const Maintenance = Type.Union(
  [
    Type.Object({ ...WindowBase, from: Instant, until: Instant }, strict),
    Type.Object(
      {
        ...WindowBase,
        cron: Type.String({
          minLength: 1,
          maxLength: 200,
          expected: 'a cron expression such as "0 2 * * sun"',
        }),
        timeZone: TimeZone,
        lasts: Type.String({ pattern: DURATION_PATTERN, expected: EXPECTED_DURATION }),
      },
      strict,
    ),
    Type.Object(
      {
        ...WindowBase,
        ical: Path,
        timeZone: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 64,
            expected: 'a time zone such as Europe/Paris or UTC',
            description: 'Of times in the file that name none; default UTC',
          }),
        ),
      },
      strict,
    ),
  ],
  {
    expected:
      'a window: { id, subjects, from, until }, { id, subjects, cron, timeZone, lasts } or { id, subjects, ical: FILE }',
  },
);
