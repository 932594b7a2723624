import type { Unsent } from '../../ports/echo.ts';
import type { Due } from './due-heap.ts';
import type { RoundOrder } from './messages.ts';
import type { SenderSocket } from './sender-sockets.ts';
import type { Address } from './socket-address.ts';

/** What is kept of each packet that left, in one block of doubles per round. */
const SECONDS = 0;
const NANOSECONDS = 1;
const SENT_AT = 2;
const RTT = 3;
const FORWARD = 4;
const BACKWARD = 5;
const SEQUENCE = 6;
const FIELDS = 7;

/** A reply cannot come faster than light, nor later than we read it: beyond that the clock was set. */
const CLOCK_TOLERANCE_MS = 1;

/** The times of one sent packet: by the wall clock for kernel stamps, by the steady one for deadlines. */
export interface Departure {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly steadyMs: number;
  readonly sequence: number;
}

export interface OneWay {
  readonly forwardMs: number;
  readonly backwardMs: number;
}

/** One round on its way; times in ms of the thread's steady clock, but `startedAt` since 1970. */
export interface Round extends Due {
  readonly order: RoundOrder;
  readonly address: Address;
  readonly socket: SenderSocket;
  /** Place in the table, told in every packet together with the random `nonce`. */
  readonly slot: number;
  readonly nonce: number;
  readonly packets: Float64Array;
  readonly startedAt: number;
  /** Packets tried, packets that left, packets answered in time. */
  tried: number;
  sent: number;
  answered: number;
  nextSendAt: number;
  lastSentAt: number;
  /** Attempts to send the packet that is next, after a full queue. */
  retries: number;
  /** The first packet that may still be unanswered. */
  oldest: number;
  hasToldSuspect: boolean;
  unsent: Unsent | undefined;
  unreachableFrom: string | undefined;
}

export function createRound(
  order: RoundOrder,
  way: { readonly address: Address; readonly socket: SenderSocket },
  place: { readonly slot: number; readonly nonce: number },
  now: number,
): Round {
  return {
    order,
    ...way,
    ...place,
    packets: new Float64Array(order.count * FIELDS),
    dueAt: now,
    heapAt: -1,
    startedAt: Date.now(),
    tried: 0,
    sent: 0,
    answered: 0,
    nextSendAt: now,
    lastSentAt: now,
    retries: 0,
    oldest: 0,
    hasToldSuspect: false,
    unsent: undefined,
    unreachableFrom: undefined,
  };
}

export function recordSent(round: Round, departure: Departure): void {
  const at = round.sent * FIELDS;
  const { packets } = round;
  packets[at + SECONDS] = departure.seconds;
  packets[at + NANOSECONDS] = departure.nanoseconds;
  packets[at + SENT_AT] = departure.steadyMs;
  packets[at + RTT] = Number.NaN;
  packets[at + FORWARD] = Number.NaN;
  packets[at + BACKWARD] = Number.NaN;
  packets[at + SEQUENCE] = departure.sequence;
  round.sent += 1;
  round.lastSentAt = departure.steadyMs;
}

/** A packet was tried, whether it left or not: when is the next one due? */
export function moveToNextPacket(round: Round, now: number): void {
  round.tried += 1;
  round.retries = 0;
  const planned = round.nextSendAt + round.order.spacing;
  // After a pause of the machine the rest keeps its spacing and does not leave as a volley.
  round.nextSendAt = planned > now ? planned : now + round.order.spacing;
}

export const sequenceOf = (round: Round, index: number): number =>
  round.packets[index * FIELDS + SEQUENCE] as number;

export const sentTime = (
  round: Round,
  index: number,
): { seconds: number; nanoseconds: number } => ({
  seconds: round.packets[index * FIELDS + SECONDS] as number,
  nanoseconds: round.packets[index * FIELDS + NANOSECONDS] as number,
});

/** No answer was counted for this packet, and it is one that left. */
export const isOutstanding = (round: Round, index: number): boolean =>
  index < round.sent && Number.isNaN(round.packets[index * FIELDS + RTT]);

/** Time since the packet left, by the wall clock's stamps or, if that was set, by the steady clock. */
export function elapsedMs(
  round: Round,
  index: number,
  stamp: { readonly seconds: number; readonly nanoseconds: number },
  steadyNow: number,
): number {
  const sent = sentTime(round, index);
  const byStamps =
    (stamp.seconds - sent.seconds) * 1000 + (stamp.nanoseconds - sent.nanoseconds) / 1e6;
  const atMost = steadyNow - (round.packets[index * FIELDS + SENT_AT] as number);
  const isPossible = byStamps >= 0 && byStamps <= atMost + CLOCK_TOLERANCE_MS;
  return isPossible ? byStamps : atMost;
}

/** Counts an answer once, and only one that took no longer than the timeout. */
export function recordAnswer(round: Round, index: number, rttMs: number, oneWay?: OneWay): boolean {
  if (!isOutstanding(round, index) || rttMs > round.order.timeout) return false;
  const at = index * FIELDS;
  round.packets[at + RTT] = Math.max(0, rttMs);
  if (oneWay !== undefined) {
    round.packets[at + FORWARD] = oneWay.forwardMs;
    round.packets[at + BACKWARD] = oneWay.backwardMs;
  }
  round.answered += 1;
  return true;
}

/** Over: everything was tried, and all is answered or too late. */
export const isOver = (round: Round, now: number): boolean =>
  round.tried === round.order.count &&
  (round.answered === round.sent || now >= round.lastSentAt + round.order.timeout);

/** When a packet becomes suspicious by its silence; Infinity when none can, or it was told. */
export function suspectAt(round: Round): number {
  const { suspectAfter } = round.order;
  if (suspectAfter === undefined || round.hasToldSuspect) return Number.POSITIVE_INFINITY;
  while (round.oldest < round.sent && !isOutstanding(round, round.oldest)) round.oldest += 1;
  if (round.oldest >= round.sent) return Number.POSITIVE_INFINITY;
  return (round.packets[round.oldest * FIELDS + SENT_AT] as number) + suspectAfter;
}

/** The next time at which the round needs attention. */
export function nextDueAt(round: Round): number {
  const isSending = round.tried < round.order.count;
  const step = isSending ? round.nextSendAt : round.lastSentAt + round.order.timeout;
  return Math.min(step, suspectAt(round));
}

/** Copies one column (RTT, forward, backward) of the packets that left. */
export function copyFigures(
  round: Pick<Round, 'order' | 'sent' | 'packets'>,
  into: Float64Array,
  at: number,
): number {
  const columns = round.order.kind === 'stamp' ? [RTT, FORWARD, BACKWARD] : [RTT];
  let next = at;
  for (const column of columns) {
    for (let index = 0; index < round.sent; index += 1) {
      into[next] = round.packets[index * FIELDS + column] as number;
      next += 1;
    }
  }
  return next;
}
