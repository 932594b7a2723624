import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addColumn, createRound, put, readColumn, rowAt } from '../../server/history/round.ts';
import { scaleOf } from '../../server/history/scale.ts';

const SCALE = scaleOf('icmp_rtt_ms');

test('whatever comes in whatever order, each series has its own samples when the round has grown', () => {
  const sample = fc.record({
    series: fc.nat(9),
    at: fc.integer({ min: 1, max: 400 }),
    value: fc.nat(100_000).map((micros) => micros / 1000),
  });
  const rounds = fc.record({
    expected: fc.constantFrom(0, 3, 40, 241),
    samples: fc.array(sample, { minLength: 1, maxLength: 600, size: 'max' }),
  });
  fc.assert(
    fc.property(rounds, fc.nat(40), ({ expected, samples }, number) => {
      const round = createRound(number, expected);
      const places = new Map<number, number>();
      const known = new Map<number, Map<number, number>>();
      for (const { series, at, value } of samples) {
        // A series comes with its first sample, often long after the round has grown.
        const place = places.get(series) ?? addColumn(round, series, SCALE);
        places.set(series, place);
        put(round, place, rowAt(round, at), value);
        known.set(series, (known.get(series) ?? new Map()).set(at, value));
      }
      for (const [series, place] of places) {
        const read = readColumn(round, place, 0, 1000);
        const pairs = Array.from(read.at, (at, i) => [at, read.value[i]]);
        expect(pairs).toEqual([...known.get(series)!].sort(([a], [b]) => a - b));
      }
    }),
    { numRuns: 100 },
  );
});
