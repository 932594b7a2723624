import {
  type DurationMs,
  durationMs,
  hours,
  minutes,
  seconds,
} from '../../protocol/model/units.ts';

/** Waits between attempts. Standard Webhooks goes to 5 min at once, which is too slow for tickets. */
const STEPS: readonly DurationMs[] = [
  seconds(5),
  seconds(20),
  minutes(1),
  minutes(3),
  minutes(10),
  minutes(30),
  hours(1),
  hours(2),
  hours(4),
];

/** After this a person must look; the row is failed and shown. */
export const GIVE_UP_AFTER: DurationMs = hours(72);

/** A destination may ask for more rest than our own step, but not for longer than our longest. */
const MAX_RETRY_AFTER: DurationMs = hours(4);

const LAST = STEPS.length - 1;

/**
 * Wait after attempt number `attempts` (from 1). Jitter adds up to a tenth, so that many incidents
 * do not come back in one volley. @param random 0..1
 */
export function retryDelay(attempts: number, random: number, retryAfter?: DurationMs): DurationMs {
  const step = STEPS[Math.min(Math.max(attempts - 1, 0), LAST)] as DurationMs;
  const asked = Math.min(retryAfter ?? 0, MAX_RETRY_AFTER);
  return durationMs(Math.round(Math.max(step * (1 + 0.1 * random), asked)));
}

/**
 * Longest wait of a message behind which a new outage waits: the end of the last one, say, which the
 * destination did not take. Resolver and user would wait for hours with it.
 */
export const AWAITED_WITHIN: DurationMs = minutes(1);

/** Rest of a whole destination after its n-th failure in a row (from 1), at most a minute. */
export function restDelay(failures: number, retryAfter?: DurationMs): DurationMs {
  const step = STEPS[Math.min(failures - 1, 2)] as DurationMs;
  return durationMs(Math.max(step, Math.min(retryAfter ?? 0, MAX_RETRY_AFTER)));
}
