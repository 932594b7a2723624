import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';

/** `easing`: still breached, but more speaks for its end than for its going on. */
export type Verdict = 'normal' | 'easing' | 'breached' | 'unknown';

/**
 * State of one rule on one subject, plain data. Times are those of samples (0 = not set), never of
 * their arrival, so that it does not matter how samples were cut into batches.
 *
 * inactive ─breached─▶ pending ─held for holdFor─▶ firing ─normal for clearAfter─▶ inactive
 *    ▲                    │normal                    │breached: the run of good samples begins anew
 *    └────────────────────┘                          └▶ firing
 */
export interface AlertMachine {
  state: 'inactive' | 'pending' | 'firing';
  /** First sample of the breached run; after a gap without data the run begins anew. */
  breachedSince: EpochMs;
  /** First sample of the normal run of a firing alert. */
  normalSince: EpochMs;
  /** Firing, and by its newest samples on its way to clear. */
  isFading: boolean;
}

export type AlertStep = 'fired' | 'resolved' | undefined;

const NOT_SET = epochMs(0);

export const createAlertMachine = (): AlertMachine => ({
  state: 'inactive',
  breachedSince: NOT_SET,
  normalSince: NOT_SET,
  isFading: false,
});

/** One verdict further. `unknown` moves nothing. */
export function advance(
  machine: AlertMachine,
  verdict: Verdict,
  at: EpochMs,
  rule: { readonly holdFor: DurationMs; readonly clearAfter: DurationMs },
): AlertStep {
  if (verdict === 'unknown') return undefined;
  if (verdict === 'normal') return towardsInactive(machine, at, rule.clearAfter);
  machine.normalSince = NOT_SET;
  machine.isFading = verdict === 'easing' && machine.state === 'firing';
  if (machine.state === 'firing') return undefined;
  if (machine.state === 'inactive' || machine.breachedSince === NOT_SET) {
    machine.state = 'pending';
    machine.breachedSince = at;
  }
  if (at - machine.breachedSince < rule.holdFor) return undefined;
  machine.state = 'firing';
  return 'fired';
}

function towardsInactive(machine: AlertMachine, at: EpochMs, clearAfter: DurationMs): AlertStep {
  if (machine.state === 'inactive') return undefined;
  if (machine.state === 'firing') {
    if (machine.normalSince === NOT_SET) machine.normalSince = at;
    machine.isFading = true;
    if (at - machine.normalSince < clearAfter) return undefined;
  }
  const step = machine.state === 'firing' ? 'resolved' : undefined;
  machine.state = 'inactive';
  machine.breachedSince = NOT_SET;
  machine.normalSince = NOT_SET;
  machine.isFading = false;
  return step;
}

/** Data stopped: what is neither proved bad nor proved good for long enough must prove it again. */
export function restartRuns(machine: AlertMachine): void {
  machine.breachedSince = NOT_SET;
  machine.normalSince = NOT_SET;
  machine.isFading = false;
}
