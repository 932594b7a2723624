import { setTimeout as pause } from 'node:timers/promises';
import { type DurationMs, minutes } from '../../protocol/model/units.ts';
import type { ForwardedSeries, RemoteWriter } from '../ports/remote-write.ts';
import { backoff } from './backoff.ts';

export interface SenderOptions {
  readonly writer: RemoteWriter;
  readonly signal: AbortSignal;
  /** 0..1, for the jitter. */
  readonly random: () => number;
  /** One request that alone fails with 5xx gives way after this. */
  readonly giveUpAfter?: DurationMs;
  readonly onFailure: (answer: string) => void;
  readonly onRefused: (samples: number, answer: string) => void;
}

/** Parts that a refused request is cut into at most, before what is left of it is tried and let go. */
const MOST_CUTS = 32;

/**
 * Sends columns until each is taken or refused; returns how many samples were taken. Waits through
 * every outage. A request refused as a whole is halved until the bad sample is alone, so one
 * sample that nobody wants costs itself and not its neighbours.
 * @throws when the signal ends it
 */
export async function sendAll(
  columns: readonly ForwardedSeries[],
  options: SenderOptions,
): Promise<number> {
  const pieces: Piece[] = [columns];
  let cuts = 0;
  let taken = 0;
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    const outcome = await sendOne(piece, options);
    if (outcome.kind === 'written') {
      taken += sizeOf(piece);
      continue;
    }
    const halves = outcome.isDivisible && cuts < MOST_CUTS ? halvesOf(piece) : undefined;
    if (halves === undefined) {
      options.onRefused(sizeOf(piece), outcome.answer);
    } else {
      cuts += 1;
      pieces.push(halves[1], halves[0]);
    }
  }
  return taken;
}

type Piece = readonly ForwardedSeries[];

/** Fewer series, or of the only one its older and its newer samples; undefined for a single sample. */
function halvesOf(piece: Piece): readonly [Piece, Piece] | undefined {
  const half = piece.length >> 1;
  if (half > 0) return [piece.slice(0, half), piece.slice(half)];
  const { series, at, value } = piece[0]!;
  const middle = at.length >> 1;
  if (middle === 0) return undefined;
  return [
    [{ series, at: at.slice(0, middle), value: value.slice(0, middle) }],
    [{ series, at: at.slice(middle), value: value.slice(middle) }],
  ];
}

type Settled = { kind: 'written' } | { kind: 'refused'; isDivisible: boolean; answer: string };

/** Tries until the receiver has said yes or no. */
async function sendOne(
  piece: readonly ForwardedSeries[],
  { writer, signal, random, giveUpAfter = minutes(5), onFailure }: SenderOptions,
): Promise<Settled> {
  const started = performance.now();
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    const outcome = await writer.write(piece, signal);
    if (outcome.kind !== 'later') return outcome;
    signal.throwIfAborted();
    const { scope, answer, retryAfter } = outcome;
    onFailure(answer);
    const tried = performance.now() - started;
    if (scope === 'request' && failures > 3 && tried > giveUpAfter) {
      return { kind: 'refused', isDivisible: false, answer };
    }
    await pause(backoff(failures, random(), retryAfter), undefined, { signal });
  }
}

export const sizeOf = (columns: readonly ForwardedSeries[]): number =>
  columns.reduce((sum, { at }) => sum + at.length, 0);
