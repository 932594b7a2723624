import {
  nanosecondsBetween,
  readStampReply,
  STAMP_PACKET_BYTES,
  writeStampRequest,
} from '../../../protocol/wire/stamp-packet.ts';
import { MSG_ERRQUEUE } from './linux.ts';
import type { PacketProbe, ProbeDeps } from './probe-deps.ts';
import type { Received } from './receive-ring.ts';
import { elapsedMs, recordSent, sentTime } from './round.ts';
import type { SenderSocket } from './sender-sockets.ts';
import { formatAddress, SOCKADDR_BYTES, writeSockaddr } from './socket-address.ts';

const NS_PER_MS = 1e6;
/** A reflector cannot have kept a packet longer than it was away, clocks' drift apart. */
const DWELL_TOLERANCE_MS = 1;

/** STAMP session-sender (RFC 8762, unauthenticated) on UDP sockets with kernel stamps. */
export function createStampProbe({ libc, ring, table, clock }: ProbeDeps): PacketProbe {
  const scratch = libc.allocate(STAMP_PACKET_BYTES + SOCKADDR_BYTES);
  const packet = new DataView(scratch.bytes.buffer, 0, STAMP_PACKET_BYTES);

  const take = (socket: SenderSocket, received: Received, now: number): void => {
    const reply = readStampReply(received.packet);
    if (reply === undefined || received.peer === undefined) return;
    const awaited = socket.sessions.find(received.peer, received.peerPort, reply.senderSequence);
    if (awaited === undefined) return;
    const { round, index } = awaited;
    const sent = sentTime(round, index);
    // T1 must come back to the nanosecond: whoever forges an answer would have to guess it.
    if (nanosecondsBetween(sent, reply.senderSentAt) !== 0) return;
    const stamp = received.arrival.stamp ?? clock.now();
    const awayMs = elapsedMs(round, index, stamp, now);
    if (awayMs > round.order.timeout) return;
    const dwellMs = nanosecondsBetween(reply.receivedAt, reply.sentAt) / NS_PER_MS;
    const isPossible = dwellMs >= 0 && dwellMs <= awayMs + DWELL_TOLERANCE_MS;
    socket.sessions.answered(round, index);
    table.answer(round, index, isPossible ? awayMs - dwellMs : awayMs, now, {
      forwardMs: nanosecondsBetween(sent, reply.receivedAt) / NS_PER_MS,
      backwardMs: nanosecondsBetween(reply.sentAt, stamp) / NS_PER_MS,
    });
  };

  const takeError = (socket: SenderSocket, { peer, peerPort, arrival }: Received): void => {
    const from = arrival.complaint?.from;
    if (peer === undefined || from === undefined) return;
    // Routers may quote only the UDP header, so the complaint is about the session, not a packet.
    for (const round of socket.sessions.waiting(peer, peerPort)) {
      round.unreachableFrom = formatAddress(from);
    }
  };

  const drainErrors = (socket: SenderSocket): void =>
    ring.drain(socket.fd, MSG_ERRQUEUE, (received) => takeError(socket, received));

  return {
    drainErrors,
    send(round) {
      const { socket, address } = round;
      const sequence = socket.sessions.nextSequence(round);
      const length = writeSockaddr(scratch.view, STAMP_PACKET_BYTES, address, round.order.port);
      const to = scratch.address + STAMP_PACKET_BYTES;
      const steadyMs = performance.now();
      const error = clock.quality(steadyMs);
      const sentAt = clock.now();
      writeStampRequest(packet, { sequence, sentAt, error });
      if (libc.sendto(socket.fd, scratch.address, STAMP_PACKET_BYTES, 0, to, length) < 0) {
        return libc.errno();
      }
      const { seconds, nanoseconds } = sentAt;
      recordSent(round, { seconds, nanoseconds, steadyMs, sequence });
      socket.sessions.sent(round, round.sent - 1);
      return 0;
    },
    receive(socket) {
      ring.drain(socket.fd, 0, (received, steadyMs) => take(socket, received, steadyMs));
      drainErrors(socket);
    },
  };
}
