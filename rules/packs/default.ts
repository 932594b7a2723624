import { hours, minutes, seconds } from '../../protocol/model/units.ts';
import type { Rule, Timing } from '../settings.ts';
import { DEVICE_RULES } from './device-rules.ts';
import { GAUGE_RULES } from './gauge-rules.ts';
import { INTERFACE_RULES } from './interface-rules.ts';
import { PATH_RULES } from './path-rules.ts';
import { ROUTING_RULES } from './routing-rules.ts';
import { SERVICE_LEVEL_RULES } from './service-level-rules.ts';

/** The rules that ship. Every limit states its source; a configuration may change any of them. */
export const DEFAULT_RULES: readonly Rule[] = [
  ...PATH_RULES,
  ...INTERFACE_RULES,
  ...DEVICE_RULES,
  ...ROUTING_RULES,
  ...SERVICE_LEVEL_RULES,
  ...GAUGE_RULES,
];

export const DEFAULT_TIMING: Timing = {
  // A slow SNMP poll may be 54 s old when it is over (nine tenths of 60 s), then waits 5 s to be sent.
  lateAfter: seconds(90),
  // One lost batch or one skipped poll is not blindness; three periods are.
  staleIntervals: 3,
  // Two ICMP rounds, or one round with its burst and the way here.
  holdDown: seconds(10),
  // A circuit that comes and goes within half an hour is one disturbance, not several.
  reopenWithin: minutes(30),
  // One shift.
  acknowledgeFor: hours(8),
  // Half of all agents share nothing but the collector.
  collectorBlindShare: 0.5,
};
