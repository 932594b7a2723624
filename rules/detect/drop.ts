import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { addInput, inputAt, loadInputs } from './inputs.ts';
import { type Marks, zeros } from './marks.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Drop = Extract<Detector, { kind: 'drop' }>;

/** What is known of one count, as snapshots have it; times are 0 for never. */
interface Count {
  /** The usual level; -1 = not known yet. */
  readonly level: number;
  readonly value: number;
  /** A level that may become the usual one, and since when the count has kept it. */
  readonly candidate: number;
  readonly candidateSince: number;
  readonly lastAt: number;
  readonly patience: number;
  /** First sample of the run of too low values; 0 = not too low. */
  readonly lowSince: number;
}
/** The same as numbers. */
const LEVEL = 0;
const VALUE = 1;
const CANDIDATE = 2;
const CANDIDATE_SINCE = 3;
const LAST_AT = 4;
const PATIENCE = 5;
const LOW_SINCE = 6;
const UNKNOWN: readonly number[] = [-1, 0, 0, 0, 0, 0, 0];

interface DropState {
  /** One per metric, null until its first sample. */
  readonly counts: readonly (Count | null)[];
  /** Of the metric alongside: its newest value and when it last rose. */
  readonly beside: number;
  readonly risenAt: number;
  /** Composite only: the rise was seen together with the drop that goes on. */
  readonly isTogether: boolean;
}
/** The last three as numbers, before the places of the counts. */
const BESIDE = 0;
const RISEN_AT = 1;
const IS_TOGETHER = 2;
const COUNTS = 3;

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

  function isSteady(marks: Marks, count: number, { at, value }: Feed, within: number): boolean {
    const isApart = Math.abs(value - (marks[count + CANDIDATE] as number)) > within;
    const isGap = at - (marks[count + LAST_AT] as number) > (marks[count + PATIENCE] as number);
    if (marks[count + CANDIDATE_SINCE] === 0 || isApart || isGap) {
      marks[count + CANDIDATE] = value;
      marks[count + CANDIDATE_SINCE] = at;
    }
    const kept = at - (marks[count + CANDIDATE_SINCE] as number);
    return kept >= (marks[count + LOW_SINCE] === 0 ? settleFor : forgetAfter);
  }

  function settleOn(marks: Marks, count: number, value: number): void {
    marks[count + LEVEL] = value;
    marks[count + CANDIDATE_SINCE] = 0;
    marks[count + LOW_SINCE] = 0;
  }

  function learn(marks: Marks, count: number, feed: Feed): void {
    const { at, value } = feed;
    const level = marks[count + LEVEL] as number;
    // A table that is empty from the beginning has nothing to lose and no level of its own.
    const tolerance = limitOf(Math.max(level, value)) / 2;
    const isNear = level >= 0 && Math.abs(value - level) < tolerance;
    if (isNear && marks[count + LOW_SINCE] === 0) {
      const apart = at - (marks[count + LAST_AT] as number);
      const step = Math.min(1, Math.max(0, apart) / (FOLLOW * settleFor));
      marks[count + LEVEL] = level + (value - level) * step;
      marks[count + CANDIDATE_SINCE] = 0;
    } else if (isSteady(marks, count, feed, tolerance)) settleOn(marks, count, value);
  }

  function measure(marks: Marks, count: number, feed: Feed): void {
    const { at, value, patience } = feed;
    const level = marks[count + LEVEL] as number;
    const missing = level - value;
    const limit = limitOf(level);
    if (level >= 0 && missing >= limit && limit > 0) {
      if (marks[count + LOW_SINCE] === 0) {
        marks[count + LOW_SINCE] = at;
        marks[count + CANDIDATE_SINCE] = 0;
      }
    } else if (missing < limit / 2) marks[count + LOW_SINCE] = 0;
    learn(marks, count, feed);
    marks[count + VALUE] = value;
    marks[count + LAST_AT] = at;
    marks[count + PATIENCE] = patience;
  }

  /** The lowest count that speaks: the one of which the largest share is missing. */
  function worst({ marks }: Watched, base: number) {
    let found = 0;
    let most = -1;
    for (let i = 0; i < judged.length; i++) {
      const count = inputAt(marks, base + COUNTS + i);
      const level = count === 0 ? 0 : (marks[count + LEVEL] as number);
      if (level <= 0) continue;
      const isLow = (marks[count + LOW_SINCE] as number) > 0;
      const missing = (isLow ? 2 : 0) + (level - (marks[count + VALUE] as number)) / level;
      if (missing <= most) continue;
      found = i;
      most = missing;
    }
    const count = inputAt(marks, base + COUNTS + found);
    return { metric: judged[found] as RuleMetricName, ...countOf(marks, count) };
  }

  function isProved(marks: Marks, base: number, lowSince: number): boolean {
    if (alongside === undefined) return true;
    const risenAt = marks[base + RISEN_AT] as number;
    const isNear = risenAt > 0 && Math.abs(risenAt - lowSince) <= alongside.within;
    if (isNear) marks[base + IS_TOGETHER] = 1;
    return marks[base + IS_TOGETHER] === 1;
  }

  function verdictOf(marks: Marks, base: number, at: EpochMs): Verdict {
    let isKnown = false;
    for (let i = 0; i < judged.length; i++) {
      const count = inputAt(marks, base + COUNTS + i);
      if (count === 0 || !isFresh(marks, count, at)) continue;
      isKnown = true;
      const lowSince = marks[count + LOW_SINCE] as number;
      if (lowSince > 0) return isProved(marks, base, lowSince) ? 'breached' : 'normal';
    }
    marks[base + IS_TOGETHER] = 0;
    return isKnown ? 'normal' : 'unknown';
  }

  function noteBeside(marks: Marks, base: number, { at, value }: Feed): void {
    const before = marks[base + BESIDE] as number;
    if (before >= 0 && value > before) marks[base + RISEN_AT] = at;
    marks[base + BESIDE] = value;
  }

  return defineJudge<DropState>({
    metrics: alongside === undefined ? judged : [...judged, alongside.metric],
    first: [-1, 0, 0, ...zeros(judged.length)],
    observe(base, index, feed) {
      const { watched, at } = feed;
      // No count is negative; a device that says so is not believed.
      if (feed.value < 0) return 'unknown';
      if (index >= judged.length) {
        noteBeside(watched.marks, base, feed);
        const verdict = verdictOf(watched.marks, base, at);
        return verdict === 'breached' ? verdict : 'unknown';
      }
      const pointer = base + COUNTS + index;
      const count = inputAt(watched.marks, pointer) || addInput(watched, pointer, UNKNOWN);
      measure(watched.marks, count, feed);
      return verdictOf(watched.marks, base, at);
    },
    finding(base, watched, at): Finding {
      const { metric, value, level, lowSince } = worst(watched, base);
      const usual = Math.round(level);
      const text = `${figureText(metric, value)} of ${figureText(metric, usual)} ${metricText(metric)} left`;
      const beside = watched.marks[base + BESIDE] as number;
      return {
        metric,
        onsetAt: lowSince > 0 ? epochMs(Math.min(lowSince, at)) : at,
        observed: value,
        expected: usual,
        text: alongside === undefined ? text : `${text}, and ${besideText(beside, alongside)}`,
      };
    },
    cleared(base, watched) {
      const { metric, value, candidate, level } = worst(watched, base);
      const isForgotten = value === level && candidate === level;
      const text = `${figureText(metric, value)} ${metricText(metric)}`;
      return isForgotten
        ? `${text} for ${durationText(forgetAfter)}: that is the usual number now`
        : `${text} again`;
    },
    save: (base, { marks }) => ({
      counts: judged.map((_, i) => {
        const count = inputAt(marks, base + COUNTS + i);
        return count === 0 ? null : countOf(marks, count);
      }),
      beside: marks[base + BESIDE] as number,
      risenAt: marks[base + RISEN_AT] as number,
      isTogether: marks[base + IS_TOGETHER] === 1,
    }),
    load(base, watched, { counts, beside, risenAt, isTogether }) {
      const { marks } = watched;
      marks[base + BESIDE] = beside;
      marks[base + RISEN_AT] = risenAt;
      marks[base + IS_TOGETHER] = Number(isTogether);
      const inputs = counts.map((count) => count && numbersOf(count));
      loadInputs(watched, base + COUNTS, judged.length, inputs);
    },
  });
}

/** Its level is known, and its newest value says something. */
const isFresh = (marks: Marks, count: number, at: EpochMs): boolean =>
  (marks[count + LEVEL] as number) >= 0 &&
  at - (marks[count + LAST_AT] as number) <= (marks[count + PATIENCE] as number);

/** @param count place of it; 0 = nothing is known */
function countOf(marks: Marks, count: number): Count {
  const of = (field: number): number =>
    (count === 0 ? UNKNOWN[field] : marks[count + field]) as number;
  return {
    level: of(LEVEL),
    value: of(VALUE),
    candidate: of(CANDIDATE),
    candidateSince: of(CANDIDATE_SINCE),
    lastAt: of(LAST_AT),
    patience: of(PATIENCE),
    lowSince: of(LOW_SINCE),
  };
}

const numbersOf = (count: Count): number[] => [
  count.level,
  count.value,
  count.candidate,
  count.candidateSince,
  count.lastAt,
  count.patience,
  count.lowSince,
];

const besideText = (beside: number, { metric }: NonNullable<Drop['alongside']>): string =>
  `${metricText(metric)} rose to ${figureText(metric, beside)}`;
