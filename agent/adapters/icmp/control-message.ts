import {
  EMSGSIZE,
  IP_PKTINFO,
  IP_RECVERR,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_TCLASS,
  SO_TIMESTAMPNS,
  SOL_SOCKET,
} from './linux.ts';
import { sockaddrOctets } from './socket-address.ts';

/** What the kernel says about a packet beside its octets. */
export interface Arrival {
  /** Time of arrival by the kernel, seconds since 1970 and nanoseconds. */
  readonly stamp?: { readonly seconds: number; readonly nanoseconds: number };
  readonly ttl?: number;
  /** Type of service or traffic class: DSCP and ECN. */
  readonly trafficClass?: number;
  /** Our own address that the packet was sent to. */
  readonly local?: Uint8Array;
  /** From the error queue: who complained. */
  readonly complaint?: { readonly from?: Uint8Array };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** struct cmsghdr on 64 bits: length 8, level 4, type 4, then the content; all aligned to 8. */
const HEADER_BYTES = 16;
/** ee_origin of struct sock_extended_err: the error came by ICMP or ICMPv6, not from this kernel. */
const ORIGIN_ICMP = 2;
const ORIGIN_ICMP6 = 3;

/** Reads the control messages in `bytes`; what is cut off or unknown is left out. */
export function readControl(bytes: Uint8Array): Arrival {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const arrival: Mutable<Arrival> = {};
  let at = 0;
  while (at + HEADER_BYTES <= bytes.byteLength) {
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.byteLength) break;
    const level = view.getInt32(at + 8, true);
    const content = bytes.subarray(at + HEADER_BYTES, at + length);
    readOne(arrival, level, view.getInt32(at + 12, true), content);
    at += (length + 7) & ~7;
  }
  return arrival;
}

function readOne(a: Mutable<Arrival>, level: number, type: number, content: Uint8Array): void {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  if (level === SOL_SOCKET && type === SO_TIMESTAMPNS && content.byteLength >= 16) {
    // The upper half of tv_sec is zero until 2106.
    a.stamp = { seconds: view.getUint32(0, true), nanoseconds: view.getUint32(8, true) };
  } else if (level === IPPROTO_IP) readIpv4(a, type, content, view);
  else if (level === IPPROTO_IPV6) readIpv6(a, type, content, view);
}

function readIpv4(a: Mutable<Arrival>, type: number, content: Uint8Array, view: DataView): void {
  if (type === IP_TTL && content.byteLength >= 4) a.ttl = view.getUint32(0, true);
  else if (type === IP_TOS && content.byteLength >= 1) a.trafficClass = view.getUint8(0);
  else if (type === IP_PKTINFO && content.byteLength >= 12) a.local = content.slice(4, 8);
  else if (type === IP_RECVERR) readComplaint(a, content);
}

function readIpv6(a: Mutable<Arrival>, type: number, content: Uint8Array, view: DataView): void {
  if (type === IPV6_HOPLIMIT && content.byteLength >= 4) a.ttl = view.getUint32(0, true);
  else if (type === IPV6_TCLASS && content.byteLength >= 4) a.trafficClass = view.getUint8(0);
  else if (type === IPV6_PKTINFO && content.byteLength >= 20) a.local = content.slice(0, 16);
  else if (type === IPV6_RECVERR) readComplaint(a, content);
}

/** struct sock_extended_err (16 octets: errno 4, origin, type, code, …), then the offender's sockaddr. */
function readComplaint(a: Mutable<Arrival>, content: Uint8Array): void {
  const origin = content[4];
  if (content.byteLength < 16 || (origin !== ORIGIN_ICMP && origin !== ORIGIN_ICMP6)) return;
  // "Too big" is path MTU discovery at work, not an outage.
  if (content[0] === EMSGSIZE) return;
  const from = content.byteLength >= 32 ? sockaddrOctets(content, 16) : undefined;
  a.complaint = from === undefined ? {} : { from: from.slice() };
}
