import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { MaintenanceWindow } from '../protocol/model/inventory.ts';
import type { SubjectKey } from '../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import { DAY_MS } from '../protocol/model/zoned-time.ts';
import { type Appointment, appointmentsOf, CalendarError, MAX_CALENDAR_BYTES } from './calendar.ts';
import { cronStarts } from './cron.ts';
import type { ConfigProblem, Origin } from './problem.ts';
import { pathText } from './problem.ts';
import type { Config } from './schema.ts';
import { parseDuration } from './words.ts';

type Entry = Config['maintenance'][number];

/** Windows are unrolled this far ahead; the server does it anew every day. */
export const HORIZON_DAYS = 35;
/** Of one repeated entry: every hour for five weeks is 840. */
const MAX_STARTS = 1000;

export interface Unrolled {
  /** Those that are not over, in the order of their beginning. */
  readonly windows: readonly MaintenanceWindow[];
  readonly problems: readonly ConfigProblem[];
}

/** The announced work of a configuration. */
export interface MaintenancePlan {
  /**
   * Windows that touch the time from `now` to HORIZON_DAYS later. Calendar files are read again; of
   * one that has become unreadable the last good text counts, and the problem is told.
   */
  windows(now: EpochMs): Unrolled;
}

interface Loaded {
  readonly config: Config;
  readonly origins: ReadonlyMap<string, Origin>;
}

export function createMaintenancePlan({ config, origins: all }: Loaded): MaintenancePlan {
  // Of a large inventory there are a hundred thousand, and the plan is kept as long as the server runs.
  const origins = new Map([...all].filter(([pointer]) => pointer.startsWith('/maintenance/')));
  const lastGood = new Map<string, string>();

  function unroll(entry: Entry, n: number, span: Span): readonly Appointment[] {
    if ('from' in entry) {
      const [from, until] = [entry.from, entry.until].map((text) => epochMs(Date.parse(text)));
      return [{ summary: '', from: from as EpochMs, until: until as EpochMs }];
    }
    if ('cron' in entry) return recurring(entry, span);
    return fromCalendar(entry, originOf(n), span);
  }

  const originOf = (n: number): Origin =>
    origins.get(`/maintenance/${n}/ical`) ?? { source: 'configuration' };

  function fromCalendar(
    entry: Extract<Entry, { ical: string }>,
    origin: Origin,
    span: Span,
  ): readonly Appointment[] {
    const file = path.resolve(path.dirname(origin.source), entry.ical);
    const text = readCalendar(file);
    const found = appointmentsOf(text, entry.timeZone ?? 'UTC', span);
    lastGood.set(file, text);
    return found;
  }

  /** What the file said when it could be read last. */
  function asBefore(entry: Entry, n: number, span: Span): readonly Appointment[] {
    if (!('ical' in entry)) return [];
    const text = lastGood.get(path.resolve(path.dirname(originOf(n).source), entry.ical));
    return text === undefined ? [] : appointmentsOf(text, entry.timeZone ?? 'UTC', span);
  }

  /** One entry, and what was wrong with it. */
  function attempt(entry: Entry, n: number, span: Span): Attempt {
    try {
      return { found: unroll(entry, n, span) };
    } catch (error) {
      if (!(error instanceof CalendarError)) throw error;
      const pointer = `/maintenance/${n}/${'ical' in entry ? 'ical' : 'cron'}`;
      const at = origins.get(pointer) ?? { source: 'configuration' };
      const message = `${'ical' in entry ? `${entry.ical}: ` : ''}${error.message}`;
      const problem = { at, path: pathText(pointer), message };
      return { found: asBefore(entry, n, span), problem };
    }
  }

  return {
    windows(now) {
      const span: Span = [now, epochMs(now + HORIZON_DAYS * DAY_MS)];
      const attempts = config.maintenance.map((entry, n) => ({
        entry,
        ...attempt(entry, n, span),
      }));
      return {
        windows: attempts
          .flatMap(({ entry, found }) => windowsOf(entry, found))
          .filter(isIn(span))
          .sort(byTime),
        problems: attempts.flatMap(({ problem }) => problem ?? []),
      };
    },
  };
}

interface Attempt {
  readonly found: readonly Appointment[];
  readonly problem?: ConfigProblem;
}

type Span = readonly [EpochMs, EpochMs];

const isIn =
  ([from, until]: Span) =>
  (window: MaintenanceWindow): boolean =>
    window.until > from && window.from <= until;

const byTime = (a: MaintenanceWindow, b: MaintenanceWindow): number =>
  a.from - b.from || (a.id < b.id ? -1 : 1);

/** Repeated windows are told apart by when they begin. */
function windowsOf(entry: Entry, found: readonly Appointment[]): MaintenanceWindow[] {
  const { id, name = id, subjects } = entry;
  const isSingle = 'from' in entry;
  const seen = new Map<string, number>();
  return found.map(({ summary, from, until }) => {
    const start = `${id}@${new Date(from).toISOString().slice(0, 16)}Z`;
    const nth = (seen.get(start) ?? 0) + 1;
    seen.set(start, nth);
    return {
      id: isSingle ? id : nth === 1 ? start : `${start}.${nth}`,
      name: summary === '' ? name : `${name}: ${summary}`,
      subjects: subjects as SubjectKey[],
      from,
      until,
    };
  });
}

function recurring(entry: Extract<Entry, { cron: string }>, [from, until]: Span): Appointment[] {
  const lasts = parseDuration(entry.lasts);
  const span: Span = [epochMs(from - lasts), until];
  const starts = cronStarts(entry.cron, entry.timeZone, span, MAX_STARTS);
  if (starts === undefined) {
    throw new CalendarError(`more than ${MAX_STARTS} starts in ${HORIZON_DAYS} days`);
  }
  return starts.map((at) => ({ summary: '', from: at, until: epochMs(at + lasts) }));
}

function readCalendar(file: string): string {
  try {
    // A pipe or device would be read for ever.
    const found = statSync(file);
    if (found.size > MAX_CALENDAR_BYTES)
      throw new CalendarError(`larger than ${MAX_CALENDAR_BYTES} bytes`);
    if (!found.isFile()) throw new CalendarError('is no file');
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof CalendarError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new CalendarError(code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`);
  }
}
