import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  errorEstimateOf,
  errorSeconds,
  nanosecondsBetween,
  packErrorEstimate,
  readNtpTime,
  readStampReply,
  readStampRequest,
  reflectStampRequest,
  STAMP_PACKET_BYTES,
  unpackErrorEstimate,
  writeNtpTime,
  writeStampRequest,
} from '../../protocol/wire/stamp-packet.ts';

const ERA_1_END = 0x8000_0000 - 2_208_988_800 + 2 ** 32 - 1;
const time = fc.record({
  seconds: fc.integer({ min: 0, max: ERA_1_END }),
  nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
});
const estimate = fc.record({
  synchronised: fc.boolean(),
  ptp: fc.constant(false),
  scale: fc.integer({ min: 0, max: 63 }),
  multiplier: fc.integer({ min: 1, max: 255 }),
});
const sequence = fc.integer({ min: 0, max: 0xffff_ffff });
const packet = (bytes = STAMP_PACKET_BYTES): DataView => new DataView(new ArrayBuffer(bytes));

describe('NTP time', () => {
  test('every nanosecond from 1970 to 2104 comes back as itself', () => {
    fc.assert(
      fc.property(time, (at) => {
        const view = packet(8);
        writeNtpTime(view, 0, at);
        expect(readNtpTime(view, 0)).toEqual(at);
      }),
    );
  });

  test.each([
    { seconds: 0, nanoseconds: 0, high: 2_208_988_800, low: 0 },
    { seconds: 0, nanoseconds: 500_000_000, high: 2_208_988_800, low: 0x8000_0000 },
    { seconds: 2_085_978_495, nanoseconds: 999_999_999, high: 0xffff_ffff, low: 4_294_967_292 },
    { seconds: 2_085_978_496, nanoseconds: 1, high: 0, low: 4 },
  ])('$seconds s and $nanoseconds ns have the words $high, $low', (row) => {
    const view = packet(8);
    writeNtpTime(view, 0, row);
    expect([view.getUint32(0), view.getUint32(4)]).toEqual([row.high, row.low]);
  });

  test('the last fraction of a second, which no nanosecond has, reads as the next second', () => {
    const view = packet(8);
    view.setUint32(0, 2_208_988_800);
    view.setUint32(4, 0xffff_ffff);
    expect(readNtpTime(view, 0)).toEqual({ seconds: 1, nanoseconds: 0 });
  });

  test('a difference is exact to the nanosecond', () => {
    const from = { seconds: 1_700_000_000, nanoseconds: 999_999_999 };
    expect(nanosecondsBetween(from, { seconds: 1_700_000_001, nanoseconds: 0 })).toBe(1);
    expect(nanosecondsBetween(from, from)).toBe(0);
  });
});

describe('error estimate', () => {
  test('sixteen bits hold it and give it back', () => {
    fc.assert(
      fc.property(estimate, (e) => {
        expect(unpackErrorEstimate(packErrorEstimate(e))).toEqual(e);
      }),
    );
  });

  test('what is told is never below the error, nor more than a hundredth above it', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-7, max: 1e6, noNaN: true }), (error) => {
        const told = errorSeconds(errorEstimateOf(error, true));
        expect(told).toBeGreaterThanOrEqual(error);
        expect(told).toBeLessThanOrEqual(error * 1.01);
      }),
    );
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    '%s never gives multiplier 0',
    (error) => {
      const { multiplier, scale } = errorEstimateOf(error, false);
      expect(multiplier).toBeGreaterThanOrEqual(1);
      expect(multiplier).toBeLessThanOrEqual(255);
      expect(scale).toBeGreaterThanOrEqual(0);
      expect(scale).toBeLessThanOrEqual(63);
    },
  );
});

describe('test packets', () => {
  test('a request comes back as written, with zeros in the rest', () => {
    fc.assert(
      fc.property(sequence, time, estimate, (seq, sentAt, error) => {
        const view = packet();
        new Uint8Array(view.buffer).fill(0xff);
        writeStampRequest(view, { sequence: seq, sentAt, error });
        expect(readStampRequest(view)).toEqual({ sequence: seq, sentAt, error });
        expect(new Uint8Array(view.buffer).subarray(14).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  test('a reply echoes the request, has its length and carries the other three times', () => {
    fc.assert(
      fc.property(
        sequence,
        time,
        time,
        time,
        estimate,
        fc.integer({ min: 44, max: 200 }),
        (seq, sentAt, receivedAt, repliedAt, error, length) => {
          const view = packet(length);
          writeStampRequest(view, { sequence: seq, sentAt, error });
          new Uint8Array(view.buffer).fill(0xaa, STAMP_PACKET_BYTES);
          reflectStampRequest(view, { receivedAt, sentAt: repliedAt }, error, 63);
          expect(view.byteLength).toBe(length);
          expect(readStampReply(view)).toEqual({
            sequence: seq,
            sentAt: repliedAt,
            error,
            receivedAt,
            senderSequence: seq,
            senderSentAt: sentAt,
            senderError: error,
            senderTtl: 63,
          });
          const extra = new Uint8Array(view.buffer).subarray(41);
          expect(extra.every((byte) => byte === 0)).toBe(true);
        },
      ),
    );
  });

  test('octets 14 and 15 and 38 and 39 of a reply are zero', () => {
    const view = packet();
    new Uint8Array(view.buffer).fill(0xff);
    const now = { seconds: 1, nanoseconds: 1 };
    reflectStampRequest(view, { receivedAt: now, sentAt: now }, errorEstimateOf(1, true), 255);
    expect([view.getUint16(14), view.getUint16(38)]).toEqual([0, 0]);
  });

  test('times of a PTP clock are read as seconds and nanoseconds', () => {
    const view = packet();
    view.setUint32(4, 1_700_000_000);
    view.setUint32(8, 5);
    view.setUint16(12, 0x4001);
    view.setUint32(16, 1_700_000_000);
    view.setUint32(20, 3);
    const reply = readStampReply(view);
    expect(reply?.sentAt).toEqual({ seconds: 1_700_000_000, nanoseconds: 5 });
    expect(reply?.receivedAt).toEqual({ seconds: 1_700_000_000, nanoseconds: 3 });
  });

  test('a reply is not taken for a request, so two reflectors cannot play ping-pong', () => {
    const view = packet();
    const at = { seconds: 1_700_000_000, nanoseconds: 7 };
    writeStampRequest(view, { sequence: 1, sentAt: at, error: errorEstimateOf(1, true) });
    expect(readStampRequest(view)).toBeDefined();
    reflectStampRequest(view, { receivedAt: at, sentAt: at }, errorEstimateOf(1, true), 64);
    expect(readStampRequest(view)).toBeUndefined();
  });

  test('short packets are refused and random ones never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const isLong = bytes.byteLength >= STAMP_PACKET_BYTES;
        expect(readStampReply(view) !== undefined).toBe(isLong);
        if (!isLong) expect(readStampRequest(view)).toBeUndefined();
        else readStampRequest(view);
      }),
    );
    const request = { sequence: 1, sentAt: { seconds: 1, nanoseconds: 0 } };
    const error = errorEstimateOf(1, true);
    expect(() => writeStampRequest(packet(43), { ...request, error })).toThrow(RangeError);
  });
});
