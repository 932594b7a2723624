import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SampleBatch } from '../../protocol/wire/batch.ts';
import { parseBatch } from '../../server/collect/parse.ts';
import { columnsOf } from '../../server/pipeline/batch-columns.ts';
import { readBatch, scanBatch } from '../../server/pipeline/scan-batch.ts';

const index = fc.integer({ min: 0, max: 1_000_000 });
const offset = fc.integer({ min: 0, max: 604_800_000 });
const measured = fc.oneof(
  fc.integer({ min: -100_000, max: 100_000 }).map((n) => n / 1000),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 0.1, 1e15, 123_456_789_012_345, 1e-7, 1e21, 0.000_001),
);
const gauges = fc.array(fc.tuple(index, offset, measured), { maxLength: 12 }).map((rows) => ({
  series: rows.map(([one]) => one),
  at: rows.map(([, one]) => one),
  value: rows.map(([, , one]) => one),
}));
const total = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 15n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const counter = fc
  .tuple(
    index,
    total,
    fc.array(fc.tuple(offset, fc.integer({ min: -9, max: 10 ** 12 })), { maxLength: 4 }),
  )
  .map(([series, base, more]) => ({
    series,
    at: [5, ...more.map(([at]) => at)],
    base: String(base),
    delta: more.map(([, step]) => step),
  }));
const batches: fc.Arbitrary<SampleBatch> = fc
  .record({ gauges, counters: fc.array(counter, { maxLength: 6 }), alias: fc.string() })
  .map(({ alias, ...samples }) => ({
    v: 1 as const,
    agent: 'agent-1',
    spool: '00000000000000aa',
    lane: 'live' as const,
    sequence: 7,
    at: 1_700_000_000_000,
    dictionary: [{ index: 3, metric: 'icmp_rtt_ms', subject: 'link:a' }],
    // Whatever people write on a port, also what looks like our own form.
    interfaces: [
      { subject: 'interface:r1/1', ifIndex: 1, name: alias, descr: ',"gauges":{"series":[1],' },
    ],
    ...samples,
  }));
const bodyOf = (batch: SampleBatch): Buffer => Buffer.from(JSON.stringify(batch));

/** What the long way makes of it: parsed to objects, checked by the schema, taken apart. */
function theLongWay(body: Buffer): unknown {
  // A space makes it a body that nobody of ours writes.
  const spaced = Buffer.concat([body.subarray(0, -1), Buffer.from(' }')]);
  expect(scanBatch(spaced)).toBeUndefined();
  return parseBatch(spaced, 'agent-1');
}

test('a body read in one pass says what it says when it is parsed', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const body = bodyOf(batch);
      expect(parseBatch(body, 'agent-1')).toEqual(theLongWay(body));
      const columns = columnsOf(JSON.parse(body.toString()));
      if (!('detail' in columns)) expect(readBatch(body)).toEqual(columns);
    }),
    { numRuns: 300 },
  );
});

test('a body that was tampered with is never taken for more than its JSON says', () => {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.constantFrom(...Buffer.from('0123456789.,-+eE[]{}":\\ x'), 0x00, 0xff),
    how: fc.constantFrom('replace', 'insert', 'delete'),
  });
  fc.assert(
    fc.property(batches, fc.array(change, { minLength: 1, maxLength: 3 }), (batch, changes) => {
      const bytes = [...bodyOf(batch)];
      for (const { at, byte, how } of changes) {
        const place = Math.floor(at * (bytes.length - 1));
        bytes.splice(place, how === 'insert' ? 0 : 1, ...(how === 'delete' ? [] : [byte]));
      }
      const body = Buffer.from(bytes);
      if (scanBatch(body) === undefined) return;
      expect(parseBatch(body, 'agent-1')).toEqual(theLongWay(body));
    }),
    { numRuns: 2000 },
  );
});

test('the usual body is read in one pass, with resets and decimals', () => {
  const body = bodyOf({
    v: 1,
    agent: 'agent-1',
    spool: '00000000000000aa',
    lane: 'live',
    sequence: 1,
    at: 1_700_000_000_000,
    dictionary: [],
    gauges: { series: [4, 5], at: [0, 20], value: [18.204, -0.5] },
    counters: [
      { series: 9, at: [1, 31, 61], base: '900719925474099', delta: [5, -900_719_925_474_104] },
      { series: 10, at: [1], base: '0012', delta: [] },
    ],
  });
  const scanned = scanBatch(body);
  expect(scanned?.gauges).toEqual({
    series: Float64Array.of(4, 5),
    at: Float64Array.of(0, 20),
    value: Float64Array.of(18.204, -0.5),
  });
  expect(scanned?.counters).toEqual({
    series: Float64Array.of(9, 9, 9, 10),
    at: Float64Array.of(1, 31, 61, 1),
    value: BigUint64Array.of(900_719_925_474_099n, 900_719_925_474_104n, 0n, 12n),
  });
});

test('counters beyond 2^53 stay exact, and what fits no counter is refused', () => {
  const one = (base: string, delta: number[]) => {
    const at = [0, ...delta.map((_, i) => i + 1)];
    return bodyOf({
      v: 1,
      agent: 'agent-1',
      spool: '00000000000000aa',
      lane: 'live',
      sequence: 1,
      at: 0,
      dictionary: [],
      gauges: { series: [], at: [], value: [] },
      counters: [{ series: 1, at, base, delta }],
    });
  };
  const large = parseBatch(one('18446744073709551614', [1]), 'agent-1');
  expect(large).toMatchObject({
    value: { counters: { value: BigUint64Array.of(2n ** 64n - 2n, 2n ** 64n - 1n) } },
  });
  for (const [base, step] of [
    ['18446744073709551615', 1],
    ['3', -4],
    ['18446744073709551616', 0],
  ] as const) {
    expect(parseBatch(one(base, [step]), 'agent-1')).toMatchObject({
      problem: { code: 'malformed', detail: expect.stringContaining('does not fit 64 bits') },
    });
  }
});

test('the samples of a batch are counted together', () => {
  const many = Array.from({ length: 12_000 }, () => 1);
  const batch = {
    v: 1 as const,
    agent: 'agent-1',
    spool: '00000000000000aa',
    lane: 'live' as const,
    sequence: 1,
    at: 0,
    dictionary: [],
    gauges: { series: many, at: many, value: many },
    counters: [{ series: 2, at: many, base: '1', delta: many.slice(1) }],
  };
  expect(parseBatch(bodyOf(batch), 'agent-1')).toMatchObject({ problem: { code: 'too-large' } });
});
