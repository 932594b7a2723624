import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs, minutes } from '../../protocol/model/units.ts';
import type { BurnWindow, Detector } from '../settings.ts';
import { type BurnRings, burntIn, createRings, MOST_WINDOW, noteBad } from './burn-windows.ts';
import { ROUND_ECHOES } from './chance.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import { durationText } from './wording.ts';

type BurnRate = Extract<Detector, { kind: 'burn-rate' }>;

interface BurnState {
  readonly rings: BurnRings;
  /** Which of the metrics is judged: the first that is measured. -1 = none yet. */
  input: number;
  /** The minute that is going on, since 1970: lost and sent echoes in it, ms that it stands for. */
  minute: number;
  lost: number;
  sent: number;
  covered: number;
  /** The newest bad minute; the run of bad ones that it ends began at `runSince`. */
  badMinute: number;
  runSince: number;
  /** Minutes of that run that no other rule has told of yet. */
  untold: number;
  /** The window that fires; -1 = none. */
  window: number;
  since: number;
}

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

  const isBad = ({ lost, sent }: BurnState): boolean =>
    lost >= badAt * sent && lost >= MIN_LOST - 1e-9;

  function closeMinute(state: BurnState, feed: Feed): void {
    if (state.sent === 0) return;
    if (isBad(state)) noteBadMinute(state, feed.watched);
    state.lost = 0;
    state.sent = 0;
    state.covered = 0;
    // So long other rules take to tell of what goes on: three rounds of the rarest probes.
    const isFresh = state.minute * MINUTE - state.runSince < Math.max(OTHERS_TAKE, 4 * feed.every);
    settle(state, isFresh ? state.untold : 0);
  }

  function noteBadMinute(state: BurnState, watched: Watched): void {
    const isNewRun = state.minute - state.badMinute > RUN_GAP;
    if (isNewRun) {
      state.runSince = state.minute * MINUTE;
      state.untold = 0;
    }
    const bad = Math.min(MOST_AT_ONCE, Math.max(1, Math.round(state.covered / MINUTE)));
    state.untold = Math.min(MOST_AT_ONCE, state.untold + bad);
    // Told late, the run is told from its beginning.
    const told = isToldByOthers(watched, detector) ? state.untold : 0;
    if (told > 0) state.untold = 0;
    noteBad(state.rings, state.minute, { bad, told, runs: isNewRun ? 1 : 0 });
    state.badMinute = state.minute;
  }

  /** @param fresh bad minutes that others may still tell of */
  function settle(state: BurnState, fresh: number): void {
    const wasFiring = state.window >= 0;
    const isLongAgo = (state.minute - state.badMinute) * MINUTE > MOST_WINDOW;
    state.window = isLongAgo ? -1 : windows.findIndex((window) => burns(state, window, fresh));
    if (state.window >= 0 && !wasFiring) state.since = state.runSince;
  }

  function burns(state: BurnState, { long, short, factor }: BurnWindow, fresh: number): boolean {
    const most = factor * budget;
    const recent = burntIn(state.rings, state.minute, short);
    if ((recent.bad * MINUTE) / short < most) return false;
    const all = burntIn(state.rings, state.minute, long);
    const counted = all.runs >= MANY_RUNS ? all.bad : all.bad - all.told - fresh;
    return counted >= MIN_BAD && (counted * MINUTE) / long >= most;
  }

  function measure(state: BurnState, feed: Feed): void {
    const { at, value, span, patience } = feed;
    const minute = Math.floor(at / MINUTE);
    if (minute !== state.minute) {
      closeMinute(state, feed);
      state.minute = minute;
    }
    state.lost += Math.min(1, Math.max(0, value)) * ROUND_ECHOES;
    state.sent += ROUND_ECHOES;
    // What nobody measured is neither good nor bad.
    if (span <= patience) state.covered += span;
  }

  const burnText = (state: BurnState, { long, short }: BurnWindow): string => {
    const rate = ({ bad }: { bad: number }, over: number) =>
      Number(((bad * MINUTE) / over / budget).toPrecision(2));
    const all = burntIn(state.rings, state.minute, long);
    const recent = burntIn(state.rings, state.minute, short);
    return `${all.bad} bad minutes in ${durationText(long)} in ${all.runs} stretches: the error budget of ${Number((objective * 100).toFixed(4))} % is used up ${rate(all, long)} times too fast, in the last ${durationText(short)} ${rate(recent, short)} times`;
  };

  return defineJudge<BurnState>({
    metrics: judged,
    create: () => ({
      rings: createRings(),
      input: -1,
      minute: 0,
      lost: 0,
      sent: 0,
      covered: 0,
      badMinute: 0,
      runSince: 0,
      untold: 0,
      window: -1,
      since: 0,
    }),
    observe(state, input, feed) {
      if (state.input < 0 || input < state.input) state.input = input;
      if (input !== state.input || feed.every > RAREST) return 'unknown';
      measure(state, feed);
      return state.window >= 0 ? 'breached' : 'normal';
    },
    finding(state, _watched, at): Finding {
      const window = windows[Math.max(0, state.window)];
      const metric = judged[Math.max(0, state.input)] as RuleMetricName;
      if (window === undefined) return { metric, onsetAt: at, text: 'the error budget is used up' };
      const { bad } = burntIn(state.rings, state.minute, window.long);
      return {
        metric,
        onsetAt: epochMs(Math.min(state.since || at, at)),
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
