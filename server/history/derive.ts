import { type DerivedMetricName, METRICS, type MetricName } from '../../protocol/model/metrics.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import { deviceOf, type SubjectKey, subjectKey } from '../../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import {
  type CounterContext,
  type CounterReading,
  growthRate,
  toRate,
} from '../../rules/detect/counter-rate.ts';
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

/** What tells whether the difference of two readings means anything. */
export const CONTEXT_METRICS: readonly MetricName[] = [
  'device_uptime_ticks',
  'device_engine_boots',
  'if_speed_bps',
  'if_discontinuity_ticks',
];

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
  if (counted === undefined || METRICS[series.metric].kind !== 'counter') return undefined;
  const known = createContext(series, read, begin, to);
  const perLine = DERIVATIONS[series.metric]?.perLine ?? false;
  const lineUnit = perLine ? OCTET_BITS : FRAME_BITS;
  const gapAfter = durationMs(series.every ? GAP_POLLS * series.every : UNKNOWN_GAP);
  const rateOf = rateReader(counted.value, series.bits ?? 0);
  const length = counted.at.length;
  const at = new Float64Array(length);
  const value = new Float64Array(length);
  const speeds = new Float64Array(length);
  // Millions are made in a row for the five-minute figures: the same objects serve for all.
  const context = { ...known.at(begin), maxPerSecond: 0, gapAfter };
  let made = 0;
  for (let i = 0; i < length; i++) {
    const now = counted.at[i]! as EpochMs;
    const { speed, restartedAt, discontinuityAt } = known.at(now);
    context.restartedAt = restartedAt;
    context.discontinuityAt = discontinuityAt;
    context.maxPerSecond = speed / lineUnit;
    if (i === 0) continue;
    const perSecond = rateOf(i, counted.at[i - 1]! as EpochMs, now, context);
    if (perSecond === undefined || now < from) continue;
    at[made] = now;
    value[made] = perSecond;
    speeds[made] = speed;
    made++;
  }
  const gaps = counted.gaps.filter((gap) => gap.to >= from);
  const cut = (column: Float64Array) => column.subarray(0, made);
  return { at: cut(at), value: cut(value), speed: cut(speeds), gaps };
}

/** The rate from reading `i - 1` to reading `i`; undefined where there is none. */
function rateReader(values: Float64Array | BigUint64Array, bits: CounterReading['bits']) {
  const before = { value: 0n, at: epochMs(0), bits };
  const now = { value: 0n, at: epochMs(0), bits };
  return (i: number, from: EpochMs, to: EpochMs, context: CounterContext): number | undefined => {
    before.at = from;
    now.at = to;
    if (values instanceof Float64Array && values[i]! >= values[i - 1]!) {
      const rate = growthRate(values[i]! - values[i - 1]!, before, now, context);
      return typeof rate === 'number' ? rate : undefined;
    }
    before.value = BigInt(values[i - 1]!);
    now.value = BigInt(values[i]!);
    const outcome = toRate(before, now, context);
    return outcome.kind === 'rate' ? outcome.perSecond : undefined;
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
  const cursor = (metric: MetricName, of: SubjectKey, tell: Tell) =>
    createCursor(read(seriesKey(agent, metric, of), from, to), tell);
  const cursors = [
    cursor('device_uptime_ticks', device, onUptime),
    cursor('device_engine_boots', device, onBoots),
    cursor('if_speed_bps', subject, onSpeed),
    cursor('if_discontinuity_ticks', subject, onJump),
  ];
  let due = Number.NEGATIVE_INFINITY;
  return {
    /** One object for all answers. */
    at(now: EpochMs): Readonly<typeof state> {
      if (now < due) return state;
      due = Number.POSITIVE_INFINITY;
      for (const advance of cursors) due = Math.min(due, advance(now));
      state.restartedAt = clock.restartedAt;
      return state;
    },
  };
}

type Tell = (at: EpochMs, value: number) => void;

/** Tells everything up to an instant; returns when there is more to tell. */
function createCursor(samples: ReturnType<ReadSamples>, tell: Tell): (until: EpochMs) => number {
  let next = 0;
  return (until) => {
    if (samples === undefined) return Number.POSITIVE_INFINITY;
    const { at, value } = samples;
    for (; next < at.length && at[next]! <= until; next++) {
      tell(epochMs(at[next]!), Number(value[next]));
    }
    return at[next] ?? Number.POSITIVE_INFINITY;
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
