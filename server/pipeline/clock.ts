import { type EpochMs, epochMs } from '../../protocol/model/units.ts';

/** Time of the records: never goes back, whatever the machine's clock does. */
export interface RecordClock {
  now(): EpochMs;
  /** How far this clock is ahead of the machine's, ms; 0 in the ordinary case. */
  ahead(): number;
}

/**
 * A machine's clock that was set back must not freeze durations: until it has caught up, this one
 * goes on at half speed (a step of an hour is gone after two). A step forward is taken at once.
 */
export function createRecordClock(
  wall: () => number,
  monotonic: () => number,
  notBefore: EpochMs,
): RecordClock {
  let last: number = notBefore;
  let lastMonotonic = monotonic();
  const now = (): EpochMs => {
    const elapsed = monotonic();
    last = Math.max(wall(), last + (elapsed - lastMonotonic) / 2);
    lastMonotonic = elapsed;
    return epochMs(Math.floor(last));
  };
  return { now, ahead: () => Math.max(0, now() - wall()) };
}
