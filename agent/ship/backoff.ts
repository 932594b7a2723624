import { type DurationMs, durationMs } from '../../protocol/model/units.ts';

/** Waiting times between attempts, ms. */
export interface BackoffLimits {
  readonly first: number;
  readonly most: number;
}

/**
 * Doubles from `first` to `most`, and takes a random half of it away: after an outage of the collector
 * its agents must not come back in step. Never less than what the server asked for.
 */
export function nextWait(
  attempt: number,
  { first, most }: BackoffLimits,
  random: number,
  retryAfter: number = 0,
): DurationMs {
  const full = Math.min(most, first * 2 ** Math.min(attempt, 30));
  return durationMs(Math.round(Math.max(full * (0.5 + random / 2), retryAfter)));
}
