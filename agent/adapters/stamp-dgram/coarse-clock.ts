import { errorEstimateOf, type WireTime } from '../../../protocol/wire/stamp-packet.ts';

/** Set anew this often, so that the clock follows what NTP does to the system's. */
const SET_EVERY_MS = 10_000;

/** What node:dgram's figures are off by when the main thread is busy (measured p99). */
export const COARSE_ERROR = errorEstimateOf(0.01, false);

export interface CoarseClock {
  now(): WireTime;
}

/** Wall clock in steps of microseconds, stamped by this process and not by the kernel. */
export function createCoarseClock(): CoarseClock {
  let offsetMs = 0;
  let setAt = Number.NEGATIVE_INFINITY;
  return {
    now() {
      const steady = performance.now();
      if (steady - setAt > SET_EVERY_MS) {
        offsetMs = Date.now() - steady;
        setAt = steady;
      }
      const ms = steady + offsetMs;
      const seconds = Math.floor(ms / 1000);
      return {
        seconds,
        nanoseconds: Math.min(999_999_999, Math.floor((ms - seconds * 1000) * 1e6)),
      };
    },
  };
}
