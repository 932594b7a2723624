import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { isWarm, LOW, learnedSince, MIDDLE, usually } from './baseline-series.ts';
import { addInput, inputAt, loadInputs, verdictOf } from './inputs.ts';
import { type Marks, type Numbers, zeros } from './marks.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import { emptyWindow, meanOf, moveToGrow, push, windowFrom, windowState } from './window.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Threshold = Extract<Detector, { kind: 'threshold' }>;

/** What is known of one metric: the fields below, then the window. Times are 0 for never. */
/** First sample since the beginning or since data came back. */
const SINCE = 0;
const LAST_AT = 1;
const PATIENCE = 2;
const MEAN = 3;
const IS_BREACHED = 4;
/** First sample of the run beyond `clearAt`. */
const BEYOND_SINCE = 5;
const WINDOW = 6;
/** So near to the best of its first minutes a line is as good as before; the jitter of a busy one is less. */
const BACK_WITHIN = 1.1;
const FOR_VERDICT = { lastAt: LAST_AT, isOpen: IS_BREACHED };
const EMPTY_FIELDS: readonly number[] = [0, 0, 0, 0, 0, 0];

/** As snapshots have it: one per metric, null until its first sample. */
type ThresholdState = (Numbers | null)[];

/**
 * The mean over trailing time against a band, for each metric by itself. Nothing is breached before
 * the window has been filled once; a window shorter than the interval holds one sample.
 */
export function thresholdJudge(detector: Threshold): Judge {
  const { over, band } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];
  const isUpper = band.raiseAt >= band.clearAt;

  const isBeyond = (value: number, limit: number): boolean =>
    isUpper ? value > limit : value < limit;
  const isRaised = (mean: number): boolean =>
    isUpper ? mean >= band.raiseAt : mean <= band.raiseAt;

  function inputOf(pointer: number, { watched, at, every }: Feed): number {
    const input =
      inputAt(watched.marks, pointer) ||
      addInput(watched, pointer, EMPTY_FIELDS.concat(emptyWindow(over, every)));
    const { marks } = watched;
    const lastAt = marks[input + LAST_AT] as number;
    if (lastAt !== 0 && at - lastAt <= (marks[input + PATIENCE] as number)) return input;
    marks[input + SINCE] = at;
    if (marks[input + IS_BREACHED] === 0) marks[input + BEYOND_SINCE] = 0;
    return input;
  }

  function measure(marks: Marks, input: number, { at, value, patience }: Feed): void {
    marks[input + LAST_AT] = at;
    marks[input + PATIENCE] = patience;
    marks[input + MEAN] = meanOf(marks, input + WINDOW);
    if (!isBeyond(value, band.clearAt)) {
      if (marks[input + IS_BREACHED] === 0) marks[input + BEYOND_SINCE] = 0;
    } else if (marks[input + BEYOND_SINCE] === 0) marks[input + BEYOND_SINCE] = at;
  }

  const isFilled = (since: number, { at, every }: Feed): boolean =>
    at - since + every * 1.5 >= over;

  function settle(marks: Marks, input: number, feed: Feed): void {
    const mean = marks[input + MEAN] as number;
    if (marks[input + IS_BREACHED] === 0) {
      const since = marks[input + SINCE] as number;
      if (isRaised(mean) && isFilled(since, feed)) marks[input + IS_BREACHED] = 1;
    } else if (!isBeyond(mean, clearLimitOf(feed))) {
      marks[input + IS_BREACHED] = 0;
      marks[input + BEYOND_SINCE] = isBeyond(feed.value, band.clearAt) ? feed.at : 0;
    }
  }

  /**
   * A line that lies between both limits when all is well never comes below the lower one. Until its
   * baseline is known the best that it has shown tells: a trouble is over within a tenth of that.
   */
  function clearLimitOf({ learned, at }: Feed): number {
    if (detector.unlessUsual !== true || learned === undefined || isWarm(learned, at)) {
      return band.clearAt;
    }
    const best = BACK_WITHIN * usually(learned, LOW);
    return isUpper && best > 0
      ? Math.max(band.clearAt, Math.min(band.raiseAt, best))
      : band.clearAt;
  }

  /**
   * A satellite link is always slow: where this is how the series is, another rule tells of change.
   * Until that is known, what has been so since its first sample is no change: else every start would
   * bring a storm of such lines.
   */
  function isUsual(marks: Marks, input: number, { learned, at }: Feed): boolean {
    if (detector.unlessUsual !== true || learned === undefined) return false;
    if (!isWarm(learned, at)) {
      const since = marks[input + BEYOND_SINCE];
      return marks[input + IS_BREACHED] === 0 && since === learnedSince(learned);
    }
    return isBeyond(usually(learned, MIDDLE), band.clearAt);
  }

  /** The input that speaks: the breached one that is furthest out. */
  function worst({ marks }: Watched, base: number): Speaker {
    let found = { metric: detector.metric, mean: 0, beyondSince: 0 };
    let figure = Number.NEGATIVE_INFINITY;
    judged.forEach((metric, i) => {
      const input = inputAt(marks, base + i);
      if (input === 0) return;
      const mean = marks[input + MEAN] as number;
      const distance = (isUpper ? mean : -mean) + (marks[input + IS_BREACHED] === 1 ? 1e12 : 0);
      if (distance <= figure) return;
      found = { metric, mean, beyondSince: marks[input + BEYOND_SINCE] as number };
      figure = distance;
    });
    return found;
  }

  return defineJudge<ThresholdState>({
    learns: detector.unlessUsual === true,
    metrics: judged,
    first: zeros(judged.length),
    observe(base, index, feed) {
      const { watched, at, value } = feed;
      let input = inputOf(base + index, feed);
      if (!push(watched.marks, input + WINDOW, at, value, over)) {
        moveToGrow(watched, base + index, WINDOW);
        input = inputAt(watched.marks, base + index);
        push(watched.marks, input + WINDOW, at, value, over);
      }
      const { marks } = watched;
      measure(marks, input, feed);
      const isAtRest = marks[input + IS_BREACHED] === 0 && !isRaised(marks[input + MEAN] as number);
      if (!isAtRest) {
        if (isUsual(marks, input, feed)) marks[input + IS_BREACHED] = 0;
        else settle(marks, input, feed);
      }
      return verdictOf(marks, base, judged.length, FOR_VERDICT, at);
    },
    finding(base, watched, at): Finding {
      const { metric, mean: observed, beyondSince } = worst(watched, base);
      const onsetAt = epochMs(Math.min(beyondSince || at, at));
      const mean = figureText(metric, observed);
      const text = `${metricText(metric)} ${mean} in the mean of ${durationText(over)}, limit ${figureText(metric, band.raiseAt)}`;
      return { metric, onsetAt, observed, expected: band.raiseAt, text };
    },
    cleared(base, watched) {
      const { metric, mean: value } = worst(watched, base);
      const mean = figureText(metric, value);
      if (detector.unlessUsual === true && isBeyond(value, band.clearAt)) {
        return `${metricText(metric)} of ${mean} is usual here; its own baseline tells of changes`;
      }
      return `${metricText(metric)} back at ${mean}, clear limit ${figureText(metric, band.clearAt)}`;
    },
    save: (base, { marks }) =>
      judged.map((_, i) => {
        const input = inputAt(marks, base + i);
        if (input === 0) return null;
        return marks.slice(input, input + WINDOW).concat(windowState(marks, input + WINDOW));
      }),
    load(base, watched, state) {
      const inputs = state.map(
        (input) => input && [...input.slice(0, WINDOW), ...windowFrom(input.slice(WINDOW))],
      );
      loadInputs(watched, base, judged.length, inputs);
    },
  });
}

interface Speaker {
  readonly metric: RuleMetricName;
  readonly mean: number;
  readonly beyondSince: number;
}
