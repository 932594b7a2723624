import { minutes, seconds } from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';

/** What SNMP tells of devices, and what silence tells of our own agents. */
export const DEVICE_RULES: readonly Rule[] = [
  {
    id: 'snmp-silent',
    on: ['device'],
    detector: { kind: 'snmp-silent', after: seconds(15) },
    holdFor: seconds(0),
    clearAfter: seconds(10),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'SNMP silent',
    reason:
      'Three polls in a row without an answer, with the retries of each; after the first one the agent asks again every 10 s. A time-out of SNMP alone is never an outage. Zabbix waits 5 min; we do not page for it, so it may be told sooner.',
    advice: [
      'Does the device answer echoes? Then it works and only its management is blind.',
      'Was the community, the user or an access list changed?',
      'Look at its processor: SNMP is the first thing a busy router drops. Restart its SNMP service.',
    ],
    enabled: true,
  },
  {
    id: 'agent-silent',
    on: ['agent'],
    detector: { kind: 'agent-silent', after: seconds(12) },
    holdFor: seconds(0),
    clearAfter: seconds(10),
    severity: 'critical',
    disturbance: 'outage',
    cause: 'agent silent',
    reason:
      'An agent is heard at least every 5 s; 12 s are two missed heartbeats and a margin (design 6.7).',
    advice: [
      'Is the site’s circuit down? The agent sits behind it and falls silent with it.',
      'If the site answers, look at the machine of the agent: power, disk, `systemctl status vedette-agent`.',
      'Nothing is lost: the agent keeps its samples and sends them later.',
    ],
    enabled: true,
  },
  {
    id: 'device-cpu',
    on: ['device'],
    detector: {
      kind: 'threshold',
      metric: 'device_cpu_ratio',
      over: minutes(5),
      band: { raiseAt: 0.9, clearAt: 0.8 },
    },
    holdFor: minutes(5),
    clearAfter: minutes(1),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'processor busy',
    reason:
      'Above 90 % for 5 min: the network templates of Zabbix. It must still be so 5 min later, because slow tables are read every 5 min and one reading is an accident.',
    advice: [
      'Look at the processes of the device: routing protocol, SNMP, or traffic in software?',
      'Look for a loop or a flood: packets per second on its ports.',
      'If it began with a change, take the change back.',
    ],
    enabled: true,
  },
  {
    id: 'device-overloaded',
    on: ['device'],
    detector: {
      kind: 'expression',
      raise:
        'mean(device_cpu_ratio, 5 min) > 85 % and (mean(icmp_loss_ratio, 2 min) > 5 % or mean(icmp_jitter_ms, 2 min) > 20 ms)',
      clear:
        'mean(device_cpu_ratio, 5 min) < 75 % or (mean(icmp_loss_ratio, 2 min) < 1 % and mean(icmp_jitter_ms, 2 min) < 10 ms)',
    },
    holdFor: seconds(0),
    clearAfter: minutes(1),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'overloaded',
    reason:
      'The processor is busy and the device’s own echoes are lost or late: routers answer them in software, which is starved first, and routing protocols live there too. Either alone is less: a busy processor that still answers does its work, lost echoes with an idle processor are the line. Jitter, not delay, tells late, since it does not depend on how far away the device is (5 %, 20 ms and 85 %: own choice; 90 % alone is told by device-cpu after ten minutes).',
    advice: [
      'Which process? Routing protocol, SNMP, or packets that the hardware hands to software.',
      'Look for a loop, a flood or a scan: packets per second on its ports.',
      'If it began with a change, take the change back.',
    ],
    enabled: true,
  },
  {
    id: 'device-memory',
    on: ['device'],
    detector: {
      kind: 'threshold',
      metric: 'device_memory_ratio',
      over: minutes(5),
      band: { raiseAt: 0.9, clearAt: 0.85 },
    },
    holdFor: minutes(5),
    clearAfter: minutes(1),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'memory nearly full',
    reason:
      'Above 90 % for 5 min: the network templates of Zabbix; confirmed by a second reading 5 min later.',
    advice: [
      'Does it rise steadily? That is a leak: plan a restart before it happens by itself.',
      'Look at the size of the routing and session tables.',
      'Look for a known defect of its software version.',
    ],
    enabled: true,
  },
  {
    id: 'device-temperature',
    on: ['device'],
    detector: {
      kind: 'threshold',
      metric: 'device_temperature_celsius',
      over: minutes(5),
      band: { raiseAt: 75, clearAt: 70 },
    },
    holdFor: seconds(0),
    clearAfter: minutes(1),
    severity: 'minor',
    disturbance: 'degradation',
    cause: 'too hot',
    reason:
      'The hottest sensor above 75 °C: chips of branch routers run at 50 to 65 °C and are shut off from about 90 °C (own choice; set it for your devices).',
    advice: [
      'Ask for the temperature of the room: air conditioning, closed cabinet door, blocked vents.',
      'Look at the fans of the device.',
      'If it goes on rising, shut down what can be spared before the device does it.',
    ],
    enabled: true,
  },
];
