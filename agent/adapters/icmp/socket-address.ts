import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { AF_INET, AF_INET6 } from './linux.ts';

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  /** 4 or 16 octets. */
  readonly octets: Uint8Array;
  /** Index of the interface for link-local IPv6 (`fe80::1%eth0`); 0 otherwise. */
  readonly scope: number;
}

export const SOCKADDR_BYTES = 28;

/** Reads an address; undefined when it is none. `::ffff:10.0.0.1` is IPv4, as the kernel sends it. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) {
    return { family: 4, octets: Uint8Array.from(text.split('.'), Number), scope: 0 };
  }
  if (!isIPv6(text)) return undefined;
  const [bare = '', zone] = text.split('%');
  const octets = ipv6Octets(bare);
  if (isMapped(octets)) return { family: 4, octets: octets.slice(12), scope: 0 };
  const scope = zone === undefined ? 0 : scopeOf(zone);
  return scope === undefined ? undefined : { family: 6, octets, scope };
}

/** Unspecified, multicast and broadcast: nobody in particular, so no round trip to measure. */
export function isOneDevice({ family, octets }: Address): boolean {
  if (octets.every((octet) => octet === 0)) return false;
  const first = octets[0] ?? 0;
  if (family === 6) return first !== 0xff;
  return first !== 0 && first < 224;
}

function ipv6Octets(text: string): Uint8Array {
  const dotted = text.lastIndexOf('.') < 0 ? '' : text.slice(text.lastIndexOf(':') + 1);
  const hex = dotted === '' ? text : text.slice(0, -dotted.length) + hexOfIpv4(dotted);
  const [head = '', tail] = hex.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const after = tail === undefined ? [] : groups(tail);
  const before = groups(head);
  const gap = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  for (const [index, group] of [...before, ...gap, ...after].entries()) {
    view.setUint16(index * 2, Number.parseInt(group, 16));
  }
  return octets;
}

function hexOfIpv4(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

const isMapped = (octets: Uint8Array): boolean =>
  octets[10] === 0xff && octets[11] === 0xff && octets.subarray(0, 10).every((o) => o === 0);

function scopeOf(zone: string): number | undefined {
  if (/^\d+$/.test(zone)) return Number(zone);
  return networkInterfaces()[zone]?.find((entry) => entry.family === 'IPv6')?.scopeid;
}

/** Writes sockaddr_in or sockaddr_in6 (28 octets of room) and returns its length. */
export function writeSockaddr(view: DataView, at: number, address: Address, port: number): number {
  for (let index = 0; index < SOCKADDR_BYTES; index += 4) view.setUint32(at + index, 0);
  view.setUint16(at, address.family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(at + 2, port);
  const octetsAt = at + (address.family === 4 ? 4 : 8);
  address.octets.forEach((octet, index) => {
    view.setUint8(octetsAt + index, octet);
  });
  if (address.family === 6) view.setUint32(at + 24, address.scope, true);
  return address.family === 4 ? 16 : SOCKADDR_BYTES;
}

/** Reads the octets of a sockaddr; undefined for another family. */
export function sockaddrOctets(bytes: Uint8Array, at: number): Uint8Array | undefined {
  const family = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  if (family === AF_INET) return bytes.subarray(at + 4, at + 8);
  return family === AF_INET6 ? bytes.subarray(at + 8, at + 24) : undefined;
}

/** A map key for octets and a port: equal exactly when both are. */
export function addressKey(octets: Uint8Array, port: number): string {
  let key = String.fromCharCode(port);
  for (const octet of octets) key += String.fromCharCode(octet);
  return key;
}

/** Text of 4 or 16 octets, IPv6 in its canonical form. */
export function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const view = new DataView(octets.buffer, octets.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16));
  // The URL parser knows how to shorten IPv6 (RFC 5952).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
