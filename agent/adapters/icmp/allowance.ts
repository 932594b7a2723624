/** Packets per second that one listed peer, and all together, may have answered. */
const PER_PEER = 1_000;
const TOGETHER = 20_000;

interface Bucket {
  left: number;
  filledAt: number;
}

export interface Allowance {
  /** May one more packet of this peer be answered at `nowMs`? */
  take(peer: string, nowMs: number): boolean;
}

/**
 * Token buckets of one second. Source addresses of UDP can be forged: the bound is what a listed
 * peer can suffer from us, and what we can suffer from whoever forges it.
 */
export function createAllowance(perPeer = PER_PEER, together = TOGETHER): Allowance {
  const buckets = new Map<string, Bucket>();
  const all: Bucket = { left: together, filledAt: 0 };

  const fill = (bucket: Bucket, perSecond: number, now: number): number => {
    const gained = (Math.max(0, now - bucket.filledAt) * perSecond) / 1000;
    bucket.left = Math.min(perSecond, bucket.left + gained);
    bucket.filledAt = now;
    return bucket.left;
  };

  return {
    take(peer, now) {
      const bucket = buckets.get(peer) ?? { left: perPeer, filledAt: now };
      // Peers come from the configured list, so the map is as bounded as the list.
      buckets.set(peer, bucket);
      if (fill(bucket, perPeer, now) < 1 || fill(all, together, now) < 1) return false;
      bucket.left -= 1;
      all.left -= 1;
      return true;
    },
  };
}
