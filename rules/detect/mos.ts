/**
 * Mean opinion score, 1 to 4.5, of a transmission rating R (ITU-T G.107, annex B). The cubic falls
 * below 1 for R under 6.5, where the score ends.
 */
export function mosOf(rating: number): number {
  if (rating <= 0) return 1;
  if (rating >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating));
}

/** Rating of a call without any impairment but those of the default settings of G.107. */
const BEST = 93.2;
/** From here on delay disturbs the taking of turns (short form of G.107; Cole and Rosenbluth 2001). */
const DISTURBING_MS = 177.3;
/** G.711 with packet loss concealment (ITU-T G.113, appendix I). */
const EQUIPMENT = 0;
const ROBUSTNESS = 25.1;

/**
 * The E-model's rating in its short form: R = 93.2 - Id - Ie,eff.
 * @param oneWayMs delay from mouth to ear, ms; @param loss 0..1
 */
export function eModelRating(oneWayMs: number, loss: number): number {
  const delay = 0.024 * oneWayMs + 0.11 * Math.max(0, oneWayMs - DISTURBING_MS);
  const percent = 100 * Math.min(1, Math.max(0, loss));
  const lost = EQUIPMENT + (95 - EQUIPMENT) * (percent / (percent + ROBUSTNESS));
  return BEST - delay - lost;
}

/**
 * The rating of the formula that field tools use (PingPlotter, NetBeez, CalSPEED): stricter about
 * loss, 2.5 points a per cent, as of codecs without concealment.
 * @param latencyMs as measured, ms; @param loss 0..1
 */
export function fieldRating(latencyMs: number, jitterMs: number, loss: number): number {
  const effective = latencyMs + 2 * jitterMs + 10;
  const delayed = effective < 160 ? BEST - effective / 40 : BEST - (effective - 120) / 10;
  return delayed - 2.5 * 100 * loss;
}

/** Codec and packets of 10 ms, as in the field formula. */
const CODEC_MS = 10;

/**
 * Voice on a path: the E-model, with half the round trip one way and a jitter buffer of twice the
 * jitter. The field formula takes the round trip as it is measured and so calls every satellite and
 * most of the Pacific bad; it serves to compare with other tools.
 */
export const pathMos = (rttMs: number, jitterMs: number, loss: number): number =>
  mosOf(eModelRating(rttMs / 2 + 2 * jitterMs + CODEC_MS, loss));
