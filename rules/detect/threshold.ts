import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import {
  addLoss,
  BURST_ECHOES,
  type ChanceState,
  createChance,
  forgetLoss,
  neededEvidence,
  ROUND_ECHOES,
} from './chance.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
import { createWindow, meanOf, push, type SampleWindow } from './window.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Threshold = Extract<Detector, { kind: 'threshold' }>;

/** What is known of one metric. */
interface InputState {
  readonly window: SampleWindow;
  /** First sample since the beginning or since data came back. */
  since: EpochMs;
  lastAt: EpochMs;
  patience: DurationMs;
  mean: number;
  isBreached: boolean;
  /** First sample of the run beyond `clearAt`; 0 = none. */
  beyondSince: EpochMs;
  chance?: ChanceState;
}

/** One per metric, null until its first sample. */
interface ThresholdState {
  readonly inputs: (InputState | null)[];
}

const NEVER = epochMs(0);

/**
 * The mean over trailing time against a band, for each metric by itself. Nothing is breached before
 * the window has been filled once; a window shorter than the interval holds one sample.
 */
export function thresholdJudge(detector: Threshold): Judge {
  const { over, band, beyondChance } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];
  const bursts = beyondChance === undefined ? [] : judged.map(burstOf);
  const isUpper = band.raiseAt >= band.clearAt;

  const isBeyond = (value: number, limit: number): boolean =>
    isUpper ? value > limit : value < limit;
  const isRaised = (mean: number): boolean =>
    isUpper ? mean >= band.raiseAt : mean <= band.raiseAt;

  function inputOf(state: ThresholdState, index: number, feed: Feed): InputState {
    const input = state.inputs[index] ?? createInput(beyondChance !== undefined);
    state.inputs[index] = input;
    if (input.lastAt !== NEVER && feed.at - input.lastAt <= input.patience) return input;
    input.since = feed.at;
    if (!input.isBreached) input.beyondSince = NEVER;
    if (input.chance !== undefined) forgetLoss(input.chance);
    return input;
  }

  function measure(input: InputState, { at, value, every, patience }: Feed): void {
    push(input.window, at, value, over);
    input.lastAt = at;
    input.patience = patience;
    input.mean = meanOf(input.window);
    if (!isBeyond(value, band.clearAt)) {
      if (!input.isBreached) input.beyondSince = NEVER;
    } else if (input.beyondSince === NEVER) input.beyondSince = at;
    if (beyondChance !== undefined && input.chance !== undefined) {
      addLoss(input.chance, beyondChance, at, value, ROUND_ECHOES, every);
    }
  }

  function isProved(input: InputState, { at, every }: Feed): boolean {
    if (beyondChance !== undefined && input.chance !== undefined) {
      return input.chance.sum >= neededEvidence(beyondChance, every);
    }
    return at - input.since + every * 1.5 >= over;
  }

  function settle(input: InputState, feed: Feed): void {
    if (isRaised(input.mean) && isProved(input, feed)) input.isBreached = true;
    else if (input.isBreached && !isBeyond(input.mean, band.clearAt)) {
      input.isBreached = false;
      input.beyondSince = isBeyond(feed.value, band.clearAt) ? feed.at : NEVER;
      if (input.chance !== undefined) forgetLoss(input.chance);
    }
  }

  function verdictOf(state: ThresholdState, at: EpochMs): Verdict {
    let isKnown = false;
    for (const input of state.inputs) {
      if (input === null || at - input.lastAt > input.patience) continue;
      if (input.isBreached) return 'breached';
      isKnown = true;
    }
    return isKnown ? 'normal' : 'unknown';
  }

  /** The input that speaks: the breached one that is furthest out. */
  function worst(state: ThresholdState): number {
    let found = 0;
    let figure = Number.NEGATIVE_INFINITY;
    state.inputs.forEach((input, index) => {
      if (input === null) return;
      const distance = (isUpper ? input.mean : -input.mean) + (input.isBreached ? 1e12 : 0);
      if (distance <= figure) return;
      found = index;
      figure = distance;
    });
    return found;
  }

  return defineJudge<ThresholdState>({
    metrics: [...judged, ...bursts],
    create: () => ({ inputs: judged.map(() => null) }),
    observe(state, place, feed) {
      const index = place % judged.length;
      if (place < judged.length) {
        const input = inputOf(state, index, feed);
        measure(input, feed);
        settle(input, feed);
      } else {
        const input = state.inputs[index];
        // A burst speaks about loss, but a series of rounds must be there to be judged.
        if (!input?.chance || beyondChance === undefined) return 'unknown';
        addLoss(input.chance, beyondChance, feed.at, feed.value, BURST_ECHOES, feed.every);
      }
      return verdictOf(state, feed.at);
    },
    finding(state, _watched, at): Finding {
      const index = worst(state);
      const input = state.inputs[index];
      const metric = judged[index] as RuleMetricName;
      const observed = input?.mean ?? Number.NaN;
      const since = input?.chance?.since || input?.beyondSince || at;
      const onsetAt = epochMs(Math.min(since, at));
      const mean = figureText(metric, observed);
      const limit = figureText(metric, band.raiseAt);
      const text =
        beyondChance === undefined
          ? `${metricText(metric)} ${mean} in the mean of ${durationText(over)}, limit ${limit}`
          : `${mean} of the packets lost in the last ${durationText(over)}, more than chance makes of the usual ${figureText(metric, beyondChance.usual)}`;
      return { metric, onsetAt, observed, expected: band.raiseAt, text };
    },
    cleared(state) {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const mean = figureText(metric, state.inputs[index]?.mean ?? Number.NaN);
      return `${metricText(metric)} back at ${mean}, clear limit ${figureText(metric, band.clearAt)}`;
    },
  });
}

const burstOf = (metric: RuleMetricName): RuleMetricName =>
  metric.replace(/_loss_ratio$/, '_confirm_loss_ratio') as RuleMetricName;

const createInput = (hasChance: boolean): InputState => ({
  window: createWindow(),
  since: NEVER,
  lastAt: NEVER,
  patience: 0 as DurationMs,
  mean: 0,
  isBreached: false,
  beyondSince: NEVER,
  ...(hasChance && { chance: createChance() }),
});
