import type { DerivedMetricName, MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { toRate } from './counter-rate.ts';
import type { Track, Watched } from './watched.ts';

/** What a counter becomes: `perLine` = share of the line rate, else per second. */
interface Derivation {
  readonly metric: DerivedMetricName;
  readonly perLine: boolean;
}

export const DERIVATIONS: Partial<Record<MetricName, Derivation>> = {
  if_in_octets_total: { metric: 'if_in_utilisation_ratio', perLine: true },
  if_out_octets_total: { metric: 'if_out_utilisation_ratio', perLine: true },
  if_in_errors_total: { metric: 'if_in_errors_per_s', perLine: false },
  if_out_errors_total: { metric: 'if_out_errors_per_s', perLine: false },
  if_in_discards_total: { metric: 'if_in_discards_per_s', perLine: false },
  if_out_discards_total: { metric: 'if_out_discards_per_s', perLine: false },
};

const OCTET_BITS = 8;
/** Smallest Ethernet frame with preamble and gap: no line carries more packets than of these. */
const FRAME_BITS = 84 * OCTET_BITS;
/** A missed poll or two are bridged by the mean over the time; more say nothing about now. */
const GAP_POLLS = 4;
/** Of a series whose interval is not known yet. */
const UNKNOWN_GAP = 3_600_000;

/**
 * The derived figure of a new reading; undefined where there is none to be had. Notes the reading.
 * @param before when the series was read before, 0 = never; @param every its interval, 0 = not known
 */
export function derive(
  watched: Watched,
  track: Track,
  sample: Sample,
  before: EpochMs,
  every: DurationMs,
): number | undefined {
  const derivation = DERIVATIONS[track.plan.metric];
  const { value, at, series } = sample;
  const { counter, bits } = track;
  if (typeof value !== 'bigint') return undefined;
  track.counter = value;
  track.bits = series.bits ?? 0;
  if (counter === undefined || derivation === undefined) return undefined;
  const speed = watched.port?.speedBps ?? 0;
  const outcome = toRate(
    { value: counter, at: before, bits },
    { value, at, bits: track.bits },
    {
      restartedAt: watched.device?.clock?.restartedAt ?? epochMs(0),
      discontinuityAt: watched.port?.discontinuityAt ?? epochMs(0),
      maxPerSecond: speed / (derivation.perLine ? OCTET_BITS : FRAME_BITS),
      gapAfter: durationMs(every > 0 ? GAP_POLLS * every : UNKNOWN_GAP),
    },
  );
  if (outcome.kind !== 'rate') return undefined;
  if (!derivation.perLine) return outcome.perSecond;
  return speed > 0 ? (outcome.perSecond * OCTET_BITS) / speed : undefined;
}
