import { createTask, parse, validateDetailed } from 'node-cron';
import type { EpochMs } from '../protocol/model/units.ts';
import { DAY_MS, instantOf, localDay } from '../protocol/model/zoned-time.ts';

/** What is wrong with a cron expression; undefined when nothing is. */
export function cronProblem(expression: string): string | undefined {
  const { valid, errors } = validateDetailed(expression);
  return valid ? undefined : (errors[0]?.message ?? 'this is no cron expression');
}

/** Both a day of the month and a weekday: here both must hold, in Vixie cron either does. */
export function hasTwoDays(expression: string): boolean {
  const [, , day, , weekday] = expression.trim().split(/\s+/).slice(-5);
  const isOpen = (field: string | undefined) => field === undefined || /^[*?]$/.test(field);
  return !expression.startsWith('@') && !isOpen(day) && !isOpen(weekday);
}

/** Times of day at which it starts, as milliseconds since midnight. */
function clocksOf(expression: string): number[] {
  const { hour, minute, second } = parse(expression);
  const clocks = hour.flatMap((h) =>
    minute.flatMap((m) => second.map((s) => ((h * 60 + m) * 60 + s) * 1000)),
  );
  return clocks.sort((a, b) => a - b);
}

/**
 * Starts from `from` up to `until`, in order. The expression speaks of the clock on the wall: a
 * time that is left out when clocks are set forward comes later by the jump, one that comes twice
 * counts once. (`getNextRuns` of the library begins now, so it would miss a window that is open
 * already, and drops times that are left out.)
 * @returns undefined when there are more than `max`
 */
export function cronStarts(
  expression: string,
  zone: string,
  [from, until]: readonly [EpochMs, EpochMs],
  max: number,
): EpochMs[] | undefined {
  const clocks = clocksOf(expression);
  const [first] = clocks;
  if (first === undefined) return [];
  const task = createTask(expression, () => {}, { timezone: 'UTC' });
  const starts: EpochMs[] = [];
  try {
    for (let day = localDay(from, zone); day <= localDay(until, zone); day++) {
      // The fields are judged on the wall's clock, written as if it were UTC.
      if (!task.match(new Date(day * DAY_MS + first))) continue;
      for (const clock of clocks) {
        const at = instantOf(day, clock, zone);
        if (at < from || at > until) continue;
        if (starts.push(at) > max) return undefined;
      }
    }
  } finally {
    void task.destroy();
  }
  return starts;
}
