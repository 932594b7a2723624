import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import type { Family } from '../correlate/family.ts';

/** A fault that is told apart by name, by what is seen of it together. */
export interface Signature {
  readonly id: string;
  /** As titles and tickets say it. */
  readonly cause: string;
  /** The root's kind of trouble. */
  readonly root: readonly Family[];
  /** Kinds of subjects it is told of; absent = any. */
  readonly on?: readonly ('device' | 'interface' | 'link')[];
  /** At least one symptom of each kind of trouble. */
  readonly with?: readonly Family[];
  /** No symptom of these. */
  readonly without?: readonly Family[];
  /** How sure one can be by this alone, 0..1. */
  readonly confidence: number;
  /** What speaks for it, one sentence for the incident. */
  readonly because: string;
  /** Why these signs mean this, with the source. */
  readonly reason: string;
  /** The polled figures that it rests on. */
  readonly metrics: readonly RuleMetricName[];
}

/** What cannot be told apart yet, because nothing measures the sign that would do it. */
export interface WaitingSignature {
  readonly id: string;
  readonly cause: string;
  readonly reason: string;
  /** What an agent would have to bring. */
  readonly waitingFor: readonly string[];
}

/** First match wins: what needs more signs stands first. */
export const SIGNATURES: readonly Signature[] = [
  {
    id: 'congestion',
    cause: 'congestion',
    root: ['utilisation'],
    on: ['interface'],
    with: ['loss'],
    confidence: 0.9,
    because: 'the port is full and packets are lost on its link: the queue overflows',
    reason:
      'A queue that is offered more than the line carries grows, delays, and then drops (Nichols and Jacobson, Controlling Queue Delay, ACM Queue 2012; RFC 7567).',
    metrics: ['if_in_utilisation_ratio', 'if_out_utilisation_ratio', 'stamp_loss_ratio'],
  },
  {
    id: 'congestion-delay',
    cause: 'congestion',
    root: ['utilisation'],
    on: ['interface'],
    with: ['latency'],
    confidence: 0.85,
    because: 'the port is full and its link is slow: packets wait in the queue',
    reason:
      'Delay that comes with load is the queue (Nichols and Jacobson, Controlling Queue Delay, ACM Queue 2012).',
    metrics: ['if_in_utilisation_ratio', 'if_out_utilisation_ratio', 'stamp_rtt_ms'],
  },
  {
    id: 'line-fault',
    cause: 'line errors',
    root: ['errors'],
    on: ['interface'],
    with: ['loss'],
    without: ['utilisation'],
    confidence: 0.9,
    because: 'frames arrive damaged and packets are lost although the line is not full',
    reason:
      'ifInErrors counts frames that could not be delivered because they were damaged (RFC 2863); load does not damage frames, so loss with errors and without load is the line.',
    metrics: ['if_in_errors_per_s', 'stamp_loss_ratio', 'if_in_utilisation_ratio'],
  },
  {
    id: 'device-overload',
    cause: 'processor busy',
    root: ['resources'],
    on: ['device'],
    confidence: 0.8,
    because: 'the processor or memory of the device is used up',
    reason:
      'Above 90 % for minutes: the network templates of Zabbix. Routers answer echoes and SNMP in software, which is starved first.',
    metrics: ['device_cpu_ratio', 'device_memory_ratio'],
  },
  {
    id: 'route-change',
    cause: 'high latency',
    root: ['latency'],
    on: ['link'],
    without: ['loss', 'utilisation', 'errors', 'discards'],
    confidence: 0.6,
    because:
      'it is slower without losing packets and without load on its ports, as after a change of the route; the path itself is not measured',
    reason:
      'A step of the delay without loss or load is most often another path (Paxson, End-to-End Routing Behavior in the Internet, 1997); sure only when the path is traced.',
    metrics: ['stamp_rtt_ms', 'stamp_loss_ratio', 'if_in_utilisation_ratio'],
  },
  {
    id: 'circuit-down',
    cause: 'circuit down',
    root: ['unreachable'],
    on: ['link'],
    confidence: 0.8,
    because: 'nothing comes through the circuit, and what stands in front of it answers',
    reason: 'Ten packets 100 ms apart, all lost, and no other probe answered since (design 6.16).',
    metrics: ['icmp_loss_ratio', 'icmp_confirm_loss_ratio'],
  },
  {
    id: 'device-off',
    cause: 'device down',
    root: ['unreachable'],
    on: ['device'],
    confidence: 0.8,
    because: 'the device does not answer, and what stands in front of it does',
    reason: 'As for circuits; a time-out of SNMP alone is never an outage (design 6.16).',
    metrics: ['icmp_loss_ratio', 'icmp_confirm_loss_ratio', 'snmp_answered'],
  },
];

/**
 * Told by alerts that come together, not by the kinds of their symptoms: `rules/correlate` finds them
 * by the stated argument about chance, and the incident says the figures.
 */
export const GROUP_SIGNATURES: readonly Pick<Signature, 'id' | 'reason' | 'metrics'>[] = [
  {
    id: 'site-power',
    reason:
      'All circuits of a site, of several providers, fail within seconds and nothing in it answers any more: its power or its edge, since two providers do not fail in one moment by chance.',
    metrics: ['icmp_loss_ratio', 'icmp_confirm_loss_ratio'],
  },
  {
    id: 'provider-outage',
    reason:
      'Circuits that share a provider, a point of presence or a last mile fail within seconds beyond what chance allows (design 6.5; rules/correlate/shared-fate.ts).',
    metrics: ['icmp_loss_ratio', 'icmp_confirm_loss_ratio'],
  },
];

/** Faults that have a name and no sign yet; they are not pretended. */
export const WAITING_SIGNATURES: readonly WaitingSignature[] = [
  {
    id: 'duplex-mismatch',
    cause: 'duplex mismatch',
    reason:
      'Late collisions on the half-duplex end and FCS errors on the other, growing with the load (Shalunov and Carlson, Detecting Duplex Mismatch on Ethernet, PAM 2005).',
    waitingFor: ['dot3StatsDuplexStatus', 'dot3StatsLateCollisions', 'dot3StatsFCSErrors'],
  },
  {
    id: 'traced-route-change',
    cause: 'route change',
    reason: 'The list of hops before and after the step, and the first hop that differs.',
    waitingFor: ['hops of the path (traceroute)'],
  },
  {
    id: 'first-dead-hop',
    cause: 'provider network fault',
    reason: 'Circuits whose paths end at the same hop share what failed there.',
    waitingFor: ['hops of the path (traceroute)'],
  },
  {
    id: 'software-defect',
    cause: 'software defect',
    reason: 'Devices of one version that fail together beyond what chance allows.',
    waitingFor: ['software version (sysDescr, entPhysicalSoftwareRev)'],
  },
  {
    id: 'last-gasp',
    cause: 'power loss',
    reason:
      'A device that sends a dying gasp, or an agent on a battery that says so, lost its power and not its circuit.',
    waitingFor: ['dying gasp trap', 'battery state of the agent'],
  },
];
