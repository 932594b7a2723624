import type { Unsent } from '../../ports/echo.ts';
import type { Libc } from './libc.ts';
import { unsentToOpen } from './linux.ts';
import type { IcmpModes, RoundOrder } from './messages.ts';
import { createSocketOpener, type SocketOptions, type Transport } from './open-socket.ts';
import type { PollSet } from './poll-set.ts';
import { type Family, parseAddress } from './socket-address.ts';
import { createStampSessions, type StampSessions } from './stamp-sessions.ts';

/** A socket from which rounds are sent; shared by all rounds with the same source and DSCP. */
export interface SenderSocket {
  readonly fd: number;
  readonly transport: Transport;
  readonly family: Family;
  /** ICMP identifier or local UDP port. */
  readonly port: number;
  readonly sessions: StampSessions;
  /** Rounds under way. */
  inUse: number;
  lastUsedAt: number;
}

type SocketChoice =
  | { readonly kind: 'socket'; readonly socket: SenderSocket }
  | { readonly kind: 'refused'; readonly unsent: Unsent };

export interface SenderSockets {
  /** Opens or reuses; the least recently used idle one makes room. */
  choose(order: RoundOrder, family: Family, now: number): SocketChoice;
  closeAll(): void;
}

/** Overlays are told apart by source address and DSCP: a branch has a handful. */
const MAX_SOCKETS = 64;

export interface SenderSocketsDeps {
  readonly libc: Libc;
  readonly pollSet: PollSet;
  readonly modes: IcmpModes;
  /** A random ICMP identifier for raw sockets, which choose their own. */
  readonly randomId: () => number;
  readonly onReady: (socket: SenderSocket) => void;
}

const refuse = (because: Unsent['because'], text: string): SocketChoice => ({
  kind: 'refused',
  unsent: { because, text },
});

export function createSenderSockets(deps: SenderSocketsDeps): SenderSockets {
  const { libc, pollSet, modes, randomId, onReady } = deps;
  const open = createSocketOpener(libc);
  const sockets = new Map<string, SenderSocket>();

  const close = (key: string, socket: SenderSocket): void => {
    sockets.delete(key);
    pollSet.remove(socket.fd);
    libc.close(socket.fd);
  };

  const makeRoom = (): boolean => {
    let oldest: [string, SenderSocket] | undefined;
    for (const entry of sockets) {
      const isOlder = oldest === undefined || entry[1].lastUsedAt < oldest[1].lastUsedAt;
      if (entry[1].inUse === 0 && isOlder) oldest = entry;
    }
    if (oldest !== undefined) close(...oldest);
    return oldest !== undefined;
  };

  const openFor = (
    key: string,
    order: RoundOrder,
    { transport, family }: Pick<SocketOptions, 'transport' | 'family'>,
  ): SocketChoice => {
    const source = order.source === undefined ? undefined : parseAddress(order.source);
    if (order.source !== undefined && source?.family !== family) {
      return refuse('bad-address', `${order.source} cannot be the source for ${order.address}`);
    }
    if (sockets.size >= MAX_SOCKETS && !makeRoom()) {
      return refuse('busy', 'too many source addresses and traffic classes at once');
    }
    const opened = open({
      transport,
      family,
      source,
      dscp: order.dscp,
    });
    if (opened.kind === 'refused') return { kind: 'refused', unsent: unsentToOpen(opened.errno) };
    const socket: SenderSocket = {
      fd: opened.fd,
      transport,
      family,
      port: transport === 'raw' ? randomId() : opened.port,
      sessions: createStampSessions(),
      inUse: 0,
      lastUsedAt: 0,
    };
    sockets.set(key, socket);
    pollSet.add(socket.fd, () => onReady(socket));
    return { kind: 'socket', socket };
  };

  return {
    choose(order, family, now) {
      const icmp = family === 4 ? modes.v4 : modes.v6;
      const transport = order.kind === 'stamp' ? 'udp' : icmp;
      if (typeof transport === 'number') {
        return { kind: 'refused', unsent: unsentToOpen(transport) };
      }
      const key = `${transport} ${family} ${order.source ?? ''} ${order.dscp ?? ''}`;
      const known = sockets.get(key);
      const choice: SocketChoice =
        known === undefined
          ? openFor(key, order, { transport, family })
          : { kind: 'socket', socket: known };
      if (choice.kind === 'socket') choice.socket.lastUsedAt = now;
      return choice;
    },
    closeAll() {
      for (const [key, socket] of sockets) close(key, socket);
    },
  };
}
