import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  errorEstimateOf,
  readStampRequest,
  reflectStampRequest,
  type WireTime,
} from '../protocol/wire/stamp-packet.ts';
import type { Random } from './random.ts';

/** What the path does to a packet, there and back. */
export interface Impairment {
  /** One way, ms. */
  delayMs: number;
  jitterMs: number;
  /** 0..1, for a packet and its answer together. */
  lossRatio: number;
}

export interface StampPath {
  readonly impairment: Impairment;
  readonly port: number;
  close(): Promise<void>;
}

function wireTime(ms: number): WireTime {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanoseconds: Math.floor((ms - seconds * 1000) * 1e6) };
}

/**
 * A STAMP reflector (RFC 8762) at the far end of a simulated circuit. The time that the packet is
 * held here stands for the path, so T2 and T3 are both written as the middle of the hold: the sender
 * takes off a dwell time of zero and sees the whole delay.
 */
export async function startStampPath(
  at: { readonly address: string; readonly port: number },
  impairment: Impairment,
  random: Random,
): Promise<StampPath> {
  const socket = createSocket('udp4');
  const pending = new Set<NodeJS.Timeout>();
  const estimate = errorEstimateOf(0.001, false);
  socket.on('message', (packet, from) => {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    if (!readStampRequest(view) || random.next() < impairment.lossRatio) return;
    const wobble = Math.abs(random.normal()) * impairment.jitterMs;
    const holdMs = Math.max(0, 2 * impairment.delayMs + wobble);
    const middle = wireTime(performance.timeOrigin + performance.now() + holdMs / 2);
    const timer = setTimeout(() => {
      pending.delete(timer);
      reflectStampRequest(view, { receivedAt: middle, sentAt: middle }, estimate, 64);
      socket.send(packet, from.port, from.address, () => undefined);
    }, holdMs);
    pending.add(timer);
  });
  socket.on('error', () => undefined);
  socket.bind(at.port, at.address);
  await once(socket, 'listening');
  return {
    impairment,
    port: socket.address().port,
    close: () =>
      new Promise((resolve) => {
        for (const timer of pending) clearTimeout(timer);
        socket.close(() => resolve());
      }),
  };
}
