import { type EpochMs, epochMs } from '../../../protocol/model/units.ts';
import type { EchoRequest, EchoRound, Unsent } from '../../ports/echo.ts';
import { FIGURES_HEADER, type RoundOrder, type RoundRemark } from './messages.ts';

/** Ports without a number: RFC 8762 gives STAMP this one. */
const STAMP_PORT = 862;

interface Pending {
  readonly kind: EchoRequest['kind'];
  readonly onSuspect: (() => void) | undefined;
  readonly resolve: (round: EchoRound) => void;
}

export interface PendingRounds {
  /** Remembers who waits and returns what the thread is told. */
  add(request: EchoRequest, resolve: (round: EchoRound) => void): RoundOrder;
  settle(figures: Float64Array, remarks: readonly RoundRemark[]): void;
  suspect(key: number): void;
  /** Ends rounds (of one kind) without figures. */
  abandon(unsent: Unsent, kind?: EchoRequest['kind']): void;
  unsentRound(unsent: Unsent): EchoRound;
}

/** Main's side of the rounds that are with the thread. */
export function createPendingRounds(): PendingRounds {
  const pending = new Map<number, Pending>();
  let lastKey = 0;

  const unsentRound = (unsent: Unsent): EchoRound => ({
    startedAt: epochMs(Date.now()),
    sent: 0,
    rttMs: new Float64Array(0),
    unsent,
  });

  const settleOne = (key: number, round: EchoRound): void => {
    const waiting = pending.get(key);
    pending.delete(key);
    waiting?.resolve(round);
  };

  return {
    unsentRound,
    add(request, resolve) {
      lastKey += 1;
      const { kind, address, port = STAMP_PORT, count, spacing, timeout } = request;
      const { source, dscp, suspectAfter, onSuspect } = request;
      pending.set(lastKey, { kind, onSuspect, resolve });
      return {
        key: lastKey,
        kind,
        address,
        port,
        count,
        spacing,
        timeout,
        ...(source === undefined ? {} : { source }),
        ...(dscp === undefined ? {} : { dscp }),
        // Nobody listens: the thread need not watch.
        ...(suspectAfter === undefined || onSuspect === undefined ? {} : { suspectAfter }),
      };
    },
    settle(figures, remarks) {
      const remarkOf = new Map(remarks.map((remark) => [remark.key, remark]));
      let at = 0;
      while (at + FIGURES_HEADER <= figures.length) {
        const key = figures[at] as number;
        const startedAt = epochMs(figures[at + 1] as number);
        const sent = figures[at + 2] as number;
        const columns = figures[at + 3] as number;
        const from = at + FIGURES_HEADER;
        settleOne(key, roundOf(figures, { from, sent, columns, startedAt }, remarkOf.get(key)));
        at = from + columns * sent;
      }
    },
    suspect(key) {
      pending.get(key)?.onSuspect?.();
    },
    abandon(unsent, kind) {
      for (const [key, waiting] of [...pending]) {
        if (kind === undefined || waiting.kind === kind) settleOne(key, unsentRound(unsent));
      }
    },
  };
}

function roundOf(
  figures: Float64Array,
  place: { from: number; sent: number; columns: number; startedAt: EpochMs },
  remark: RoundRemark | undefined,
): EchoRound {
  const { from, sent, columns, startedAt } = place;
  // Copies, so that a kept round does not keep its neighbours' memory.
  const column = (index: number): Float64Array =>
    figures.slice(from + index * sent, from + (index + 1) * sent);
  return {
    startedAt,
    sent,
    rttMs: column(0),
    ...(columns === 3 ? { forwardMs: column(1), backwardMs: column(2) } : {}),
    ...(remark?.unsent === undefined ? {} : { unsent: remark.unsent }),
    ...(remark?.unreachableFrom === undefined ? {} : { unreachableFrom: remark.unreachableFrom }),
  };
}
