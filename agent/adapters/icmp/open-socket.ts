import type { Arena, Libc } from './libc.ts';
import * as linux from './linux.ts';
import { type Address, type Family, parseAddress, writeSockaddr } from './socket-address.ts';

export type Transport = 'raw' | 'datagram' | 'udp';

export interface SocketOptions {
  readonly transport: Transport;
  readonly family: Family;
  /** Local address that picks the path. */
  readonly source?: Address | undefined;
  /** Local port, UDP only; 0 = any. */
  readonly port?: number;
  /** 0..63. */
  readonly dscp?: number | undefined;
  /** Also ask for TTL, traffic class and local address of each packet. */
  readonly isReflector?: boolean;
}

export type OpenedSocket =
  | {
      readonly kind: 'open';
      readonly fd: number;
      /** ICMP identifier (datagram: given by the kernel), or UDP port. */
      readonly port: number;
    }
  | { readonly kind: 'refused'; readonly errno: number };

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Opens sockets of the thread with the options that honest stamps and error reports need. */
export function createSocketOpener(libc: Libc): (options: SocketOptions) => OpenedSocket {
  const scratch = libc.allocate(64);

  return (options) => {
    const { transport, family } = options;
    const domain = family === 4 ? linux.AF_INET : linux.AF_INET6;
    const type = transport === 'raw' ? linux.SOCK_RAW : linux.SOCK_DGRAM;
    const icmp = family === 4 ? linux.IPPROTO_ICMP : linux.IPPROTO_ICMPV6;
    const protocol = transport === 'udp' ? linux.IPPROTO_UDP : icmp;
    const fd = libc.socket(domain, type | linux.SOCK_QUIET, protocol);
    if (fd < 0) return { kind: 'refused', errno: libc.errno() };
    const errno = configure(libc, scratch, fd, options) || bindTo(libc, scratch, fd, options);
    if (errno !== 0) {
      libc.close(fd);
      return { kind: 'refused', errno };
    }
    return { kind: 'open', fd, port: localPort(libc, scratch, fd) };
  };
}

/** Returns 0, or the errno of an option without which figures would be wrong. */
function configure(libc: Libc, scratch: Arena, fd: number, options: SocketOptions): number {
  const { transport, family } = options;
  const set = (level: number, name: number, value: number): number => {
    scratch.view.setInt32(0, value, true);
    return libc.setsockopt(fd, level, name, scratch.address, 4) < 0 ? libc.errno() : 0;
  };
  // Beyond net.core.rmem_max only with CAP_NET_ADMIN; a smaller buffer works too.
  if (set(linux.SOL_SOCKET, linux.SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES) !== 0) {
    set(linux.SOL_SOCKET, linux.SO_RCVBUF, RECEIVE_BUFFER_BYTES);
  }
  const level = family === 4 ? linux.IPPROTO_IP : linux.IPPROTO_IPV6;
  if (family === 6 && transport === 'udp') set(level, linux.IPV6_V6ONLY, 1);
  if (transport === 'raw') setFilter(libc, scratch, fd, family);
  else set(level, family === 4 ? linux.IP_RECVERR : linux.IPV6_RECVERR, 1);
  if (options.isReflector === true) askForDetails(set, family, level);
  if (options.dscp !== undefined) {
    const errno = set(level, family === 4 ? linux.IP_TOS : linux.IPV6_TCLASS, options.dscp << 2);
    if (errno !== 0) return errno;
  }
  return set(linux.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1);
}

/**
 * Without a filter a raw socket on loopback sees its own requests. Wanted: echo reply, unreachable,
 * time exceeded. ICMP_FILTER and ICMP6_FILTER both have a 1 for what is blocked.
 */
function setFilter(libc: Libc, scratch: Arena, fd: number, family: Family): void {
  if (family === 4) {
    scratch.view.setUint32(0, ~((1 << 0) | (1 << 3) | (1 << 11)) >>> 0, true);
    libc.setsockopt(fd, linux.SOL_RAW, linux.ICMP_FILTER, scratch.address, 4);
    return;
  }
  scratch.bytes.fill(0xff, 0, 32);
  for (const type of [1, 3, 129]) {
    const at = (type >> 5) * 4;
    scratch.view.setUint32(at, scratch.view.getUint32(at, true) & ~(1 << (type & 31)), true);
  }
  libc.setsockopt(fd, linux.IPPROTO_ICMPV6, linux.ICMP6_FILTER, scratch.address, 32);
}

function askForDetails(
  set: (level: number, name: number, value: number) => number,
  family: Family,
  level: number,
): void {
  const names =
    family === 4
      ? [linux.IP_RECVTTL, linux.IP_RECVTOS, linux.IP_PKTINFO]
      : [linux.IPV6_RECVHOPLIMIT, linux.IPV6_RECVTCLASS, linux.IPV6_RECVPKTINFO];
  for (const name of names) set(level, name, 1);
}

/** A datagram ICMP socket gets its identifier only by binding. */
function bindTo(libc: Libc, scratch: Arena, fd: number, options: SocketOptions): number {
  const { transport, family, source, port = 0 } = options;
  if (transport === 'raw' && source === undefined) return 0;
  const any = parseAddress(family === 4 ? '0.0.0.0' : '::') as Address;
  const length = writeSockaddr(scratch.view, 0, source ?? any, port);
  return libc.bind(fd, scratch.address, length) < 0 ? libc.errno() : 0;
}

function localPort(libc: Libc, scratch: Arena, fd: number): number {
  scratch.view.setUint32(32, 28, true);
  if (libc.getsockname(fd, scratch.address, scratch.address + 32) < 0) return 0;
  return scratch.view.getUint16(2);
}
