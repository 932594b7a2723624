import type { DurationMs } from '../../protocol/model/units.ts';

/** A round has five echoes by default, a burst ten; the wire does not tell. */
export const ROUND_ECHOES = 5;
export const BURST_ECHOES = 10;

/** At least this many samples with loss make the evidence: one blip is one sample. */
export const MIN_SAMPLES = 3;
const USUAL_EVERY = 5_000;

/**
 * Evidence that is proof at this interval. The budget of false alerts is one per time, and rounds
 * every `every` ms try fewer times a day, so the logarithm of the ratio is given back (but not more
 * than half, since a quarter of an hour without proof helps nobody).
 */
export function neededEvidence(evidence: number, every: DurationMs): number {
  const given = every > USUAL_EVERY ? Math.log(every / USUAL_EVERY) : 0;
  return Math.max(evidence / 2, evidence - given);
}

/**
 * Logarithm of the odds that `lost` of `echoes` speak for a loss of `bad` rather than of `usual`
 * (the step of Page's CUSUM, Biometrika 1954). @param usual, bad 0..1, usual below bad
 */
export const lossGain = (lost: number, echoes: number, usual: number, bad: number): number =>
  lost * Math.log(bad / usual) + (echoes - lost) * Math.log((1 - bad) / (1 - usual));

/**
 * Chance that a round begins a fault: one a day and link (17,280 rounds of 5 s) is a pessimist's
 * guess. With it the evidence becomes the probability that a fault goes on (Bayes).
 */
const PRIOR = Math.log(17_280);

/** How sure, 0..1, when `evidence` has been gathered of samples that come every `every` ms. */
export function surenessOf(evidence: number, every: DurationMs): number {
  const given = every > USUAL_EVERY ? Math.log(every / USUAL_EVERY) : 0;
  return 1 / (1 + Math.exp(PRIOR - given - evidence));
}
