import type { ServiceHours } from '../../protocol/model/inventory.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { DAY_MS, instantOf, localDay, weekdayOf } from '../../protocol/model/zoned-time.ts';

/** A stretch of service hours: `from` is inside, `until` is not. */
export interface OpenSpan {
  readonly from: EpochMs;
  readonly until: EpochMs;
}

/** Hours repeat every week, so the next change is never further away. */
const LOOK_AHEAD_DAYS = 8;

/** "08:30" to milliseconds since midnight; "24:00" is the next midnight. */
function clockMs(text: string): number {
  const [hour = 0, minute = 0] = text.split(':').map(Number);
  return (hour * 60 + minute) * 60_000;
}

/** What one local day opens; hours over midnight ("22:00" to "06:00") belong to the day they begin. */
function* spansOfDay({ timeZone, weekly }: ServiceHours, day: number): Generator<OpenSpan> {
  for (const { days, from, to } of weekly) {
    if (!days.includes(weekdayOf(day))) continue;
    const start = clockMs(from);
    const end = clockMs(to);
    yield {
      from: instantOf(day, start, timeZone),
      until: instantOf(end <= start ? day + 1 : day, end, timeZone),
    };
  }
}

/** Service hours between two instants, in order, overlapping and touching ones joined. */
export function openSpans(hours: ServiceHours, from: EpochMs, until: EpochMs): OpenSpan[] {
  if (until <= from) return [];
  const first = localDay(from, hours.timeZone) - 1;
  const last = localDay(until, hours.timeZone);
  const found: OpenSpan[] = [];
  for (let day = first; day <= last; day++) found.push(...spansOfDay(hours, day));
  found.sort((a, b) => a.from - b.from);
  const joined: { from: EpochMs; until: EpochMs }[] = [];
  for (const span of found) {
    const start = epochMs(Math.max(span.from, from));
    const end = epochMs(Math.min(span.until, until));
    const latest = joined.at(-1);
    if (end <= start) continue;
    if (latest === undefined || start > latest.until) joined.push({ from: start, until: end });
    else if (end > latest.until) latest.until = end;
  }
  return joined;
}

/** Whether the service is used at that instant. Without hours: always. */
export const isOpen = (hours: ServiceHours | undefined, at: EpochMs): boolean =>
  hours === undefined || openSpans(hours, at, epochMs(at + 1)).length > 0;

/** When the service next opens or closes; undefined when it never does. */
export function nextChange(hours: ServiceHours | undefined, at: EpochMs): EpochMs | undefined {
  if (hours === undefined) return undefined;
  const end = epochMs(at + LOOK_AHEAD_DAYS * DAY_MS);
  const [first] = openSpans(hours, at, end);
  if (first === undefined) return undefined;
  if (first.from > at) return first.from;
  return first.until < end ? first.until : undefined;
}

/** How much of the time between two instants lies in the service hours. */
export function openTime(
  hours: ServiceHours | undefined,
  from: EpochMs,
  until: EpochMs,
): DurationMs {
  if (hours === undefined) return durationMs(Math.max(0, until - from));
  const spans = openSpans(hours, from, until);
  return durationMs(spans.reduce((sum, span) => sum + span.until - span.from, 0));
}
