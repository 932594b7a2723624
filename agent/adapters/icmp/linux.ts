import type { Unsent } from '../../ports/echo.ts';

/** Numbers of the Linux user interface (asm-generic: x86-64, arm64, riscv64, loongarch64). */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
/** SOCK_NONBLOCK | SOCK_CLOEXEC: a forked `ping` must not inherit a raw socket. */
export const SOCK_QUIET = 0x800 | 0x80000;
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_TRUNC = 0x20;
export const POLLIN = 1;
export const CLOCK_REALTIME = 0;

export const SOL_SOCKET = 1;
export const SOL_RAW = 255;
export const SO_RCVBUF = 8;
export const SO_RCVBUFFORCE = 33;
/** Also the type of the control message that brings the stamp. */
export const SO_TIMESTAMPNS = 35;
export const ICMP_FILTER = 1;
export const ICMP6_FILTER = 1;

export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_PKTINFO = 8;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
export const IP_RECVTOS = 13;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;

const EPERM = 1;
const EINTR = 4;
export const EAGAIN = 11;
const ENOMEM = 12;
const EACCES = 13;
export const EMSGSIZE = 90;
const EAFNOSUPPORT = 97;
const ENOBUFS = 105;

/** What a refusal by `sendto` means. Measured in namespaces; see docs/adr for the ones not tried. */
const REFUSALS: Readonly<Record<number, readonly [Unsent['because'], string]>> = {
  [EPERM]: ['firewall', 'EPERM: a firewall on this machine dropped or rejected the packet'],
  [EACCES]: ['no-route', 'EACCES: a route on this machine prohibits the address'],
  22: ['no-route', 'EINVAL: a blackhole route on this machine, or no way from the source address'],
  [EMSGSIZE]: ['bad-address', 'EMSGSIZE: the path does not carry a packet of this size'],
  [EAFNOSUPPORT]: ['no-route', 'EAFNOSUPPORT: the address family is switched off here'],
  99: ['no-route', 'EADDRNOTAVAIL: the source address is not on this machine'],
  100: ['no-route', 'ENETDOWN: the network interface is down'],
  101: ['no-route', 'ENETUNREACH: this machine has no route to the address'],
  113: ['no-route', 'EHOSTUNREACH: this machine has no way to the address'],
  [ENOBUFS]: ['busy', 'ENOBUFS: the send queue of this machine stayed full'],
  [ENOMEM]: ['busy', 'ENOMEM: the kernel has no memory for packets'],
  [EAGAIN]: ['busy', 'EAGAIN: the send buffer of the socket stayed full'],
};

/** A full queue is over in milliseconds: not sent, try again; never loss. */
export const isPassing = (errno: number): boolean =>
  errno === ENOBUFS || errno === EAGAIN || errno === ENOMEM || errno === EINTR;

export function unsentBecauseOf(errno: number): Unsent {
  const [because, text] = REFUSALS[errno] ?? [
    'busy',
    `the system refused to send (errno ${errno})`,
  ];
  return { because, text };
}

/** The same for `socket` and `bind`, where EPERM and EACCES are about us and not about the path. */
export function unsentToOpen(errno: number): Unsent {
  if (errno === EPERM || errno === EACCES) {
    return {
      because: 'no-permission',
      text: `the system gives us no such socket (errno ${errno})`,
    };
  }
  return errno === EAFNOSUPPORT
    ? { because: 'no-route', text: 'EAFNOSUPPORT: the address family is switched off here' }
    : unsentBecauseOf(errno);
}
