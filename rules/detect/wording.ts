import { DERIVED_METRICS, METRICS, type RuleMetricName } from '../../protocol/model/metrics.ts';

/** "35 s", "2 min 5 s", "3 h": whole seconds, for people. */
export function durationText(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  if (total < 60) return `${total} s`;
  const [hours, minutes, seconds] = [
    Math.floor(total / 3600),
    Math.floor(total / 60) % 60,
    total % 60,
  ];
  const parts = [hours > 0 ? `${hours} h` : '', minutes > 0 ? `${minutes} min` : ''];
  if (hours === 0 && seconds > 0) parts.push(`${seconds} s`);
  return parts.filter((part) => part !== '').join(' ');
}

/** "20 %", "182 ms", "40 /s": three digits are enough. */
export function figureText(metric: RuleMetricName, value: number): string {
  const { unit } = { ...METRICS, ...DERIVED_METRICS }[metric];
  if (unit === 'ratio') return `${short(value * 100)} %`;
  if (metric.endsWith('_per_s')) return `${short(value)} /s`;
  if (unit === 'ms') return `${short(value)} ms`;
  if (unit === 'celsius') return `${short(value)} °C`;
  return short(value);
}

const short = (value: number): string =>
  Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/_rtt(_min|_p95|_max)?_ms$/, 'round trip'],
  [/_jitter_ms$|_ipdv_ms$/, 'jitter'],
  [/_loss_ratio$/, 'loss'],
  [/^if_in_utilisation/, 'line in use, received'],
  [/^if_out_utilisation/, 'line in use, sent'],
  [/^if_in_errors/, 'receive errors'],
  [/^if_out_errors/, 'send errors'],
  [/^if_in_discards/, 'discards on receipt'],
  [/^if_out_discards/, 'discards before sending'],
  [/^path_mos$/, 'voice quality (MOS)'],
  [/^device_cpu/, 'processor load'],
  [/^device_memory/, 'memory in use'],
  [/^device_temperature/, 'temperature'],
  [/^device_ports_up/, 'ports up'],
  [/^device_ports_admin_down/, 'ports shut down by an administrator'],
  [/^bgp_peers/, 'BGP sessions established'],
  [/^bgp_path/, 'BGP paths'],
  [/^bfd_sessions/, 'BFD sessions up'],
  [/^route_count/, 'routes'],
];

/** The metric in plain words; a metric without them by its name. */
export const metricText = (metric: RuleMetricName): string =>
  NAMES.find(([pattern]) => pattern.test(metric))?.[1] ?? metric;
