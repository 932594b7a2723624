import { type EpochMs, epochMs, minutes } from '../../protocol/model/units.ts';
import type { Verdict } from './alert-state.ts';
import { defineJudge, type Feed, type Judge } from './watched.ts';

interface PortState {
  isAdminUp: boolean;
  hasBeenUp: boolean;
  isUp: boolean;
  /** First poll of the run of "down"; 0 = up. */
  downSince: EpochMs;
}

/** Ports come up one after the other while a device boots. */
const BOOT_GRACE = minutes(2);
const ADMIN = 0;

/** Operationally down while administratively up, after it has been seen up. */
export function interfaceDownJudge(): Judge {
  return defineJudge<PortState>({
    metrics: ['if_admin_up', 'if_oper_up'],
    create: () => ({ isAdminUp: true, hasBeenUp: false, isUp: false, downSince: epochMs(0) }),
    observe(state, input, feed): Verdict {
      if (input === ADMIN) {
        state.isAdminUp = feed.value > 0;
        // Its operational state is in the same poll and speaks next.
        return 'unknown';
      }
      state.isUp = feed.value > 0;
      if (state.isUp) state.hasBeenUp = true;
      if (state.isUp || !state.isAdminUp) {
        state.downSince = epochMs(0);
        return 'normal';
      }
      if (!state.hasBeenUp) return 'normal';
      if (isBooting(feed)) return 'unknown';
      if (state.downSince === 0) state.downSince = feed.at;
      return 'breached';
    },
    finding: (state, _watched, at) => ({
      metric: 'if_oper_up',
      onsetAt: state.downSince === 0 ? at : state.downSince,
      observed: 0,
      expected: 1,
      text: 'operationally down while administratively up',
    }),
    cleared: (state) => (state.isUp ? 'it is up again' : 'it was shut down by an administrator'),
  });
}

function isBooting({ watched, at }: Feed): boolean {
  const clock = watched.device?.clock;
  return clock !== undefined && clock.restartedAt > 0 && at - clock.bootedAt < BOOT_GRACE;
}
