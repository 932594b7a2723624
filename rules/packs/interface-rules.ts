import { minutes, seconds } from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';

/**
 * Odds of e^17 for trouble: 1,000 links have about 8,000 such series and 23 million polls a day, so
 * that even series at the very edge of what is usual raise less than one false alert a day
 * (Wald: a run ends in a false alarm with a probability of at most e^-17).
 */
const PROOF = 17;

/** What SNMP tells of ports. */
export const INTERFACE_RULES: readonly Rule[] = [
  {
    id: 'interface-down',
    on: ['interface'],
    detector: { kind: 'interface-down' },
    holdFor: seconds(0),
    clearAfter: seconds(10),
    severity: 'major',
    disturbance: 'outage',
    cause: 'interface down',
    reason:
      'Operationally down while administratively up, after it had been seen up (IF-MIB, RFC 2863). Ports that were shut down and ports never yet in use say nothing; for two minutes after a restart ports may still be coming up.',
    advice: [
      'Look at what is plugged in there: cable, transceiver, power of the device at the other end.',
      'Read the log of the device for the port: link flaps, error-disable, loop guard.',
      'If it is not in use any more, shut it down, and this clears.',
    ],
    enabled: true,
  },
  {
    id: 'interface-utilisation',
    on: ['interface'],
    detector: {
      kind: 'threshold',
      metric: 'if_in_utilisation_ratio',
      also: ['if_out_utilisation_ratio'],
      over: minutes(2),
      band: { raiseAt: 0.9, clearAt: 0.8 },
    },
    holdFor: seconds(0),
    clearAfter: seconds(45),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'congestion',
    reason:
      'Above 90 % queues grow without bound (Zabbix: 90 %, averaged over 15 min). Two minutes are four polls of a WAN link, so that a saturated line is known while users still suffer; clears below 80 %.',
    advice: [
      'Who fills the line? Look at NetFlow or at the top talkers of the router: backups and updates first.',
      'Stop or throttle the transfer, or mark it down in the QoS policy.',
      'If it happens daily, ask for more bandwidth: the graph is the reason.',
    ],
    enabled: true,
  },
  {
    id: 'interface-overflow',
    on: ['interface'],
    detector: {
      kind: 'expression',
      raise:
        'mean(if_out_utilisation_ratio, 2 min) > 70 % and mean(if_out_discards_per_s, 2 min) > 10 /s',
      clear:
        'mean(if_out_utilisation_ratio, 2 min) < 60 % or mean(if_out_discards_per_s, 2 min) < 2 /s',
    },
    holdFor: seconds(0),
    clearAfter: minutes(1),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'congestion',
    reason:
      'Load and discards together: a line that is 70 % full in the mean of two minutes and throws packets away is full in between, whatever the mean says (bursts are shorter than polls). Either alone may be harmless: discards without load are a class or a faster port, load without discards is a busy line (RFC 7567: the queue, not the load, is the trouble). 10 a second as in interface-discards; 70 % is own choice, below the 90 % that interface-utilisation tells without any discards.',
    advice: [
      'Which class loses packets? Look at the QoS queues of the port.',
      'Who fills the line? Look at NetFlow or at the top talkers of the router.',
      'Bursts from a faster port: shape them, or give the queue more room.',
    ],
    enabled: true,
  },
  {
    id: 'interface-errors',
    on: ['interface'],
    detector: {
      kind: 'surge',
      metric: 'if_in_errors_per_s',
      also: ['if_out_errors_per_s'],
      raiseAt: 0.1,
      youngAt: 2,
      times: 4,
      evidence: PROOF,
      perPacket: 1e-5,
    },
    holdFor: seconds(0),
    clearAfter: minutes(1),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'line errors',
    reason:
      'Four times the usual rate, at least 6 errors a minute: a clean line makes none for days (IEEE 802.3 asks for one lost frame in a million at most). In the first four hours, while the usual rate is not known, more than 2 a second, as in the network templates of Zabbix. Fewer than 1 in 100,000 packets harm no transfer (Mathis 1997) and say nothing. Proof: see PROOF; three polls at least.',
    advice: [
      'Which direction? Errors received point to the line or the far end, errors sent to this port.',
      'Compare speed and duplex of both ends; a mismatch gives errors that grow with the load.',
      'Clean or change fibre, cable or transceiver; look at the optical levels.',
    ],
    enabled: true,
  },
  {
    id: 'interface-discards',
    on: ['interface'],
    detector: {
      kind: 'surge',
      metric: 'if_out_discards_per_s',
      also: ['if_in_discards_per_s'],
      raiseAt: 10,
      youngAt: 10,
      times: 10,
      evidence: PROOF,
      perPacket: 1e-3,
    },
    holdFor: seconds(0),
    clearAfter: minutes(1),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'packets discarded',
    reason:
      'Good packets thrown away, ten times as many as usual, at least 10 a second and 1 in 1,000. TCP fills queues by design, and in the busy hour of a day it does so more than in the mean of the week: hence ten times, where errors have four (own choice).',
    advice: [
      'Look at the load of the port at the same time: a full queue, or bursts from a faster port.',
      'Look at the QoS queues: which class loses packets?',
      'Discards on receipt without load may be an unknown VLAN or protocol: harmless, and then a reason to raise the limit.',
    ],
    enabled: true,
  },
];
