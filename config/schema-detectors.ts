import { Type } from 'typebox';
import { duration, strict, Text } from './schema-words.ts';

const Figure = (expected: string) => Type.Number({ expected });
const Also = Type.Optional(
  Type.Array(Text, { description: 'Metrics judged by the same figures, each by itself' }),
);
export const Objective = Type.Number({
  minimum: 0.5,
  maximum: 0.99999,
  expected: 'a share of good minutes such as 0.999',
});
export const BadAt = Type.Number({
  minimum: 0.001,
  maximum: 1,
  expected: 'a share of lost packets, 0.001 to 1',
});
export const Margin = Type.Number({ minimum: 0, expected: 'a number, 0 or more' });

/** Detectors that learn what is usual, or look at what users get over days. */
export const LEARNING_DETECTORS = [
  Type.Object(
    {
      kind: Type.Literal('surge'),
      metric: Text,
      also: Also,
      raiseAt: Figure('the least rate per second that is told'),
      youngAt: Type.Optional(
        Type.Number({
          expected: 'a rate per second',
          description: 'The least rate that is told in the first four hours; absent: raiseAt',
        }),
      ),
      times: Type.Number({
        minimum: 1.5,
        default: 4,
        expected: 'a number, 1.5 or more',
        description: 'So many times the usual rate is told soonest',
      }),
      evidence: Type.Number({
        minimum: 3,
        maximum: 100,
        default: 17,
        expected: 'a number, 3 to 100',
        description: 'Logarithm of the odds that is proof enough',
      }),
      perPacket: Type.Number({
        minimum: 0,
        maximum: 1,
        default: 0,
        expected: 'a share, 0 to 1',
        description: 'Fewer than this share of the packets do not matter',
      }),
    },
    strict,
  ),
  Type.Object(
    {
      kind: Type.Literal('profile'),
      metric: Text,
      also: Also,
      margin: Margin,
      least: Type.Number({
        default: 0,
        expected: 'a number',
        description: 'Below this nothing is judged',
      }),
    },
    strict,
  ),
  Type.Object(
    {
      kind: Type.Literal('forecast'),
      metric: Text,
      also: Also,
      raiseAt: Figure('the limit'),
      within: duration('90d', 'Only what is reached so soon is told'),
    },
    strict,
  ),
  Type.Object(
    {
      kind: Type.Literal('burn-rate'),
      metric: Text,
      also: Also,
      badAt: BadAt,
      objective: Objective,
      windows: Type.Array(
        Type.Object(
          {
            long: duration('1h', 'It must burn so fast over this long'),
            short: duration('5m', 'and over this long'),
            factor: Type.Number({ minimum: 1, expected: 'a number, 1 or more' }),
          },
          strict,
        ),
        { minItems: 1, maxItems: 5 },
      ),
    },
    strict,
  ),
] as const;
