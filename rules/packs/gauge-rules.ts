import { SUBJECT_KINDS } from '../../protocol/model/subject.ts';
import { minutes, seconds } from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';

/** What can be said of a number that nothing is known about: replay of foreign series. */
export const GAUGE_RULES: readonly Rule[] = [
  {
    id: 'gauge-unusual',
    on: SUBJECT_KINDS,
    detector: {
      kind: 'baseline',
      metric: 'gauge',
      side: 'both',
      atLeast: 0,
      share: 0.03,
      spread: 1.5,
      proof: minutes(20),
    },
    holdFor: seconds(0),
    clearAfter: minutes(43),
    severity: 'warning',
    disturbance: 'degradation',
    cause: 'unusual',
    reason:
      'Nothing is known of the number, so only its own past can be the measure: half as far again from the median as the outer 2 % ever went, on either side, and at least half the width of all it usually does.',
    advice: [
      'Look at the series over a week: is it a new level, a burst or a missed rhythm?',
      'What else changed at the onset: compare it with series of the same place.',
      'Give the number a metric of its own, or a rule with limits that mean something.',
    ],
    enabled: true,
  },
];
