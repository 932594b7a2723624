import type { RuleMetricName } from '../protocol/model/metrics.ts';
import { type ObservedBatch, type SeriesKey, seriesKey } from '../protocol/model/sample.ts';
import type { AgentId, SubjectKey } from '../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import { numberOf } from './pipeline/dictionary.ts';
import type { SamplePoint } from './ports/show.ts';

export interface RecentOptions {
  /** Newest samples kept per series. */
  readonly pointsPerSeries?: number;
  /** All series together, about: with more series each keeps fewer. 16 bytes each. */
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
  /** Time, value, time, value …: plain doubles that grow by themselves; a typed array for each of
   * 100,000 series costs three times as much to make and to collect. */
  readonly points: number[];
  /** Index of the oldest point, once the ring is full. */
  oldest: number;
  newestAt: number;
}

/** A series keeps at least so many. */
const FEWEST = 16;

export function createRecent({
  pointsPerSeries = 720,
  maxPoints = 4_000_000,
}: RecentOptions = {}): Recent {
  const rings = new Map<SeriesKey, Ring>();
  /** By the number of the series: finding the ring by it saves building the key. */
  let byNumber: (Ring | undefined)[] = [];
  const maxSeries = Math.floor(maxPoints / FEWEST);
  /** Length of a full ring, in numbers. */
  let cap = 2 * pointsPerSeries;
  let samples = 0;

  function ringOf(key: SeriesKey): Ring {
    let ring = rings.get(key);
    if (ring === undefined) {
      if (rings.size >= maxSeries) forgetQuietest();
      ring = { points: [], oldest: 0, newestAt: -1 };
      rings.set(key, ring);
      cap = 2 * Math.max(FEWEST, Math.min(pointsPerSeries, Math.floor(maxPoints / rings.size)));
    }
    return ring;
  }

  function put(ring: Ring, at: number, value: number): void {
    if (at <= ring.newestAt) return;
    ring.newestAt = at;
    const { points } = ring;
    if (points.length < cap) {
      points.push(at, value);
      return;
    }
    // More series came since: every ring gives up its share of the room when it is next written.
    if (points.length > cap) shorten(ring);
    const { oldest } = ring;
    points[oldest] = at;
    points[oldest + 1] = value;
    ring.oldest = oldest + 2 === points.length ? 0 : oldest + 2;
  }

  /** Brings the oldest point to the front again, and leaves out what is too much. */
  function shorten(ring: Ring): void {
    const { points, oldest } = ring;
    const inOrder = [...points.slice(oldest), ...points.slice(0, oldest)].slice(-cap);
    points.length = 0;
    for (const number of inOrder) points.push(number);
    ring.oldest = 0;
  }

  /** Half of the series at once, the quietest: looking through all of them for one is too dear. */
  function forgetQuietest(): void {
    const byAge = [...rings].sort(([, a], [, b]) => a.newestAt - b.newestAt);
    for (const [key] of byAge.slice(0, Math.ceil(maxSeries / 2))) rings.delete(key);
    // Numbers may still lead to forgotten rings.
    byNumber = [];
  }

  function observed(batch: ObservedBatch): void {
    samples += batch.samples.length;
    if (batch.lane === 'backfill') return;
    for (const { series, at, value } of batch.samples) {
      if (typeof value === 'bigint') continue;
      const number = numberOf(series);
      let ring = byNumber[number];
      if (ring === undefined) {
        ring = ringOf(seriesKey(series.agent, series.metric, series.subject));
        byNumber[number] = ring;
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
      const { points, oldest } = ring;
      const found: SamplePoint[] = [];
      for (let i = 0; i < points.length; i += 2) {
        const index = (oldest + i) % points.length;
        const at = points[index]!;
        if (at >= from && at <= to) found.push({ at: epochMs(at), value: points[index + 1]! });
      }
      return found;
    },
    latest(series) {
      const ring = rings.get(series);
      if (ring === undefined || ring.points.length === 0) return undefined;
      const index = (ring.oldest + ring.points.length - 2) % ring.points.length;
      return { at: epochMs(ring.newestAt), value: ring.points[index + 1]! };
    },
    samples: () => samples,
    size() {
      let points = 0;
      for (const ring of rings.values()) points += ring.points.length / 2;
      return { series: rings.size, points };
    },
  };
}
