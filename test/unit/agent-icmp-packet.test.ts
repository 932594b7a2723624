import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checksumOf,
  ECHO_BYTES,
  readEcho,
  readQuotedSequence,
  writeEcho,
} from '../../agent/adapters/icmp/echo-packet.ts';

const COOKIE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const TAG = { slot: 70_000, nonce: 0xdead_beef, index: 99 };
const HEADER = { id: 0xabcd, sequence: 0x1234 };

/** An answer as the wire brings it: our request with the type of a reply. */
function replyTo(family: 4 | 6, tag = TAG): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(ECHO_BYTES));
  writeEcho(view, family, HEADER, COOKIE, tag);
  view.setUint8(0, family === 4 ? 0 : 129);
  return view;
}

const join = (...parts: Uint8Array[]): DataView<ArrayBuffer> =>
  new DataView(Uint8Array.from(parts.flatMap((part) => [...part])).buffer);
const octets = (view: DataView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

function ipv4Header(protocol: number, destination: number[], words = 5): Uint8Array {
  const header = new Uint8Array(words * 4);
  header[0] = 0x40 | words;
  header[9] = protocol;
  header.set(destination, 16);
  return header;
}

function ipv6Header(next: number, destination: number[]): Uint8Array {
  const header = new Uint8Array(40);
  header[0] = 0x60;
  header[6] = next;
  header.set(destination, 24);
  return header;
}

const icmpError = (type: number, code: number): Uint8Array =>
  Uint8Array.of(type, code, 0, 0, 0, 0, 0, 0);
const request = (family: 4 | 6, bytes = ECHO_BYTES): Uint8Array => {
  const view = new DataView(new ArrayBuffer(ECHO_BYTES));
  writeEcho(view, family, HEADER, COOKIE, TAG);
  return octets(view).slice(0, bytes);
};

describe('echo requests', () => {
  test('the checksum of a written packet is right: it sums to zero', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.nat(0xffff),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        (id, sequence, cookie) => {
          const view = new DataView(new ArrayBuffer(ECHO_BYTES));
          writeEcho(view, 4, { id, sequence }, cookie, TAG);
          expect(checksumOf(view, ECHO_BYTES)).toBe(0);
        },
      ),
    );
  });

  test.each([4, 6] as const)(
    'an IPv%s answer gives back identifier, sequence and tag',
    (family) => {
      expect(readEcho(replyTo(family), family, false, COOKIE)).toEqual({
        kind: 'reply',
        ...HEADER,
        tag: TAG,
      });
    },
  );

  test('an IPv4 raw socket has an IP header in front, with options or without', () => {
    for (const words of [5, 8, 15]) {
      const view = join(ipv4Header(1, [127, 0, 0, 1], words), octets(replyTo(4)));
      expect(readEcho(view, 4, true, COOKIE)).toMatchObject({ kind: 'reply', tag: TAG });
    }
  });
});

describe('what is not an answer to us', () => {
  test.each([
    ['another cookie', () => replyTo(4), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 9)],
    ['our own request', () => join(request(4)), COOKIE],
    ['the reply of the other family', () => replyTo(6), COOKIE],
  ])('%s is not read', (_, make, cookie) => {
    expect(readEcho(make(), 4, false, cookie)).toBeUndefined();
  });

  test('an answer cut anywhere is not read', () => {
    const whole = octets(replyTo(4));
    for (let bytes = 0; bytes < ECHO_BYTES; bytes += 1) {
      expect(readEcho(join(whole.slice(0, bytes)), 4, false, COOKIE)).toBeUndefined();
    }
  });

  test('random octets never throw and are never a reply', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isIpv4) => {
        for (const hasHeader of [true, false]) {
          const reading = readEcho(join(bytes), isIpv4 ? 4 : 6, hasHeader, COOKIE);
          expect(reading?.kind).not.toBe('reply');
        }
      }),
    );
  });

  test('an IP header that claims to be shorter or longer than it is ends the reading', () => {
    for (const first of [0x44, 0x4f, 0x65, 0x00]) {
      const header = ipv4Header(1, [127, 0, 0, 1]);
      header[0] = first;
      expect(
        readEcho(join(header, octets(replyTo(4)).slice(0, 12)), 4, true, COOKIE),
      ).toBeUndefined();
    }
  });
});

describe('errors by routers', () => {
  test.each([
    [3, 1, 8],
    [3, 13, 8],
    [11, 0, 64],
  ])(
    'IPv4 type %d code %d with %d quoted octets names destination and sequence',
    (type, code, bytes) => {
      const outer = ipv4Header(1, [10, 0, 0, 9]);
      const quoted = join(ipv4Header(1, [10, 1, 2, 3]), request(4, bytes));
      const view = join(outer, icmpError(type, code), octets(quoted));
      expect(readEcho(view, 4, true, COOKIE)).toEqual({
        kind: 'unreachable',
        ...HEADER,
        destination: Uint8Array.of(10, 1, 2, 3),
      });
    },
  );

  test('IPv6 destination unreachable names destination and sequence', () => {
    const destination = [0xfd, ...Array(14).fill(0), 7];
    const view = join(icmpError(1, 3), ipv6Header(58, destination), request(6, 8));
    expect(readEcho(view, 6, false, COOKIE)).toEqual({
      kind: 'unreachable',
      ...HEADER,
      destination: Uint8Array.from(destination),
    });
  });

  test.each([
    ['fragmentation needed is path MTU discovery', 3, 4, 1],
    ['about TCP is not ours', 3, 1, 6],
    ['redirect is no outage', 5, 1, 1],
  ])('%s: ignored', (_, type, code, protocol) => {
    const outer = ipv4Header(1, [10, 0, 0, 9]);
    const view = join(
      outer,
      icmpError(type, code),
      ipv4Header(protocol, [10, 1, 2, 3]),
      request(4),
    );
    expect(readEcho(view, 4, true, COOKIE)).toBeUndefined();
  });

  test('an error that quotes too little is ignored', () => {
    const whole = octets(
      join(
        ipv4Header(1, [10, 0, 0, 9]),
        icmpError(3, 1),
        ipv4Header(1, [1, 2, 3, 4]),
        request(4, 8),
      ),
    );
    for (let bytes = 0; bytes < whole.length; bytes += 1) {
      expect(readEcho(join(whole.slice(0, bytes)), 4, true, COOKIE)).toBeUndefined();
    }
  });

  test('the error queue quotes from our ICMP header on', () => {
    expect(readQuotedSequence(join(request(4, 8)), 4)).toBe(HEADER.sequence);
    expect(readQuotedSequence(join(request(6)), 6)).toBe(HEADER.sequence);
    expect(readQuotedSequence(join(request(4, 7)), 4)).toBeUndefined();
    expect(readQuotedSequence(join(request(4)), 6)).toBeUndefined();
  });
});
