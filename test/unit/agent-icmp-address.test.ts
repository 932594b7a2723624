import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressKey,
  formatAddress,
  isOneDevice,
  parseAddress,
  sockaddrOctets,
  writeSockaddr,
} from '../../agent/adapters/icmp/socket-address.ts';

describe('parseAddress', () => {
  test('what is formatted is read back, IPv4 and IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(formatAddress(parseAddress(text)!.octets)).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        fc.pre(isIPv6(text));
        const address = parseAddress(text)!;
        expect(address.octets.length).toBe(address.family === 4 ? 4 : 16);
        const again = parseAddress(formatAddress(address.octets))!;
        expect([...again.octets]).toEqual([...address.octets]);
      }),
    );
  });

  test.each([
    ['::', 6, Array(16).fill(0)],
    ['::1', 6, [...Array(15).fill(0), 1]],
    ['1::', 6, [0, 1, ...Array(14).fill(0)]],
    ['64:ff9b::192.0.2.33', 6, [0, 0x64, 0xff, 0x9b, ...Array(8).fill(0), 192, 0, 2, 33]],
    ['::ffff:10.0.0.1', 4, [10, 0, 0, 1]],
    ['::ffff:a00:1', 4, [10, 0, 0, 1]],
  ])('%s has family %d and its octets', (text, family, octets) => {
    const address = parseAddress(text)!;
    expect(address.family).toBe(family);
    expect([...address.octets]).toEqual(octets);
  });

  test('a zone is an interface index, by number or by name', () => {
    expect(parseAddress('fe80::1%3')?.scope).toBe(3);
    expect(parseAddress('fe80::1%no-such-interface')).toBeUndefined();
  });

  test.each(['', 'router1', '10.0.0', '10.0.0.256', '1:2:3', '::g', '010.0.0.1 ', '10.0.0.1/24'])(
    '"%s" is no address',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );

  test('any text at all gives an address or undefined, never an error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseAddress(text);
      }),
    );
  });
});

test.each([
  ['10.0.0.1', true],
  ['127.0.0.1', true],
  ['fe80::1%1', true],
  ['0.0.0.0', false],
  ['0.1.2.3', false],
  ['::', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['ff02::1', false],
])('%s is the address of one device: %s', (text, isOne) => {
  expect(isOneDevice(parseAddress(text)!)).toBe(isOne);
});

describe('sockaddr', () => {
  test.each([
    ['192.0.2.7', 16],
    ['2001:db8::7', 28],
  ])('%s is written in %d octets and read back', (text, length) => {
    const view = new DataView(new ArrayBuffer(40));
    const address = parseAddress(text)!;
    expect(writeSockaddr(view, 4, address, 862)).toBe(length);
    expect(view.getUint16(6)).toBe(862);
    const octets = sockaddrOctets(new Uint8Array(view.buffer), 4)!;
    expect([...octets]).toEqual([...address.octets]);
  });

  test('another family has no octets', () => {
    expect(sockaddrOctets(new Uint8Array(28), 0)).toBeUndefined();
  });
});

test('keys differ when address or port does', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.nat(65_535), fc.ipV4(), fc.nat(65_535), (a, p, b, q) => {
      const same = a === b && p === q;
      const keys = [addressKey(parseAddress(a)!.octets, p), addressKey(parseAddress(b)!.octets, q)];
      expect(keys[0] === keys[1]).toBe(same);
    }),
  );
});
