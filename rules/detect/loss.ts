import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type DurationMs, durationMs, epochMs } from '../../protocol/model/units.ts';
import type { BeyondChance, Detector } from '../settings.ts';
import {
  BURST_ECHOES,
  lossGain,
  MIN_SAMPLES,
  neededEvidence,
  ROUND_ECHOES,
  surenessOf,
} from './chance.ts';
import { decayTo } from './decay.ts';
import { addInput, inputAt, inputState, loadInputs, verdictOf } from './inputs.ts';
import { type Marks, type Numbers, zeros } from './marks.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import { figureText } from './wording.ts';

type LossDetector = Extract<Detector, { kind: 'threshold' }> & {
  readonly beyondChance: BeyondChance;
};

/** What is known of one series of losses, as numbers. 0 = never, none. */
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
/** Evidence that it is over, and the loss that it speaks against; 0 = an outage ended it. */
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
const FOR_VERDICT = { lastAt: LAST_AT, isOpen: IS_OPEN };

/** As snapshots have it: one per metric, null until its first sample. */
type LossState = (Numbers | null)[];

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
/** Until then the guess of what is usual may be three times too low: more proof makes up for it. */
const UNKNOWN_MORE = 4;
/** The small loss is looked for by a second sum: e^2.5 fewer false alerts keep the sum of both. */
const SLOW_MORE = 2.5;
/**
 * Logarithm of the odds that it is over: wrong once in 400 runs of luck with half the loss, never in
 * days with all of it. The same at all intervals: rare rounds take longer to prove the end.
 */
const CLEAR_EVIDENCE = 6;
/** No evidence yet that it is over, and none against: data are back after a gap. */
const RESUMED = Number.MIN_VALUE;
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

  const usualOf = (marks: Marks, input: number): number =>
    Math.max(
      LEAST_USUAL,
      ((marks[input + USUAL_LOST] as number) + guessLost) /
        ((marks[input + USUAL_ECHOES] as number) + GUESS_ECHOES),
    );
  const smallOf = (usual: number): number =>
    Math.min(0.5, Math.max(band.raiseAt, TIMES_USUAL * usual));
  const bigOf = (usual: number): number => Math.max(beyondChance.bad, smallOf(usual));

  function inputOf(pointer: number, { watched, at, patience, every }: Feed): number {
    const input = inputAt(watched.marks, pointer) || addInput(watched, pointer, zeros(FIELDS));
    const { marks } = watched;
    const lastAt = marks[input + LAST_AT] as number;
    if (lastAt === 0) marks[input + LEARNING_SINCE] = at;
    else if (at - lastAt > (marks[input + PATIENCE] as number)) resume(marks, input);
    marks[input + LAST_AT] = at;
    marks[input + PATIENCE] = patience;
    marks[input + EVERY] = every;
    return input;
  }

  /**
   * Data are back. Of an old loss nothing is known any more: if nothing is lost at first it is over, and
   * that is seen as soon as for a big one.
   */
  function resume(marks: Marks, input: number): void {
    forgetRun(marks, input);
    if (marks[input + IS_OPEN] === 0) return;
    marks[input + CLEAR_OF] = bigOf(usualOf(marks, input));
    marks[input + CLEAR] = RESUMED;
  }

  /** What fades of the memory is filled up with what a lasting trouble makes usual, in days. */
  function fade(marks: Marks, input: number, span: number): void {
    const keep = decayTo(span);
    const grown =
      marks[input + IS_OPEN] === 1
        ? Math.min(meanOf(marks, input), smallOf(usualOf(marks, input)))
        : 0;
    const echoes = marks[input + USUAL_ECHOES] as number;
    marks[input + USUAL_LOST] =
      (marks[input + USUAL_LOST] as number) * keep + (1 - keep) * echoes * grown;
    marks[input + USUAL_ECHOES] = marks[input + IS_OPEN] === 1 ? echoes : echoes * keep;
  }

  function round(marks: Marks, input: number, { at, value, every, span }: Feed): void {
    if (!isCounted(marks, input, value, 1)) return;
    fade(marks, input, Math.min(span, 4 * every || span));
    const lost = Math.max(0, Math.min(1, value)) * ROUND_ECHOES;
    if (lost === 0 && !isRunning(marks, input)) {
      marks[input + USUAL_ECHOES] = (marks[input + USUAL_ECHOES] as number) + ROUND_ECHOES;
      return;
    }
    count(marks, input, lost, span);
    gather(marks, input, lost, ROUND_ECHOES, at);
    if (marks[input + IS_OPEN] === 1) end(marks, input, lost);
    else if (!isRunning(marks, input)) learnRun(marks, input);
    else if (meanOf(marks, input) >= band.raiseAt) begin(marks, input, at);
  }

  /** Until it is open the mean is that of the whole run. */
  function count(marks: Marks, input: number, lost: number, span: number): void {
    const isOpen = marks[input + IS_OPEN] === 1;
    const keep = isOpen ? Math.max(1 - span / over, 1 - ROUND_ECHOES / MEAN_ECHOES) : 1;
    marks[input + RUN_LOST] = (marks[input + RUN_LOST] as number) * keep + lost;
    marks[input + RUN_ECHOES] = (marks[input + RUN_ECHOES] as number) * keep + ROUND_ECHOES;
  }

  function gather(marks: Marks, input: number, lost: number, echoes: number, at: number): void {
    const usual = usualOf(marks, input);
    const every = durationMs(marks[input + EVERY] as number);
    const fast = beyondChance.evidence;
    const slow = fast + SLOW_MORE;
    const big = Math.min(capOf(fast, every), lossGain(lost, echoes, usual, bigOf(usual)));
    const small = Math.min(capOf(slow, every), lossGain(lost, echoes, usual, smallOf(usual)));
    add(marks, input + FAST, big, 2 * fast, at);
    add(marks, input + SLOW, small, 2 * slow, at);
  }

  /** @param sum place of the evidence; when it began follows */
  function add(marks: Marks, sum: number, gain: number, most: number, at: number): void {
    const next = (marks[sum] as number) + gain;
    if (next <= 0) {
      marks[sum] = 0;
      marks[sum + 1] = 0;
      return;
    }
    if (marks[sum] === 0) marks[sum + 1] = at;
    marks[sum] = Math.min(next, most);
  }

  const isBigProved = (marks: Marks, input: number): boolean =>
    isProved(marks, input, FAST, beyondChance.evidence);
  const isSmallProved = (marks: Marks, input: number): boolean =>
    isProved(marks, input, SLOW, beyondChance.evidence + SLOW_MORE);

  /** Nothing was lost last, or what was lost since would not be told by itself. */
  const isEasing = (marks: Marks, input: number): boolean =>
    (marks[input + CLEAR] as number) > RESUMED ||
    !(isBigProved(marks, input) || isSmallProved(marks, input));

  function begin(marks: Marks, input: number, at: number): void {
    const isKnown = at - (marks[input + LEARNING_SINCE] as number) >= KNOWN_AFTER;
    const { evidence } = beyondChance;
    const isFast = isProved(marks, input, FAST, isKnown ? evidence : evidence + UNKNOWN_MORE);
    if (!isFast && !(isKnown && isSmallProved(marks, input))) return;
    marks[input + IS_OPEN] = 1;
    marks[input + ONSET] = marks[input + (isFast ? FAST_SINCE : SLOW_SINCE)] as number;
    marks[input + PROOF] = marks[input + (isFast ? FAST : SLOW)] as number;
    marks[input + CLEAR] = 0;
  }

  function end(marks: Marks, input: number, lost: number): void {
    const remains = Math.max(band.clearAt, usualOf(marks, input));
    if (marks[input + CLEAR] === 0) {
      marks[input + CLEAR_OF] = Math.max(2 * remains, band.raiseAt, meanOf(marks, input) / 2);
    }
    const against = marks[input + CLEAR_OF] as number;
    const gain = -lossGain(lost, ROUND_ECHOES, remains, Math.min(0.9, against));
    const sum = Math.max(0, (marks[input + CLEAR] as number) + gain);
    marks[input + CLEAR] = sum;
    if (sum < CLEAR_EVIDENCE) return;
    marks[input + IS_OPEN] = 0;
    forgetRun(marks, input);
  }

  /** The open series that loses most, else the first that is known. */
  function worst({ marks }: Watched, base: number): number {
    const known = judged.flatMap((_, index) => {
      const input = inputAt(marks, base + index);
      return input === 0 ? [] : [{ index, input }];
    });
    const open = known.filter(({ input }) => marks[input + IS_OPEN] === 1);
    const [first] = open.sort((a, b) => meanOf(marks, b.input) - meanOf(marks, a.input));
    return first?.index ?? known[0]?.index ?? 0;
  }

  return defineJudge<LossState>({
    metrics: [...judged, ...judged.map(burstOf)],
    form: 'loss',
    first: zeros(judged.length),
    observe(base, index, feed) {
      const { watched, at } = feed;
      if (index < judged.length) {
        const input = inputOf(base + index, feed);
        round(watched.marks, input, feed);
        return verdictOf(watched.marks, base, judged.length, FOR_VERDICT, at, isEasing);
      }
      // A burst is evidence beside the rounds; without rounds there is nothing to judge. It follows a
      // miss, so it says nothing of what is usual.
      const { marks } = watched;
      const input = inputAt(marks, base + index - judged.length);
      if (input !== 0 && isCounted(marks, input, feed.value, OUTAGE)) {
        const lost = Math.max(0, Math.min(1, feed.value)) * BURST_ECHOES;
        gather(marks, input, lost, BURST_ECHOES, at);
      }
      return 'unknown';
    },
    finding(base, watched, at): Finding {
      const index = worst(watched, base);
      const metric = judged[index] as RuleMetricName;
      const input =
        inputAt(watched.marks, base + index) || addInput(watched, base + index, zeros(FIELDS));
      const { marks } = watched;
      const usual = usualOf(marks, input);
      const observed = meanOf(marks, input);
      const every = durationMs(marks[input + EVERY] as number);
      return {
        metric,
        onsetAt: epochMs(Math.min((marks[input + ONSET] as number) || at, at)),
        observed,
        expected: smallOf(usual),
        usual: usualBand(usual, marks[input + USUAL_ECHOES] as number),
        sureness: surenessOf(marks[input + PROOF] as number, every),
        learningSince: epochMs(marks[input + LEARNING_SINCE] as number),
        text: `${figureText(metric, observed)} of the packets lost since it began, more than chance makes of the usual ${figureText(metric, usual)}`,
      };
    },
    cleared(base, watched) {
      const index = worst(watched, base);
      const metric = judged[index] as RuleMetricName;
      const input = inputAt(watched.marks, base + index);
      if (input !== 0 && watched.marks[input + CLEAR_OF] === 0) {
        return 'nothing arrived for a time since; what is lost from now on is judged anew';
      }
      const usual = input === 0 ? 0 : usualOf(watched.marks, input);
      const limit = Math.max(band.clearAt, usual);
      return `so many packets arrive again that the loss is below ${figureText(metric, limit)}`;
    },
    save: (base, { marks }) => judged.map((_, i) => inputState(marks, base + i, FIELDS)),
    load: (base, watched, state) => loadInputs(watched, base, judged.length, state),
  });
}

/** So many wholly lost rounds in a row are an outage, and so is one wholly lost burst. */
const OUTAGE = 2;

/**
 * False for what is another rule's business: a single round may be wholly lost by bad luck and counts,
 * an outage as a whole counts for nothing.
 * @param weight how much of an outage it is when all is lost
 */
function isCounted(marks: Marks, input: number, ratio: number, weight: number): boolean {
  const run = marks[input + LOST_RUN] as number;
  if (ratio >= 1) {
    marks[input + LOST_RUN] = run + weight;
    marks[input + CLEAR] = 0;
    return run + weight < OUTAGE;
  }
  marks[input + LOST_RUN] = 0;
  if (run >= OUTAGE) endByOutage(marks, input);
  return run < OUTAGE;
}

/**
 * An outage came between: what began it is no proof of loss after it, and a line that always loses a
 * little would take for ever to disprove it. Loss that goes on is proved anew in half a minute.
 */
function endByOutage(marks: Marks, input: number): void {
  if (marks[input + IS_OPEN] === 1) marks[input + CLEAR_OF] = 0;
  marks[input + IS_OPEN] = 0;
  forgetRun(marks, input);
}

/** @param sum place of the evidence */
const isProved = (marks: Marks, input: number, sum: number, evidence: number): boolean =>
  (marks[input + sum] as number) >=
  neededEvidence(evidence, durationMs(marks[input + EVERY] as number));

const isRunning = (marks: Marks, input: number): boolean =>
  marks[input + FAST] !== 0 || marks[input + SLOW] !== 0 || marks[input + IS_OPEN] === 1;

function meanOf(marks: Marks, input: number): number {
  const echoes = marks[input + RUN_ECHOES] as number;
  return echoes > 0 ? (marks[input + RUN_LOST] as number) / echoes : 0;
}

/** It was chance: only now the run becomes part of what is usual, or it would hide itself. */
function learnRun(marks: Marks, input: number): void {
  marks[input + USUAL_LOST] =
    (marks[input + USUAL_LOST] as number) + (marks[input + RUN_LOST] as number);
  marks[input + USUAL_ECHOES] =
    (marks[input + USUAL_ECHOES] as number) + (marks[input + RUN_ECHOES] as number);
  marks[input + RUN_LOST] = marks[input + RUN_ECHOES] = 0;
}

/** One sample gives no more of the proof. */
const capOf = (evidence: number, every: DurationMs): number =>
  neededEvidence(evidence, every) / MIN_SAMPLES;

/** Data stopped or the trouble is over: a new run begins with nothing. */
function forgetRun(marks: Marks, input: number): void {
  marks[input + FAST] =
    marks[input + FAST_SINCE] =
    marks[input + SLOW] =
    marks[input + SLOW_SINCE] =
      0;
  if (marks[input + IS_OPEN] === 0) marks[input + RUN_LOST] = marks[input + RUN_ECHOES] = 0;
  marks[input + CLEAR] = 0;
}

/** Where the usual rate lies in 9 of 10 cases, as far as so many echoes can tell. */
function usualBand(usual: number, known: number): NonNullable<Finding['usual']> {
  const echoes = known + GUESS_ECHOES;
  const spread = 1.645 * Math.sqrt((usual * (1 - usual)) / echoes);
  return { low: Math.max(0, usual - spread), middle: usual, high: usual + spread };
}

const burstOf = (metric: RuleMetricName): RuleMetricName =>
  metric.replace(/_loss_ratio$/, '_confirm_loss_ratio') as RuleMetricName;
