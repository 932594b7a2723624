import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

/** Takes back a timer that has not fired; harmless afterwards. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall clock: dates samples. It may jump, so nothing is scheduled by it. */
  now(): EpochMs;
  /** Milliseconds that only grow, from an arbitrary start: schedules, budgets and lags. */
  elapsed(): number;
  /** Calls once, after `wait`. */
  after(wait: DurationMs, call: () => void): CancelTimer;
}
