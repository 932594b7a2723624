import { type Static, Type } from 'typebox';
import { SUBJECT_KINDS, SUBJECT_PATTERN } from '../protocol/model/subject.ts';
import { BadAt, LEARNING_DETECTORS, Margin, Objective } from './schema-detectors.ts';
import { duration, Id, LinkKind, optionalDuration, strict, Text } from './schema-words.ts';

const Figure = (expected: string) => Type.Number({ expected });
const MissedRounds = Type.Integer({ minimum: 1, maximum: 100, expected: 'a number of rounds' });
const Condition = (what: string) =>
  Type.String({
    minLength: 1,
    maxLength: 2000,
    expected: 'a condition such as mean(icmp_loss_ratio, 1 min) > 5 %',
    description: `The condition that ${what}`,
  });
const MarginFigure = (fallback: number, description: string) =>
  Type.Number({ minimum: 0, default: fallback, expected: 'a number, 0 or more', description });
const Detector = Type.Union(
  [
    Type.Object(
      {
        kind: Type.Literal('threshold'),
        metric: Text,
        also: Type.Optional(
          Type.Array(Text, { description: 'Metrics judged by the same figures, each by itself' }),
        ),
        over: duration('1m', 'The mean over this long is judged'),
        raiseAt: Figure('the figure that raises the alert'),
        clearAt: Figure('the figure that clears the alert'),
      },
      strict,
    ),
    Type.Object(
      {
        kind: Type.Literal('unreachable'),
        probe: Type.Union([Type.Literal('any'), Type.Literal('icmp'), Type.Literal('stamp')]),
        missed: MissedRounds,
        outOf: MissedRounds,
      },
      strict,
    ),
    Type.Object(
      {
        kind: Type.Literal('expression'),
        raise: Condition('raises the alert'),
        clear: Type.Optional(Condition('clears it; without one: when raise no longer holds')),
      },
      strict,
    ),
    Type.Object(
      {
        kind: Type.Literal('drop'),
        metric: Text,
        also: Type.Optional(
          Type.Array(Text, { description: 'Metrics judged by the same figures, each by itself' }),
        ),
        least: Type.Number({
          minimum: 1,
          default: 1,
          expected: 'a number, 1 or more',
          description: 'So many must be missing',
        }),
        share: Type.Number({
          minimum: 0,
          maximum: 1,
          default: 0,
          expected: 'a share, 0 to 1',
          description: 'This share of the usual level must be missing',
        }),
        settleFor: duration('1m', 'A level kept so long is the usual one'),
        forgetAfter: duration('3d', 'What is missing so long is not coming back'),
        alongside: Type.Optional(
          Type.Object(
            { metric: Text, within: duration('1m', 'Before or after the drop') },
            { ...strict, description: 'Only where this metric rose at the time of the drop' },
          ),
        ),
      },
      strict,
    ),
    Type.Object(
      {
        kind: Type.Literal('baseline'),
        metric: Text,
        also: Type.Optional(
          Type.Array(Text, { description: 'Metrics judged by the same figures, each by itself' }),
        ),
        side: Type.Union([Type.Literal('above'), Type.Literal('both')], {
          default: 'above',
          expected: 'above or both',
        }),
        atLeast: MarginFigure(5, 'Least margin over the median, in the unit of the metric'),
        share: MarginFigure(0.03, 'Least margin as a share of the median'),
        spread: MarginFigure(
          0.5,
          'Least margin in distances from the median to the 95th percentile',
        ),
        proof: duration('26m', 'So long must a step by exactly the margin last'),
      },
      strict,
    ),
    ...LEARNING_DETECTORS,
    Type.Object({ kind: Type.Literal('interface-down') }, strict),
    Type.Object({ kind: Type.Literal('snmp-silent'), after: duration('5m', 'Silence') }, strict),
    Type.Object({ kind: Type.Literal('agent-silent'), after: duration('12s', 'Silence') }, strict),
  ],
  {
    expected: 'a detector: { kind: threshold, metric: …, raiseAt: …, clearAt: … } or another kind',
  },
);

const SEVERITIES = ['critical', 'major', 'minor', 'warning'] as const;

/** Without `detector`: changes the rule of that id. With it: a new rule, then nothing may be missing. */
export const RuleChange = Type.Object(
  {
    id: Id,
    enabled: Type.Optional(Type.Boolean()),
    on: Type.Optional(
      Type.Array(Type.Union(SUBJECT_KINDS.map((kind) => Type.Literal(kind))), { minItems: 1 }),
    ),
    where: Type.Optional(
      Type.Object(
        {
          subjects: Type.Optional(
            Type.Array(
              Type.String({
                pattern: SUBJECT_PATTERN,
                expected: 'a subject such as link:lyon-mpls or device:lyon-r1',
              }),
            ),
          ),
          sites: Type.Optional(Type.Array(Id)),
          linkKinds: Type.Optional(Type.Array(LinkKind)),
        },
        {
          ...strict,
          description:
            'Only for these subjects; every given field must match. A change of a shipped rule leaves it as it is elsewhere',
        },
      ),
    ),
    detector: Type.Optional(Detector),
    raiseAt: Type.Optional(Figure('the figure that raises the alert')),
    clearAt: Type.Optional(Figure('the figure that clears the alert')),
    over: optionalDuration('The mean over this long is judged (threshold rules)'),
    after: optionalDuration('Silence that counts (silence rules)'),
    missed: Type.Optional(MissedRounds),
    outOf: Type.Optional(MissedRounds),
    margin: Type.Optional(Margin),
    badAt: Type.Optional(BadAt),
    objective: Type.Optional(Objective),
    atLeast: Type.Optional(
      Type.Number({
        minimum: 0,
        expected: 'a number, 0 or more',
        description: 'Least margin over what is usual, in the unit of the metric (baseline rules)',
      }),
    ),
    proof: optionalDuration('So long must a step by just the margin last (baseline rules)'),
    holdFor: optionalDuration('Must stay breached this long before it fires'),
    clearAfter: optionalDuration('Must stay normal this long before it resolves'),
    severity: Type.Optional(Type.Union(SEVERITIES.map((severity) => Type.Literal(severity)))),
    disturbance: Type.Optional(Type.Union([Type.Literal('outage'), Type.Literal('degradation')])),
    cause: Type.Optional(Text),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, expected: 'a sentence' })),
    advice: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 500, expected: 'a sentence' }), {
        maxItems: 10,
      }),
    ),
  },
  strict,
);
export type RuleChange = Static<typeof RuleChange>;

export const TimingChange = Type.Object(
  {
    lateAfter: optionalDuration('Samples older than this correct history and judge nothing'),
    staleIntervals: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, expected: 'a number of intervals' }),
    ),
    holdDown: optionalDuration("How long a child's alert may wait for its upstream"),
    reopenWithin: optionalDuration('Back this soon is the same incident'),
    acknowledgeFor: optionalDuration('How long an acknowledgement holds'),
    collectorBlindShare: Type.Optional(
      Type.Number({ minimum: 0.1, maximum: 1, expected: 'a share, 0.1 to 1' }),
    ),
  },
  { ...strict, default: {}, description: 'Numbers of the life cycle' },
);
