import { readStampRequest, reflectStampRequest } from '../../../protocol/wire/stamp-packet.ts';
import { createAllowance } from './allowance.ts';
import type { Libc } from './libc.ts';
import * as linux from './linux.ts';
import type { ReflectorOrder } from './messages.ts';
import { createSocketOpener } from './open-socket.ts';
import type { Received, ReceiveRing } from './receive-ring.ts';
import { addressKey, type Family, parseAddress } from './socket-address.ts';
import type { WallClock } from './wall-clock.ts';

export interface OpenReflector {
  readonly fd: number;
  readonly port: number;
  receive(): void;
}

export interface ReflectorDeps {
  readonly libc: Libc;
  readonly ring: ReceiveRing;
  readonly clock: WallClock;
}

const UNKNOWN_TTL = 0;

/**
 * STAMP session-reflector (RFC 8762, unauthenticated, stateless). Answers listed peers only, with a
 * packet of the same size, from the address that was asked and in the same traffic class, so that
 * the answer takes the same overlay. Throws where the address is bad or taken.
 */
export function createReflector(deps: ReflectorDeps, order: ReflectorOrder): OpenReflector {
  const { libc, ring, clock } = deps;
  const source = parseAddress(order.address);
  if (source === undefined) throw new Error(`not an IP address: ${order.address}`);
  const peers = peerKeys(order.peers);
  const allowance = createAllowance();
  const { family } = source;
  const opened = createSocketOpener(libc)({
    transport: 'udp',
    family,
    source,
    port: order.port,
    isReflector: true,
  });
  if (opened.kind === 'refused') {
    throw new Error(`cannot listen on ${order.address} port ${order.port} (errno ${opened.errno})`);
  }
  const { fd, port } = opened;
  const reply = createReply(libc, family);

  const answer = (received: Received, now: number): void => {
    const { packet, peer, arrival } = received;
    if (peer === undefined || received.isTruncated || received.peerPort === port) return;
    const key = addressKey(peer, 0);
    if (!peers.has(key) || readStampRequest(packet) === undefined) return;
    if (!allowance.take(key, now)) return;
    const receivedAt = arrival.stamp ?? { ...clock.now() };
    reply.aim(received);
    const error = clock.quality(now);
    const times = { receivedAt, sentAt: clock.now() };
    reflectStampRequest(packet, times, error, Math.min(255, arrival.ttl ?? UNKNOWN_TTL));
    // A full queue loses this one answer; the sender counts it as any other loss on the way.
    libc.sendmsg(fd, reply.address, linux.MSG_DONTWAIT);
  };

  return {
    fd,
    port,
    receive() {
      ring.drain(fd, 0, answer);
      // Complaints about our answers (port unreachable) interest nobody, but must not pile up.
      ring.drain(fd, linux.MSG_ERRQUEUE, () => {});
    },
  };
}

function peerKeys(peers: readonly string[]): ReadonlySet<string> {
  return new Set(
    peers.map((peer) => {
      const address = parseAddress(peer);
      if (address === undefined) throw new Error(`not an IP address in the peers: ${peer}`);
      return addressKey(address.octets, 0);
    }),
  );
}

const IOVEC_AT = 56;
const CONTROL_AT = 72;
const CMSG_BYTES = 16;

/** One struct msghdr (56 octets), its iovec and its control messages, aimed anew for each answer. */
function createReply(libc: Libc, family: Family) {
  const arena = libc.allocate(CONTROL_AT + 96);
  const { view, bytes, address } = arena;
  const setPointer = (at: number, value: number): void => {
    view.setBigUint64(at, BigInt(value), true);
  };
  setPointer(16, address + IOVEC_AT);
  view.setUint32(24, 1, true);
  setPointer(32, address + CONTROL_AT);

  /** Writes one cmsghdr and returns where the next one goes; the content is at 16. */
  const header = (at: number, type: number, contentBytes: number): number => {
    view.setBigUint64(at, BigInt(CMSG_BYTES + contentBytes), true);
    view.setInt32(at + 8, family === 4 ? linux.IPPROTO_IP : linux.IPPROTO_IPV6, true);
    view.setInt32(at + 12, type, true);
    return at + CMSG_BYTES + ((contentBytes + 7) & ~7);
  };

  const writeControl = (received: Received): number => {
    bytes.fill(0, CONTROL_AT);
    const { trafficClass = 0, local } = received.arrival;
    let next = header(CONTROL_AT, family === 4 ? linux.IP_TOS : linux.IPV6_TCLASS, 4);
    // The two bits of ECN are a statement of the path about that packet, not about ours.
    view.setInt32(CONTROL_AT + CMSG_BYTES, trafficClass & 0xfc, true);
    if (local === undefined) return next - CONTROL_AT;
    // in_pktinfo: interface 4, our source address 4, unused 4. in6_pktinfo: source address 16, interface 4.
    const at = next + CMSG_BYTES;
    next = family === 4 ? header(next, linux.IP_PKTINFO, 12) : header(next, linux.IPV6_PKTINFO, 20);
    bytes.set(local, family === 4 ? at + 4 : at);
    return next - CONTROL_AT;
  };

  return {
    address,
    aim(received: Received): void {
      setPointer(0, received.nameAddress);
      view.setUint32(8, received.nameBytes, true);
      setPointer(IOVEC_AT, received.packetAddress);
      view.setUint32(IOVEC_AT + 8, received.packet.byteLength, true);
      view.setUint32(40, writeControl(received), true);
    },
  };
}
