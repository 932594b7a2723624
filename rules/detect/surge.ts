import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs, hours, seconds } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { decayTo } from './decay.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import { figureText, metricText } from './wording.ts';

type Surge = Extract<Detector, { kind: 'surge' }>;

/** What is known of one series of counts, as numbers. 0 = never, none. */
type Input = number[];
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

/** One poll: what it adds to the evidence, what was counted in how many seconds, the bad rate. */
interface Counted {
  readonly gain: number;
  readonly count: number;
  readonly elapsed: number;
  readonly bad: number;
}

interface SurgeState {
  /** One per metric, null until its first figure. */
  readonly inputs: (Input | null)[];
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

  const usualOf = (input: Input): number =>
    (input[SECONDS] as number) > 0 ? (input[COUNTED] as number) / (input[SECONDS] as number) : 0;

  const isYoung = (input: Input, at: number): boolean =>
    at - (input[LEARNING_SINCE] as number) < WARM_UP;

  /** The rate that is found soonest. */
  function badRate(input: Input, at: number, packets: number): number {
    const share = perPacket * packets;
    if (isYoung(input, at)) return Math.max(youngAt, raiseAt, share);
    return Math.max(raiseAt, share, times * usualOf(input));
  }

  const isSent = judged.map((metric) => metric.includes('_out_'));
  /** Packets per second by the load of the port; 0 = not known. */
  const packetsOf = ({ port }: Watched, index: number): number =>
    port === undefined ? 0 : (isSent[index] ? port.outBps : port.inBps) / PACKET_BITS;

  function inputOf(state: SurgeState, index: number, { at, patience }: Feed): Input {
    const input = state.inputs[index] ?? new Array<number>(FIELDS).fill(0);
    state.inputs[index] = input;
    const lastAt = input[LAST_AT] as number;
    if (lastAt === 0) input[LEARNING_SINCE] = at;
    else if (at - lastAt > (input[PATIENCE] as number) && input[IS_OPEN] === 0) forget(input);
    input[LAST_AT] = at;
    input[PATIENCE] = patience;
    return input;
  }

  function measure(input: Input, index: number, { at, value, span, watched }: Feed): void {
    const elapsed = span / 1000;
    const count = Math.max(0, value) * elapsed;
    const isIdle = count === 0 && input[SUM] === 0 && input[IS_OPEN] === 0;
    input[RATE] = value;
    if (isIdle) {
      learn(input, 0, elapsed, span);
      return;
    }
    const bad = badRate(input, at, packetsOf(watched, index));
    const usual = bad / times;
    const gain = count * logTimes - (bad - usual) * elapsed;
    if (input[IS_OPEN] === 0) {
      gather(input, { gain, count, elapsed, bad }, at, span);
      return;
    }
    // A lasting change becomes usual after a week or so.
    learn(input, Math.min(count, bad * elapsed), elapsed, span);
    end(input, gain);
  }

  function learn(input: Input, count: number, elapsed: number, span: number): void {
    const keep = decayTo(span);
    const known = input[SECONDS] as number;
    if (input[IS_OPEN] === 1) {
      // Only what fades is filled up, or a short memory would take the trouble for usual at once.
      const filled = elapsed > 0 ? (count / elapsed) * known * (1 - keep) : 0;
      input[COUNTED] = (input[COUNTED] as number) * keep + filled;
      return;
    }
    input[COUNTED] = (input[COUNTED] as number) * keep + count;
    input[SECONDS] = known * keep + elapsed;
  }

  function gather(input: Input, poll: Counted, at: number, span: number): void {
    const cap = (evidence / MIN_POLLS) * Math.min(1, span / POLL);
    const sum = (input[SUM] as number) + Math.min(cap, poll.gain);
    if (sum <= 0) {
      // It was chance: only now it becomes part of what is usual, or it would hide itself. One burst
      // counts for no more than what would be told.
      const seconds = (input[RUN_SECONDS] as number) + poll.elapsed;
      const count = (input[RUN_COUNTED] as number) + poll.count;
      learn(input, Math.min(count, poll.bad * seconds), seconds, seconds * 1000);
      forget(input);
      return;
    }
    if (input[SUM] === 0) input[SINCE] = at;
    input[SUM] = sum;
    input[RUN_COUNTED] = (input[RUN_COUNTED] as number) + poll.count;
    input[RUN_SECONDS] = (input[RUN_SECONDS] as number) + poll.elapsed;
    if (sum < evidence) return;
    input[IS_OPEN] = 1;
    input[ONSET] = input[SINCE] as number;
    input[PROOF] = sum;
    input[CLEAR] = 0;
  }

  function end(input: Input, gain: number): void {
    input[CLEAR] = Math.max(0, (input[CLEAR] as number) - gain);
    if ((input[CLEAR] as number) < CLEAR_EVIDENCE) return;
    input[IS_OPEN] = 0;
    forget(input);
  }

  function verdictOf({ inputs }: SurgeState, at: number): Verdict {
    let isKnown = false;
    for (const input of inputs) {
      if (input === null || at - (input[LAST_AT] as number) > (input[PATIENCE] as number)) continue;
      if (input[IS_OPEN] === 1) return 'breached';
      isKnown = true;
    }
    return isKnown ? 'normal' : 'unknown';
  }

  /** The open series that counts most, else the first. */
  function worst({ inputs }: SurgeState): number {
    let found = 0;
    let most = Number.NEGATIVE_INFINITY;
    inputs.forEach((input, index) => {
      if (input === null || input[IS_OPEN] === 0) return;
      if (meanOf(input) <= most) return;
      most = meanOf(input);
      found = index;
    });
    return found;
  }

  return defineJudge<SurgeState>({
    metrics: judged,
    form: 'surge',
    create: () => ({ inputs: judged.map(() => null) }),
    observe(state, index, feed) {
      measure(inputOf(state, index, feed), index, feed);
      return verdictOf(state, feed.at);
    },
    finding(state, watched, at): Finding {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const input = state.inputs[index] ?? new Array<number>(FIELDS).fill(0);
      const usual = usualOf(input);
      const observed = meanOf(input);
      const packets = packetsOf(watched, index);
      const sooner = badRate(input, at, packets);
      return {
        metric,
        onsetAt: epochMs(Math.min((input[ONSET] as number) || at, at)),
        observed,
        expected: sooner,
        usual: usualBand(usual, input[SECONDS] as number),
        sureness: 1 / (1 + Math.exp(PRIOR - (input[PROOF] as number))),
        learningSince: epochMs(input[LEARNING_SINCE] as number),
        text: [
          `${metricText(metric)} ${figureText(metric, observed)}`,
          `usual ${figureText(metric, usual)}`,
          ...(packets > 0 && observed > 1e-9 ? [shareText(observed / packets)] : []),
          ...(isYoung(input, at) ? ['baseline young'] : []),
        ].join(', '),
      };
    },
    cleared(state) {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const input = state.inputs[index];
      const usual = input ? usualOf(input) : 0;
      return `${metricText(metric)} back at about the usual ${figureText(metric, usual)}`;
    },
  });
}

const meanOf = (input: Input): number => {
  const elapsed = input[RUN_SECONDS] as number;
  return elapsed > 0 ? (input[RUN_COUNTED] as number) / elapsed : (input[RATE] as number);
};

/** The evidence is gone; a new run begins with nothing. */
function forget(input: Input): void {
  input[SUM] = input[SINCE] = input[CLEAR] = input[RUN_COUNTED] = input[RUN_SECONDS] = 0;
}

/** Where the mean rate of a minute usually lies: 9 of 10 of a Poisson count, by its normal limit. */
function usualBand(usual: number, known: number): NonNullable<Finding['usual']> {
  const spread = 1.645 * Math.sqrt(usual / Math.min(60, Math.max(1, known)));
  return { low: Math.max(0, usual - spread), middle: usual, high: usual + spread };
}

/** "about 1 of 4000 packets": estimated from the load. */
const shareText = (share: number): string =>
  `about 1 of ${Number(Math.max(1, 1 / share).toPrecision(2))} packets`;
