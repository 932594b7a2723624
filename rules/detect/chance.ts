import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { BeyondChance } from '../settings.ts';
import type { Numbers } from './window.ts';

/**
 * Evidence against chance for one series of losses, three numbers from index `base` on: the sum, the
 * time of the first sample in it (0 = none), and how many samples in a row were wholly lost.
 */
const SUM = 0;
const SINCE = 1;
const LOST_RUN = 2;
export const EMPTY_CHANCE: readonly number[] = [0, 0, 0];

/** A round has five echoes by default, a burst ten; the wire does not tell. */
export const ROUND_ECHOES = 5;
export const BURST_ECHOES = 10;

/** At least this many samples with loss make the evidence: one blip is one sample. */
const MIN_SAMPLES = 3;
const USUAL_EVERY = 5_000;

/**
 * Evidence that is proof at this interval. The budget of false alerts is one per time, and rounds
 * every `every` ms try fewer times a day, so the logarithm of the ratio is given back (but not more
 * than half, since a quarter of an hour without proof helps nobody).
 */
export function neededEvidence({ evidence }: BeyondChance, every: DurationMs): number {
  const given = every > USUAL_EVERY ? Math.log(every / USUAL_EVERY) : 0;
  return Math.max(evidence / 2, evidence - given);
}

/**
 * One sample of loss: `ratio` of `echoes` lost. Runs of wholly lost samples are an outage, which is
 * another rule's business: of a run the first counts, and the outage as a whole counts for nothing.
 */
export function addLoss(
  numbers: Numbers,
  base: number,
  settings: BeyondChance,
  at: EpochMs,
  ratio: number,
  echoes: number,
  every: DurationMs,
): void {
  const lostRun = numbers[base + LOST_RUN] as number;
  if (ratio <= 0 && lostRun === 0 && numbers[base + SUM] === 0) return;
  if (ratio >= 1) {
    numbers[base + LOST_RUN] = lostRun + 1;
    if (lostRun > 0) return;
  } else if (lostRun > 0) {
    numbers[base + LOST_RUN] = 0;
    if (lostRun > 1) {
      forgetLoss(numbers, base);
      return;
    }
  }
  const { usual, bad } = settings;
  const lost = ratio * echoes;
  const gain = lost * Math.log(bad / usual) + (echoes - lost) * Math.log((1 - bad) / (1 - usual));
  const cap = neededEvidence(settings, every) / MIN_SAMPLES;
  const sum = (numbers[base + SUM] as number) + Math.min(cap, gain);
  if (sum <= 0) {
    forgetLoss(numbers, base);
    return;
  }
  if (numbers[base + SINCE] === 0) numbers[base + SINCE] = at;
  numbers[base + SUM] = Math.min(sum, 2 * settings.evidence);
}

export function forgetLoss(numbers: Numbers, base: number): void {
  numbers[base + SUM] = 0;
  numbers[base + SINCE] = 0;
}

export const isBeyondChance = (
  numbers: Numbers,
  base: number,
  settings: BeyondChance,
  every: DurationMs,
): boolean => (numbers[base + SUM] as number) >= neededEvidence(settings, every);

/** First sample of the evidence; 0 = there is none. */
export const lossSince = (numbers: Numbers, base: number): number =>
  numbers[base + SINCE] as number;
