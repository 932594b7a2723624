import type { Rule } from '../settings.ts';

/**
 * What kind of trouble a rule tells of, whatever its id: rules that an administrator adds are
 * correlated like the shipped ones. The order is the order of blame on one subject: what stands
 * first explains what stands after it.
 */
export const FAMILIES = [
  'unreachable',
  'interface-down',
  'port-shut',
  'ports-lost',
  'sessions',
  'routes',
  'agent-silent',
  'snmp-silent',
  'errors',
  'utilisation',
  'discards',
  'loss',
  'latency',
  'voice',
  'resources',
  'unusual',
  'budget',
  'other',
] as const;
export type Family = (typeof FAMILIES)[number];

const RANK: ReadonlyMap<Family, number> = new Map(FAMILIES.map((family, rank) => [family, rank]));

/** 0 = blamed first. */
export const rankOf = (family: Family): number => RANK.get(family) ?? FAMILIES.length;

/** Metric name patterns of threshold rules; first match wins. */
const METRIC_FAMILIES: readonly (readonly [RegExp, Family])[] = [
  [/_loss_ratio$/, 'loss'],
  // What a caller hears is delay, jitter and loss together.
  [/^path_mos$/, 'voice'],
  [/_(rtt|rtt_min|rtt_p95|rtt_max|jitter|ipdv|forward|backward)_ms$/, 'latency'],
  [/_utilisation_ratio$/, 'utilisation'],
  [/_errors_/, 'errors'],
  [/_discards_/, 'discards'],
  [/^device_ports_/, 'ports-lost'],
  [/^bgp_peers_|^bfd_sessions_/, 'sessions'],
  [/^route_count$|^bgp_path_count$/, 'routes'],
  [/^device_/, 'resources'],
];

/** The family of a rule; `undefined` (a rule that settings no longer hold) is `other`. */
export function familyOf(rule: Rule | undefined): Family {
  if (rule === undefined) return 'other';
  const { detector } = rule;
  switch (detector.kind) {
    case 'profile':
      return 'unusual';
    case 'burn-rate':
      return 'budget';
    case 'expression':
      // What it names first is what it is about.
      return familyOfNames(detector.raise.match(/\w+/g) ?? []);
    case 'forecast':
      return 'other';
    case 'drop':
      if (detector.alongside !== undefined) return 'port-shut';
      break;
    case 'threshold':
    case 'baseline':
    case 'surge':
      break;
    default:
      return detector.kind;
  }
  return familyOfNames([detector.metric]);
}

function familyOfNames(names: readonly string[]): Family {
  for (const name of names) {
    const found = METRIC_FAMILIES.find(([pattern]) => pattern.test(name));
    if (found !== undefined) return found[1];
  }
  return 'other';
}

/** Outages that are probed every few seconds: an incident waits for them before it resolves. */
const QUICK_FAMILIES: readonly Family[] = ['unreachable', 'agent-silent'];

/** Families that mean "does not work", as opposed to "works badly". A device without SNMP works. */
const OUTAGE_FAMILIES: readonly Family[] = [
  'unreachable',
  'interface-down',
  'port-shut',
  'ports-lost',
  'sessions',
  'agent-silent',
];

export const isQuickOutage = (family: Family): boolean => QUICK_FAMILIES.includes(family);
export const isOutage = (family: Family): boolean => OUTAGE_FAMILIES.includes(family);
