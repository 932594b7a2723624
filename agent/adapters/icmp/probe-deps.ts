import type { Libc } from './libc.ts';
import type { ReceiveRing } from './receive-ring.ts';
import type { Round } from './round.ts';
import type { RoundTable } from './round-table.ts';
import type { SenderSocket } from './sender-sockets.ts';
import type { WallClock } from './wall-clock.ts';

export interface ProbeDeps {
  readonly libc: Libc;
  readonly ring: ReceiveRing;
  readonly table: RoundTable;
  readonly clock: WallClock;
}

/** One kind of packet on the thread's sockets. Times are of the steady clock. */
export interface PacketProbe {
  /** Sends the round's next packet; 0, or the errno of the refusal. */
  send(round: Round): number;
  /** Takes everything that waits, errors included. */
  receive(socket: SenderSocket): void;
  /** Takes the errors only. */
  drainErrors(socket: SenderSocket): void;
}
