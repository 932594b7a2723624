import { type EpochMs, epochMs, minutes } from '../../protocol/model/units.ts';
import type { Verdict } from './alert-state.ts';
import { defineJudge, type Feed, type Judge } from './watched.ts';

/** As snapshots have it. */
interface PortState {
  readonly isAdminUp: boolean;
  readonly hasBeenUp: boolean;
  readonly isUp: boolean;
  /** First poll of the run of "down"; 0 = up. */
  readonly downSince: EpochMs;
}
/** The same as numbers. */
const IS_ADMIN_UP = 0;
const HAS_BEEN_UP = 1;
const IS_UP = 2;
const DOWN_SINCE = 3;

/** Ports come up one after the other while a device boots. */
const BOOT_GRACE = minutes(2);
const ADMIN = 0;

/** Operationally down while administratively up, after it has been seen up. */
export function interfaceDownJudge(): Judge {
  return defineJudge<PortState>({
    metrics: ['if_admin_up', 'if_oper_up'],
    first: [1, 0, 0, 0],
    observe(base, input, feed): Verdict {
      const { marks } = feed.watched;
      const isUp = feed.value > 0;
      if (input === ADMIN) {
        marks[base + IS_ADMIN_UP] = Number(isUp);
        // Its operational state is in the same poll and speaks next.
        return 'unknown';
      }
      marks[base + IS_UP] = Number(isUp);
      if (isUp) marks[base + HAS_BEEN_UP] = 1;
      if (isUp || marks[base + IS_ADMIN_UP] === 0) {
        marks[base + DOWN_SINCE] = 0;
        return 'normal';
      }
      if (marks[base + HAS_BEEN_UP] === 0) return 'normal';
      if (isBooting(feed)) return 'unknown';
      if (marks[base + DOWN_SINCE] === 0) marks[base + DOWN_SINCE] = feed.at;
      return 'breached';
    },
    finding: (base, { marks }, at) => ({
      metric: 'if_oper_up',
      onsetAt: epochMs((marks[base + DOWN_SINCE] as number) || at),
      observed: 0,
      expected: 1,
      text: 'operationally down while administratively up',
    }),
    cleared: (base, { marks }) =>
      marks[base + IS_UP] === 1 ? 'it is up again' : 'it was shut down by an administrator',
    save: (base, { marks }) => ({
      isAdminUp: marks[base + IS_ADMIN_UP] === 1,
      hasBeenUp: marks[base + HAS_BEEN_UP] === 1,
      isUp: marks[base + IS_UP] === 1,
      downSince: marks[base + DOWN_SINCE] as EpochMs,
    }),
    load(base, { marks }, { isAdminUp, hasBeenUp, isUp, downSince }) {
      marks[base + IS_ADMIN_UP] = Number(isAdminUp);
      marks[base + HAS_BEEN_UP] = Number(hasBeenUp);
      marks[base + IS_UP] = Number(isUp);
      marks[base + DOWN_SINCE] = downSince;
    },
  });
}

function isBooting({ watched, at }: Feed): boolean {
  const clock = watched.device?.clock;
  return clock !== undefined && clock.restartedAt > 0 && at - clock.bootedAt < BOOT_GRACE;
}
