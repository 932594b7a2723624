/**
 * The metric catalogue: every name that may appear in a sample, its kind, unit and stated resolution.
 * `resolution` is what storage keeps exactly (a value is a multiple of it), counters are exact integers.
 */
export interface Metric {
  readonly kind: 'gauge' | 'counter';
  readonly unit:
    | 'ms'
    | 'ratio'
    | 'bit/s'
    | 'octets'
    | 'packets'
    | 'ticks'
    | 'celsius'
    | 'bool'
    | 'count'
    | 'none';
  readonly resolution: number;
  readonly help: string;
}

const ms = (help: string): Metric => ({ kind: 'gauge', unit: 'ms', resolution: 0.001, help });
const ratio = (help: string): Metric => ({
  kind: 'gauge',
  unit: 'ratio',
  resolution: 0.0001,
  help,
});
const bool = (help: string): Metric => ({ kind: 'gauge', unit: 'bool', resolution: 1, help });
const gauge = (unit: Metric['unit'], resolution: number, help: string): Metric => ({
  kind: 'gauge',
  unit,
  resolution,
  help,
});
const counter = (unit: Metric['unit'], help: string): Metric => ({
  kind: 'counter',
  unit,
  resolution: 1,
  help,
});

export const METRICS = {
  icmp_loss_ratio: ratio('Share of the echoes of one round that were not answered, 0..1'),
  icmp_confirm_loss_ratio: ratio(
    'Loss of the ten-echo burst that follows the first miss of a healthy target',
  ),
  icmp_rtt_ms: ms('Median round trip of one round of echoes (RFC 2681)'),
  icmp_rtt_min_ms: ms('Smallest round trip of one round of echoes'),
  icmp_rtt_p95_ms: ms('95th percentile of the round trips of one round of echoes'),
  icmp_rtt_max_ms: ms('Largest round trip of one round of echoes'),
  icmp_jitter_ms: ms(
    'Interarrival jitter, RFC 3550 6.4.1: J += (|D| - J) / 16, kept across rounds',
  ),
  icmp_ipdv_ms: ms(
    'Mean absolute difference of successive round trips in one round (IPDV, RFC 3393)',
  ),
  stamp_loss_ratio: ratio(
    'Share of the STAMP test packets of one round that did not come back, 0..1',
  ),
  stamp_confirm_loss_ratio: ratio(
    'Loss of the ten-packet burst that follows the first miss of a healthy path',
  ),
  stamp_rtt_ms: ms(
    'Median round trip of one round of STAMP packets (RFC 8762), reflector dwell time taken off',
  ),
  stamp_rtt_min_ms: ms('Smallest round trip of one round of STAMP packets'),
  stamp_rtt_p95_ms: ms('95th percentile of the round trips of one round of STAMP packets'),
  stamp_rtt_max_ms: ms('Largest round trip of one round of STAMP packets'),
  stamp_jitter_ms: ms('Interarrival jitter of STAMP packets, RFC 3550 6.4.1, kept across rounds'),
  stamp_ipdv_ms: ms(
    'Mean absolute difference of successive STAMP round trips in one round (IPDV, RFC 3393)',
  ),
  stamp_forward_ms: ms(
    'Median one-way delay to the reflector (RFC 7679); only where both clocks are synchronised',
  ),
  stamp_backward_ms: ms(
    'Median one-way delay from the reflector (RFC 7679); only where both clocks are synchronised',
  ),
  snmp_answered: bool('1 if the device answered this SNMP poll, 0 if it did not'),
  device_uptime_ticks: gauge(
    'ticks',
    1,
    'sysUpTime, hundredths of a second; wraps after 497.1 days',
  ),
  device_engine_boots: gauge('count', 1, 'snmpEngineBoots: restarts of the SNMP engine'),
  device_cpu_ratio: ratio('Mean load of the processors, 0..1'),
  device_memory_ratio: ratio('Share of the main memory in use, 0..1'),
  device_temperature_celsius: gauge('celsius', 0.1, 'Highest reading of the temperature sensors'),
  device_ports_up: gauge(
    'count',
    1,
    'Ports that are operationally up (ifOperStatus of the ifTable)',
  ),
  device_ports_admin_down: gauge(
    'count',
    1,
    'Ports that an administrator shut down (ifAdminStatus of the ifTable)',
  ),
  bgp_peers_established: gauge(
    'count',
    1,
    'BGP sessions in state Established (bgpPeerState, RFC 4273)',
  ),
  bgp_path_count: gauge('count', 1, 'Paths in the BGP table (rows of bgp4PathAttrTable, RFC 4273)'),
  bfd_sessions_up: gauge('count', 1, 'BFD sessions in state up (bfdSessState, RFC 7331)'),
  route_count: gauge('count', 1, 'Routes in the routing table (inetCidrRouteNumber, RFC 4292)'),
  if_admin_up: bool('1 if the interface is administratively up'),
  if_oper_up: bool('1 if the interface is operationally up'),
  if_speed_bps: gauge(
    'bit/s',
    1,
    'Line rate as the device states it (ifHighSpeed or ifSpeed); 0 = unknown',
  ),
  if_discontinuity_ticks: gauge(
    'ticks',
    1,
    'ifCounterDiscontinuityTime: sysUpTime when counters last jumped',
  ),
  if_in_octets_total: counter('octets', 'Octets received (ifHCInOctets or ifInOctets)'),
  if_out_octets_total: counter('octets', 'Octets sent (ifHCOutOctets or ifOutOctets)'),
  if_in_errors_total: counter('packets', 'Packets received with errors (ifInErrors)'),
  if_out_errors_total: counter('packets', 'Packets not sent because of errors (ifOutErrors)'),
  if_in_discards_total: counter('packets', 'Good packets received and thrown away (ifInDiscards)'),
  if_out_discards_total: counter('packets', 'Packets thrown away before sending (ifOutDiscards)'),
  agent_lag_ms: ms(
    'How late the agent started its latest poll, worst of the last heartbeat period',
  ),
  agent_spool_samples: gauge(
    'count',
    1,
    'Samples in the spool that the collector has not acknowledged',
  ),
  agent_dropped_total: counter(
    'count',
    'Samples the agent had to drop because the spool was full or too old',
  ),
  gauge: gauge('none', 1e-6, 'A number nothing is known about (replay of foreign series)'),
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

export const isMetricName = (name: string): name is MetricName => Object.hasOwn(METRICS, name);

/** Figures that rules may use and that detect/ derives from samples; they are never on the wire. */
export const DERIVED_METRICS = {
  if_in_utilisation_ratio: ratio('Received bits per second over the line rate, 0..1'),
  if_out_utilisation_ratio: ratio('Sent bits per second over the line rate, 0..1'),
  if_in_errors_per_s: gauge('none', 1e-4, 'Receive errors per second'),
  if_out_errors_per_s: gauge('none', 1e-4, 'Send errors per second'),
  if_in_discards_per_s: gauge('none', 1e-4, 'Receive discards per second'),
  if_out_discards_per_s: gauge('none', 1e-4, 'Send discards per second'),
  path_mos: gauge(
    'none',
    0.01,
    'Mean opinion score of voice on the path, 1..4.5, once a minute (E-model, ITU-T G.107)',
  ),
} as const satisfies Record<string, Metric>;

export type DerivedMetricName = keyof typeof DERIVED_METRICS;
export type RuleMetricName = MetricName | DerivedMetricName;
