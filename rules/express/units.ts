import { DERIVED_METRICS, METRICS, type RuleMetricName } from '../../protocol/model/metrics.ts';

/** What kind of quantity a figure is. Only like is compared with like; `number` is a bare figure. */
export type Dimension =
  | 'time'
  | 'ratio'
  | 'bit/s'
  | 'octets'
  | 'temperature'
  | 'per second'
  | 'number';

/** Units people write behind a figure: dimension, and the factor to the unit of the catalogue. */
const UNITS: Readonly<Record<string, readonly [Dimension, number]>> = {
  us: ['time', 0.001],
  ms: ['time', 1],
  s: ['time', 1000],
  min: ['time', 60_000],
  h: ['time', 3_600_000],
  '%': ['ratio', 0.01],
  'bit/s': ['bit/s', 1],
  'kbit/s': ['bit/s', 1e3],
  'Mbit/s': ['bit/s', 1e6],
  'Gbit/s': ['bit/s', 1e9],
  B: ['octets', 1],
  kB: ['octets', 1e3],
  MB: ['octets', 1e6],
  GB: ['octets', 1e9],
  C: ['temperature', 1],
  '°C': ['temperature', 1],
  '/s': ['per second', 1],
  '/min': ['per second', 1 / 60],
};

export const unitOf = (name: string): readonly [Dimension, number] | undefined =>
  Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;

const CATALOGUE = { ...METRICS, ...DERIVED_METRICS };

const DIMENSIONS: Readonly<Record<string, Dimension>> = {
  ms: 'time',
  ratio: 'ratio',
  'bit/s': 'bit/s',
  octets: 'octets',
  celsius: 'temperature',
};

/** Seconds may be written s, m or min, h or d where a length of time is wanted. */
const WINDOWS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
export const windowUnitOf = (name: string): number | undefined =>
  Object.hasOwn(WINDOWS, name) ? WINDOWS[name] : undefined;

export const isRuleMetric = (name: string): name is RuleMetricName =>
  Object.hasOwn(CATALOGUE, name);

export const isCounter = (metric: RuleMetricName): boolean => CATALOGUE[metric].kind === 'counter';

export function dimensionOf(metric: RuleMetricName): Dimension {
  if (metric.endsWith('_per_s')) return 'per second';
  return DIMENSIONS[CATALOGUE[metric].unit] ?? 'number';
}

/** A figure of this dimension needs a unit behind it, for example this one. */
export const EXAMPLE_UNIT: Readonly<Record<Dimension, string>> = {
  time: 'ms',
  ratio: '%',
  'bit/s': 'Mbit/s',
  octets: 'MB',
  temperature: 'C',
  'per second': '/s',
  number: '',
};
