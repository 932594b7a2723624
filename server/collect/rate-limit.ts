/** Requests of one agent: so many at once, then so many per second. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Token bucket per key. A key that was quiet long enough is full again and need not be kept. */
export function createRateLimiter({ perSecond, burst }: RateLimit): {
  /** True when the request may go on. */
  take(key: string, nowMs: number): boolean;
} {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(key, nowMs) {
      const bucket = buckets.get(key) ?? { tokens: burst, at: nowMs };
      const refill = (Math.max(0, nowMs - bucket.at) * perSecond) / 1000;
      bucket.tokens = Math.min(burst, bucket.tokens + refill);
      bucket.at = nowMs;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) return false;
      bucket.tokens--;
      return true;
    },
  };
}
