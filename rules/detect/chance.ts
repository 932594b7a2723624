import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { BeyondChance } from '../settings.ts';

/** Evidence against chance for one series of losses. `since` 0 = none. */
export interface ChanceState {
  sum: number;
  since: EpochMs;
  /** Wholly lost samples in a row. */
  lostRun: number;
}

/** A round has five echoes by default, a burst ten; the wire does not tell. */
export const ROUND_ECHOES = 5;
export const BURST_ECHOES = 10;

/** At least this many samples with loss make the evidence: one blip is one sample. */
const MIN_SAMPLES = 3;
const USUAL_EVERY = 5_000;

export const createChance = (): ChanceState => ({ sum: 0, since: 0 as EpochMs, lostRun: 0 });

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
  state: ChanceState,
  settings: BeyondChance,
  at: EpochMs,
  ratio: number,
  echoes: number,
  every: DurationMs,
): void {
  if (ratio >= 1) {
    state.lostRun += 1;
    if (state.lostRun > 1) return;
  } else if (state.lostRun > 0) {
    const wasOutage = state.lostRun > 1;
    state.lostRun = 0;
    if (wasOutage) {
      forgetLoss(state);
      return;
    }
  }
  const { usual, bad } = settings;
  const lost = ratio * echoes;
  const gain = lost * Math.log(bad / usual) + (echoes - lost) * Math.log((1 - bad) / (1 - usual));
  const cap = neededEvidence(settings, every) / MIN_SAMPLES;
  const sum = state.sum + Math.min(cap, gain);
  if (sum <= 0) {
    forgetLoss(state);
    return;
  }
  if (state.since === 0) state.since = at;
  state.sum = Math.min(sum, 2 * settings.evidence);
}

export function forgetLoss(state: ChanceState): void {
  state.sum = 0;
  state.since = 0 as EpochMs;
}
