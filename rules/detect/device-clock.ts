import { type DurationMs, durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';

/** What a device's uptime and engine boots told so far; -1 and 0 = not known. Plain data. */
export interface DeviceClock {
  ticks: number;
  ticksAt: EpochMs;
  boots: number;
  /** Sample that showed the newest restart; counters read before it are of another life. */
  restartedAt: EpochMs;
  /** When that life began, by the device's own uptime. */
  bootedAt: EpochMs;
}

/** sysUpTime counts hundredths of a second in 32 bits: it wraps after 497.1 days. */
const TICKS_WRAP = 2 ** 32;
const TICK_MS = 10;
/** The agent's clock and the device's disagree by at most this much over one interval. */
const TOLERANCE_MS = 10_000;
const TOLERANCE_SHARE = 0.05;

export const createDeviceClock = (): DeviceClock => ({
  ticks: -1,
  ticksAt: epochMs(0),
  boots: -1,
  restartedAt: epochMs(0),
  bootedAt: epochMs(0),
});

type UptimeOutcome = 'running' | 'wrapped' | 'restarted';

/**
 * Tells a restart from the 497-day wrap of sysUpTime. Restarted: the uptime is less than the time
 * since the last poll, or went back by another amount than the wrap.
 */
export function uptimeOutcome(
  before: { readonly ticks: number; readonly at: EpochMs },
  now: { readonly ticks: number; readonly at: EpochMs },
): UptimeOutcome {
  const elapsedMs = now.at - before.at;
  const tolerance = TOLERANCE_MS + TOLERANCE_SHARE * elapsedMs;
  const expected = before.ticks + elapsedMs / TICK_MS;
  const asWrapped = Math.abs(now.ticks + TICKS_WRAP - expected) * TICK_MS;
  if (now.ticks < before.ticks) return asWrapped <= tolerance ? 'wrapped' : 'restarted';
  return now.ticks * TICK_MS + tolerance < elapsedMs ? 'restarted' : 'running';
}

/** Notes sysUpTime; the uptime of the new life when the device has restarted. */
export function noteUptime(clock: DeviceClock, at: EpochMs, ticks: number): DurationMs | undefined {
  const outcome =
    clock.ticks < 0
      ? 'first'
      : uptimeOutcome({ ticks: clock.ticks, at: clock.ticksAt }, { ticks, at });
  clock.ticks = ticks;
  clock.ticksAt = at;
  return outcome === 'restarted' ? restarted(clock, at) : undefined;
}

/** Notes snmpEngineBoots, which only grows; the uptime when it did. */
export function noteBoots(clock: DeviceClock, at: EpochMs, boots: number): DurationMs | undefined {
  const hasGrown = clock.boots >= 0 && boots > clock.boots;
  clock.boots = boots;
  // The uptime of the same poll has told it already.
  if (!hasGrown || clock.restartedAt === at) return undefined;
  return restarted(clock, at);
}

function restarted(clock: DeviceClock, at: EpochMs): DurationMs {
  const uptime = clock.ticksAt === at ? clock.ticks * TICK_MS : 0;
  clock.restartedAt = at;
  clock.bootedAt = epochMs(at - uptime);
  return durationMs(uptime);
}
