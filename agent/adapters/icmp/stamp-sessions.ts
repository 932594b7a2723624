import { isOutstanding, type Round, sequenceOf } from './round.ts';
import { addressKey } from './socket-address.ts';

interface Outstanding {
  readonly round: Round;
  readonly index: number;
}

/** One STAMP session: from one of our sockets to one reflector, numbered from 0 (RFC 8762, 4.2.1). */
interface StampSession {
  sequence: number;
  readonly outstanding: Map<number, Outstanding>;
}

export interface StampSessions {
  /** The number of the next packet of this round's session; it counts only once `sent` is called. */
  nextSequence(round: Round): number;
  sent(round: Round, index: number): void;
  /** Who waits for this answer; undefined: nobody, it is late, doubled or forged. */
  find(octets: Uint8Array, port: number, sequence: number): Outstanding | undefined;
  /** Rounds that wait for this address and port. */
  waiting(octets: Uint8Array, port: number): readonly Round[];
  answered(round: Round, index: number): void;
  /** Forgets what the round still waits for. */
  over(round: Round): void;
}

/** More reflectors than this from one socket, and the longest unused session begins anew at 0. */
const MAX_SESSIONS = 20_000;

export function createStampSessions(): StampSessions {
  const sessions = new Map<string, StampSession>();
  const keyOf = (round: Round): string => addressKey(round.address.octets, round.order.port);

  const openFor = (round: Round): StampSession => {
    const key = keyOf(round);
    const session = sessions.get(key) ?? { sequence: 0, outstanding: new Map() };
    // A Map keeps the order of insertion: what is used moves to the end.
    sessions.delete(key);
    sessions.set(key, session);
    if (sessions.size > MAX_SESSIONS) {
      for (const [oldKey, old] of sessions) {
        if (old.outstanding.size > 0) continue;
        sessions.delete(oldKey);
        break;
      }
    }
    return session;
  };

  return {
    nextSequence: (round) => openFor(round).sequence,
    sent(round, index) {
      const session = openFor(round);
      session.outstanding.set(session.sequence, { round, index });
      session.sequence = (session.sequence + 1) >>> 0;
    },
    find: (octets, port, sequence) =>
      sessions.get(addressKey(octets, port))?.outstanding.get(sequence),
    waiting(octets, port) {
      const session = sessions.get(addressKey(octets, port));
      return session === undefined
        ? []
        : [...new Set([...session.outstanding.values()].map(({ round }) => round))];
    },
    answered(round, index) {
      sessions.get(keyOf(round))?.outstanding.delete(sequenceOf(round, index));
    },
    over(round) {
      const session = sessions.get(keyOf(round));
      if (session === undefined) return;
      for (let index = 0; index < round.sent; index += 1) {
        if (isOutstanding(round, index)) session.outstanding.delete(sequenceOf(round, index));
      }
    },
  };
}
