import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Drop = Extract<Detector, { kind: 'drop' }>;

/** What is known of one count; times are 0 for never. Plain numbers: a snapshot is JSON. */
interface Count {
  /** The usual level; -1 = not known yet. */
  level: number;
  value: number;
  /** A level that may become the usual one, and since when the count has kept it. */
  candidate: number;
  candidateSince: number;
  lastAt: number;
  patience: number;
  /** First sample of the run of too low values; 0 = not too low. */
  lowSince: number;
}

interface DropState {
  /** One per metric, null until its first sample. */
  readonly counts: (Count | null)[];
  /** Of the metric alongside: its newest value and when it last rose. */
  beside: number;
  risenAt: number;
  /** Composite only: the rise was seen together with the drop that goes on. */
  isTogether: boolean;
}

/**
 * Small wanderings of a level (routes come and go) are followed with this time constant, so that a
 * slow change of weeks never adds up to a drop. Five times the time a level needs to settle.
 */
const FOLLOW = 5;

/**
 * Counts that keep their level, such as sessions. Breached with the first sample from which `least`
 * and `share` of the usual level are missing; normal again when less than half of that is missing.
 *
 *   unknown ─kept for settleFor─▶ usual ─too low─▶ breached ─back, or low for forgetAfter─▶ usual
 *
 * The usual level follows what lies within half of the limit, and takes a level beyond that (more
 * peers, fewer routes) when it has kept for `settleFor`; while breached it learns nothing.
 */
export function dropJudge(detector: Drop): Judge {
  const { least, share, settleFor, forgetAfter, alongside } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];

  const limitOf = (level: number): number => Math.max(least, share * level);

  function isSteady(count: Count, at: EpochMs, value: number, within: number): boolean {
    const isApart = Math.abs(value - count.candidate) > within;
    if (count.candidateSince === 0 || isApart || at - count.lastAt > count.patience) {
      count.candidate = value;
      count.candidateSince = at;
    }
    return at - count.candidateSince >= (count.lowSince === 0 ? settleFor : forgetAfter);
  }

  function settleOn(count: Count, value: number): void {
    count.level = value;
    count.candidateSince = 0;
    count.lowSince = 0;
  }

  function learn(count: Count, { at, value }: Feed): void {
    const { level } = count;
    // A table that is empty from the beginning has nothing to lose and no level of its own.
    const tolerance = limitOf(Math.max(level, value)) / 2;
    if (level >= 0 && count.lowSince === 0 && Math.abs(value - level) < tolerance) {
      const step = Math.min(1, Math.max(0, at - count.lastAt) / (FOLLOW * settleFor));
      count.level = level + (value - level) * step;
      count.candidateSince = 0;
    } else if (isSteady(count, at, value, tolerance)) settleOn(count, value);
  }

  function measure(count: Count, feed: Feed): void {
    const { at, value } = feed;
    const missing = count.level - value;
    const limit = limitOf(count.level);
    if (count.level >= 0 && missing >= limit && limit > 0) {
      if (count.lowSince === 0) {
        count.lowSince = at;
        count.candidateSince = 0;
      }
    } else if (missing < limit / 2) count.lowSince = 0;
    learn(count, feed);
    count.value = value;
    count.lastAt = at;
    count.patience = feed.patience;
  }

  /** The lowest count that speaks: the one of which the largest share is missing. */
  function worst(state: DropState): number {
    let found = 0;
    let most = -1;
    state.counts.forEach((count, index) => {
      if (count === null || count.level <= 0) return;
      const missing = (count.lowSince > 0 ? 2 : 0) + (count.level - count.value) / count.level;
      if (missing <= most) return;
      found = index;
      most = missing;
    });
    return found;
  }

  function isProved(state: DropState, lowSince: number): boolean {
    if (alongside === undefined) return true;
    const isNear = state.risenAt > 0 && Math.abs(state.risenAt - lowSince) <= alongside.within;
    if (isNear) state.isTogether = true;
    return state.isTogether;
  }

  function verdictOf(state: DropState, at: EpochMs): Verdict {
    let isKnown = false;
    for (const count of state.counts) {
      if (count === null || count.level < 0 || at - count.lastAt > count.patience) continue;
      isKnown = true;
      if (count.lowSince > 0) return isProved(state, count.lowSince) ? 'breached' : 'normal';
    }
    state.isTogether = false;
    return isKnown ? 'normal' : 'unknown';
  }

  function noteBeside(state: DropState, { at, value }: Feed): void {
    if (state.beside >= 0 && value > state.beside) state.risenAt = at;
    state.beside = value;
  }

  return defineJudge<DropState>({
    metrics: alongside === undefined ? judged : [...judged, alongside.metric],
    create: () => ({
      counts: judged.map(() => null),
      beside: -1,
      risenAt: 0,
      isTogether: false,
    }),
    observe(state, input, feed) {
      // No count is negative; a device that says so is not believed.
      if (feed.value < 0) return 'unknown';
      if (input >= judged.length) {
        noteBeside(state, feed);
        const verdict = verdictOf(state, feed.at);
        return verdict === 'breached' ? verdict : 'unknown';
      }
      const count = state.counts[input] ?? createCount();
      state.counts[input] = count;
      measure(count, feed);
      return verdictOf(state, feed.at);
    },
    finding(state, _watched, at): Finding {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const { value, level, lowSince } = state.counts[index] ?? createCount();
      const usual = Math.round(level);
      const text = `${figureText(metric, value)} of ${figureText(metric, usual)} ${metricText(metric)} left`;
      return {
        metric,
        onsetAt: lowSince > 0 ? epochMs(Math.min(lowSince, at)) : at,
        observed: value,
        expected: usual,
        text: alongside === undefined ? text : `${text}, and ${besideText(state, alongside)}`,
      };
    },
    cleared(state) {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const { value, candidate, level } = state.counts[index] ?? createCount();
      const isForgotten = value === level && candidate === level;
      const text = `${figureText(metric, value)} ${metricText(metric)}`;
      return isForgotten
        ? `${text} for ${durationText(forgetAfter)}: that is the usual number now`
        : `${text} again`;
    },
  });
}

const createCount = (): Count => ({
  level: -1,
  value: 0,
  candidate: 0,
  candidateSince: 0,
  lastAt: 0,
  patience: 0,
  lowSince: 0,
});

const besideText = ({ beside }: DropState, { metric }: NonNullable<Drop['alongside']>): string =>
  `${metricText(metric)} rose to ${figureText(metric, beside)}`;
