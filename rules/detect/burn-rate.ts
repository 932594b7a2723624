import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type DurationMs, epochMs, minutes } from '../../protocol/model/units.ts';
import type { BurnWindow, Detector } from '../settings.ts';
import {
  type BurnRings,
  type Burnt,
  burntIn,
  createRings,
  MOST_WINDOW,
  noteBad,
} from './burn-windows.ts';
import { ROUND_ECHOES } from './chance.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import type { Numbers } from './window.ts';
import { durationText } from './wording.ts';

type BurnRate = Extract<Detector, { kind: 'burn-rate' }>;

/** Good minutes cost nothing but these; the rings are made with the first bad one. */
interface BurnState {
  readonly now: Numbers;
  rings: BurnRings | null;
}

/** Which of the metrics is judged: the first that is measured. -1 = none yet. */
const INPUT = 0;
/** The minute that is going on, since 1970: lost and sent echoes in it, ms that it stands for. */
const MINUTE_OF = 1;
const LOST = 2;
const SENT = 3;
const COVERED = 4;
/** The newest bad minute; the run of bad ones that it ends began at `RUN_SINCE`. */
const BAD_MINUTE = 5;
const RUN_SINCE = 6;
/** Minutes of that run that no other rule has told of yet. */
const UNTOLD = 7;
/** The window that fires, -1 = none, and since when. */
const WINDOW = 8;
const SINCE = 9;
const AT_FIRST: Numbers = [-1, 0, 0, 0, 0, 0, 0, 0, -1, 0];
const NOTHING: Burnt = { bad: 0, told: 0, runs: 0 };

const MINUTE = minutes(1);
/** What one bucket of an hour takes. */
const MOST_AT_ONCE = 60;
/** Two of five echoes are lost by chance; three hardly ever (1 in 100,000 at 1 % of loss). */
const MIN_LOST = 3;
/**
 * Rounds rarer than once a minute leave most minutes unseen: one lost round would be minutes of
 * trouble, and a recording of single echoes every 4 min would burn by its ordinary loss.
 */
const RAREST = minutes(1.5);
/** One bad minute in an hour would already burn 16 times too fast: that is one event, not a trend. */
const MIN_BAD = 3;
/** So many separate runs are more than one outage, each of which had its own incident. */
const MANY_RUNS = 3;
const OTHERS_TAKE = minutes(5);
/** Good minutes that end a run: two rounds of the rarest probes. */
const RUN_GAP = 8;

/**
 * Burn rate of the error budget over two windows each (Google SRE workbook, chapter 5): the long one
 * shows that it matters, the short one that it goes on. One outage has its own alert and is told by
 * it; the budget speaks of what nobody told, and of many small outages that add up.
 */
export function burnRateJudge(detector: BurnRate): Judge {
  const { badAt, objective, windows } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];
  const budget = 1 - objective;

  const isBad = (now: Numbers): boolean =>
    (now[LOST] as number) >= badAt * (now[SENT] as number) &&
    (now[LOST] as number) >= MIN_LOST - 1e-9;

  function closeMinute(state: BurnState, feed: Feed): void {
    const { now } = state;
    if (now[SENT] === 0) return;
    if (isBad(now)) noteBadMinute(state, feed.watched);
    now.fill(0, LOST, BAD_MINUTE);
    // So long other rules take to tell of what goes on: three rounds of the rarest probes.
    const lasts = (now[MINUTE_OF] as number) * MINUTE - (now[RUN_SINCE] as number);
    const isFresh = lasts < Math.max(OTHERS_TAKE, 4 * feed.every);
    settle(state, isFresh ? (now[UNTOLD] as number) : 0);
  }

  function noteBadMinute(state: BurnState, watched: Watched): void {
    const { now } = state;
    const minute = now[MINUTE_OF] as number;
    const isNewRun = minute - (now[BAD_MINUTE] as number) > RUN_GAP;
    if (isNewRun) {
      now[RUN_SINCE] = minute * MINUTE;
      now[UNTOLD] = 0;
    }
    const bad = Math.min(MOST_AT_ONCE, Math.max(1, Math.round((now[COVERED] as number) / MINUTE)));
    const untold = Math.min(MOST_AT_ONCE, (now[UNTOLD] as number) + bad);
    // Told late, the run is told from its beginning.
    const told = isToldByOthers(watched, detector) ? untold : 0;
    now[UNTOLD] = told > 0 ? 0 : untold;
    state.rings ??= createRings();
    noteBad(state.rings, minute, { bad, told, runs: isNewRun ? 1 : 0 });
    now[BAD_MINUTE] = minute;
  }

  const burntOver = ({ rings, now }: BurnState, over: DurationMs): Burnt =>
    rings === null ? NOTHING : burntIn(rings, now[MINUTE_OF] as number, over);

  /** @param fresh bad minutes that others may still tell of */
  function settle(state: BurnState, fresh: number): void {
    const { now } = state;
    const wasFiring = (now[WINDOW] as number) >= 0;
    const quietFor = ((now[MINUTE_OF] as number) - (now[BAD_MINUTE] as number)) * MINUTE;
    const isLongAgo = quietFor > MOST_WINDOW;
    now[WINDOW] = isLongAgo ? -1 : windows.findIndex((window) => burns(state, window, fresh));
    if (now[WINDOW] >= 0 && !wasFiring) now[SINCE] = now[RUN_SINCE] as number;
  }

  function burns(state: BurnState, { long, short, factor }: BurnWindow, fresh: number): boolean {
    const most = factor * budget;
    const recent = burntOver(state, short);
    if ((recent.bad * MINUTE) / short < most) return false;
    const all = burntOver(state, long);
    const counted = all.runs >= MANY_RUNS ? all.bad : all.bad - all.told - fresh;
    return counted >= MIN_BAD && (counted * MINUTE) / long >= most;
  }

  function measure(state: BurnState, feed: Feed): void {
    const { at, value, span, patience } = feed;
    const { now } = state;
    const minute = Math.floor(at / MINUTE);
    if (minute !== now[MINUTE_OF]) {
      closeMinute(state, feed);
      now[MINUTE_OF] = minute;
    }
    now[LOST] = (now[LOST] as number) + Math.min(1, Math.max(0, value)) * ROUND_ECHOES;
    now[SENT] = (now[SENT] as number) + ROUND_ECHOES;
    // What nobody measured is neither good nor bad.
    if (span <= patience) now[COVERED] = (now[COVERED] as number) + span;
  }

  const burnText = (state: BurnState, { long, short }: BurnWindow): string => {
    const rate = ({ bad }: { bad: number }, over: number) =>
      Number(((bad * MINUTE) / over / budget).toPrecision(2));
    const all = burntOver(state, long);
    const recent = burntOver(state, short);
    return `${all.bad} bad minutes in ${durationText(long)} in ${all.runs} stretches: the error budget of ${Number((objective * 100).toFixed(4))} % is used up ${rate(all, long)} times too fast, in the last ${durationText(short)} ${rate(recent, short)} times`;
  };

  return defineJudge<BurnState>({
    metrics: judged,
    form: 'burn-rate',
    create: () => ({ now: [...AT_FIRST], rings: null }),
    observe(state, input, feed) {
      const { now } = state;
      if ((now[INPUT] as number) < 0 || input < (now[INPUT] as number)) now[INPUT] = input;
      if (input !== now[INPUT] || feed.every > RAREST) return 'unknown';
      measure(state, feed);
      return (now[WINDOW] as number) >= 0 ? 'breached' : 'normal';
    },
    finding(state, _watched, at): Finding {
      const { now } = state;
      const window = windows[Math.max(0, now[WINDOW] as number)];
      const metric = judged[Math.max(0, now[INPUT] as number)] as RuleMetricName;
      if (window === undefined) return { metric, onsetAt: at, text: 'the error budget is used up' };
      const { bad } = burntOver(state, window.long);
      return {
        metric,
        onsetAt: epochMs(Math.min((now[SINCE] as number) || at, at)),
        observed: (bad * MINUTE) / window.long / budget,
        expected: window.factor,
        text: burnText(state, window),
      };
    },
    cleared: () => 'the error budget is used up no faster than it may',
  });
}

/** Another rule of the same subject has told of it: an outage, or loss. */
function isToldByOthers({ cells }: Watched, own: BurnRate): boolean {
  for (const { alert, compiled } of cells) {
    const { detector } = compiled.rule;
    if (alert === undefined || detector === own) continue;
    if (detector.kind === 'unreachable') return true;
    if ('metric' in detector && detector.metric.endsWith('_loss_ratio')) return true;
  }
  return false;
}
