import { minutes, seconds } from '../../protocol/model/units.ts';
import type { BeyondChance, Rule } from '../settings.ts';

/** See `LOSS_REASON` for the arithmetic. */
const LOSS: BeyondChance = { usual: 0.01, bad: 0.15, evidence: 14.6 };

/** Devices are ten times as many as links, and a link on their way tells of most of their loss first. */
const DEVICE_LOSS: BeyondChance = { ...LOSS, evidence: 22 };

const LOSS_REASON =
  'Echo by echo against the usual loss of the link, which is learned (at least 0.2 %; 1 % until it is known). At first a lost echo adds ln(15 %/1 %) = 2.71 to the evidence, an answered one takes ln(99 %/85 %) = 0.15 away, and one round adds at most a third of the 14.6 that are needed, so a single blip never suffices: a steady 20 % takes seven rounds of 5 echoes, 30 s, or about 20 s with the ten-echo bursts that an agent sends after a miss. A second sum looks for max(2 %, 4 x usual): 10 % in about a minute, 5 % in three, 2 % in a quarter of an hour or more. Computed as a Markov chain, 1,000 links with a steady 1 % of loss raise 0.6 false alerts a day; design budget: one. It ends when the odds that the loss is over are 400 to 1, so a steady loss is one alert: after a minute for 20 %, five for 5 %.';

const PATH_ADVICE = [
  'Is the incident on the provider’s side? Read the circuit number to the provider and ask for the state of the line and of the last mile.',
  'Look at the router’s WAN port: carrier, errors, last change, and whether the modem or NTU has power.',
  'Is there a second uplink? Check that traffic has moved to it, and tell the site what works.',
];

/** What ICMP and STAMP tell of links and devices. */
export const PATH_RULES: readonly Rule[] = [
  {
    id: 'link-unreachable',
    on: ['link'],
    detector: { kind: 'unreachable', probe: 'any', missed: 3, outOf: 3 },
    holdFor: seconds(0),
    clearAfter: seconds(10),
    severity: 'critical',
    disturbance: 'outage',
    cause: 'circuit down',
    reason:
      'Ten packets 100 ms apart after the first miss, all lost, and no other probe answered since: at 20 % loss that happens by chance once in ten million bursts (0.2^10). Without bursts three rounds, as in the network templates of Zabbix. It clears after 10 s of answers.',
    advice: PATH_ADVICE,
    enabled: true,
  },
  {
    id: 'device-unreachable',
    on: ['device'],
    detector: { kind: 'unreachable', probe: 'any', missed: 3, outOf: 3 },
    holdFor: seconds(0),
    clearAfter: seconds(10),
    severity: 'critical',
    disturbance: 'outage',
    cause: 'unreachable',
    reason:
      'Ten echoes 100 ms apart after the first miss, all lost, and neither SNMP nor another agent had an answer since. Without bursts three rounds, as in the network templates of Zabbix. It clears after 10 s of answers.',
    advice: [
      'Ping the device from another place, and the device in front of it: the nearest one that does not answer is the one to visit.',
      'Ask someone on site for power and lights on the device.',
      'Was it changed or upgraded tonight? Look at the change calendar and at its console.',
    ],
    enabled: true,
  },
  {
    id: 'link-loss',
    on: ['link'],
    detector: {
      kind: 'threshold',
      metric: 'stamp_loss_ratio',
      also: ['icmp_loss_ratio'],
      over: minutes(2),
      band: { raiseAt: 0.02, clearAt: 0.01 },
      beyondChance: LOSS,
    },
    holdFor: seconds(0),
    clearAfter: seconds(0),
    severity: 'major',
    disturbance: 'degradation',
    cause: 'packet loss',
    reason: LOSS_REASON,
    advice: [
      'Look at the load of the link: loss with a full line is congestion, loss on an idle line is a bad line.',
      'Look at errors and discards of both ports and at the duplex setting.',
      'Send the provider the graph with the time it began and the circuit number.',
    ],
    enabled: true,
  },
  {
    id: 'device-loss',
    on: ['device'],
    detector: {
      kind: 'threshold',
      metric: 'icmp_loss_ratio',
      also: ['stamp_loss_ratio'],
      over: minutes(2),
      band: { raiseAt: 0.02, clearAt: 0.01 },
      beyondChance: DEVICE_LOSS,
    },
    holdFor: seconds(0),
    clearAfter: seconds(0),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'packet loss',
    reason: `${LOSS_REASON} Devices are many, so here 22 are needed instead of 14.6, a tenth of a hundredth of the false alerts (e^-7.4), and a steady 20 % takes ten rounds.`,
    advice: [
      'Does everything behind the same link lose packets? Then it is the link, not the device.',
      'Look at the device’s processor: a busy router answers echoes last.',
      'Look at errors of the port that leads to it, and change the cable.',
    ],
    enabled: true,
  },
  {
    id: 'link-latency',
    on: ['link'],
    where: { linkKinds: ['wan', 'internet', 'overlay'] },
    detector: {
      kind: 'threshold',
      metric: 'stamp_rtt_ms',
      also: ['icmp_rtt_ms'],
      over: seconds(30),
      band: { raiseAt: 150, clearAt: 120 },
      unlessUsual: true,
    },
    holdFor: seconds(15),
    clearAfter: seconds(45),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'high latency',
    reason:
      'Round trip above 150 ms, the limit of the network templates of Zabbix and where talking begins to suffer (ITU-T G.114: 150 ms one way). Judged on the mean of 30 s that stays above for 15 s, about a minute in all; clears below 120 ms. Silent where the line usually is beyond 120 ms, as a satellite link is: there its baseline tells (link-latency-shift), and until that is known what has been so since the first sample is no change.',
    advice: [
      'Look at the load of the link: a full queue adds delay and jitter.',
      'Trace the path: did it move to a longer route or to the backup?',
      'Ask the provider for a change of route at the time it began.',
    ],
    enabled: true,
  },
  {
    id: 'lan-latency',
    on: ['link'],
    where: { linkKinds: ['lan'] },
    detector: {
      kind: 'threshold',
      metric: 'stamp_rtt_ms',
      also: ['icmp_rtt_ms'],
      over: seconds(30),
      band: { raiseAt: 20, clearAt: 10 },
    },
    holdFor: seconds(15),
    clearAfter: seconds(45),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'high latency',
    reason:
      'A switched LAN answers in about a millisecond; 20 ms over half a minute is a queue or a loop, while a router that is slow to answer echoes stays below (own choice). Clears below 10 ms.',
    advice: [
      'Look for a loop: broadcast rate and flapping MAC addresses on the switches.',
      'Find the port with the highest load and discards on the way.',
      'Look at the processor of the devices on both ends.',
    ],
    enabled: true,
  },
  {
    id: 'link-latency-shift',
    on: ['link'],
    where: { linkKinds: ['wan', 'internet', 'overlay'] },
    detector: {
      kind: 'baseline',
      metric: 'stamp_rtt_ms',
      also: ['icmp_rtt_ms'],
      side: 'above',
      atLeast: 5,
      share: 0.03,
      spread: 0.5,
      proof: minutes(26),
    },
    holdFor: seconds(0),
    clearAfter: minutes(43),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'slower than usual',
    reason:
      'Above the median of about a week by 5 ms, 3 % and half the distance to its 95th percentile, whichever is most, for 25 min at just that, 12 min at four times that. Measured on hand-labelled round trips of the RIPE Atlas (docs/detection.md): less margin tells of noise, more misses half of the changes of route. It clears when 45 min have passed without a point beyond the margin: bursts come in groups.',
    advice: [
      'Trace the path and compare it with an older trace: did it move to a longer route or to the backup?',
      'Look at the load of the link at the onset: a full queue adds delay and jitter.',
      'A lasting step without loss is often a change in the provider’s network: ask him, with the time it began.',
    ],
    enabled: true,
  },
  {
    id: 'lan-latency-shift',
    on: ['link'],
    where: { linkKinds: ['lan'] },
    detector: {
      kind: 'baseline',
      metric: 'stamp_rtt_ms',
      also: ['icmp_rtt_ms'],
      side: 'above',
      atLeast: 1,
      share: 0.03,
      spread: 3,
      proof: minutes(26),
    },
    holdFor: seconds(0),
    clearAfter: minutes(43),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'slower than usual',
    reason:
      'As link-latency-shift, but a LAN answers in less than a millisecond and its echoes wait for busy processors: 1 ms and three times the distance to the 95th percentile (own choice; no labelled LAN is known).',
    advice: [
      'Find the port with the highest load and discards on the way.',
      'Look at the processor of the devices on both ends: a busy one answers echoes late.',
      'Look for a loop: broadcast rate and flapping MAC addresses on the switches.',
    ],
    enabled: true,
  },
];
