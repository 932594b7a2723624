import type { EpochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { defineJudge, type Judge, type Watched } from './watched.ts';
import { durationText } from './wording.ts';

/** As snapshots have it. Among the numbers the time is the only one. */
interface HeardState {
  readonly heardAt: EpochMs;
}

/** Fed by the engine with the time of each input and whether the agent was heard in it (1 or 0). */
const heardAtOf = ({ marks }: Watched, base: number): EpochMs => marks[base] as EpochMs;

/** Neither batch nor heartbeat for `after`. The only judge that a clock moves: silence has no sample. */
export function agentSilentJudge({ after }: Extract<Detector, { kind: 'agent-silent' }>): Judge {
  return defineJudge<HeardState>({
    metrics: [],
    first: [0],
    observe(base, _input, { at, value, watched }) {
      if (value > 0) watched.marks[base] = at;
      return at - heardAtOf(watched, base) >= after ? 'breached' : 'normal';
    },
    finding(base, watched, at) {
      const heardAt = heardAtOf(watched, base);
      return {
        onsetAt: heardAt,
        observed: (at - heardAt) / 1000,
        expected: after / 1000,
        text: `neither data nor heartbeat for ${durationText(at - heardAt)}`,
      };
    },
    cleared: () => 'it is heard again',
    save: (base, watched) => ({ heardAt: heardAtOf(watched, base) }),
    load(base, { marks }, { heardAt }) {
      marks[base] = heardAt;
    },
  });
}
