import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { epochMs } from '../../../protocol/model/units.ts';
import {
  nanosecondsBetween,
  readStampReply,
  STAMP_PACKET_BYTES,
  type WireTime,
  writeStampRequest,
} from '../../../protocol/wire/stamp-packet.ts';
import type { EchoRequest, EchoRound, Unsent } from '../../ports/echo.ts';
import { COARSE_ERROR, type CoarseClock } from './coarse-clock.ts';

const NS_PER_MS = 1e6;
const STAMP_PORT = 862;

interface Packet {
  readonly sentAt: WireTime;
  readonly steadyMs: number;
  rttMs: number;
  forwardMs: number;
  backwardMs: number;
}

export interface CoarseRound {
  readonly done: Promise<EchoRound>;
  /** Ends the round without figures. */
  stop(unsent: Unsent): void;
}

export const unsentRound = (unsent: Unsent): EchoRound => ({
  startedAt: epochMs(Date.now()),
  sent: 0,
  rttMs: new Float64Array(0),
  unsent,
});

/** What an error of `connect` or `send` means; a refusal by the other end is none of ours. */
const REFUSALS: Readonly<Record<string, Unsent['because']>> = {
  EPERM: 'firewall',
  EACCES: 'no-route',
  EINVAL: 'no-route',
  ENETUNREACH: 'no-route',
  EHOSTUNREACH: 'no-route',
  ENETDOWN: 'no-route',
  EADDRNOTAVAIL: 'no-route',
  EAFNOSUPPORT: 'no-route',
};

/**
 * One round on a connected socket of its own: only the reflector's packets come in, and each round is
 * a STAMP session that counts from 0.
 */
export function startCoarseRound(request: EchoRequest, clock: CoarseClock): CoarseRound {
  const { address, port = STAMP_PORT, source, count, spacing, timeout } = request;
  const startedAt = epochMs(Date.now());
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const packets: Packet[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let tried = 0;
  let answered = 0;
  let hasToldSuspect = false;
  let unsent: Unsent | undefined;
  let unreachableFrom: string | undefined;
  let settle: (round: EchoRound) => void = () => {};

  const after = (ms: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const end = (round: EchoRound): void => {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    closeOnce(socket);
    settle(round);
    settle = () => {};
  };

  const finish = (): void => {
    const column = (field: 'rttMs' | 'forwardMs' | 'backwardMs'): Float64Array =>
      Float64Array.from(packets, (packet) => packet[field]);
    end({
      startedAt,
      sent: packets.length,
      rttMs: column('rttMs'),
      forwardMs: column('forwardMs'),
      backwardMs: column('backwardMs'),
      ...(unsent === undefined ? {} : { unsent }),
      ...(unreachableFrom === undefined ? {} : { unreachableFrom }),
    });
  };

  const refuse = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'ECONNREFUSED') {
      unreachableFrom = address;
      return;
    }
    unsent ??= { because: REFUSALS[error.code ?? ''] ?? 'busy', text: error.message };
  };

  const suspect = (packet: Packet): void => {
    if (hasToldSuspect || !Number.isNaN(packet.rttMs)) return;
    hasToldSuspect = true;
    request.onSuspect?.();
  };

  const sendNext = (): void => {
    const view = new DataView(new ArrayBuffer(STAMP_PACKET_BYTES));
    const sentAt = clock.now();
    const packet = {
      sentAt,
      steadyMs: performance.now(),
      rttMs: Number.NaN,
      forwardMs: Number.NaN,
      backwardMs: Number.NaN,
    };
    writeStampRequest(view, { sequence: packets.length, sentAt, error: COARSE_ERROR });
    packets.push(packet);
    tried += 1;
    socket.send(new Uint8Array(view.buffer), (error) => {
      if (error === null || (error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return;
      refuse(error);
      // It did not leave: not a loss. Its number stays used, so the others keep theirs.
      packets.splice(packets.indexOf(packet), 1);
    });
    if (request.suspectAfter !== undefined) after(request.suspectAfter, () => suspect(packet));
    if (tried < count) after(spacing, sendNext);
    else after(timeout, finish);
  };

  const receive = (octets: Uint8Array): void => {
    const t4 = clock.now();
    const reply = readStampReply(new DataView(octets.buffer, octets.byteOffset, octets.byteLength));
    const packet = packets.find(
      ({ sentAt }) => reply && nanosecondsBetween(sentAt, reply.senderSentAt) === 0,
    );
    if (reply === undefined || packet === undefined || !Number.isNaN(packet.rttMs)) return;
    const awayMs = performance.now() - packet.steadyMs;
    if (awayMs > timeout) return;
    const dwellMs = nanosecondsBetween(reply.receivedAt, reply.sentAt) / NS_PER_MS;
    packet.rttMs = dwellMs >= 0 && dwellMs <= awayMs ? awayMs - dwellMs : awayMs;
    packet.forwardMs = nanosecondsBetween(packet.sentAt, reply.receivedAt) / NS_PER_MS;
    packet.backwardMs = nanosecondsBetween(reply.sentAt, t4) / NS_PER_MS;
    answered += 1;
    if (tried === count && answered === packets.length) finish();
  };

  const done = new Promise<EchoRound>((resolve) => {
    settle = resolve;
  });
  socket.on('error', (error) => {
    refuse(error);
    if (tried === 0) finish();
  });
  socket.on('message', receive);
  socket.once('connect', sendNext);
  socket.bind(source === undefined ? {} : { address: source }, () => socket.connect(port, address));
  return { done, stop: (because) => end(unsentRound(because)) };
}

function closeOnce(socket: Socket): void {
  socket.removeAllListeners('message');
  try {
    socket.close();
  } catch {
    // Closed already: the round ended by an error while it was being stopped.
  }
}
