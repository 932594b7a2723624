import { hours, minutes, seconds } from '../../protocol/model/units.ts';
import type { BurnWindow, Rule } from '../settings.ts';

/** Google SRE workbook, chapter 5, table 5-8: 2 % of a month's budget in 1 h, 5 % in 6 h, 10 % in 3 d. */
const BURN_WINDOWS: readonly BurnWindow[] = [
  { long: hours(1), short: minutes(5), factor: 14.4 },
  { long: hours(6), short: minutes(30), factor: 6 },
  { long: hours(72), short: hours(6), factor: 1 },
];

/** A quarter: so long the delivery of a bigger circuit takes at most carriers. */
const PLAN_WITHIN = hours(90 * 24);

const FORECAST: Pick<
  Rule,
  'holdFor' | 'clearAfter' | 'severity' | 'disturbance' | 'enabled' | 'advice'
> = {
  holdFor: seconds(0),
  clearAfter: seconds(0),
  severity: 'warning',
  disturbance: 'degradation',
  advice: [
    'Nothing is broken: this is a finding for planning and never an incident.',
    'Look at the graph of the last six weeks: is the growth wanted?',
    'Order more in time, or find out what grows and stop it.',
  ],
  enabled: true,
};

/** What users get over time: rhythms, growth, promises, voice. None of these pages anybody. */
export const SERVICE_LEVEL_RULES: readonly Rule[] = [
  {
    id: 'link-error-budget',
    on: ['link'],
    where: { linkKinds: ['wan', 'internet', 'overlay'] },
    detector: {
      kind: 'burn-rate',
      metric: 'stamp_loss_ratio',
      also: ['icmp_loss_ratio'],
      badAt: 0.2,
      objective: 0.999,
      windows: BURN_WINDOWS,
    },
    holdFor: seconds(0),
    clearAfter: seconds(0),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'error budget burning',
    reason:
      'A minute is bad when a fifth of its packets are lost (ITU-T Y.1540 calls the service unavailable from there on). 99.9 % is what carriers commonly promise for a single circuit: 43 bad minutes a month (own choice; set yours). Burn rates 14.4 over 1 h and 5 min, 6 over 6 h and 30 min, 1 over 3 d and 6 h: Google SRE workbook, chapter 5. An outage that has its own alert does not count, unless there were three or more: many short ones are the trouble that nobody tells.',
    advice: [
      'Look at the list of bad minutes: at which hours, and does another circuit of the provider do the same?',
      'Count them against the contract and open a case with the provider with the list.',
      'Move what is sensitive to another circuit until the cause is found.',
    ],
    enabled: true,
  },
  {
    id: 'voice-quality',
    on: ['link'],
    where: { linkKinds: ['wan', 'internet', 'overlay'] },
    detector: {
      kind: 'threshold',
      metric: 'path_mos',
      over: minutes(1),
      band: { raiseAt: 3.6, clearAt: 3.8 },
    },
    holdFor: minutes(4),
    clearAfter: minutes(1),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'voice sounds bad',
    reason:
      'Below a score of 3.6 (rating 70) many users are dissatisfied: ITU-T G.107 annex B and G.109. In each of five minutes in a row, since a minute in which a line fails sounds bad too; clears above 3.8. Delay, jitter and loss may each be within their limits and be too much together.',
    advice: [
      'Which part is it: loss, jitter or delay? The graphs of the link at the same time tell.',
      'Look at the QoS class of voice on both ends: is it marked, and has it bandwidth?',
      'Move calls to another circuit, or choose a codec with concealment.',
    ],
    enabled: true,
  },
  {
    id: 'interface-unusual-load',
    on: ['interface'],
    detector: {
      kind: 'profile',
      metric: 'if_in_utilisation_ratio',
      also: ['if_out_utilisation_ratio'],
      margin: 0.15,
      least: 0.3,
    },
    holdFor: seconds(0),
    clearAfter: seconds(0),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'unusual load',
    reason:
      'More than in the same hour of the last three weeks by 15 points of the line rate and half of what the weeks differ, for 32 min at just that, 11 at three times that (the evidence rule of the latency baseline). Below 30 % a line has room for surprises (own choice). A saturated line has its own rule.',
    advice: [
      'Who fills the line? Look at NetFlow or at the top talkers of the router.',
      'Backup, update or a new application? Then it will be usual in two weeks.',
      'At night from a place that should sleep: tell security.',
    ],
    enabled: true,
  },
  {
    ...FORECAST,
    id: 'interface-load-forecast',
    on: ['interface'],
    detector: {
      kind: 'forecast',
      metric: 'if_in_utilisation_ratio',
      also: ['if_out_utilisation_ratio'],
      raiseAt: 0.8,
      within: PLAN_WITHIN,
    },
    cause: 'line will be full',
    reason:
      'Daily peaks (95th percentile, as lines are billed) that grow towards 80 %, the usual point to order more: from there on queues double with every few points. A robust line through six weeks, only when the growth is beyond chance (1 in 1,000) and no single step; told within a quarter.',
  },
  {
    ...FORECAST,
    id: 'device-memory-forecast',
    on: ['device'],
    detector: {
      kind: 'forecast',
      metric: 'device_memory_ratio',
      raiseAt: 0.9,
      within: PLAN_WITHIN,
    },
    cause: 'memory will be full',
    reason:
      'Daily peaks that grow towards the 90 % of the rule device-memory: a leak, or tables that grow. A robust line through six weeks, only when the growth is beyond chance (1 in 1,000) and no single step; told within a quarter.',
  },
  {
    ...FORECAST,
    id: 'device-temperature-forecast',
    on: ['device'],
    detector: {
      kind: 'forecast',
      metric: 'device_temperature_celsius',
      raiseAt: 75,
      within: PLAN_WITHIN,
    },
    cause: 'will be too hot',
    reason:
      'Daily peaks that rise towards the 75 °C of the rule device-temperature: dust, a dying fan, or summer. A robust line through six weeks, only when the rise is beyond chance (1 in 1,000) and no single step; told within a quarter.',
  },
];
