import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { defineJudge, type Judge } from './watched.ts';
import { durationText } from './wording.ts';

interface SilentState {
  /** First unanswered poll of the run; 0 = it answers. */
  since: EpochMs;
}

/** No poll answered for `after`. Says nothing about the device itself. */
export function snmpSilentJudge({ after }: Extract<Detector, { kind: 'snmp-silent' }>): Judge {
  return defineJudge<SilentState>({
    metrics: ['snmp_answered'],
    create: () => ({ since: epochMs(0) }),
    observe(state, _input, { at, value }) {
      if (value > 0) {
        state.since = epochMs(0);
        return 'normal';
      }
      if (state.since === 0) state.since = at;
      return at - state.since >= after ? 'breached' : 'unknown';
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
