import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs, minutes } from '../../protocol/model/units.ts';
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
import type { Numbers } from './marks.ts';
import {
  addBulk,
  bulkAt,
  defineJudge,
  type Feed,
  type Finding,
  type Judge,
  type Watched,
} from './watched.ts';
import { durationText } from './wording.ts';

type BurnRate = Extract<Detector, { kind: 'burn-rate' }>;

/** As snapshots have it. Good minutes cost nothing but `now`; the rings are made with the first bad one. */
interface BurnState {
  readonly now: Numbers;
  readonly rings: BurnRings | null;
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
/** Where the rings are kept, 0 = none were needed yet. */
const RINGS = 10;
const AT_FIRST: Numbers = [-1, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0];

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

  const isBad = (lost: number, sent: number): boolean =>
    lost >= badAt * sent && lost >= MIN_LOST - 1e-9;

  const ringsOf = (watched: Watched, base: number): BurnRings | undefined =>
    bulkAt(watched, watched.marks[base + RINGS] as number);

  function closeMinute(base: number, { watched, every }: Feed): void {
    const { marks } = watched;
    const sent = marks[base + SENT] as number;
    if (sent === 0) return;
    if (isBad(marks[base + LOST] as number, sent)) noteBadMinute(base, watched);
    marks[base + LOST] = marks[base + SENT] = marks[base + COVERED] = 0;
    // So long other rules take to tell of what goes on: three rounds of the rarest probes.
    const lasts =
      (marks[base + MINUTE_OF] as number) * MINUTE - (marks[base + RUN_SINCE] as number);
    const isFresh = lasts < Math.max(OTHERS_TAKE, 4 * every);
    settle(base, watched, isFresh ? (marks[base + UNTOLD] as number) : 0);
  }

  function noteBadMinute(base: number, watched: Watched): void {
    const { marks } = watched;
    const minute = marks[base + MINUTE_OF] as number;
    const isNewRun = minute - (marks[base + BAD_MINUTE] as number) > RUN_GAP;
    if (isNewRun) {
      marks[base + RUN_SINCE] = minute * MINUTE;
      marks[base + UNTOLD] = 0;
    }
    const lasted = Math.round((marks[base + COVERED] as number) / MINUTE);
    const bad = Math.min(MOST_AT_ONCE, Math.max(1, lasted));
    const untold = Math.min(MOST_AT_ONCE, (marks[base + UNTOLD] as number) + bad);
    // Told late, the run is told from its beginning.
    const told = isToldByOthers(watched, detector) ? untold : 0;
    marks[base + UNTOLD] = told > 0 ? 0 : untold;
    noteBad(madeRings(base, watched), minute, { bad, told, runs: isNewRun ? 1 : 0 });
    marks[base + BAD_MINUTE] = minute;
  }

  function madeRings(base: number, watched: Watched): BurnRings {
    const known = ringsOf(watched, base);
    if (known !== undefined) return known;
    const rings = createRings();
    watched.marks[base + RINGS] = addBulk(watched, rings);
    return rings;
  }

  /** @param fresh bad minutes that others may still tell of */
  function settle(base: number, watched: Watched, fresh: number): void {
    const { marks } = watched;
    const rings = ringsOf(watched, base);
    // Nothing was ever bad: so it is nearly everywhere, once a minute and link.
    if (rings === undefined) return;
    const minute = marks[base + MINUTE_OF] as number;
    const wasFiring = (marks[base + WINDOW] as number) >= 0;
    const isLongAgo = (minute - (marks[base + BAD_MINUTE] as number)) * MINUTE > MOST_WINDOW;
    const firing = isLongAgo
      ? -1
      : windows.findIndex((window) => burns(rings, minute, window, fresh));
    marks[base + WINDOW] = firing;
    if (firing >= 0 && !wasFiring) marks[base + SINCE] = marks[base + RUN_SINCE] as number;
  }

  function burns(
    rings: BurnRings,
    minute: number,
    { long, short, factor }: BurnWindow,
    fresh: number,
  ): boolean {
    const most = factor * budget;
    const recent = burntIn(rings, minute, short);
    if ((recent.bad * MINUTE) / short < most) return false;
    const all = burntIn(rings, minute, long);
    const counted = all.runs >= MANY_RUNS ? all.bad : all.bad - all.told - fresh;
    return counted >= MIN_BAD && (counted * MINUTE) / long >= most;
  }

  function measure(base: number, feed: Feed): void {
    const { at, value, span, patience } = feed;
    const { marks } = feed.watched;
    const minute = Math.floor(at / MINUTE);
    if (minute !== marks[base + MINUTE_OF]) {
      closeMinute(base, feed);
      marks[base + MINUTE_OF] = minute;
    }
    const lost = Math.min(1, Math.max(0, value)) * ROUND_ECHOES;
    marks[base + LOST] = (marks[base + LOST] as number) + lost;
    marks[base + SENT] = (marks[base + SENT] as number) + ROUND_ECHOES;
    // What nobody measured is neither good nor bad.
    if (span <= patience) marks[base + COVERED] = (marks[base + COVERED] as number) + span;
  }

  const burnText = (all: Burnt, recent: Burnt, { long, short }: BurnWindow): string => {
    const rate = ({ bad }: { bad: number }, over: number) =>
      Number(((bad * MINUTE) / over / budget).toPrecision(2));
    return `${all.bad} bad minutes in ${durationText(long)} in ${all.runs} stretches: the error budget of ${Number((objective * 100).toFixed(4))} % is used up ${rate(all, long)} times too fast, in the last ${durationText(short)} ${rate(recent, short)} times`;
  };

  return defineJudge<BurnState>({
    metrics: judged,
    form: 'burn-rate',
    first: AT_FIRST,
    observe(base, input, feed) {
      const { marks } = feed.watched;
      const known = marks[base + INPUT] as number;
      if (known < 0 || input < known) marks[base + INPUT] = input;
      if (input !== marks[base + INPUT] || feed.every > RAREST) return 'unknown';
      measure(base, feed);
      return (marks[base + WINDOW] as number) >= 0 ? 'breached' : 'normal';
    },
    finding(base, watched, at): Finding {
      const { marks } = watched;
      const window = windows[Math.max(0, marks[base + WINDOW] as number)];
      const metric = judged[Math.max(0, marks[base + INPUT] as number)] as RuleMetricName;
      const rings = ringsOf(watched, base);
      if (window === undefined || rings === undefined) {
        return { metric, onsetAt: at, text: 'the error budget is used up' };
      }
      const minute = marks[base + MINUTE_OF] as number;
      const all = burntIn(rings, minute, window.long);
      const recent = burntIn(rings, minute, window.short);
      return {
        metric,
        onsetAt: epochMs(Math.min((marks[base + SINCE] as number) || at, at)),
        observed: (all.bad * MINUTE) / window.long / budget,
        expected: window.factor,
        text: burnText(all, recent, window),
      };
    },
    cleared: () => 'the error budget is used up no faster than it may',
    save: (base, watched) => ({
      now: watched.marks.slice(base, base + RINGS),
      rings: ringsOf(watched, base) ?? null,
    }),
    load(base, watched, { now, rings }) {
      now.forEach((figure, field) => {
        watched.marks[base + field] = figure;
      });
      if (rings !== null) watched.marks[base + RINGS] = addBulk(watched, rings);
    },
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
