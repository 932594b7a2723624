import { isIP } from 'node:net';
import type { EchoEngine, Reflector } from '../../ports/echo.ts';
import { createCoarseClock } from './coarse-clock.ts';
import { openCoarseReflector } from './coarse-reflector.ts';
import { type CoarseRound, startCoarseRound, unsentRound } from './coarse-round.ts';

export interface CoarseStamp {
  readonly stamp: EchoEngine;
  openReflector(config: {
    readonly address: string;
    readonly port: number;
    readonly peers: readonly string[];
  }): Promise<Reflector>;
}

/** A socket per round: more at once than this is not what the second engine is for. */
const MAX_ROUNDS = 500;

/**
 * STAMP by node:dgram, for systems without the socket thread. Coarse: stamps are taken in this thread,
 * so a busy main loop adds its own waiting (measured: median 1.3 ms) to every figure.
 */
export function createCoarseStamp(): CoarseStamp {
  const clock = createCoarseClock();
  const rounds = new Set<CoarseRound>();
  let isClosed = false;

  const stamp: EchoEngine = {
    name: 'coarse UDP sockets (node:dgram)',
    note: 'figures include the waiting of this process: kernel time stamps need 64-bit Linux and koffi',
    async measure(request) {
      const { address, dscp } = request;
      if (isClosed) return unsentRound({ because: 'closed', text: 'the STAMP engine is closed' });
      if (isIP(address) === 0) {
        return unsentRound({ because: 'bad-address', text: `not an IP address: ${address}` });
      }
      if (dscp !== undefined && dscp !== 0) {
        // Sent without it, the packets would take another overlay than the one that is asked about.
        return unsentRound({ because: 'no-permission', text: 'node:dgram cannot set DSCP' });
      }
      if (rounds.size >= MAX_ROUNDS) {
        return unsentRound({ because: 'busy', text: 'too many rounds at once for this engine' });
      }
      const round = startCoarseRound(request, clock);
      rounds.add(round);
      return round.done.finally(() => rounds.delete(round));
    },
    async close() {
      isClosed = true;
      for (const round of rounds) {
        round.stop({ because: 'closed', text: 'the STAMP engine was closed' });
      }
    },
  };
  return { stamp, openReflector: (config) => openCoarseReflector(config, clock) };
}
