import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { readStampRequest, reflectStampRequest } from '../../../protocol/wire/stamp-packet.ts';
import type { Reflector } from '../../ports/echo.ts';
import { COARSE_ERROR, type CoarseClock } from './coarse-clock.ts';

/** Packets per second that all listed peers together may have answered. */
const PER_SECOND = 5_000;
const TTL_UNKNOWN = 0;

/** Rejects when the address or a peer is no IP address, or the port is taken. */
export async function openCoarseReflector(
  config: { readonly address: string; readonly port: number; readonly peers: readonly string[] },
  clock: CoarseClock,
): Promise<Reflector> {
  const peers = new BlockList();
  for (const address of [config.address, ...config.peers]) {
    if (isIP(address) === 0) throw new Error(`not an IP address: ${address}`);
  }
  for (const peer of config.peers) peers.addAddress(peer, isIPv6(peer) ? 'ipv6' : 'ipv4');
  const socket = createSocket(isIPv6(config.address) ? 'udp6' : 'udp4');
  let second = 0;
  let answered = 0;

  const isAllowed = (nowS: number): boolean => {
    if (nowS !== second) answered = 0;
    second = nowS;
    answered += 1;
    return answered <= PER_SECOND;
  };

  socket.on('message', (octets, from) => {
    const receivedAt = clock.now();
    if (!peers.check(from.address, from.family === 'IPv6' ? 'ipv6' : 'ipv4')) return;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    if (from.port === socket.address().port || readStampRequest(view) === undefined) return;
    if (!isAllowed(receivedAt.seconds)) return;
    reflectStampRequest(view, { receivedAt, sentAt: clock.now() }, COARSE_ERROR, TTL_UNKNOWN);
    // What does not leave is one lost answer for its sender.
    socket.send(octets, from.port, from.address, () => {});
  });
  socket.bind(config.port, config.address);
  await once(socket, 'listening');
  // Later errors are of single answers.
  socket.on('error', () => {});
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
