import type { Fact, TrendFact } from '../../protocol/model/fact.ts';
import type { MaintenanceWindow, Service } from '../../protocol/model/inventory.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { FakeIncident } from './fake-incidents.ts';

/** Troubles of an ordinary bad morning; times are counted back from `now`. */
export function busyMorning(now: number): readonly FakeIncident[] {
  const minute = 60_000;
  return [
    {
      id: 'inc-7f3a-20417',
      title: 'Lyon MPLS: circuit down, 84 people on the backup',
      subject: 'link:lyon-mpls',
      site: 'lyon',
      agent: 'lyon-a1',
      rule: 'link-unreachable',
      cause: 'circuit down',
      severity: 'critical',
      priority: 1,
      users: 84,
      sites: ['lyon'],
      services: [
        {
          id: 'card-payments',
          name: 'Card payments',
          state: 'down',
          users: 84,
          criticality: 'high',
          isOpen: true,
          costPerHour: { amount: 1250, currency: 'EUR' },
          downFor: durationMs(6 * minute),
        },
      ],
      costPerHour: { amount: 1250, currency: 'EUR' },
      costSoFar: { amount: 125, currency: 'EUR' },
      confidence: 0.94,
      openedAt: now - 6.4 * minute,
      metric: 'stamp_loss_ratio',
      limit: 1,
      observed: 1,
      text: '10 of 10 packets lost after 3 of 5; the hub cannot reach it either',
      against: 'no trap of the router: its own view of the circuit is not known',
      symptoms: [
        ['interface:lyon-r1/ge-0/0/0', 'interface-down', 'this port carries the circuit'],
        ['device:lyon-sw1', 'snmp-silent', 'its answers went over this circuit until the failover'],
        ['link:lyon-dia', 'rtt-high', 'the backup carries all traffic since 09:08'],
      ],
      advice: [
        'Ask Telvia for circuit TE-40017: is it down on their side?',
        'See whether the modem or NTU in Lyon has light (people on site: +84 users).',
        'Watch the backup "Lyon DIA": it carries everything now.',
      ],
    },
    {
      id: 'inc-7f3a-20421',
      title: 'Leipzig DIA: 23 % packet loss',
      subject: 'link:leipzig-dia',
      site: 'leipzig',
      agent: 'leipzig-a1',
      rule: 'loss-high',
      cause: 'packet loss',
      severity: 'major',
      priority: 2,
      users: 118,
      confidence: 0.81,
      openedAt: now - 17.2 * minute,
      metric: 'stamp_loss_ratio',
      limit: 0.1,
      observed: 0.23,
      text: 'mean loss 23 % over 60 s, limit 10 %',
      symptoms: [['link:leipzig-dia', 'jitter-high', 'lost and late packets come together']],
      advice: [
        'Look at errors and discards of ge-0/0/0 on Leipzig router.',
        'Ask Balticom whether they see errors on the last mile.',
      ],
    },
    {
      id: 'inc-7f3a-20398',
      title: 'Bilbao MPLS: round trip 96 ms, usually 14 ms',
      subject: 'link:bilbao-mpls',
      site: 'bilbao',
      agent: 'bilbao-a1',
      rule: 'rtt-high',
      cause: 'congestion',
      severity: 'minor',
      priority: 3,
      users: 73,
      confidence: 0.66,
      openedAt: now - 52 * minute,
      metric: 'stamp_rtt_ms',
      limit: 80,
      observed: 96,
      usual: { low: 13, middle: 14, high: 21 },
      text: 'mean round trip 96 ms over 3 min, limit 80 ms',
      against: 'utilisation of the circuit is only 61 %',
      advice: ['See who fills the circuit (top talkers).', 'If nobody does, ask the provider.'],
    },
  ];
}

const OFFICE = {
  timeZone: 'UTC',
  weekly: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }],
};

/** What the invented company lives on. */
export const SERVICES: readonly Service[] = [
  {
    id: 'card-payments',
    name: 'Card payments',
    needs: { subject: 'link:lyon-mpls' },
    users: 84,
    criticality: 'high',
    costPerHour: { amount: 1250, currency: 'EUR' },
  },
  {
    id: 'telephony',
    name: 'Telephony',
    needs: { subject: 'site:leipzig' },
    users: 118,
    criticality: 'medium',
    hours: {
      timeZone: 'Europe/Berlin',
      weekly: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }],
    },
    costPerHour: { amount: 340, currency: 'EUR' },
  },
  {
    id: 'erp',
    name: 'ERP',
    needs: { subject: 'site:hamburg' },
    users: 420,
    criticality: 'high',
    hours: OFFICE,
  },
  {
    id: 'timeclock',
    name: 'Time clock',
    needs: { subject: 'site:porto' },
    users: 52,
    criticality: 'low',
  },
];

export const serviceFacts = (now: number): readonly Fact[] => [
  {
    kind: 'service.changed',
    at: epochMs(now - 6 * 60_000),
    service: 'card-payments',
    state: 'down',
    because: ['link:lyon-mpls'],
    text: 'Card payments is down: Lyon MPLS',
  },
  {
    kind: 'service.changed',
    at: epochMs(now - 17 * 60_000),
    service: 'telephony',
    state: 'at-risk',
    because: ['link:leipzig-dia'],
    text: 'Telephony works, but nothing is left in reserve: Leipzig DIA',
  },
];

export const windowsAt = (now: number): readonly MaintenanceWindow[] => [
  {
    id: 'porto-switch',
    name: 'New switch in Porto',
    subjects: ['site:porto'],
    from: epochMs(now - 3_600_000),
    until: epochMs(now + 3_600_000),
  },
  {
    id: 'lyon-patch',
    name: 'Patch Sunday',
    subjects: ['device:lyon-r1', 'link:lyon-mpls'],
    from: epochMs(now + 5 * 3_600_000),
    until: epochMs(now + 7 * 3_600_000),
  },
];

export const trendsAt = (now: number): readonly TrendFact[] => [
  {
    kind: 'level.changed',
    at: epochMs(now - 7 * 3_600_000),
    series: 'porto-a1|stamp_rtt_ms|link:porto-mpls',
    subject: 'link:porto-mpls',
    metric: 'stamp_rtt_ms',
    since: epochMs(now - 7.4 * 3_600_000),
    before: 18,
    after: 41,
    text: 'RTT stepped from 18 to 41 ms and stayed',
  },
  {
    kind: 'limit.forecast',
    at: epochMs(now - 3_600_000),
    series: 'ghent-a1|if_in_utilisation_ratio|interface:ghent-r1/ge-0/0/0',
    subject: 'interface:ghent-r1/ge-0/0/0',
    metric: 'if_in_utilisation_ratio',
    limit: 0.8,
    reachedAt: epochMs(now + 41 * 86_400_000),
    earliest: epochMs(now + 30 * 86_400_000),
    latest: epochMs(now + 70 * 86_400_000),
    text: 'received utilisation: daily peaks of 62 % rise by 3 % a week and reach 80 % in about 41 days (30 to 70 days in 8 of 10 cases)',
  },
];
