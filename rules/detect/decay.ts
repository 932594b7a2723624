import { type DurationMs, hours } from '../../protocol/model/units.ts';

/**
 * What detectors remember fades by half in 3.5 days, as the latency baseline (measured on labelled
 * round trips, docs/detection.md): a working week weighs most, and a lasting change becomes usual.
 */
const HALF_LIFE: DurationMs = hours(84);

/** Mean age of what is remembered. */
const TIME_CONSTANT = HALF_LIFE / Math.LN2;

/** The share of a memory that is left after `span` ms, linear for the short spans between samples. */
export const decayTo = (span: number): number => 1 / (1 + span / TIME_CONSTANT);
