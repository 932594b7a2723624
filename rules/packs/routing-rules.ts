import { hours, minutes, seconds } from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';

/**
 * What every rule here shares. A minute: two SNMP polls, or some samples of streamed telemetry; BGP
 * converges in less (RFC 4271 holds sessions for 90 s, and a table is rebuilt while they come back).
 * Three days: a session that nobody restored over a weekend was taken away on purpose.
 */
const LEVEL = { settleFor: seconds(60), forgetAfter: hours(72) } as const;
/** Two samples of telemetry, one of SNMP: a session that bounces twice is one disturbance. */
const CLEAR = seconds(10);
/** Polls are out of phase by up to a minute, and a shut port takes its sessions with it at once. */
const SAME_TIME = minutes(1);

const BGP_ADVICE = [
  'Read the log of the router for the neighbour: hold timer expired, notification sent or received, cleared by a person?',
  'Are the port and the address of the neighbour reachable? If not, the link is the fault and BGP its symptom.',
  'Compare with the last change: password, AS number, policy, maximum of prefixes.',
] as const;

/** The control plane of routers: what is lost here is lost before the traffic shows it. */
export const ROUTING_RULES: readonly Rule[] = [
  {
    id: 'bgp-isolated',
    on: ['device'],
    detector: { kind: 'drop', metric: 'bgp_peers_established', least: 1, share: 0.5, ...LEVEL },
    holdFor: seconds(0),
    clearAfter: CLEAR,
    severity: 'critical',
    disturbance: 'degradation',
    cause: 'BGP sessions lost',
    reason:
      'Half or more of the sessions gone at once. Redundant routers have two ways; whoever loses half has lost a whole one, and a cleared or restarted BGP loses all. A session that leaves Established is a fact and no statistic (RFC 4271), so it is told at once.',
    advice: [
      'Has somebody cleared BGP or restarted the process? Look at the log and at the uptime of the router.',
      ...BGP_ADVICE.slice(1),
    ],
    enabled: true,
  },
  {
    id: 'bgp-session-lost',
    on: ['device'],
    detector: { kind: 'drop', metric: 'bgp_peers_established', least: 1, share: 0, ...LEVEL },
    holdFor: seconds(0),
    clearAfter: CLEAR,
    severity: 'major',
    disturbance: 'degradation',
    cause: 'BGP session lost',
    reason:
      'Fewer sessions in state Established than usual (RFC 4271): a fact and no statistic, so it is told at once. The usual number is learned in a minute; a neighbour that stays away for three days was taken away.',
    advice: BGP_ADVICE,
    enabled: true,
  },
  {
    id: 'bfd-session-lost',
    on: ['device'],
    detector: { kind: 'drop', metric: 'bfd_sessions_up', least: 1, share: 0, ...LEVEL },
    holdFor: seconds(0),
    clearAfter: CLEAR,
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'BFD session lost',
    reason:
      'BFD misses three packets before it gives up a path (RFC 5880, detect multiplier), so a session that is down is a path that was dead for that time, whatever the ports say.',
    advice: [
      'Which neighbour, over which port? Look at errors and optical levels of that port.',
      'If the port is well, look at the far end: is its BFD overloaded or configured otherwise?',
      'Sessions that go down again and again under load need longer intervals.',
    ],
    enabled: true,
  },
  {
    id: 'routes-lost',
    on: ['device'],
    detector: {
      kind: 'drop',
      metric: 'route_count',
      also: ['bgp_path_count'],
      least: 10,
      share: 0.5,
      ...LEVEL,
    },
    holdFor: seconds(0),
    clearAfter: CLEAR,
    severity: 'major',
    disturbance: 'degradation',
    cause: 'routes lost',
    reason:
      'Half of the routes or paths gone. With two ways to everything, the loss of one halves the paths and leaves every route; more is a loss that redundancy did not cover. Ten at least: small tables halve easily. Ordinary churn stays far below (own choice).',
    advice: [
      'Which neighbours no longer send what? Compare the received prefixes with yesterday.',
      'Did a policy or prefix list change here or at the neighbour?',
      'If sessions were lost at the same time, restore them first: the routes follow.',
    ],
    enabled: true,
  },
  {
    id: 'routes-withdrawn',
    on: ['device'],
    detector: { kind: 'drop', metric: 'bgp_path_count', least: 10, share: 0.05, ...LEVEL },
    holdFor: seconds(0),
    clearAfter: CLEAR,
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'BGP paths lost',
    reason:
      'A twentieth of the paths gone at once: what one of twenty equal neighbours sends. Tells of sessions that a source does not count and of neighbours that withdraw what they had. Churn is followed: the usual level takes up what comes and goes slowly (own choice; listed, not ticketed).',
    advice: [
      'Which neighbour sends fewer prefixes than yesterday?',
      'If a session was lost at the same time, that is the fault and this its trace.',
      'If all sessions are well, ask the neighbour: it has lost or filtered what it passed on.',
    ],
    enabled: true,
  },
  {
    id: 'port-shut',
    on: ['device'],
    detector: {
      kind: 'drop',
      metric: 'device_ports_up',
      least: 1,
      share: 0,
      ...LEVEL,
      alongside: { metric: 'device_ports_admin_down', within: SAME_TIME },
    },
    holdFor: seconds(0),
    clearAfter: CLEAR,
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'port in use shut down',
    reason:
      'A port that was up was shut down by an administrator: one fewer is up and one more is shut down, within a minute. A port that nobody uses is not up before, so tidying up says nothing. Announce planned work as maintenance.',
    advice: [
      'Who shut it down? Read the configuration log of the device.',
      'If it was a mistake, take it back: `no shutdown`.',
      'If it was planned, enter a maintenance window for the device.',
    ],
    enabled: true,
  },
  {
    id: 'ports-lost',
    on: ['device'],
    detector: { kind: 'drop', metric: 'device_ports_up', least: 1, share: 0, ...LEVEL },
    holdFor: seconds(0),
    clearAfter: CLEAR,
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'port went down',
    reason:
      'Fewer ports up than usual, from sources that count ports and do not name them (telemetry); where ports are polled one by one, "interface down" tells it better and agents do not send this count.',
    advice: [
      'Which port? Look at the state changes in the log of the device.',
      'Look at what is plugged in there: cable, transceiver, power of the device at the other end.',
      'Was it shut down at the other end?',
    ],
    enabled: true,
  },
];
