import type { RuleMetricName } from '../protocol/model/metrics.ts';
import { type ObservedBatch, type SeriesKey, seriesKey } from '../protocol/model/sample.ts';
import type { AgentId, SubjectKey } from '../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { SamplePoint } from './ports/show.ts';

export interface RecentOptions {
  /** Newest samples kept per series. */
  readonly pointsPerSeries?: number;
  /** All series together; above it the series that was quiet longest is forgotten. 16 bytes each. */
  readonly maxPoints?: number;
}

/**
 * The newest samples of every series, for graphs, until the history keeps all. Gauges and derived
 * figures; raw counters are left out (their rates are what a graph shows). Samples of the past
 * (backfill, late) are left out too: a ring has no place for them.
 */
export interface Recent {
  /** For the core: hears every batch. */
  readonly listener: { observed(batch: ObservedBatch): void };
  /** A figure that the engine made of counters. */
  derived(
    agent: AgentId,
    metric: RuleMetricName,
    subject: SubjectKey,
    at: EpochMs,
    value: number,
  ): void;
  /** Both ends included, oldest first; undefined when the series is unknown. */
  range(series: SeriesKey, from: EpochMs, to: EpochMs): readonly SamplePoint[] | undefined;
  latest(series: SeriesKey): SamplePoint | undefined;
  /** Samples taken since the start, counters included. */
  samples(): number;
  size(): { readonly series: number; readonly points: number };
}

interface Ring {
  at: Float64Array;
  value: Float64Array;
  /** Where the next point goes, once the ring is full. */
  next: number;
  count: number;
}

const FIRST_POINTS = 32;

export function createRecent({
  pointsPerSeries = 720,
  maxPoints = 4_000_000,
}: RecentOptions = {}): Recent {
  const rings = new Map<SeriesKey, Ring>();
  /** A batch names series by object: finding the ring by it saves building the key. */
  let byObject = new WeakMap<object, Ring>();
  let points = 0;
  let samples = 0;

  function ringOf(key: SeriesKey): Ring {
    let ring = rings.get(key);
    if (ring === undefined) {
      ring = { at: new Float64Array(0), value: new Float64Array(0), next: 0, count: 0 };
      rings.set(key, ring);
    }
    return ring;
  }

  function put(ring: Ring, at: number, value: number): void {
    const newest = ring.count === 0 ? 0 : (ring.next + ring.at.length - 1) % ring.at.length;
    if (ring.count > 0 && at <= ring.at[newest]!) return;
    if (ring.count === ring.at.length && ring.at.length < pointsPerSeries) grow(ring);
    ring.at[ring.next] = at;
    ring.value[ring.next] = value;
    ring.next = (ring.next + 1) % ring.at.length;
    if (ring.count < ring.at.length) ring.count++;
  }

  function grow(ring: Ring): void {
    const size = Math.min(pointsPerSeries, Math.max(FIRST_POINTS, ring.at.length * 2));
    points += size - ring.at.length;
    const at = new Float64Array(size);
    const value = new Float64Array(size);
    // Oldest first again: a full ring begins at `next`.
    const kept = ring.count;
    for (let i = 0; i < kept; i++) {
      const from = (ring.next + i) % ring.at.length;
      at[i] = ring.at[from]!;
      value[i] = ring.value[from]!;
    }
    Object.assign(ring, { at, value, next: kept });
    if (points > maxPoints) forget(ring);
  }

  function forget(except: Ring): void {
    let oldest: SeriesKey | undefined;
    let oldestAt = Number.POSITIVE_INFINITY;
    for (const [key, ring] of rings) {
      const at = newestOf(ring);
      if (ring !== except && at < oldestAt) {
        oldest = key;
        oldestAt = at;
      }
    }
    if (oldest === undefined) return;
    points -= rings.get(oldest)!.at.length;
    rings.delete(oldest);
    // Objects may still point at the forgotten ring.
    byObject = new WeakMap();
  }

  const newestOf = (ring: Ring): number =>
    ring.count === 0 ? 0 : ring.at[(ring.next + ring.at.length - 1) % ring.at.length]!;

  function observed(batch: ObservedBatch): void {
    samples += batch.samples.length;
    if (batch.lane === 'backfill') return;
    for (const { series, at, value } of batch.samples) {
      if (typeof value === 'bigint') continue;
      let ring = byObject.get(series);
      if (ring === undefined) {
        ring = ringOf(seriesKey(series.agent, series.metric, series.subject));
        byObject.set(series, ring);
      }
      put(ring, at, value);
    }
  }

  return {
    listener: { observed },
    derived: (agent, metric, subject, at, value) =>
      put(ringOf(seriesKey(agent, metric, subject)), at, value),
    range(series, from, to) {
      const ring = rings.get(series);
      if (ring === undefined) return undefined;
      const found: SamplePoint[] = [];
      for (let i = 0; i < ring.count; i++) {
        const index = (ring.next - ring.count + i + ring.at.length) % ring.at.length;
        const at = ring.at[index]!;
        if (at >= from && at <= to) found.push({ at: epochMs(at), value: ring.value[index]! });
      }
      return found;
    },
    latest(series) {
      const ring = rings.get(series);
      if (ring === undefined || ring.count === 0) return undefined;
      const index = (ring.next + ring.at.length - 1) % ring.at.length;
      return { at: epochMs(ring.at[index]!), value: ring.value[index]! };
    },
    samples: () => samples,
    size: () => ({ series: rings.size, points }),
  };
}
