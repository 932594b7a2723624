import type { Family } from './socket-address.ts';

/** ICMP header and 56 octets, the size that `ping` sends: what paths and firewalls expect. */
export const ECHO_BYTES = 64;
export const COOKIE_BYTES = 8;

const COOKIE_AT = 8;
const SLOT_AT = 16;
const NONCE_AT = 20;
const INDEX_AT = 24;
/** Tells whoever reads a packet trace who sends this. */
const SIGNATURE = new TextEncoder().encode('vedette path probe');
const SIGNATURE_AT = 28;

/** Whose echo this is: the round's slot, the round's random number, the packet within the round. */
export interface EchoTag {
  readonly slot: number;
  readonly nonce: number;
  readonly index: number;
}

export type EchoReading =
  | {
      readonly kind: 'reply';
      readonly id: number;
      readonly sequence: number;
      readonly tag: EchoTag;
    }
  | {
      readonly kind: 'unreachable';
      readonly id: number;
      readonly sequence: number;
      /** Octets of the address that cannot be reached. */
      readonly destination: Uint8Array;
    };

/** Internet checksum (RFC 1071) of the first `bytes` (even) octets. */
export function checksumOf(view: DataView, bytes: number): number {
  let sum = 0;
  for (let at = 0; at < bytes; at += 2) sum += view.getUint16(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~(sum + (sum >>> 16)) & 0xffff;
}

/**
 * Writes an echo request of ECHO_BYTES. The checksum is for IPv4 raw sockets; the kernel makes its
 * own for IPv6 and for datagram sockets, and puts its own identifier in the latter.
 */
export function writeEcho(
  view: DataView,
  family: Family,
  header: { readonly id: number; readonly sequence: number },
  cookie: Uint8Array,
  tag: EchoTag,
): void {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, ECHO_BYTES).fill(0);
  bytes[0] = family === 4 ? 8 : 128;
  view.setUint16(4, header.id);
  view.setUint16(6, header.sequence);
  bytes.set(cookie, COOKIE_AT);
  view.setUint32(SLOT_AT, tag.slot);
  view.setUint32(NONCE_AT, tag.nonce);
  view.setUint16(INDEX_AT, tag.index);
  bytes.set(SIGNATURE, SIGNATURE_AT);
  view.setUint16(2, checksumOf(view, ECHO_BYTES));
}

/**
 * Reads what an ICMP socket received: an answer with our cookie, or an error about one of our echoes.
 * Anything else (foreign, forged, truncated, malformed) is undefined. `hasIpHeader`: IPv4 raw only.
 */
export function readEcho(
  view: DataView,
  family: Family,
  hasIpHeader: boolean,
  cookie: Uint8Array,
): EchoReading | undefined {
  const at = hasIpHeader ? ipv4HeaderBytes(view, 0) : 0;
  if (at === undefined || view.byteLength < at + 8) return undefined;
  const type = view.getUint8(at);
  if (type === (family === 4 ? 0 : 129)) return readReply(view, at, cookie);
  const isUnreachable = family === 4 ? type === 3 || type === 11 : type === 1 || type === 3;
  // 3/4 is "fragmentation needed": path MTU discovery at work, not an outage.
  if (!isUnreachable || (family === 4 && type === 3 && view.getUint8(at + 1) === 4)) {
    return undefined;
  }
  return family === 4 ? readQuotedIpv4(view, at + 8) : readQuotedIpv6(view, at + 8);
}

/**
 * Reads the sequence of our own request as the error queue of a datagram socket quotes it: from its
 * ICMP header on, perhaps no further than that.
 */
export function readQuotedSequence(view: DataView, family: Family): number | undefined {
  if (view.byteLength < 8 || view.getUint8(0) !== (family === 4 ? 8 : 128)) return undefined;
  return view.getUint16(6);
}

function readReply(view: DataView, at: number, cookie: Uint8Array): EchoReading | undefined {
  if (view.byteLength < at + ECHO_BYTES || !hasCookie(view, at + COOKIE_AT, cookie)) {
    return undefined;
  }
  const tag = {
    slot: view.getUint32(at + SLOT_AT),
    nonce: view.getUint32(at + NONCE_AT),
    index: view.getUint16(at + INDEX_AT),
  };
  return { kind: 'reply', id: view.getUint16(at + 4), sequence: view.getUint16(at + 6), tag };
}

function hasCookie(view: DataView, at: number, cookie: Uint8Array): boolean {
  for (let index = 0; index < COOKIE_BYTES; index += 1) {
    if (view.getUint8(at + index) !== cookie[index]) return false;
  }
  return true;
}

function ipv4HeaderBytes(view: DataView, at: number): number | undefined {
  if (view.byteLength < at + 20 || view.getUint8(at) >> 4 !== 4) return undefined;
  const bytes = (view.getUint8(at) & 0x0f) * 4;
  return bytes < 20 ? undefined : bytes;
}

/** Routers must quote our IP header and 8 octets (RFC 792): identifier and sequence, no cookie. */
function readQuotedIpv4(view: DataView, at: number): EchoReading | undefined {
  const header = ipv4HeaderBytes(view, at);
  if (header === undefined || view.getUint8(at + 9) !== 1) return undefined;
  return readQuotedEcho(view, at + header, 8, octetsAt(view, at + 16, 4));
}

function readQuotedIpv6(view: DataView, at: number): EchoReading | undefined {
  if (view.byteLength < at + 40 || view.getUint8(at) >> 4 !== 6) return undefined;
  if (view.getUint8(at + 6) !== 58) return undefined;
  return readQuotedEcho(view, at + 40, 128, octetsAt(view, at + 24, 16));
}

function readQuotedEcho(
  view: DataView,
  at: number,
  requestType: number,
  destination: Uint8Array,
): EchoReading | undefined {
  if (view.byteLength < at + 8 || view.getUint8(at) !== requestType) return undefined;
  const id = view.getUint16(at + 4);
  return { kind: 'unreachable', id, sequence: view.getUint16(at + 6), destination };
}

const octetsAt = (view: DataView, at: number, length: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset + at, length);
