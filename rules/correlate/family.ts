import type { Rule } from '../settings.ts';

/**
 * What kind of trouble a rule tells of, whatever its id: rules that an administrator adds are
 * correlated like the shipped ones. The order is the order of blame on one subject: what stands
 * first explains what stands after it.
 */
export const FAMILIES = [
  'unreachable',
  'interface-down',
  'agent-silent',
  'snmp-silent',
  'errors',
  'utilisation',
  'discards',
  'loss',
  'latency',
  'resources',
  'other',
] as const;
export type Family = (typeof FAMILIES)[number];

const RANK: ReadonlyMap<Family, number> = new Map(FAMILIES.map((family, rank) => [family, rank]));

/** 0 = blamed first. */
export const rankOf = (family: Family): number => RANK.get(family) ?? FAMILIES.length;

/** Metric name patterns of threshold rules; first match wins. */
const METRIC_FAMILIES: readonly (readonly [RegExp, Family])[] = [
  [/_loss_ratio$/, 'loss'],
  [/_(rtt|rtt_min|rtt_p95|rtt_max|jitter|ipdv|forward|backward)_ms$/, 'latency'],
  [/_utilisation_ratio$/, 'utilisation'],
  [/_errors_/, 'errors'],
  [/_discards_/, 'discards'],
  [/^device_/, 'resources'],
];

/** The family of a rule; `undefined` (a rule that settings no longer hold) is `other`. */
export function familyOf(rule: Rule | undefined): Family {
  if (rule === undefined) return 'other';
  const { detector } = rule;
  if (detector.kind !== 'threshold') return detector.kind;
  const { metric } = detector;
  return METRIC_FAMILIES.find(([pattern]) => pattern.test(metric))?.[1] ?? 'other';
}

/** Outages that are probed every few seconds: an incident waits for them before it resolves. */
export const QUICK_FAMILIES: readonly Family[] = ['unreachable', 'agent-silent'];

/** Families that mean "does not work", as opposed to "works badly". A device without SNMP works. */
export const OUTAGE_FAMILIES: readonly Family[] = ['unreachable', 'interface-down', 'agent-silent'];
