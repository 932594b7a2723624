import { METRICS, type MetricName } from '../../protocol/model/metrics.ts';

/** How a metric's values become whole numbers: times 10^digits. */
export interface Scale {
  readonly isCounter: boolean;
  readonly digits: number;
  readonly perUnit: number;
}

/** One for all series of a metric. */
const scales = new Map<MetricName, Scale>();

export function scaleOf(metric: MetricName): Scale {
  const known = scales.get(metric) ?? makeScale(metric);
  scales.set(metric, known);
  return known;
}

/** Resolutions of the catalogue are powers of ten: 0.001 has three digits. */
function makeScale(metric: MetricName): Scale {
  const { kind, resolution } = METRICS[metric];
  const digits = Math.max(0, Math.round(-Math.log10(resolution)));
  return { isCounter: kind === 'counter', digits, perUnit: 10 ** digits };
}
