import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BitWriter, CorruptChunkError, readRices } from '../../server/history/bits.ts';
import {
  ABSENT,
  AS_IT_IS,
  type ColumnInput,
  encodeBundle,
} from '../../server/history/bundle-codec.ts';
import { openBundle, openBundles, type PartOfBlob } from '../../server/history/open-bundle.ts';

const START = 1_700_000_000_000;
const timesOf = (steps: readonly number[]): Float64Array => {
  let at = START;
  return Float64Array.from(steps, (step) => {
    at += step;
    return at;
  });
};
const gauge = (number: number, data: ColumnInput['data'], digits = 3): ColumnInput => ({
  number,
  isCounter: false,
  digits,
  data,
});
const counter = (number: number, data: ColumnInput['data'], present?: Uint8Array): ColumnInput => ({
  number,
  isCounter: true,
  digits: 0,
  data,
  ...(present && { present }),
});

function roundTrip(column: ColumnInput, steps?: readonly number[]) {
  const rows = column.data.length;
  const times = timesOf(steps ?? Array.from({ length: rows }, () => 30_000));
  const { blob } = encodeBundle([{ times, rows, columns: [column] }]);
  const read = openBundle(blob).read(column.number);
  return { blob, times, at: read?.at, value: read && [...read.value] };
}

/** Every shape that has a coding of its own, and what lies between them. */
const shapes: fc.Arbitrary<number[]> = fc.oneof(
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).chain((one) => fc.array(fc.constant(one), len())),
  fc.array(
    fc.integer({ min: 0, max: 5 }).map((n) => n * 2000),
    len(),
  ),
  fc.array(fc.integer({ min: 18_000, max: 22_000 }), len()),
  fc.array(fc.integer({ min: 0, max: 400_000_000 }), len()).map(sums),
  fc.array(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 }), len()),
  fc.array(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), len()),
  fc.array(fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }), len()),
  fc
    .array(fc.integer({ min: 0, max: 3 }), len())
    .map(sums)
    .map(sums),
);
function len() {
  return { minLength: 1, maxLength: 300 };
}
function sums(steps: readonly number[]): number[] {
  let sum = 0;
  return steps.map((step) => {
    sum += step;
    return sum;
  });
}

test('whole numbers of every shape come back as they went in, at their times', () => {
  fc.assert(
    fc.property(shapes, fc.array(fc.integer({ min: 1, max: 9_000_000 }), len()), (values, gaps) => {
      const steps = values.map((_, i) => gaps[i % gaps.length]!);
      const { at, value, times } = roundTrip(gauge(7, Float64Array.from(values), 0), steps);
      expect(value).toEqual(values);
      expect(at).toEqual(times);
    }),
  );
});

test('values in the resolution of their metric come back exactly', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60_000_000 }), len()), (micros) => {
      const { value } = roundTrip(gauge(1, Float64Array.from(micros)));
      expect(value).toEqual(micros.map((one) => one / 1000));
    }),
  );
});

test('numbers that no resolution holds are kept as doubles', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(finite, len()), (values) => {
      const { value } = roundTrip(gauge(1, Float64Array.from(values), AS_IT_IS));
      // The sign of nothing is not kept.
      expect(value?.map((one) => Number(one) + 0)).toEqual(values.map((one) => one + 0));
    }),
  );
});

test('counters are exact up to 2^64 - 1, also across resets and wraps', () => {
  const wide = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), len());
  const near = fc
    .tuple(fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n }), fc.array(fc.nat(1e9), len()))
    .map(([base, steps]) => sums(steps).map((step) => base + BigInt(step)));
  fc.assert(
    fc.property(fc.oneof(wide, near), (values) => {
      expect(roundTrip(counter(3, BigUint64Array.from(values))).value).toEqual(values);
    }),
  );
});

test('rows without a sample stay without one', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 1e6 })), len()), (values) => {
      const kept = values.filter((one) => one !== null);
      const ints = Int32Array.from(values, (one) => one ?? ABSENT);
      const doubles = Float64Array.from(values, (one) => one ?? Number.NaN);
      const big = BigUint64Array.from(values, (one) => BigInt(one ?? 0));
      const present = Uint8Array.from(values, (one) => (one === null ? 0 : 1));
      expect(roundTrip(gauge(1, ints, 0)).value).toEqual(kept);
      const read = roundTrip(gauge(1, doubles, 0));
      expect(read.value).toEqual(kept);
      expect([...read.at!]).toEqual([...read.times].filter((_, i) => values[i] !== null));
      expect(roundTrip(counter(1, big, present)).value).toEqual(kept.map(BigInt));
    }),
  );
});

test('series of several rounds lie in one blob, each found by its number', () => {
  const rounds = [0, 1, 2].map((n) => ({
    times: timesOf([5, 10, 20 + n]),
    rows: 3,
    columns: [
      gauge(100 - n, Int32Array.from([n, 2 * n, 3 * n]), 0),
      gauge(5 + n, Int32Array.of(1, 1, 9), 0),
    ],
  }));
  const { blob, samples, from, to } = encodeBundle(rounds);
  expect({ samples, from, to }).toEqual({ samples: 18, from: START + 5, to: START + 37 });
  const bundle = openBundle(blob);
  expect([5, 6, 7].map((number) => [...bundle.read(number)!.value])).toEqual(
    Array(3).fill([1, 1, 9]),
  );
  expect([...bundle.read(98)!.value]).toEqual([2, 4, 6]);
  expect([...bundle.read(99)!.at]).toEqual([...rounds[1]!.times]);
  expect(bundle.read(4)).toBeUndefined();
});

test('a blob that is cut anywhere is refused, and so is one with a flipped bit', () => {
  const noisy = Float64Array.from({ length: 60 }, (_, i) => (i * 7919 * 104_729) % 65_521);
  const { blob } = encodeBundle([
    {
      times: timesOf(Array(60).fill(30_000)),
      rows: 60,
      columns: [
        gauge(1, noisy, 0),
        gauge(
          2,
          Int32Array.from({ length: 60 }, () => 4),
          0,
        ),
      ],
    },
  ]);
  for (let length = 0; length < blob.length; length++) {
    expect(() => openBundle(blob.subarray(0, length))).toThrow(CorruptChunkError);
  }
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const flipped = Uint8Array.from(blob);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => openBundle(flipped)).toThrow(CorruptChunkError);
  }
});

test('many blobs opened at once are what each is alone, whichever of them are damaged', () => {
  const one = fc.record({
    values: fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1, maxLength: 250 }),
    // Flipped bit, or none.
    flip: fc.option(fc.nat(), { freq: 4 }),
  });
  const whatIsIn = (work: () => unknown) => {
    try {
      return work();
    } catch (error) {
      return String(error);
    }
  };
  fc.assert(
    fc.property(fc.array(one, { maxLength: 15 }), (wanted) => {
      const blobs = wanted.map(({ values, flip }) => {
        const times = timesOf(values.map(() => 30_000));
        const columns = [gauge(3, Float64Array.from(values)), gauge(4, Float64Array.from(values))];
        const blob = Uint8Array.from(encodeBundle([{ times, rows: values.length, columns }]).blob);
        if (flip !== null) blob[(flip >> 3) % blob.length]! ^= 1 << (flip & 7);
        return blob;
      });
      const together = openBundles(blobs).map((opened) =>
        opened instanceof CorruptChunkError ? String(opened) : opened.read(4),
      );
      expect(together).toEqual(blobs.map((blob) => whatIsIn(() => openBundle(blob).read(4))));
    }),
  );
});

/** As a store gives it: whole, and what was let go of it when it is asked for. */
const partOf = (blob: Uint8Array): PartOfBlob & { readonly asked: number[] } => {
  const asked: number[] = [];
  return {
    asked,
    blob,
    later(at, length) {
      asked.push(Math.min(length, blob.length - at));
      return blob.subarray(at, at + length);
    },
  };
};

/** Columns of noise, which the head does not hold. */
const noisyBundle = (columns: number, rows: number): Uint8Array => {
  const data = (n: number) =>
    Float64Array.from({ length: rows }, (_, i) => (i * 7919 * n) % 99_991);
  return encodeBundle([
    {
      times: timesOf(Array.from({ length: rows }, () => 30_000)),
      rows,
      columns: Array.from({ length: columns }, (_, n) => gauge(n + 1, data(n + 1))),
    },
  ]).blob;
};

test('of a blob that was let go only the column that is read is asked for, and nothing while it is at hand', () => {
  const blob = noisyBundle(20, 240);
  const part = partOf(blob);
  const [opened] = openBundles([part]);
  if (opened === undefined || opened instanceof CorruptChunkError) throw new Error('it is sound');
  expect(opened.bytes).toBeLessThan(blob.length / 2);
  expect(opened.read(3, blob)).toEqual(openBundle(blob).read(3));
  expect(part.asked).toEqual([]);
  expect(opened.read(7)).toEqual(openBundle(blob).read(7));
  expect(part.asked).toHaveLength(1);
  expect(part.asked[0]).toBeLessThan(blob.length / 10);
});

test('a column is as it was written, or damaged, wherever a bit of the blob is wrong or the end is missing', () => {
  const blob = noisyBundle(4, 60);
  const right = openBundle(blob).read(2);
  fc.assert(
    fc.property(fc.nat(blob.length * 8 - 1), fc.nat(blob.length), (bit, length) => {
      const flipped = Uint8Array.from(blob);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      for (const bytes of [flipped, blob.subarray(0, length)]) {
        const [opened] = openBundles([partOf(bytes)]);
        if (opened === undefined || opened instanceof CorruptChunkError) continue;
        let read: unknown;
        try {
          read = opened.read(2);
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptChunkError);
          continue;
        }
        expect(read).toEqual(right);
      }
    }),
  );
});

test('blobs of the first version are still read, alone and in parts', () => {
  const blob = Buffer.from(
    'AQB/sGIyLwAAAC8AAAABKBAMFgEAgKCr/vliAeTUAwIGAxAISgENwLgCAaMRBAABCwABAADoBwIAAAAAAPznP/7zH//5j//8x3/+4z//8Z//+A9g8aG2lgPHNU5wx0Zc0w2W7LIhAEAX++h9EoTTmu8zMwDbEdjLhooudFb5Akbkqb2vxxdCYNJE9og3zwUccbjgpaMj0eKEdS1SAg==',
    'base64',
  );
  const rtt = [20, 22.054, 34.984, 29.552, 29.925, 37.089, 22.827, 20, 18.783, 7.592, 11.121];
  const octets = [0, 1000, 2000, 3000];
  for (const opened of [openBundle(blob), ...openBundles([partOf(blob)])]) {
    if (opened instanceof CorruptChunkError) throw opened;
    expect([...(opened.read(3)?.value ?? [])].slice(0, 11)).toEqual(rtt);
    expect([...(opened.read(5)?.value ?? [])].slice(0, 4)).toEqual(octets);
  }
});

test('bytes that nobody wrote are refused, not believed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(() => openBundle(bytes)).toThrow(CorruptChunkError);
    }),
  );
});

test('codes of every length come back at whatever bit they begin, and bits that end are refused', () => {
  const length = fc.nat(53);
  const number = length.chain((bits) => fc.maxSafeNat().map((n) => n % 2 ** bits));
  fc.assert(
    fc.property(
      fc.array(number, { minLength: 1, maxLength: 300, size: 'max' }),
      fc.nat(53),
      (codes, k) => {
        const writer = new BitWriter();
        writer.reset();
        writer.writeRices(Float64Array.from([0, ...codes]), codes.length + 1, k);
        const bytes = writer.finish();
        const read = new Float64Array(codes.length + 1);
        readRices(bytes, k, read);
        expect([...read.subarray(1)]).toEqual(codes);
        const short = bytes.subarray(0, bytes.length - 1);
        expect(() => readRices(short, k, read)).toThrow(CorruptChunkError);
      },
    ),
  );
});

test('bits of which all are set are no number', () => {
  for (const k of [0, 1, 12, 31, 32, 53]) {
    const ones = new Uint8Array(64).fill(255);
    expect(() => readRices(ones, k, new Float64Array(64))).toThrow(CorruptChunkError);
  }
});

test('noise costs about its entropy, and stillness next to nothing', () => {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const normal = () => random() + random() + random() + random() - 2;
  const rows = 240;
  const sized = (make: () => ColumnInput['data']) => {
    const columns = Array.from({ length: 64 }, (_, n) => gauge(n, make(), 0));
    return (
      encodeBundle([{ times: timesOf(Array(rows).fill(30_000)), rows, columns }]).blob.length /
      (64 * rows)
    );
  };
  const rtt = sized(() =>
    Int32Array.from({ length: rows }, () => Math.round(20_000 + 1386 * normal())),
  );
  const loss = sized(() => Int32Array.from({ length: rows }, () => (random() < 0.01 ? 2000 : 0)));
  // Standard deviation 800: log2(800 * 4.13) bits, 1.46 bytes.
  expect(rtt).toBeLessThan(1.6);
  expect(loss).toBeLessThan(0.08);
});
