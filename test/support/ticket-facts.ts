import type { IncidentFact, IncidentFactKind } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { Inventory } from '../../protocol/model/inventory.ts';
import { type EpochMs, epochMs, minutes, seconds } from '../../protocol/model/units.ts';
import type { Destination } from '../../server/ticket/plan.ts';

export const START = epochMs(Date.parse('2026-01-05T09:14:30Z'));

export const at = (s: number): EpochMs => epochMs(START + s * 1000);

export const WAN: Inventory = {
  sites: [
    { id: 'hub', name: 'Paris', hub: true, users: 900 },
    { id: 'lyon', name: 'Lyon', hub: false, users: 142 },
  ],
  devices: [{ id: 'lyon-r1', name: 'lyon-r1', site: 'lyon', address: '10.1.0.1' }],
  links: [
    {
      id: 'lyon-mpls',
      name: 'Lyon MPLS',
      kind: 'wan',
      site: 'lyon',
      peer: 'hub',
      ends: [{ device: 'lyon-r1', interface: 'Gi0/0' }],
      provider: 'Orange',
      circuit: 'FT-4711-LYO',
      underlays: [],
    },
  ],
  agents: [{ id: 'hub-a', site: 'hub' }],
};

export const DESK: Destination = {
  id: 'desk',
  openAfter: { 1: seconds(10), 2: seconds(60), 3: minutes(5) },
};

const ALERT = 'stamp-unreachable|link:lyon-mpls|hub-a';

function incident(change: Partial<Incident> = {}): Incident {
  return {
    id: 'i-42',
    state: 'open',
    title: 'Lyon is cut off: link Lyon MPLS does not answer',
    subject: 'link:lyon-mpls',
    site: 'lyon',
    root: {
      alert: ALERT,
      subject: 'link:lyon-mpls',
      rule: 'stamp-unreachable',
      cause: 'circuit down',
      confidence: 0.9,
      because: [
        {
          kind: 'evidence',
          alert: ALERT,
          text: '10 of 10 STAMP packets from hub-a lost at 09:14:04, after 5 of 5 in the round before',
        },
      ],
    },
    symptoms: [
      {
        alert: 'snmp-silent|device:lyon-r1|hub-a',
        subject: 'device:lyon-r1',
        rule: 'snmp-silent',
        since: at(-20),
        because: {
          kind: 'explained-by',
          alert: ALERT,
          text: 'no SNMP answer since 09:14:10, reached through this link',
        },
      },
    ],
    severity: 'critical',
    disturbance: 'outage',
    impact: 'high',
    urgency: 'high',
    priority: 1,
    users: 142,
    onsetAt: at(-28),
    openedAt: START,
    updatedAt: START,
    advice: [
      'Call Orange and give circuit FT-4711-LYO; ask whether the last mile in Lyon is down.',
      'Ask somebody on site whether the router has power and its WAN port a light.',
    ],
    reopened: 0,
    because: [],
    ...change,
  };
}

/** An incident fact, `s` seconds after START. */
export function fact(
  kind: IncidentFactKind,
  s: number,
  change: Partial<Incident> = {},
  more: Partial<IncidentFact> = {},
): IncidentFact {
  const view = incident({ updatedAt: at(s), ...change });
  return {
    kind,
    at: at(s),
    incident: view.id,
    view,
    because: [],
    material: kind !== 'incident.updated',
    ...more,
  };
}
