import { createDueHeap } from './due-heap.ts';
import type { RoundOrder } from './messages.ts';
import {
  createRound,
  isOver,
  nextDueAt,
  type OneWay,
  type Round,
  recordAnswer,
  suspectAt,
} from './round.ts';
import type { SenderSocket } from './sender-sockets.ts';
import type { Address } from './socket-address.ts';

export interface RoundTableDeps {
  /** Unguessable 32 bits. */
  readonly randomWord: () => number;
  /** Sends the next packet of the round. */
  readonly onSend: (round: Round, now: number) => void;
  readonly onSuspect: (round: Round) => void;
  readonly onOver: (round: Round) => void;
}

/** All rounds on their way: who is due when, and whose answer this is. */
export interface RoundTable {
  readonly size: number;
  /** When the next round needs attention; Infinity when nothing is under way. */
  readonly nextDueAt: number;
  /** Undefined when MAX_ROUNDS are under way. */
  open(
    order: RoundOrder,
    way: { readonly address: Address; readonly socket: SenderSocket },
    now: number,
  ): Round | undefined;
  find(slot: number, nonce: number): Round | undefined;
  /** Counts an answer, once and in time. */
  answer(round: Round, index: number, rttMs: number, now: number, oneWay?: OneWay): boolean;
  /** Does what is due until `now`, at most `limit` steps; true when more is due. */
  run(now: number, limit: number): boolean;
}

/** Several times the 20,000 targets of one agent: beyond it somebody asks faster than time passes. */
const MAX_ROUNDS = 65_536;

export function createRoundTable(deps: RoundTableDeps): RoundTable {
  const heap = createDueHeap<Round>();
  const slots: (Round | undefined)[] = [];
  const free: number[] = [];

  const settle = (round: Round, now: number): void => {
    if (isOver(round, now)) {
      heap.remove(round);
      slots[round.slot] = undefined;
      free.push(round.slot);
      deps.onOver(round);
      return;
    }
    round.dueAt = nextDueAt(round);
    heap.put(round);
  };

  const step = (round: Round, now: number): void => {
    if (suspectAt(round) <= now) {
      round.hasToldSuspect = true;
      deps.onSuspect(round);
    }
    if (round.tried < round.order.count && round.nextSendAt <= now) deps.onSend(round, now);
    settle(round, now);
  };

  return {
    get size() {
      return heap.size;
    },
    get nextDueAt() {
      return heap.peek()?.dueAt ?? Number.POSITIVE_INFINITY;
    },
    open(order, way, now) {
      if (heap.size >= MAX_ROUNDS) return undefined;
      const slot = free.pop() ?? slots.length;
      const round = createRound(order, way, { slot, nonce: deps.randomWord() }, now);
      slots[slot] = round;
      heap.put(round);
      return round;
    },
    find(slot, nonce) {
      const round = slots[slot];
      return round?.nonce === nonce ? round : undefined;
    },
    answer(round, index, rttMs, now, oneWay) {
      if (!recordAnswer(round, index, rttMs, oneWay)) return false;
      settle(round, now);
      return true;
    },
    run(now, limit) {
      for (let done = 0; done < limit; done += 1) {
        const round = heap.peek();
        if (round === undefined || round.dueAt > now) return false;
        step(round, now);
      }
      return true;
    },
  };
}
