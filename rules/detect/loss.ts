import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { BeyondChance, Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import {
  BURST_ECHOES,
  lossGain,
  MIN_SAMPLES,
  neededEvidence,
  ROUND_ECHOES,
  surenessOf,
} from './chance.ts';
import { decayTo } from './decay.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
import { figureText } from './wording.ts';

type LossDetector = Extract<Detector, { kind: 'threshold' }> & {
  readonly beyondChance: BeyondChance;
};

/** What is known of one series of losses, as numbers (half the memory of an object). 0 = never, none. */
type Input = number[];
const LAST_AT = 0;
const PATIENCE = 1;
const IS_OPEN = 2;
/** Evidence for a big loss, and the first sample in it; then the same for a small one. */
const FAST = 3;
const FAST_SINCE = 4;
const SLOW = 5;
const SLOW_SINCE = 6;
/** Samples in a row that were wholly lost. */
const LOST_RUN = 7;
/** Lost and sent since the evidence began, fading. */
const RUN_LOST = 8;
const RUN_ECHOES = 9;
/** Evidence that it is over, and the loss that it speaks against. */
const CLEAR = 10;
const CLEAR_OF = 11;
/** Lost and sent ever, fading. */
const USUAL_LOST = 12;
const USUAL_ECHOES = 13;
const LEARNING_SINCE = 14;
const EVERY = 15;
const ONSET = 16;
const PROOF = 17;
const FIELDS = 18;

/** One per metric, null until its first sample. */
type LossState = (Input | null)[];

/** Nobody promises less: the Internet loses so much on a good day (reference design, item 4). */
const LEAST_USUAL = 0.002;
const TIMES_USUAL = 4;
/**
 * Rounds that the first guess of the usual loss weighs: 3,000 echoes are 50 min at 5 s. A clean link is
 * granted 0.2 % after three hours; one that always loses 1 % is never granted less.
 */
const GUESS_ECHOES = 3_000;
/**
 * A small loss is a change only where the line is known: after an hour its own 3,600 echoes outweigh
 * the guess. A line that loses 3 % from the first minute on is told then, not as a sudden fault.
 */
const KNOWN_AFTER = 3_600_000;
/** The small loss is looked for by a second sum: e^2.5 fewer false alerts keep the sum of both. */
const SLOW_MORE = 2.5;
/**
 * Logarithm of the odds that it is over: wrong once in 400 runs of luck with half the loss, never in
 * days with all of it. The same at all intervals: rare rounds take longer to prove the end.
 */
const CLEAR_EVIDENCE = 6;
/** The mean of a run keeps at least so many echoes, or it says nothing of rare rounds. */
const MEAN_ECHOES = 100;

/**
 * Loss echo by echo. Opens when the odds between the usual loss (learned, `usual` at first) and a bad
 * one are proof enough: two sums, for `bad` and for max(`raiseAt`, 4 x usual). Ends when the odds
 * between what may remain and half of what was lost are: so a steady loss of any size is one alert,
 * whatever its luck in half a minute, which a limit on the mean cannot do.
 */
export function lossJudge(detector: LossDetector): Judge {
  const { over, band, beyondChance } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];
  const guessLost = beyondChance.usual * GUESS_ECHOES;

  const usualOf = (input: Input): number =>
    Math.max(
      LEAST_USUAL,
      ((input[USUAL_LOST] as number) + guessLost) /
        ((input[USUAL_ECHOES] as number) + GUESS_ECHOES),
    );
  const smallOf = (usual: number): number =>
    Math.min(0.5, Math.max(band.raiseAt, TIMES_USUAL * usual));
  const bigOf = (usual: number): number => Math.max(beyondChance.bad, smallOf(usual));

  function inputOf(state: LossState, index: number, { at, patience, every }: Feed): Input {
    const input = state[index] ?? new Array<number>(FIELDS).fill(0);
    state[index] = input;
    const lastAt = input[LAST_AT] as number;
    if (lastAt === 0) input[LEARNING_SINCE] = at;
    else if (at - lastAt > (input[PATIENCE] as number)) forgetRun(input);
    input[LAST_AT] = at;
    input[PATIENCE] = patience;
    input[EVERY] = every;
    return input;
  }

  /** What fades of the memory is filled up with what a lasting trouble makes usual, in days. */
  function fade(input: Input, span: number): void {
    const keep = decayTo(span);
    const grown = input[IS_OPEN] === 1 ? Math.min(meanOf(input), smallOf(usualOf(input))) : 0;
    const echoes = input[USUAL_ECHOES] as number;
    input[USUAL_LOST] = (input[USUAL_LOST] as number) * keep + (1 - keep) * echoes * grown;
    input[USUAL_ECHOES] = input[IS_OPEN] === 1 ? echoes : echoes * keep;
  }

  function round(input: Input, { at, value, every, span }: Feed): void {
    if (!isCounted(input, value)) return;
    fade(input, Math.min(span, 4 * every || span));
    const lost = Math.max(0, Math.min(1, value)) * ROUND_ECHOES;
    if (lost === 0 && !isRunning(input)) {
      input[USUAL_ECHOES] = (input[USUAL_ECHOES] as number) + ROUND_ECHOES;
      return;
    }
    count(input, lost, span);
    gather(input, lost, ROUND_ECHOES, at);
    if (input[IS_OPEN] === 1) end(input, lost);
    else if (!isRunning(input)) learnRun(input);
    else if (meanOf(input) >= band.raiseAt) begin(input, at);
  }

  /** Until it is open the mean is that of the whole run. */
  function count(input: Input, lost: number, span: number): void {
    const isOpen = input[IS_OPEN] === 1;
    const keep = isOpen ? Math.max(1 - span / over, 1 - ROUND_ECHOES / MEAN_ECHOES) : 1;
    input[RUN_LOST] = (input[RUN_LOST] as number) * keep + lost;
    input[RUN_ECHOES] = (input[RUN_ECHOES] as number) * keep + ROUND_ECHOES;
  }

  function gather(input: Input, lost: number, echoes: number, at: number): void {
    const usual = usualOf(input);
    const { evidence } = beyondChance;
    add(input, FAST, lossGain(lost, echoes, usual, bigOf(usual)), evidence, at);
    add(input, SLOW, lossGain(lost, echoes, usual, smallOf(usual)), evidence + SLOW_MORE, at);
  }

  function add(input: Input, sum: number, gain: number, evidence: number, at: number): void {
    const cap = neededEvidence(evidence, durationMs(input[EVERY] as number)) / MIN_SAMPLES;
    const next = (input[sum] as number) + Math.min(cap, gain);
    if (next <= 0) {
      input[sum] = 0;
      input[sum + 1] = 0;
      return;
    }
    if (input[sum] === 0) input[sum + 1] = at;
    input[sum] = Math.min(next, 2 * evidence);
  }

  function begin(input: Input, at: number): void {
    const every = durationMs(input[EVERY] as number);
    const { evidence } = beyondChance;
    const isFast = (input[FAST] as number) >= neededEvidence(evidence, every);
    const isKnown = at - (input[LEARNING_SINCE] as number) >= KNOWN_AFTER;
    const isSlow =
      isKnown && (input[SLOW] as number) >= neededEvidence(evidence + SLOW_MORE, every);
    if (!isFast && !isSlow) return;
    input[IS_OPEN] = 1;
    input[ONSET] = input[isFast ? FAST_SINCE : SLOW_SINCE] as number;
    input[PROOF] = input[isFast ? FAST : SLOW] as number;
    input[CLEAR] = 0;
  }

  function end(input: Input, lost: number): void {
    const remains = Math.max(band.clearAt, usualOf(input));
    if (input[CLEAR] === 0) {
      input[CLEAR_OF] = Math.max(2 * remains, band.raiseAt, meanOf(input) / 2);
    }
    const against = input[CLEAR_OF] as number;
    const gain = -lossGain(lost, ROUND_ECHOES, remains, Math.min(0.9, against));
    const sum = Math.max(0, (input[CLEAR] as number) + gain);
    input[CLEAR] = sum;
    if (sum < CLEAR_EVIDENCE) return;
    input[IS_OPEN] = 0;
    forgetRun(input);
  }

  function verdictOf(state: LossState, at: number): Verdict {
    let isKnown = false;
    for (const input of state) {
      if (input === null || at - (input[LAST_AT] as number) > (input[PATIENCE] as number)) continue;
      if (input[IS_OPEN] === 1) return 'breached';
      isKnown = true;
    }
    return isKnown ? 'normal' : 'unknown';
  }

  /** The open series that loses most, else the first that is known. */
  function worst(state: LossState): number {
    const known = state.flatMap((input, index) => (input === null ? [] : [{ input, index }]));
    const open = known.filter(({ input }) => input[IS_OPEN] === 1);
    const [first] = open.sort((a, b) => meanOf(b.input) - meanOf(a.input));
    return first?.index ?? known[0]?.index ?? 0;
  }

  return defineJudge<LossState>({
    metrics: [...judged, ...judged.map(burstOf)],
    form: 'loss',
    create: () => judged.map(() => null),
    observe(state, place, feed) {
      if (place < judged.length) {
        round(inputOf(state, place, feed), feed);
        return verdictOf(state, feed.at);
      }
      // A burst is evidence beside the rounds; without rounds there is nothing to judge. It follows a
      // miss, so it says nothing of what is usual.
      const input = state[place - judged.length];
      if (input && isCounted(input, feed.value)) {
        gather(input, Math.max(0, Math.min(1, feed.value)) * BURST_ECHOES, BURST_ECHOES, feed.at);
      }
      return 'unknown';
    },
    finding(state, _watched, at): Finding {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const input = state[index] ?? new Array<number>(FIELDS).fill(0);
      const usual = usualOf(input);
      const observed = meanOf(input);
      const every = durationMs(input[EVERY] as number);
      return {
        metric,
        onsetAt: epochMs(Math.min((input[ONSET] as number) || at, at)),
        observed,
        expected: smallOf(usual),
        usual: usualBand(usual, input),
        sureness: surenessOf(input[PROOF] as number, every),
        learningSince: epochMs(input[LEARNING_SINCE] as number),
        text: `${figureText(metric, observed)} of the packets lost since it began, more than chance makes of the usual ${figureText(metric, usual)}`,
      };
    },
    cleared(state) {
      const index = worst(state);
      const input = state[index];
      const metric = judged[index] as RuleMetricName;
      const usual = input ? Math.max(band.clearAt, usualOf(input)) : band.clearAt;
      return `so many packets arrive again that the loss is below ${figureText(metric, usual)}`;
    },
  });
}

/**
 * False for what is another rule's business: of a run of wholly lost samples the first counts, and an
 * outage as a whole counts for nothing.
 */
function isCounted(input: Input, ratio: number): boolean {
  const run = input[LOST_RUN] as number;
  if (ratio >= 1) {
    input[LOST_RUN] = run + 1;
    input[CLEAR] = 0;
    return run === 0;
  }
  input[LOST_RUN] = 0;
  if (run > 1 && input[IS_OPEN] === 0) forgetRun(input);
  return run <= 1;
}

const isRunning = (input: Input): boolean =>
  input[FAST] !== 0 || input[SLOW] !== 0 || input[IS_OPEN] === 1;

function meanOf(input: Input): number {
  const echoes = input[RUN_ECHOES] as number;
  return echoes > 0 ? (input[RUN_LOST] as number) / echoes : 0;
}

/** It was chance: only now the run becomes part of what is usual, or it would hide itself. */
function learnRun(input: Input): void {
  input[USUAL_LOST] = (input[USUAL_LOST] as number) + (input[RUN_LOST] as number);
  input[USUAL_ECHOES] = (input[USUAL_ECHOES] as number) + (input[RUN_ECHOES] as number);
  input[RUN_LOST] = input[RUN_ECHOES] = 0;
}

/** Data stopped or the trouble is over: a new run begins with nothing. */
function forgetRun(input: Input): void {
  input[FAST] = input[FAST_SINCE] = input[SLOW] = input[SLOW_SINCE] = 0;
  if (input[IS_OPEN] === 0) input[RUN_LOST] = input[RUN_ECHOES] = 0;
  input[CLEAR] = 0;
}

/** Where the usual rate lies in 9 of 10 cases, as far as so many echoes can tell. */
function usualBand(usual: number, input: Input): NonNullable<Finding['usual']> {
  const echoes = (input[USUAL_ECHOES] as number) + GUESS_ECHOES;
  const spread = 1.645 * Math.sqrt((usual * (1 - usual)) / echoes);
  return { low: Math.max(0, usual - spread), middle: usual, high: usual + spread };
}

const burstOf = (metric: RuleMetricName): RuleMetricName =>
  metric.replace(/_loss_ratio$/, '_confirm_loss_ratio') as RuleMetricName;
