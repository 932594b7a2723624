import type { Libc } from './libc.ts';
import type { IcmpModes } from './messages.ts';
import { createSocketOpener } from './open-socket.ts';
import type { Family } from './socket-address.ts';

/** Tries which ICMP sockets the system gives us: raw before datagram, which hides routers' errors. */
export function findIcmpModes(libc: Libc): IcmpModes {
  const open = createSocketOpener(libc);
  const modeOf = (family: Family): IcmpModes['v4'] => {
    let refusal = 0;
    for (const transport of ['raw', 'datagram'] as const) {
      const opened = open({ transport, family });
      if (opened.kind === 'open') {
        libc.close(opened.fd);
        return transport;
      }
      refusal = opened.errno;
    }
    return refusal;
  };
  return { v4: modeOf(4), v6: modeOf(6) };
}
