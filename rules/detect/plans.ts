import { METRICS, type MetricName, type RuleMetricName } from '../../protocol/model/metrics.ts';
import { DERIVATIONS, type Derivation } from './rates.ts';
import { type ReachProbe, reachPointer } from './reach.ts';
import { type VoiceInput, voiceInputOf } from './voice.ts';

/** What a series does besides feeding rules. */
export type Role = 'plain' | 'loss' | 'burst' | 'snmp' | 'clock' | 'port' | 'counter' | 'ignored';

/** What is to be done with each sample of a metric, looked up once. */
export interface Plan {
  readonly metric: MetricName;
  /** What rules hear of it: counters become rates. */
  readonly judged: RuleMetricName;
  readonly role: Role;
  /** Place in the order of one poll: the catalogue has devices before ports, restarts before rates. */
  readonly rank: number;
  /** Where the subject's marks note what its probe knows, of `loss`, `burst` and `snmp`. */
  readonly reach: number;
  readonly voice: VoiceInput | undefined;
  readonly isOctets: boolean;
  /** Of counters that become something rules hear of. */
  readonly derivation: Derivation | undefined;
}

const ROLES: Partial<Record<MetricName, Role>> = {
  icmp_loss_ratio: 'loss',
  stamp_loss_ratio: 'loss',
  icmp_confirm_loss_ratio: 'burst',
  stamp_confirm_loss_ratio: 'burst',
  snmp_answered: 'snmp',
  device_uptime_ticks: 'clock',
  device_engine_boots: 'clock',
  if_speed_bps: 'port',
  if_discontinuity_ticks: 'port',
};

const probeOf = (metric: MetricName): ReachProbe => {
  if (metric.startsWith('icmp')) return 'icmp';
  return metric.startsWith('stamp') ? 'stamp' : 'snmp';
};

const PLANS = new Map(
  (Object.keys(METRICS) as MetricName[]).map((metric, rank): [MetricName, Plan] => [
    metric,
    {
      metric,
      judged: DERIVATIONS[metric]?.metric ?? metric,
      role: ROLES[metric] ?? (METRICS[metric].kind === 'counter' ? 'counter' : 'plain'),
      rank,
      reach: reachPointer(probeOf(metric)),
      voice: voiceInputOf(metric),
      isOctets: metric.endsWith('_octets_total'),
      derivation: DERIVATIONS[metric],
    },
  ]),
);

/** @throws Error for what is not in the catalogue */
export function planOf(metric: MetricName): Plan {
  const plan = PLANS.get(metric);
  if (plan === undefined) throw new Error(`no metric ${metric}`);
  return plan;
}

export const rankOf = (metric: MetricName): number => PLANS.get(metric)?.rank ?? 0;
