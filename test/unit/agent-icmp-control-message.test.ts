import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readControl } from '../../agent/adapters/icmp/control-message.ts';

/** One struct cmsghdr of 64-bit Linux with its content, padded to 8. */
function message(level: number, type: number, content: readonly number[]): number[] {
  const bytes = new Uint8Array(16 + ((content.length + 7) & ~7));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 16 + content.length, true);
  view.setInt32(8, level, true);
  view.setInt32(12, type, true);
  bytes.set(content, 16);
  return [...bytes];
}

const u32 = (value: number): number[] => [
  value & 255,
  (value >> 8) & 255,
  (value >> 16) & 255,
  value >>> 24,
];
const STAMP = message(1, 35, [...u32(1_700_000_000), 0, 0, 0, 0, ...u32(999_999_999), 0, 0, 0, 0]);
const sockaddr = (a: number, b: number, c: number, d: number): number[] => [
  2,
  0,
  0,
  0,
  a,
  b,
  c,
  d,
  ...Array(8).fill(0),
];

test('stamp, TTL, class and local address are read, whatever their order', () => {
  const parts = [
    STAMP,
    message(0, 2, u32(63)),
    message(0, 1, [0xb8]),
    message(0, 8, [...u32(2), 10, 0, 0, 1, 10, 0, 0, 9]),
  ];
  for (const order of [parts, [...parts].reverse()]) {
    expect(readControl(Uint8Array.from(order.flat()))).toEqual({
      stamp: { seconds: 1_700_000_000, nanoseconds: 999_999_999 },
      ttl: 63,
      trafficClass: 0xb8,
      local: Uint8Array.of(10, 0, 0, 1),
    });
  }
});

test('the IPv6 forms are read too', () => {
  const local = [0xfd, ...Array(14).fill(0), 1];
  const bytes = [
    ...message(41, 52, u32(64)),
    ...message(41, 67, u32(0x28)),
    ...message(41, 50, [...local, ...u32(1)]),
  ];
  expect(readControl(Uint8Array.from(bytes))).toEqual({
    ttl: 64,
    trafficClass: 0x28,
    local: Uint8Array.from(local),
  });
});

test('a complaint by ICMP names who complained; one of this kernel does not count', () => {
  const byIcmp = message(0, 11, [
    ...u32(113),
    2,
    3,
    1,
    0,
    ...u32(0),
    ...u32(0),
    ...sockaddr(10, 0, 0, 254),
  ]);
  expect(readControl(Uint8Array.from(byIcmp)).complaint?.from).toEqual(
    Uint8Array.of(10, 0, 0, 254),
  );
  const local = message(0, 11, [...u32(113), 1, 0, 0, 0, ...u32(0), ...u32(0)]);
  expect(readControl(Uint8Array.from(local)).complaint).toBeUndefined();
  const tooBig = message(0, 11, [
    ...u32(90),
    2,
    3,
    4,
    0,
    ...u32(0),
    ...u32(0),
    ...sockaddr(10, 0, 0, 254),
  ]);
  expect(readControl(Uint8Array.from(tooBig)).complaint).toBeUndefined();
});

test('cut, oversized and random control data never throws and never loops', () => {
  for (let bytes = 0; bytes < STAMP.length; bytes += 1) {
    expect(readControl(Uint8Array.from(STAMP.slice(0, bytes)))).toEqual({});
  }
  expect(readControl(Uint8Array.from([...u32(0), ...Array(60).fill(0)]))).toEqual({});
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => {
      readControl(bytes);
    }),
  );
});
