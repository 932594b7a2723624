import { type DurationMs, durationMs, minutes, seconds } from '../../protocol/model/units.ts';

/** Below this a clock counts as right: network delay alone makes such differences. */
export const SKEW_IGNORED = seconds(1);
/** Beyond this a clock is not corrected; ahead of us it is refused (from-the-future). */
export const SKEW_LIMIT = minutes(5);

const WINDOW = 16;
/** So many measures in a row away from the filter's value are a clock that was set. */
const STEP_AFTER = 3;

/** Recent differences `our now - the agent's sent-at`; positive = the agent's clock is behind. */
export type SkewState = number[];

/**
 * Minimum filter: the path only ever adds delay, so the smallest difference is the truest.
 * A clock that was set is believed after three measures that agree.
 */
export function measure(state: SkewState, difference: number): void {
  state.push(difference);
  if (state.length > WINDOW) state.shift();
  const newest = state.slice(-STEP_AFTER);
  const older = state.slice(0, -STEP_AFTER);
  if (older.length === 0 || newest.length < STEP_AFTER) return;
  const jump = Math.min(...newest) - Math.min(...older);
  if (jump > SKEW_IGNORED) state.splice(0, older.length);
}

/** How far the agent's clock is behind ours (negative: ahead), by the filter. */
export const offsetOf = (state: SkewState): DurationMs =>
  durationMs(state.length === 0 ? 0 : Math.min(...state));

/** What is added to an agent's times. */
export function correctionOf(state: SkewState): DurationMs {
  const offset = offsetOf(state);
  const size = Math.abs(offset);
  return durationMs(size > SKEW_IGNORED && size < SKEW_LIMIT ? offset : 0);
}
