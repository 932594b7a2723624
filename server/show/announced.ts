import type { MaintenanceWindow } from '../../protocol/model/inventory.ts';
import type { EpochMs } from '../../protocol/model/units.ts';

/** More than this nobody reads; GET /api/v1/maintenance has them all. */
const MOST = 50;

/**
 * Windows in force now, and of those to come the next one of each name (a nightly one is unrolled
 * for weeks), soonest first.
 */
export function nowAndNext(
  windows: readonly MaintenanceWindow[],
  now: EpochMs,
): readonly MaintenanceWindow[] {
  const soonest = windows.filter(({ until }) => until > now).sort((a, b) => a.from - b.from);
  const named = new Set<string>();
  const kept = soonest.filter(({ from, name }) => {
    if (from <= now) return true;
    const isFirst = !named.has(name);
    named.add(name);
    return isFirst;
  });
  return kept.slice(0, MOST);
}

/** When `nowAndNext` changes at the earliest. */
export function nextTurn(windows: readonly MaintenanceWindow[], now: EpochMs): number {
  const turns = windows.flatMap(({ from, until }) => [from, until]).filter((at) => at > now);
  return turns.reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY);
}
