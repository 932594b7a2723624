import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import type { PollReport } from '../../agent/poll/report.ts';
import type { PollSample } from '../../agent/poll/snmp/snmp-samples.ts';
import type { BatchPlace } from '../../agent/ports/spool.ts';
import { nextWait } from '../../agent/ship/backoff.ts';
import { decodeBatch, encodeBatch } from '../../agent/ship/batch-codec.ts';
import { createIntake } from '../../agent/ship/intake.ts';
import { remedyFor } from '../../agent/ship/remedy.ts';
import { createSeriesDictionary } from '../../agent/ship/series-dictionary.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { SampleBatch } from '../../protocol/wire/batch.ts';
import { BATCH_LIMITS } from '../../protocol/wire/limits.ts';
import { PROBLEMS, type ProblemCode } from '../../protocol/wire/problem.ts';
import { createFakeClock } from '../support/agent-fakes.ts';

const place: BatchPlace = { spool: '0123456789abcdef', lane: 'live', sequence: 7 };
const T0 = 1_700_000_000_000;

const gauge = (subject: string, value: number, at = T0): PollSample => ({
  metric: 'icmp_rtt_ms',
  subject: subject as PollSample['subject'],
  at: epochMs(at),
  value,
  every: durationMs(5000),
});
const counter = (subject: string, value: bigint, at = T0): PollSample => ({
  metric: 'if_in_octets_total',
  subject: subject as PollSample['subject'],
  at: epochMs(at),
  value,
  bits: 64,
});
const jsonOf = (body: Uint8Array): SampleBatch =>
  JSON.parse(zstdDecompressSync(body).toString()) as SampleBatch;

describe('a batch', () => {
  const subjects = fc.constantFrom('device:r1', 'device:r2', 'link:l1');
  const anyGauge = fc
    .tuple(subjects, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(600_000))
    .map(([subject, value, offset]) => gauge(subject, value === 0 ? 0 : value, T0 + offset));
  const anyCounter = fc
    .tuple(
      fc.constantFrom('interface:r1/ge0', 'interface:r1/ge1'),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.nat(600_000),
    )
    .map(([subject, value, offset]) => counter(subject, value, T0 + offset));
  const anyReports = fc.array(
    fc.array(fc.oneof(anyGauge, anyCounter), { minLength: 1, maxLength: 20 }),
    { minLength: 1, maxLength: 5 },
  );

  test('follows the schema and gives back every value exactly, counters up to 2^64 too', () => {
    fc.assert(
      fc.property(anyReports, (lists) => {
        const dictionary = createSeriesDictionary();
        const reports: PollReport[] = lists.map((samples) => ({ samples }));
        const encoded = encodeBatch('branch-1', place, reports, dictionary);
        const batch = jsonOf(encoded.body);
        expect([...Value.Errors(SampleBatch, batch)]).toEqual([]);
        expect(encoded.samples).toBe(lists.flat().length);
        const back = decodeBatch(encoded.body, dictionary.entry);
        const key = (one: PollSample) => `${one.metric}|${one.subject}|${one.at}|${one.value}`;
        expect(back.report.samples.map(key).sort()).toEqual(lists.flat().map(key).sort());
        expect(back.agent).toBe('branch-1');
      }),
    );
  });

  test('defines a series in the first batch of each lane that uses it, and only there', () => {
    const dictionary = createSeriesDictionary();
    const encode = (lane: 'live' | 'backfill') =>
      encodeBatch('a', { ...place, lane }, [{ samples: [gauge('device:r1', 1)] }], dictionary);
    const [first, second, third] = [encode('live'), encode('live'), encode('backfill')];
    expect(first.entries).toHaveLength(1);
    expect(jsonOf(first.body).dictionary).toHaveLength(1);
    expect(second.entries).toHaveLength(0);
    expect(jsonOf(second.body).dictionary).toHaveLength(0);
    expect(third.entries).toHaveLength(0);
    expect(jsonOf(third.body).dictionary).toHaveLength(1);
  });

  test('keeps the newest attributes of an interface', () => {
    const entry = { subject: 'interface:r1/ge0', ifIndex: 1, name: 'ge0' };
    const reports = [1, 2].map((ifIndex) => ({
      samples: [gauge('device:r1', 1)],
      interfaces: [{ ...entry, ifIndex }],
    }));
    const batch = jsonOf(encodeBatch('a', place, reports, createSeriesDictionary()).body);
    expect(batch.interfaces).toEqual([{ ...entry, ifIndex: 2 }]);
  });

  test('leaves out what its dictionary has lost when it is read back', () => {
    const dictionary = createSeriesDictionary();
    encodeBatch('a', place, [{ samples: [gauge('device:r1', 1)] }], dictionary);
    const later = encodeBatch(
      'a',
      place,
      [{ samples: [gauge('device:r1', 2), gauge('device:r2', 3)] }],
      dictionary,
    );
    const back = decodeBatch(later.body, () => undefined);
    expect(back.report.samples.map((sample) => sample.subject)).toEqual(['device:r2']);
  });
});

describe('the dictionary of series', () => {
  test('an index keeps its meaning across restarts and whatever changes', () => {
    const first = createSeriesDictionary();
    const a = first.indexOf({ metric: 'm', subject: 's', bits: 32 });
    const b = first.indexOf({ metric: 'm', subject: 's', bits: 64 });
    expect(a).not.toBe(b);
    const second = createSeriesDictionary(first.takeNew());
    expect(second.indexOf({ metric: 'm', subject: 's', bits: 64 })).toBe(b);
    expect(second.indexOf({ metric: 'm', subject: 't' })).toBe(2);
    expect(second.isNewTo('live', a)).toBe(false);
    expect(second.isNewTo('live', 2)).toBe(true);
    expect(second.isNewTo('live', 2)).toBe(false);
  });

  test('goes on above the highest index, also when entries are missing', () => {
    const dictionary = createSeriesDictionary([{ index: 41, metric: 'm', subject: 's' }]);
    expect(dictionary.indexOf({ metric: 'n', subject: 's' })).toBe(42);
    expect(dictionary.entries()).toHaveLength(2);
  });
});

describe('the intake', () => {
  function bench(silentFor = () => 0) {
    const clock = createFakeClock();
    const cuts: Array<{ lane: string; reports: readonly PollReport[]; at: number }> = [];
    const intake = createIntake({
      clock,
      silentFor,
      write: async (lane, reports) => void cuts.push({ lane, reports, at: clock.elapsed() }),
    });
    return { clock, cuts, intake };
  }

  test('cuts once a second, and at once for an urgent report, which takes the others along', async () => {
    const { clock, cuts, intake } = bench();
    intake.submit({ samples: [gauge('device:r1', 1)] });
    await clock.advance(400);
    intake.submit({ samples: [gauge('device:r2', 1)] });
    await clock.advance(2000);
    expect(cuts.map((cut) => [cut.at, cut.reports.length])).toEqual([[1000, 2]]);
    intake.submit({ samples: [gauge('device:r1', 1)] });
    intake.submit({ samples: [gauge('device:r2', 1)], isUrgent: true });
    expect(cuts[1]).toMatchObject({ at: 2400 });
    expect(cuts[1]?.reports).toHaveLength(2);
    await clock.advance(5000);
    expect(cuts).toHaveLength(2);
  });

  test('what is measured while nobody answers goes into the backfill lane, in fewer batches', async () => {
    let silent = 9_000;
    const { clock, cuts, intake } = bench(() => silent);
    intake.submit({ samples: [gauge('device:r1', 1)] });
    await clock.advance(1000);
    silent = 10_001;
    intake.submit({ samples: [gauge('device:r1', 1)] });
    await clock.advance(5000);
    expect(cuts.map((cut) => [cut.lane, cut.at])).toEqual([
      ['live', 1000],
      ['backfill', 6000],
    ]);
  });

  test('a flush waits until everything is written; an empty report is nothing', async () => {
    const { cuts, intake } = bench();
    intake.submit({ samples: [] });
    await intake.flush();
    expect(cuts).toHaveLength(0);
    intake.submit({ samples: [gauge('device:r1', 1)] });
    await intake.flush();
    expect(cuts).toHaveLength(1);
  });

  test('no batch is larger than the wire allows, whatever comes', async () => {
    const { cuts, intake } = bench();
    const name = '\u{FFFD}'.repeat(128);
    const device = (index: number): PollReport => {
      const samples: PollSample[] = [gauge(`device:r${index}`, 1)];
      const interfaces = [];
      for (let i = 0; i < 3000; i++) {
        const subject = `interface:r${index}/${name.slice(0, 120)}${i}` as PollSample['subject'];
        for (let k = 0; k < 9; k++) samples.push(counter(subject, BigInt(k)));
        interfaces.push({ subject, ifIndex: i, name, descr: name, alias: name });
      }
      return { samples, interfaces };
    };
    for (let i = 0; i < 3; i++) intake.submit(device(i));
    await intake.flush();
    const dictionary = createSeriesDictionary();
    let samples = 0;
    for (const cut of cuts) {
      const encoded = encodeBatch('a', place, cut.reports, dictionary);
      expect(encoded.samples).toBeLessThanOrEqual(BATCH_LIMITS.samples);
      expect(zstdDecompressSync(encoded.body).length).toBeLessThan(BATCH_LIMITS.bodyBytes);
      // Rates need the device's own samples beside its counters.
      for (const report of cut.reports) {
        expect(report.samples.some((sample) => sample.subject.startsWith('device:'))).toBe(true);
      }
      samples += cut.reports.flatMap((one) => one.samples).filter((one) => one.bits === 64).length;
    }
    expect(samples).toBe(3 * 3000 * 9);
  });
});

describe('between attempts', () => {
  test('waits grow to their bound, are spread, and never end before Retry-After', () => {
    const limits = { first: 500, most: 10_000 };
    fc.assert(
      fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const wait = nextWait(attempt, limits, random);
        expect(wait).toBeGreaterThanOrEqual(250);
        expect(wait).toBeLessThanOrEqual(10_000);
        expect(nextWait(attempt, limits, random, 30_000)).toBeGreaterThanOrEqual(30_000);
      }),
    );
    expect(nextWait(0, limits, 1)).toBe(500);
    expect(nextWait(9, limits, 1)).toBe(10_000);
  });

  test('every problem of the wire has a remedy, and only what can never pass is set aside', () => {
    const codes = Object.keys(PROBLEMS) as ProblemCode[];
    expect(codes.filter((code) => remedyFor(code) === 'set-aside').sort()).toEqual([
      'foreign-subject',
      'from-the-future',
      'malformed',
      'too-large',
      'unknown-metric',
    ]);
    expect(remedyFor('from-a-newer-server' as ProblemCode)).toBe('later');
  });
});
