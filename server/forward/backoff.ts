import { type DurationMs, durationMs, minutes, seconds } from '../../protocol/model/units.ts';

const FIRST: DurationMs = durationMs(500);
const LONGEST: DurationMs = seconds(30);
/** A receiver may ask for more rest, but not for longer than this. */
const MAX_RETRY_AFTER: DurationMs = minutes(10);

/**
 * Wait after the n-th failure in a row (from 1): doubles up to 30 s; jitter takes up to half of it off,
 * so that many senders do not come back in one volley. @param random 0..1
 */
export function backoff(failures: number, random: number, retryAfter?: DurationMs): DurationMs {
  const step = Math.min(LONGEST, FIRST * 2 ** Math.min(failures - 1, 16));
  const asked = Math.min(retryAfter ?? 0, MAX_RETRY_AFTER);
  return durationMs(Math.round(Math.max(step * (1 - random / 2), asked)));
}
