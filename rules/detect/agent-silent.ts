import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { defineJudge, type Judge } from './watched.ts';
import { durationText } from './wording.ts';

/** Fed by the engine with the time of each input and whether the agent was heard in it (1 or 0). */
interface HeardState {
  heardAt: EpochMs;
}

/** Neither batch nor heartbeat for `after`. The only judge that a clock moves: silence has no sample. */
export function agentSilentJudge({ after }: Extract<Detector, { kind: 'agent-silent' }>): Judge {
  return defineJudge<HeardState>({
    metrics: [],
    create: () => ({ heardAt: epochMs(0) }),
    observe(state, _input, { at, value }) {
      if (value > 0) state.heardAt = at;
      return at - state.heardAt >= after ? 'breached' : 'normal';
    },
    finding: (state, _watched, at) => ({
      onsetAt: state.heardAt,
      observed: (at - state.heardAt) / 1000,
      expected: after / 1000,
      text: `neither data nor heartbeat for ${durationText(at - state.heardAt)}`,
    }),
    cleared: () => 'it is heard again',
  });
}
