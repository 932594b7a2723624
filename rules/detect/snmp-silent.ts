import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { defineJudge, type Judge } from './watched.ts';
import { durationText } from './wording.ts';

interface SilentState {
  /** First unanswered poll of the run; 0 = it answers. */
  since: EpochMs;
  /** Unanswered polls of the run. Absent in snapshots from before polls were counted. */
  polls?: number;
}

/** One lost poll, with its tries, is a busy processor; three in a row are none. */
const LEAST_POLLS = 3;

/** No poll answered for `after`, and at least three. Says nothing about the device itself. */
export function snmpSilentJudge({ after }: Extract<Detector, { kind: 'snmp-silent' }>): Judge {
  return defineJudge<SilentState>({
    metrics: ['snmp_answered'],
    create: () => ({ since: epochMs(0) }),
    observe(state, _input, { at, value }) {
      if (value > 0) {
        state.since = epochMs(0);
        state.polls = 0;
        return 'normal';
      }
      if (state.since === 0) state.since = at;
      state.polls = (state.polls ?? 0) + 1;
      const isLong = at - state.since >= after && state.polls >= LEAST_POLLS;
      return isLong ? 'breached' : 'unknown';
    },
    finding: (state, _watched, at) => ({
      metric: 'snmp_answered',
      onsetAt: state.since === 0 ? at : state.since,
      observed: 0,
      expected: 1,
      text: `no SNMP poll answered for ${durationText(at - state.since)}`,
    }),
    cleared: () => 'it answers SNMP again',
  });
}
