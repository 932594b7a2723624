import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs, hours, seconds } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { decayTo } from './decay.ts';
import { addInput, inputAt, inputState, loadInputs, verdictOf } from './inputs.ts';
import { type Marks, type Numbers, zeros } from './marks.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import { figureText, metricText } from './wording.ts';

type Surge = Extract<Detector, { kind: 'surge' }>;

/** What is known of one series of counts, as numbers. 0 = never, none. */
const LAST_AT = 0;
const PATIENCE = 1;
const IS_OPEN = 2;
/** Evidence, and the first poll in it. */
const SUM = 3;
const SINCE = 4;
/** Evidence that it is over. */
const CLEAR = 5;
/** Counted, and the seconds in which it was; both fade. */
const COUNTED = 6;
const SECONDS = 7;
const LEARNING_SINCE = 8;
const RATE = 9;
const ONSET = 10;
/** Mean rate since the evidence began: counts and seconds. */
const RUN_COUNTED = 11;
const RUN_SECONDS = 12;
const PROOF = 13;
const FIELDS = 14;
const FOR_VERDICT = { lastAt: LAST_AT, isOpen: IS_OPEN };

/** One poll: what it adds to the evidence, what was counted in how many seconds, the bad rate. */
interface Counted {
  readonly gain: number;
  readonly count: number;
  readonly elapsed: number;
  readonly bad: number;
}

/** As snapshots have it. */
interface SurgeState {
  /** One per metric, null until its first figure. */
  readonly inputs: readonly (Numbers | null)[];
}

/**
 * So long only the rate that is bad anywhere is told, as with latency (60 samples of 4 min): before it
 * nobody knows what a line usually does.
 */
const WARM_UP = hours(4);
/** Polls that the proof needs at least, when they come every 30 s: one burst is one poll. */
const MIN_POLLS = 3;
const POLL = seconds(30);
/** Chance that a poll begins a fault: one a day and series, as with loss. */
const PRIOR = Math.log(2_880);
/** Logarithm of the odds that it is over. */
const CLEAR_EVIDENCE = 6;
/** Mean packet on the Internet, for want of a packet counter (CAIDA: 500 to 900 octets). */
const PACKET_BITS = 700 * 8;

/**
 * Poisson CUSUM (Page 1954; Lucas, Technometrics 1985): each poll adds the logarithm of the odds
 * between `times` the usual rate and the usual rate, for what was counted in exactly the time since
 * the poll before. A trickle stays below, a burst is one poll, and a change is proved in a few.
 * Ends by the odds the other way, so that a steady rate is one alert.
 */
export function surgeJudge(detector: Surge): Judge {
  const { raiseAt, youngAt, times, evidence, perPacket } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];
  const logTimes = Math.log(times);

  const usualOf = (marks: Marks, input: number): number =>
    (marks[input + SECONDS] as number) > 0
      ? (marks[input + COUNTED] as number) / (marks[input + SECONDS] as number)
      : 0;

  const isYoung = (marks: Marks, input: number, at: number): boolean =>
    at - (marks[input + LEARNING_SINCE] as number) < WARM_UP;

  /** The rate that is found soonest. */
  function badRate(marks: Marks, input: number, at: number, packets: number): number {
    const share = perPacket * packets;
    if (isYoung(marks, input, at)) return Math.max(youngAt, raiseAt, share);
    return Math.max(raiseAt, share, times * usualOf(marks, input));
  }

  const isSent = judged.map((metric) => metric.includes('_out_'));
  /** Packets per second by the load of the port; 0 = not known. */
  const packetsOf = ({ port }: Watched, index: number): number =>
    port === undefined ? 0 : (isSent[index] ? port.outBps : port.inBps) / PACKET_BITS;

  function inputOf(pointer: number, { watched, at, patience }: Feed): number {
    const input = inputAt(watched.marks, pointer) || addInput(watched, pointer, zeros(FIELDS));
    const { marks } = watched;
    const lastAt = marks[input + LAST_AT] as number;
    if (lastAt === 0) marks[input + LEARNING_SINCE] = at;
    else if (at - lastAt > (marks[input + PATIENCE] as number) && marks[input + IS_OPEN] === 0) {
      forget(marks, input);
    }
    marks[input + LAST_AT] = at;
    marks[input + PATIENCE] = patience;
    return input;
  }

  function measure(input: number, index: number, { at, value, span, watched }: Feed): void {
    const { marks } = watched;
    const elapsed = span / 1000;
    const count = Math.max(0, value) * elapsed;
    const isIdle = count === 0 && marks[input + SUM] === 0 && marks[input + IS_OPEN] === 0;
    marks[input + RATE] = value;
    if (isIdle) {
      learn(marks, input, 0, elapsed, span);
      return;
    }
    const bad = badRate(marks, input, at, packetsOf(watched, index));
    const usual = bad / times;
    const gain = count * logTimes - (bad - usual) * elapsed;
    if (marks[input + IS_OPEN] === 0) {
      gather(marks, input, { gain, count, elapsed, bad }, at, span);
      return;
    }
    // A lasting change becomes usual after a week or so.
    learn(marks, input, Math.min(count, bad * elapsed), elapsed, span);
    end(marks, input, gain);
  }

  function learn(marks: Marks, input: number, count: number, elapsed: number, span: number): void {
    const keep = decayTo(span);
    const known = marks[input + SECONDS] as number;
    if (marks[input + IS_OPEN] === 1) {
      // Only what fades is filled up, or a short memory would take the trouble for usual at once.
      const filled = elapsed > 0 ? (count / elapsed) * known * (1 - keep) : 0;
      marks[input + COUNTED] = (marks[input + COUNTED] as number) * keep + filled;
      return;
    }
    marks[input + COUNTED] = (marks[input + COUNTED] as number) * keep + count;
    marks[input + SECONDS] = known * keep + elapsed;
  }

  function gather(marks: Marks, input: number, poll: Counted, at: number, span: number): void {
    const cap = (evidence / MIN_POLLS) * Math.min(1, span / POLL);
    const sum = (marks[input + SUM] as number) + Math.min(cap, poll.gain);
    if (sum <= 0) {
      // It was chance: only now it becomes part of what is usual, or it would hide itself. One burst
      // counts for no more than what would be told.
      const seconds = (marks[input + RUN_SECONDS] as number) + poll.elapsed;
      const count = (marks[input + RUN_COUNTED] as number) + poll.count;
      learn(marks, input, Math.min(count, poll.bad * seconds), seconds, seconds * 1000);
      forget(marks, input);
      return;
    }
    if (marks[input + SUM] === 0) marks[input + SINCE] = at;
    marks[input + SUM] = sum;
    marks[input + RUN_COUNTED] = (marks[input + RUN_COUNTED] as number) + poll.count;
    marks[input + RUN_SECONDS] = (marks[input + RUN_SECONDS] as number) + poll.elapsed;
    if (sum < evidence) return;
    marks[input + IS_OPEN] = 1;
    marks[input + ONSET] = marks[input + SINCE] as number;
    marks[input + PROOF] = sum;
    marks[input + CLEAR] = 0;
  }

  function end(marks: Marks, input: number, gain: number): void {
    marks[input + CLEAR] = Math.max(0, (marks[input + CLEAR] as number) - gain);
    if ((marks[input + CLEAR] as number) < CLEAR_EVIDENCE) return;
    marks[input + IS_OPEN] = 0;
    forget(marks, input);
  }

  /** Which of the open series counts most, else the first. */
  function worst({ marks }: Watched, base: number): number {
    let found = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < judged.length; i++) {
      const input = inputAt(marks, base + i);
      if (input === 0 || marks[input + IS_OPEN] === 0) continue;
      const mean = meanOf(marks, input);
      if (mean <= most) continue;
      most = mean;
      found = i;
    }
    return found;
  }

  return defineJudge<SurgeState>({
    metrics: judged,
    form: 'surge',
    first: zeros(judged.length),
    observe(base, index, feed) {
      measure(inputOf(base + index, feed), index, feed);
      return verdictOf(feed.watched.marks, base, judged.length, FOR_VERDICT, feed.at);
    },
    finding(base, watched, at): Finding {
      const index = worst(watched, base);
      const metric = judged[index] as RuleMetricName;
      const input =
        inputAt(watched.marks, base + index) || addInput(watched, base + index, zeros(FIELDS));
      const { marks } = watched;
      const usual = usualOf(marks, input);
      const observed = meanOf(marks, input);
      const packets = packetsOf(watched, index);
      const sooner = badRate(marks, input, at, packets);
      return {
        metric,
        onsetAt: epochMs(Math.min((marks[input + ONSET] as number) || at, at)),
        observed,
        expected: sooner,
        usual: usualBand(usual, marks[input + SECONDS] as number),
        sureness: 1 / (1 + Math.exp(PRIOR - (marks[input + PROOF] as number))),
        learningSince: epochMs(marks[input + LEARNING_SINCE] as number),
        text: [
          `${metricText(metric)} ${figureText(metric, observed)}`,
          `usual ${figureText(metric, usual)}`,
          ...(packets > 0 && observed > 1e-9 ? [shareText(observed / packets)] : []),
          ...(isYoung(marks, input, at) ? ['baseline young'] : []),
        ].join(', '),
      };
    },
    cleared(base, watched) {
      const index = worst(watched, base);
      const metric = judged[index] as RuleMetricName;
      const input = inputAt(watched.marks, base + index);
      const usual = input === 0 ? 0 : usualOf(watched.marks, input);
      return `${metricText(metric)} back at about the usual ${figureText(metric, usual)}`;
    },
    save: (base, { marks }) => ({
      inputs: judged.map((_, i) => inputState(marks, base + i, FIELDS)),
    }),
    load: (base, watched, { inputs }) => loadInputs(watched, base, judged.length, inputs),
  });
}

const meanOf = (marks: Marks, input: number): number => {
  const elapsed = marks[input + RUN_SECONDS] as number;
  return elapsed > 0
    ? (marks[input + RUN_COUNTED] as number) / elapsed
    : (marks[input + RATE] as number);
};

/** The evidence is gone; a new run begins with nothing. */
function forget(marks: Marks, input: number): void {
  marks[input + SUM] =
    marks[input + SINCE] =
    marks[input + CLEAR] =
    marks[input + RUN_COUNTED] =
    marks[input + RUN_SECONDS] =
      0;
}

/** Where the mean rate of a minute usually lies: 9 of 10 of a Poisson count, by its normal limit. */
function usualBand(usual: number, known: number): NonNullable<Finding['usual']> {
  const spread = 1.645 * Math.sqrt(usual / Math.min(60, Math.max(1, known)));
  return { low: Math.max(0, usual - spread), middle: usual, high: usual + spread };
}

/** "about 1 of 4000 packets": estimated from the load. */
const shareText = (share: number): string =>
  `about 1 of ${Number(Math.max(1, 1 / share).toPrecision(2))} packets`;
