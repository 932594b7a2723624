import { isTimeZone } from '../protocol/model/zoned-time.ts';
import { cronProblem, hasTwoDays } from './cron.ts';
import { checkTwins, type Findings } from './cross.ts';
import { createSubjects } from './cross-services.ts';
import type { Config } from './schema.ts';
import { parseDuration } from './words.ts';

const DAY_MS = 86_400_000;
/** Longer than this a window hides more than it helps. */
const LONG_DAYS = 30;
/** A repeated window that lasts longer is a wrong unit. */
const MAX_LASTS_DAYS = 14;

type Window = Config['maintenance'][number];

/** Announced work: what can be said without reading calendar files. */
export function checkMaintenance(findings: Findings): void {
  const { config } = findings;
  const subjects = createSubjects(config);
  checkTwins(findings, '/maintenance', config.maintenance);
  for (const [n, window] of config.maintenance.entries()) {
    const at = `/maintenance/${n}`;
    for (const [m, subject] of window.subjects.entries()) {
      const pointer = `${at}/subjects/${m}`;
      subjects.check(findings, pointer, subject);
      if (subject.startsWith('service:')) {
        findings.error(pointer, 'work is done on sites, devices and links: name what is worked on');
      }
    }
    if ('from' in window) checkOnce(findings, at, window);
    else if ('cron' in window) checkRecurring(findings, at, window);
    if ('timeZone' in window && window.timeZone && !isTimeZone(window.timeZone)) {
      findings.error(`${at}/timeZone`, `there is no time zone "${window.timeZone}"`);
    }
  }
}

function checkOnce(findings: Findings, at: string, window: Extract<Window, { from: string }>) {
  const from = Date.parse(window.from);
  const until = Date.parse(window.until);
  for (const word of ['from', 'until'] as const) {
    const isWrong = window[word] !== '' && Number.isNaN(Date.parse(window[word]));
    if (isWrong) findings.error(`${at}/${word}`, `"${window[word]}" is no date`);
  }
  if (until <= from) {
    findings.error(`${at}/until`, 'it ends before it begins');
  } else if (until - from > LONG_DAYS * DAY_MS) {
    findings.warn(
      `${at}/until`,
      `longer than ${LONG_DAYS} days: nothing opens there all that time`,
    );
  }
}

function checkRecurring(findings: Findings, at: string, window: Extract<Window, { cron: string }>) {
  const problem = window.cron === '' ? undefined : cronProblem(window.cron);
  if (problem !== undefined) findings.error(`${at}/cron`, problem);
  else if (hasTwoDays(window.cron)) {
    findings.warn(`${at}/cron`, 'both the day of the month and the weekday must fit, not either');
  }
  const lasts = window.lasts === '' ? 1 : parseDuration(window.lasts);
  if (lasts === 0) findings.error(`${at}/lasts`, 'it lasts no time at all');
  if (lasts > MAX_LASTS_DAYS * DAY_MS) {
    findings.error(`${at}/lasts`, `expected at most ${MAX_LASTS_DAYS}d: write a window by itself`);
  }
}
