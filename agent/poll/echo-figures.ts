import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { EchoRound } from '../ports/echo.ts';

/** Carried from round to round; times in ms. */
export interface Jitter {
  /** RFC 3550 6.4.1; undefined until two answers are known. */
  readonly jitterMs: number | undefined;
  readonly lastRttMs: number | undefined;
}

export const NO_JITTER: Jitter = { jitterMs: undefined, lastRttMs: undefined };

/** Figures of one round. Times in ms; what the answers do not support is absent. */
export interface EchoFigures {
  readonly sent: number;
  readonly answered: number;
  /** Unanswered over sent, 0..1 (RFC 6673, over one round). */
  readonly lossRatio: number;
  readonly rtt?: {
    readonly minMs: number;
    /** RFC 2681; of an even number the mean of the middle two. */
    readonly medianMs: number;
    /** Nearest rank. */
    readonly p95Ms: number;
    readonly maxMs: number;
  };
  /** Interarrival jitter, RFC 3550 6.4.1, on successive round trips: J += (|D| - J) / 16. */
  readonly jitterMs?: number;
  /** Mean |RTT(i) - RTT(i-1)| over neighbours that were both answered (IPDV, RFC 3393). */
  readonly ipdvMs?: number;
  /** Medians of one-way delays (RFC 7679); only meaningful where both clocks agree. */
  readonly forwardMs?: number;
  readonly backwardMs?: number;
}

type Measured = Pick<EchoRound, 'sent' | 'rttMs' | 'forwardMs' | 'backwardMs'>;

/** Figures of a round of which at least one packet left, and the jitter to carry on with. */
export function echoFigures(
  round: Measured,
  before: Jitter,
): { readonly figures: EchoFigures; readonly jitter: Jitter } {
  const rtts = round.rttMs.filter((rtt) => !Number.isNaN(rtt)).sort();
  const jitter = nextJitter(round.rttMs, before);
  const ipdvMs = meanDifference(round.rttMs);
  const forwardMs = round.forwardMs && medianOf(answeredOf(round.forwardMs));
  const backwardMs = round.backwardMs && medianOf(answeredOf(round.backwardMs));
  const medianMs = medianOf(rtts);
  const figures: EchoFigures = {
    sent: round.sent,
    answered: rtts.length,
    lossRatio: round.sent === 0 ? 0 : (round.sent - rtts.length) / round.sent,
    ...(medianMs !== undefined && {
      rtt: {
        minMs: rtts[0] as number,
        medianMs,
        p95Ms: rtts[Math.ceil(0.95 * rtts.length) - 1] as number,
        maxMs: rtts.at(-1) as number,
      },
    }),
    ...(rtts.length > 0 && jitter.jitterMs !== undefined && { jitterMs: jitter.jitterMs }),
    ...(ipdvMs !== undefined && { ipdvMs }),
    ...(forwardMs !== undefined && { forwardMs }),
    ...(backwardMs !== undefined && { backwardMs }),
  };
  return { figures, jitter };
}

const answeredOf = (values: Float64Array): Float64Array =>
  values.filter((value) => !Number.isNaN(value)).sort();

/** Of sorted values. */
function medianOf(sorted: Float64Array): number | undefined {
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] as number) + upper) / 2;
}

/** Lost packets are stepped over: the next answer is compared with the last one. */
function nextJitter(rttMs: Float64Array, before: Jitter): Jitter {
  let { jitterMs, lastRttMs } = before;
  for (const rtt of rttMs) {
    if (Number.isNaN(rtt)) continue;
    if (lastRttMs !== undefined) {
      const difference = Math.abs(rtt - lastRttMs);
      jitterMs = (jitterMs ?? 0) + (difference - (jitterMs ?? 0)) / 16;
    }
    lastRttMs = rtt;
  }
  return { jitterMs, lastRttMs };
}

function meanDifference(rttMs: Float64Array): number | undefined {
  let sum = 0;
  let pairs = 0;
  for (let i = 1; i < rttMs.length; i++) {
    const difference = Math.abs((rttMs[i] as number) - (rttMs[i - 1] as number));
    if (Number.isNaN(difference)) continue;
    sum += difference;
    pairs += 1;
  }
  return pairs === 0 ? undefined : sum / pairs;
}

/**
 * When a round speaks for: its last answered packet, or its last sent one if none was answered.
 * A round that was half over when the target died must not look like a sign of life newer than the
 * burst that followed its first miss.
 */
export function datedBy(round: Pick<EchoRound, 'startedAt' | 'rttMs'>, spacing: number): EpochMs {
  const last = round.rttMs.findLastIndex((rtt) => !Number.isNaN(rtt));
  const index = last === -1 ? Math.max(0, round.rttMs.length - 1) : last;
  return epochMs(Math.round(round.startedAt + index * spacing));
}
