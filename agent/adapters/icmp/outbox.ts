import type { Unsent } from '../../ports/echo.ts';
import { FIGURES_HEADER, type FromWorker, type RoundOrder, type RoundRemark } from './messages.ts';
import { copyFigures, type Round } from './round.ts';

export interface Outbox {
  add(round: Round): void;
  /** A round of which nothing left. */
  refuse(order: RoundOrder, unsent: Unsent): void;
  suspect(key: number): void;
  /** When `flush` has something to do; Infinity for nothing. */
  readonly dueAt: number;
  flush(now: number): void;
}

/** At most so often: thousands of rounds a second then cost main a hundred messages, not thousands. */
const FLUSH_EVERY_MS = 10;
const NO_PACKETS = new Float64Array(0);

/** Collects what main is told. The first round after a rest goes at once, suspects always do. */
export function createOutbox(
  post: (message: FromWorker, transfer: readonly ArrayBuffer[]) => void,
): Outbox {
  type Over = Pick<Round, 'order' | 'startedAt' | 'sent' | 'packets'>;
  let over: Over[] = [];
  let remarks: RoundRemark[] = [];
  let suspects: number[] = [];
  let flushedAt = Number.NEGATIVE_INFINITY;

  const columnsOf = ({ order }: Over): number => (order.kind === 'stamp' ? 3 : 1);

  const pack = (): Float64Array<ArrayBuffer> => {
    let length = 0;
    for (const round of over) length += FIGURES_HEADER + round.sent * columnsOf(round);
    const figures = new Float64Array(length);
    let at = 0;
    for (const round of over) {
      figures[at] = round.order.key;
      figures[at + 1] = round.startedAt;
      figures[at + 2] = round.sent;
      figures[at + 3] = columnsOf(round);
      at = copyFigures(round, figures, at + FIGURES_HEADER);
    }
    return figures;
  };

  return {
    add(round) {
      over.push(round);
      const { unsent, unreachableFrom } = round;
      if (unsent === undefined && unreachableFrom === undefined) return;
      remarks.push({
        key: round.order.key,
        ...(unsent === undefined ? {} : { unsent }),
        ...(unreachableFrom === undefined ? {} : { unreachableFrom }),
      });
    },
    refuse(order, unsent) {
      over.push({ order, startedAt: Date.now(), sent: 0, packets: NO_PACKETS });
      remarks.push({ key: order.key, unsent });
    },
    suspect(key) {
      suspects.push(key);
    },
    get dueAt() {
      return over.length === 0 ? Number.POSITIVE_INFINITY : flushedAt + FLUSH_EVERY_MS;
    },
    flush(now) {
      if (suspects.length > 0) {
        post({ say: 'suspects', keys: suspects }, []);
        suspects = [];
      }
      if (over.length === 0 || now < flushedAt + FLUSH_EVERY_MS) return;
      flushedAt = now;
      const figures = pack();
      post({ say: 'rounds', figures, remarks }, [figures.buffer]);
      over = [];
      remarks = [];
    },
  };
}
