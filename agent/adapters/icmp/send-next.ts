import { isPassing, unsentBecauseOf } from './linux.ts';
import type { PacketProbe } from './probe-deps.ts';
import { moveToNextPacket, type Round } from './round.ts';

/** A full queue empties in milliseconds; after a tenth of a second it is not passing. */
const RETRY_AFTER_MS = 5;
const MAX_RETRIES = 20;

/** Sends the round's next packet, or notes why it did not leave. */
export function sendNext(round: Round, probe: PacketProbe, now: number): void {
  let errno = probe.send(round);
  if (errno !== 0 && !isPassing(errno) && round.socket.transport !== 'raw') {
    // An error that the socket still had to tell (of another target) is told to the next send: take
    // it from the queue and try again, before this target is blamed.
    probe.drainErrors(round.socket);
    errno = probe.send(round);
  }
  if (isPassing(errno) && round.retries < MAX_RETRIES) {
    round.retries += 1;
    round.nextSendAt = now + RETRY_AFTER_MS;
    return;
  }
  if (errno !== 0) round.unsent ??= unsentBecauseOf(errno);
  moveToNextPacket(round, now);
}
