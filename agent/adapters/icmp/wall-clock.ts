import { type ErrorEstimate, errorEstimateOf } from '../../../protocol/wire/stamp-packet.ts';
import type { Libc } from './libc.ts';
import { CLOCK_REALTIME } from './linux.ts';

interface WallTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The clock that kernel stamps come from, CLOCK_REALTIME, read with the same precision. */
export interface WallClock {
  /** The object is reused by the next call. */
  now(): WallTime;
  /** How good this clock is by the kernel's own account; asked anew after 64 s. */
  quality(steadyMs: number): ErrorEstimate;
}

/** What `adjtimex` returns while nothing (NTP, PTP, a hypervisor) disciplines the clock. */
const TIME_ERROR = 5;
/** struct timex on 64 bits: maxerror in microseconds at 24. */
const MAX_ERROR_AT = 24;
const ASK_EVERY_MS = 64_000;

export function createWallClock(libc: Libc): WallClock {
  const timespec = libc.allocate(16);
  const words = new Uint32Array(timespec.bytes.buffer, 0, 4);
  const timex = libc.allocate(256);
  const time = { seconds: 0, nanoseconds: 0 };
  let estimate = errorEstimateOf(1, false);
  let askedAt = Number.NEGATIVE_INFINITY;

  return {
    now() {
      libc.clockGettime(CLOCK_REALTIME, timespec.address);
      time.seconds = words[0] as number;
      time.nanoseconds = words[2] as number;
      return time;
    },
    quality(steadyMs) {
      if (steadyMs - askedAt < ASK_EVERY_MS) return estimate;
      askedAt = steadyMs;
      timex.bytes.fill(0);
      const state = libc.adjtimex(timex.address);
      const maxErrorUs = Number(timex.view.getBigInt64(MAX_ERROR_AT, true));
      const isSynchronised = state >= 0 && state !== TIME_ERROR;
      estimate = errorEstimateOf(state < 0 ? 1 : maxErrorUs / 1e6, isSynchronised);
      return estimate;
    },
  };
}
