import type { DerivedMetricName, MetricName } from '../../protocol/model/metrics.ts';
import { type SeriesKey, seriesKey } from '../../protocol/model/sample.ts';
import { deviceOf, subjectKey } from '../../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { type CounterReading, toRate } from '../../rules/detect/counter-rate.ts';
import { createDeviceClock, noteBoots, noteUptime } from '../../rules/detect/device-clock.ts';
import { DERIVATIONS } from '../../rules/detect/rates.ts';
import type { HistoryGap, StoredSeries } from '../ports/history.ts';
import type { ReadSamples } from './samples.ts';

/** Rates of a counter, per second, each at the time of the later reading. */
export interface Rates {
  readonly at: Float64Array;
  readonly value: Float64Array;
  /** Line rate that held at each, bit/s; 0 = unknown. */
  readonly speed: Float64Array;
  readonly gaps: readonly HistoryGap[];
}

const OCTET_BITS = 8;
const FRAME_BITS = 84 * OCTET_BITS;
/** Like rules/detect/rates.ts: a missed poll or two are bridged, more say nothing about now. */
const GAP_POLLS = 4;
const UNKNOWN_GAP = 3_600_000;
/** So far before the range a device's clock, line rate and first reading are looked for. */
const BEFORE_MS = 900_000;

const SOURCES = new Map(
  Object.entries(DERIVATIONS).map(([counter, { metric, perLine }]) => [
    metric,
    { counter: counter as MetricName, perLine },
  ]),
);

/** The counter that a derived metric is made of; undefined for every other metric. */
export const sourceOf = (metric: string) => SOURCES.get(metric as DerivedMetricName);

/** The derived metric made of a counter, if there is one. */
export const derivedOf = (metric: MetricName): DerivedMetricName | undefined =>
  DERIVATIONS[metric]?.metric;

/**
 * Counters to rates, by the same code that detection judges by: restarts, cleared counters, wraps
 * and gaps give no rate. Nothing derived is stored: that would cost a third more on the disk.
 */
export function ratesOf(
  series: StoredSeries,
  read: ReadSamples,
  from: EpochMs,
  to: EpochMs,
): Rates | undefined {
  const begin = epochMs(from - BEFORE_MS);
  const counted = read(series.key, begin, to);
  if (counted === undefined || !(counted.value instanceof BigUint64Array)) return undefined;
  const known = createContext(series, read, begin, to);
  const perLine = DERIVATIONS[series.metric]?.perLine ?? false;
  const lineUnit = perLine ? OCTET_BITS : FRAME_BITS;
  const gapAfter = durationMs(series.every ? GAP_POLLS * series.every : UNKNOWN_GAP);
  const bits: CounterReading['bits'] = series.bits ?? 0;
  const at: number[] = [];
  const value: number[] = [];
  const speeds: number[] = [];
  // Millions are made in a row for the five-minute figures: the same objects serve for all.
  const context = { ...known.at(begin), maxPerSecond: 0, gapAfter };
  let before = { value: 0n, at: epochMs(0), bits };
  let now = { value: 0n, at: epochMs(0), bits };
  for (let i = 0; i < counted.at.length; i++) {
    now.value = counted.value[i]!;
    now.at = epochMs(counted.at[i]!);
    const { speed, restartedAt, discontinuityAt } = known.at(now.at);
    context.restartedAt = restartedAt;
    context.discontinuityAt = discontinuityAt;
    context.maxPerSecond = speed / lineUnit;
    const outcome = i === 0 ? undefined : toRate(before, now, context);
    if (outcome?.kind === 'rate' && now.at >= from) {
      at.push(now.at);
      value.push(outcome.perSecond);
      speeds.push(speed);
    }
    [before, now] = [now, before];
  }
  const gaps = counted.gaps.filter((gap) => gap.to >= from);
  return {
    at: Float64Array.from(at),
    value: Float64Array.from(value),
    speed: Float64Array.from(speeds),
    gaps,
  };
}

/** What was known of the device and the port at each time; must be asked in the order of time. */
function createContext(
  { agent, subject }: StoredSeries,
  read: ReadSamples,
  from: EpochMs,
  to: EpochMs,
) {
  const device = subjectKey('device', deviceOf(subject) ?? '');
  const cursor = (key: SeriesKey) => createCursor(read(key, from, to));
  const uptime = cursor(seriesKey(agent, 'device_uptime_ticks', device));
  const boots = cursor(seriesKey(agent, 'device_engine_boots', device));
  const speeds = cursor(seriesKey(agent, 'if_speed_bps', subject));
  const jumps = cursor(seriesKey(agent, 'if_discontinuity_ticks', subject));
  const clock = createDeviceClock();
  const state = { speed: 0, restartedAt: epochMs(0), discontinuityAt: epochMs(0) };
  let ticks: number | undefined;
  const onUptime = (at: EpochMs, value: number) => void noteUptime(clock, at, value);
  const onBoots = (at: EpochMs, value: number) => void noteBoots(clock, at, value);
  const onSpeed = (_: EpochMs, value: number) => {
    state.speed = Math.max(0, value);
  };
  const onJump = (at: EpochMs, value: number) => {
    if (ticks !== undefined && ticks !== value) state.discontinuityAt = at;
    ticks = value;
  };
  return {
    /** One object for all answers. */
    at(now: EpochMs): Readonly<typeof state> {
      uptime(now, onUptime);
      boots(now, onBoots);
      speeds(now, onSpeed);
      jumps(now, onJump);
      state.restartedAt = clock.restartedAt;
      return state;
    },
  };
}

type Cursor = (until: EpochMs, tell: (at: EpochMs, value: number) => void) => void;

function createCursor(samples: ReturnType<ReadSamples>): Cursor {
  let next = 0;
  return (until, tell) => {
    if (samples === undefined) return;
    const { at, value } = samples;
    for (; next < at.length && at[next]! <= until; next++) {
      tell(epochMs(at[next]!), Number(value[next]));
    }
  };
}

/** A derived figure of its rate. Undefined where the line rate is not known. */
export const figureOf = (
  perSecond: number,
  speed: number,
  perLine: boolean,
): number | undefined => {
  if (!perLine) return perSecond;
  return speed > 0 ? (perSecond * OCTET_BITS) / speed : undefined;
};
