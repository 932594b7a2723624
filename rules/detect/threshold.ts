import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { isWarm, learnedSince, MIDDLE, usually } from './baseline-series.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
import { emptyWindow, meanOf, type Numbers, push } from './window.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Threshold = Extract<Detector, { kind: 'threshold' }>;

/** What is known of one metric, as numbers: the fields below, then the window. Times are 0 for never. */
type Input = Numbers;
/** First sample since the beginning or since data came back. */
const SINCE = 0;
const LAST_AT = 1;
const PATIENCE = 2;
const MEAN = 3;
const IS_BREACHED = 4;
/** First sample of the run beyond `clearAt`. */
const BEYOND_SINCE = 5;
const WINDOW = 6;
const EMPTY_FIELDS: readonly number[] = [0, 0, 0, 0, 0, 0];

/** One per metric, null until its first sample. */
type ThresholdState = (Input | null)[];

/**
 * The mean over trailing time against a band, for each metric by itself. Nothing is breached before
 * the window has been filled once; a window shorter than the interval holds one sample.
 */
export function thresholdJudge(detector: Threshold): Judge {
  const { over, band } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];
  const createInput = (every: DurationMs): Input => EMPTY_FIELDS.concat(emptyWindow(over, every));
  const isUpper = band.raiseAt >= band.clearAt;

  const isBeyond = (value: number, limit: number): boolean =>
    isUpper ? value > limit : value < limit;
  const isRaised = (mean: number): boolean =>
    isUpper ? mean >= band.raiseAt : mean <= band.raiseAt;

  function inputOf(state: ThresholdState, index: number, feed: Feed): Input {
    const input = state[index] ?? createInput(feed.every);
    state[index] = input;
    const lastAt = input[LAST_AT] as number;
    if (lastAt !== 0 && feed.at - lastAt <= (input[PATIENCE] as number)) return input;
    input[SINCE] = feed.at;
    if (input[IS_BREACHED] === 0) input[BEYOND_SINCE] = 0;
    return input;
  }

  function measure(input: Input, { at, value, patience }: Feed): void {
    push(input, WINDOW, at, value, over);
    input[LAST_AT] = at;
    input[PATIENCE] = patience;
    input[MEAN] = meanOf(input, WINDOW);
    if (!isBeyond(value, band.clearAt)) {
      if (input[IS_BREACHED] === 0) input[BEYOND_SINCE] = 0;
    } else if (input[BEYOND_SINCE] === 0) input[BEYOND_SINCE] = at;
  }

  const isFilled = (input: Input, { at, every }: Feed): boolean =>
    at - (input[SINCE] as number) + every * 1.5 >= over;

  function settle(input: Input, feed: Feed): void {
    const mean = input[MEAN] as number;
    if (input[IS_BREACHED] === 0) {
      if (isRaised(mean) && isFilled(input, feed)) input[IS_BREACHED] = 1;
    } else if (!isBeyond(mean, band.clearAt)) {
      input[IS_BREACHED] = 0;
      input[BEYOND_SINCE] = isBeyond(feed.value, band.clearAt) ? feed.at : 0;
    }
  }

  /**
   * A satellite link is always slow: where this is how the series is, another rule tells of change.
   * Until that is known, what has been so since its first sample is no change: else every start would
   * bring a storm of such lines.
   */
  function isUsual(input: Input, { learned, at }: Feed): boolean {
    if (detector.unlessUsual !== true || learned === undefined) return false;
    if (!isWarm(learned, at)) {
      return input[IS_BREACHED] === 0 && input[BEYOND_SINCE] === learnedSince(learned);
    }
    return isBeyond(usually(learned, MIDDLE), band.clearAt);
  }

  function verdictOf(state: ThresholdState, at: EpochMs): Verdict {
    let isKnown = false;
    for (const input of state) {
      if (input === null || at - (input[LAST_AT] as number) > (input[PATIENCE] as number)) continue;
      if (input[IS_BREACHED] === 1) return 'breached';
      isKnown = true;
    }
    return isKnown ? 'normal' : 'unknown';
  }

  /** The input that speaks: the breached one that is furthest out. */
  function worst(state: ThresholdState): number {
    let found = 0;
    let figure = Number.NEGATIVE_INFINITY;
    state.forEach((input, index) => {
      if (input === null) return;
      const mean = input[MEAN] as number;
      const distance = (isUpper ? mean : -mean) + (input[IS_BREACHED] === 1 ? 1e12 : 0);
      if (distance <= figure) return;
      found = index;
      figure = distance;
    });
    return found;
  }

  return defineJudge<ThresholdState>({
    learns: detector.unlessUsual === true,
    metrics: judged,
    create: () => judged.map(() => null),
    observe(state, index, feed) {
      const input = inputOf(state, index, feed);
      measure(input, feed);
      const isAtRest = input[IS_BREACHED] === 0 && !isRaised(input[MEAN] as number);
      if (!isAtRest) {
        if (isUsual(input, feed)) input[IS_BREACHED] = 0;
        else settle(input, feed);
      }
      return verdictOf(state, feed.at);
    },
    finding(state, _watched, at): Finding {
      const index = worst(state);
      const input = state[index];
      const metric = judged[index] as RuleMetricName;
      const observed = input?.[MEAN] ?? 0;
      const onsetAt = epochMs(Math.min((input?.[BEYOND_SINCE] ?? 0) || at, at));
      const mean = figureText(metric, observed);
      const text = `${metricText(metric)} ${mean} in the mean of ${durationText(over)}, limit ${figureText(metric, band.raiseAt)}`;
      return { metric, onsetAt, observed, expected: band.raiseAt, text };
    },
    cleared(state) {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const value = state[index]?.[MEAN] ?? 0;
      const mean = figureText(metric, value);
      if (detector.unlessUsual === true && isBeyond(value, band.clearAt)) {
        return `${metricText(metric)} of ${mean} is usual here; its own baseline tells of changes`;
      }
      return `${metricText(metric)} back at ${mean}, clear limit ${figureText(metric, band.clearAt)}`;
    },
  });
}
