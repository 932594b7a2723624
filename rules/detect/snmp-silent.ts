import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { defineJudge, type Judge } from './watched.ts';
import { durationText } from './wording.ts';

/** As snapshots have it. */
interface SilentState {
  /** First unanswered poll of the run; 0 = it answers. */
  readonly since: EpochMs;
  /** Unanswered polls of the run. Absent in snapshots from before polls were counted. */
  readonly polls?: number;
}
/** The same as numbers. */
const SINCE = 0;
const POLLS = 1;

/** One lost poll, with its tries, is a busy processor; three in a row are none. */
const LEAST_POLLS = 3;

/** No poll answered for `after`, and at least three. Says nothing about the device itself. */
export function snmpSilentJudge({ after }: Extract<Detector, { kind: 'snmp-silent' }>): Judge {
  return defineJudge<SilentState>({
    metrics: ['snmp_answered'],
    first: [0, 0],
    observe(base, _input, { at, value, watched: { marks } }) {
      if (value > 0) {
        marks[base + SINCE] = marks[base + POLLS] = 0;
        return 'normal';
      }
      if (marks[base + SINCE] === 0) marks[base + SINCE] = at;
      const polls = (marks[base + POLLS] as number) + 1;
      marks[base + POLLS] = polls;
      const isLong = at - (marks[base + SINCE] as number) >= after && polls >= LEAST_POLLS;
      return isLong ? 'breached' : 'unknown';
    },
    finding(base, { marks }, at) {
      const since = marks[base + SINCE] as number;
      return {
        metric: 'snmp_answered',
        onsetAt: epochMs(since || at),
        observed: 0,
        expected: 1,
        text: `no SNMP poll answered for ${durationText(at - since)}`,
      };
    },
    cleared: () => 'it answers SNMP again',
    save: (base, { marks }) => ({
      since: marks[base + SINCE] as EpochMs,
      polls: marks[base + POLLS] as number,
    }),
    load(base, { marks }, { since, polls = 0 }) {
      marks[base + SINCE] = since;
      marks[base + POLLS] = polls;
    },
  });
}
