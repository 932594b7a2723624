import {
  COOKIE_BYTES,
  ECHO_BYTES,
  readEcho,
  readQuotedSequence,
  writeEcho,
} from './echo-packet.ts';
import { MSG_ERRQUEUE } from './linux.ts';
import type { PacketProbe, ProbeDeps } from './probe-deps.ts';
import type { Received } from './receive-ring.ts';
import { elapsedMs, isOutstanding, recordSent, sequenceOf } from './round.ts';
import type { SenderSocket } from './sender-sockets.ts';
import { formatAddress, SOCKADDR_BYTES, writeSockaddr } from './socket-address.ts';

const SEQUENCES = 65_536;

/** ICMP echo on raw or datagram sockets. `cookie`: random octets that mark this process's echoes. */
export function createIcmpProbe(deps: ProbeDeps, cookie: Uint8Array): PacketProbe {
  if (cookie.length !== COOKIE_BYTES) throw new RangeError(`a cookie has ${COOKIE_BYTES} octets`);
  const { libc, ring, table, clock } = deps;
  const scratch = libc.allocate(ECHO_BYTES + SOCKADDR_BYTES + 4);
  const packet = new DataView(scratch.bytes.buffer, 0, ECHO_BYTES);
  // Errors may quote no more than identifier and sequence, so the sequence must lead to the round.
  const slotOf = new Uint32Array(SEQUENCES);
  const nonceOf = new Uint32Array(SEQUENCES);
  const indexOf = new Uint16Array(SEQUENCES);
  let sequence = 0;

  const blame = (seq: number, destination: Uint8Array, from: Uint8Array | undefined): void => {
    const round = table.find(slotOf[seq] as number, nonceOf[seq] as number);
    const index = indexOf[seq] as number;
    if (round === undefined || from === undefined || !isOutstanding(round, index)) return;
    if (round.order.kind !== 'icmp' || sequenceOf(round, index) !== seq) return;
    if (!round.address.octets.every((octet, at) => octet === destination[at])) return;
    round.unreachableFrom = formatAddress(from);
  };

  const take = (socket: SenderSocket, received: Received, now: number): void => {
    const { family, transport } = socket;
    const reading = readEcho(received.packet, family, transport === 'raw' && family === 4, cookie);
    // Every raw socket gets everybody's replies: the identifier tells ours.
    if (reading === undefined || reading.id !== socket.port) return;
    if (reading.kind === 'unreachable') {
      blame(reading.sequence, reading.destination, received.peer);
      return;
    }
    const { slot, nonce, index } = reading.tag;
    const round = table.find(slot, nonce);
    // The source address is not compared: a device may answer from another one, and who cannot read
    // the request cannot guess cookie, nonce and sequence.
    if (round === undefined || round.order.kind !== 'icmp' || !isOutstanding(round, index)) return;
    if (sequenceOf(round, index) !== reading.sequence) return;
    const stamp = received.arrival.stamp ?? clock.now();
    table.answer(round, index, elapsedMs(round, index, stamp, now), now);
  };

  const takeError = (socket: SenderSocket, { packet: quoted, peer, arrival }: Received): void => {
    const seq = readQuotedSequence(quoted, socket.family);
    if (seq !== undefined && peer !== undefined) blame(seq, peer, arrival.complaint?.from);
  };

  const drainErrors = (socket: SenderSocket): void => {
    if (socket.transport === 'raw') return;
    ring.drain(socket.fd, MSG_ERRQUEUE, (received) => takeError(socket, received));
  };

  return {
    drainErrors,
    send(round) {
      const { socket, address } = round;
      const header = { id: socket.port, sequence };
      const tag = { slot: round.slot, nonce: round.nonce, index: round.sent };
      writeEcho(packet, address.family, header, cookie, tag);
      const length = writeSockaddr(scratch.view, ECHO_BYTES, address, 0);
      const to = scratch.address + ECHO_BYTES;
      const steadyMs = performance.now();
      const { seconds, nanoseconds } = clock.now();
      if (libc.sendto(socket.fd, scratch.address, ECHO_BYTES, 0, to, length) < 0) {
        return libc.errno();
      }
      slotOf[sequence] = round.slot;
      nonceOf[sequence] = round.nonce;
      indexOf[sequence] = round.sent;
      recordSent(round, { seconds, nanoseconds, steadyMs, sequence });
      sequence = (sequence + 1) % SEQUENCES;
      return 0;
    },
    receive(socket) {
      ring.drain(socket.fd, 0, (received, steadyMs) => take(socket, received, steadyMs));
      drainErrors(socket);
    },
  };
}
