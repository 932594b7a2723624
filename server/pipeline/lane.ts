/** Remembered content hashes per lane; a repeat older than these is judged by its time. */
export const REMEMBERED = 512;
const HASH_BYTES = 8;

/** Where one lane of one spool stands: what was taken last, and what the latest batches held. */
export interface LaneState {
  last: number;
  /** Newest last: `hashes[i]` belongs to sequence `sequences[i]`. */
  readonly sequences: number[];
  readonly hashes: string[];
  /** Time (`at` of the batch) of the oldest remembered one. */
  readonly times: number[];
}

export interface LaneOffer {
  readonly sequence: number;
  /** Lowest sequence that the agent still holds. */
  readonly oldest?: number;
  readonly at: number;
  readonly hash: string;
}

export type LaneVerdict =
  | { readonly kind: 'next' }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'cloned' }
  | { readonly kind: 'gap'; readonly expected: number }
  | { readonly kind: 'contradiction' };

export const emptyLane = (): LaneState => ({ last: 0, sequences: [], hashes: [], times: [] });

export const copyLane = ({ last, sequences, hashes, times }: LaneState): LaneState => ({
  last,
  sequences: [...sequences],
  hashes: [...hashes],
  times: [...times],
});

/** First bytes of the SHA-256 as text: 64 bits, only compared with one agent's own batches. */
export const shortHash = (sha256: Buffer): string => sha256.toString('base64url', 0, HASH_BYTES);

/**
 * What a batch is to its lane. A gap is passed only when the agent says that it lacks the rest:
 * then the lowest sequence it holds is the next one.
 */
export function judge(lane: LaneState, offer: LaneOffer): LaneVerdict {
  if (offer.sequence <= lane.last) return judgeRepeat(lane, offer);
  const oldest = offer.oldest ?? 1;
  if (oldest > offer.sequence) return { kind: 'contradiction' };
  const expected = Math.max(lane.last + 1, oldest);
  return offer.sequence === expected ? { kind: 'next' } : { kind: 'gap', expected };
}

function judgeRepeat(lane: LaneState, offer: LaneOffer): LaneVerdict {
  const index = lane.sequences.lastIndexOf(offer.sequence);
  if (index >= 0) return { kind: lane.hashes[index] === offer.hash ? 'repeat' : 'cloned' };
  // Older than memory, or inside a gap that was passed. A batch made after the oldest that is
  // remembered cannot have a lower sequence, unless its spool was set back: never swallow it.
  const oldestTime = lane.times[0];
  const isOlder = oldestTime !== undefined && offer.at <= oldestTime;
  const isBelow = offer.sequence < (lane.sequences[0] ?? 0);
  return { kind: isBelow && isOlder ? 'repeat' : 'cloned' };
}

/** Takes the batch; returns how to take it back (its record could not be written). */
export function advance(lane: LaneState, offer: LaneOffer): () => void {
  const before = lane.last;
  lane.last = offer.sequence;
  lane.sequences.push(offer.sequence);
  lane.hashes.push(offer.hash);
  lane.times.push(offer.at);
  const dropped =
    lane.sequences.length > REMEMBERED
      ? ([lane.sequences.shift()!, lane.hashes.shift()!, lane.times.shift()!] as const)
      : undefined;
  return () => {
    lane.last = before;
    lane.sequences.pop();
    lane.hashes.pop();
    lane.times.pop();
    if (dropped === undefined) return;
    lane.sequences.unshift(dropped[0]);
    lane.hashes.unshift(dropped[1]);
    lane.times.unshift(dropped[2]);
  };
}
