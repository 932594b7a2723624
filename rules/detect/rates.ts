import type { DerivedMetricName, MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import {
  type CounterContext,
  type CounterReading,
  growthRate,
  type RefusedRate,
  toRate,
} from './counter-rate.ts';
import { BITS, NO_READING, READING } from './marks.ts';
import { addBulk, bulkAt, type Seat, setBulk, type Watched } from './watched.ts';

/** What a counter becomes: `perLine` = share of the line rate, else per second. */
export interface Derivation {
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

type Bits = CounterReading['bits'];

const OCTET_BITS = 8;
/** Smallest Ethernet frame with preamble and gap: no line carries more packets than of these. */
const FRAME_BITS = 84 * OCTET_BITS;
/** A missed poll or two are bridged by the mean over the time; more say nothing about now. */
const GAP_POLLS = 4;
/** Of a series whose interval is not known yet. */
const UNKNOWN_GAP = 3_600_000;

/**
 * The derived figure of a new reading; undefined where there is none to be had. Notes the reading.
 * Nearly all counters are below 2^53 and grow: then plain numbers are exact, at a third of the time.
 * @param count the reading as a number; @param before when the series was read before, 0 = never;
 * @param every its interval, 0 = not known
 */
export function derive(
  watched: Watched,
  { plan, place }: Seat,
  { value, at, series }: Sample,
  count: number,
  before: EpochMs,
  every: DurationMs,
): number | undefined {
  if (typeof value !== 'bigint') return undefined;
  const { marks } = watched;
  const known = marks[place + READING] as number;
  const isPlain = count >= 0 && count <= Number.MAX_SAFE_INTEGER;
  const exact = known >= 0 ? undefined : readingOf(watched, place);
  const last = { at: before, bits: marks[place + BITS] as Bits };
  const bits: Bits = series.bits ?? 0;
  const now = { at, bits };
  if (isPlain) marks[place + READING] = count;
  else noteExact(watched, place, value);
  marks[place + BITS] = bits;
  const { derivation } = plan;
  if (known === NO_READING || derivation === undefined) return undefined;
  const context = contextOf(watched, derivation, every);
  const isGrown = isPlain && known >= 0 && count >= known;
  const perSecond = isGrown
    ? growthRate(count - known, last, now, context)
    : exactRate({ ...last, value: exact ?? BigInt(known) }, { ...now, value }, context);
  if (typeof perSecond !== 'number') return undefined;
  return derivation.perLine ? shareOf(watched, perSecond) : perSecond;
}

/** What a counter was read as last; undefined before the first reading. @param place of its numbers */
export function readingOf(watched: Watched, place: number): bigint | undefined {
  const known = watched.marks[place + READING] as number;
  return known >= 0 ? BigInt(known) : bulkAt(watched, NO_READING - known);
}

/** As if it had just been read. */
export function setReading(watched: Watched, place: number, value: bigint): void {
  const isPlain = value >= 0n && value <= Number.MAX_SAFE_INTEGER;
  if (isPlain) watched.marks[place + READING] = Number(value);
  else noteExact(watched, place, value);
}

/** Beyond 2^53: among the bulk, and its place there, counted down from `NO_READING`, among the numbers. */
function noteExact(watched: Watched, place: number, value: bigint): void {
  const known = watched.marks[place + READING] as number;
  if (known < NO_READING) setBulk(watched, NO_READING - known, value);
  else watched.marks[place + READING] = NO_READING - addBulk(watched, value);
}

const speedOf = ({ port }: Watched): number => port?.speedBps ?? 0;

const contextOf = (watched: Watched, { perLine }: Derivation, every: number): CounterContext => ({
  restartedAt: watched.device?.clock?.restartedAt ?? epochMs(0),
  discontinuityAt: watched.port?.discontinuityAt ?? epochMs(0),
  maxPerSecond: speedOf(watched) / (perLine ? OCTET_BITS : FRAME_BITS),
  gapAfter: durationMs(every > 0 ? GAP_POLLS * every : UNKNOWN_GAP),
});

function shareOf(watched: Watched, octetsPerSecond: number): number | undefined {
  const speed = speedOf(watched);
  return speed > 0 ? (octetsPerSecond * OCTET_BITS) / speed : undefined;
}

function exactRate(
  before: CounterReading,
  now: CounterReading,
  context: CounterContext,
): number | RefusedRate {
  const outcome = toRate(before, now, context);
  return outcome.kind === 'rate' ? outcome.perSecond : outcome.kind;
}
