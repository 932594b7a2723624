import { METRICS, type MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';

/**
 * Order inside one time: the catalogue has what a device says of itself before what its ports count,
 * and rates need to know of a restart first.
 */
const RANKS = new Map(Object.keys(METRICS).map((name, rank) => [name as MetricName, rank]));
const RANK_STEPS = 1_000;

const keyOf = (sample: Sample): number =>
  sample.at * RANK_STEPS + (RANKS.get(sample.series.metric) ?? 0);

/** The samples by time, then rank; the same array when they are so already, as agents send them. */
export function inOrder(samples: readonly Sample[]): readonly Sample[] {
  let last = Number.NEGATIVE_INFINITY;
  for (const sample of samples) {
    const key = keyOf(sample);
    if (!(key >= last)) return sorted(samples);
    last = key;
  }
  return samples;
}

function sorted(samples: readonly Sample[]): Sample[] {
  const keys = Float64Array.from(samples, keyOf);
  const order = Uint32Array.from(samples.keys());
  order.sort((a, b) => (keys[a] as number) - (keys[b] as number));
  return Array.from(order, (index) => samples[index] as Sample);
}
