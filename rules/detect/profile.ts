import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs, hours, minutes } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
import {
  createProfile,
  hourOf,
  noteHour,
  usualAt,
  usualEver,
  type WeekProfile,
} from './week-profile.ts';
import { figureText, metricText } from './wording.ts';

type ProfileDetector = Extract<Detector, { kind: 'profile' }>;

/** What is known of one series. Times 0 = never. */
interface Input {
  readonly profile: WeekProfile;
  since: number;
  lastAt: number;
  patience: number;
  /** The hour that is going on, its sum of value x ms, and the ms. */
  hour: number;
  sum: number;
  known: number;
  /** What is usual in this hour, looked up once. */
  middle: number;
  high: number;
  low: number;
  spread: number;
  isSeasonal: boolean;
  isJudged: boolean;
  isOpen: boolean;
  evidence: number;
  onset: number;
  value: number;
  goodSince: number;
}
type ProfileState = (Input | null)[];

const HOUR = hours(1);
/** Two of each hour of the week, before anything is said of a rhythm. */
const TWO_WEEKS = hours(14 * 24);
/** An hour counts when half of it was measured. */
const ENOUGH = HOUR / 2;
const MIN_WEEKS = 2;
/** Before two weeks: a day and a night must be known, else nothing is said. */
const MIN_HOURS = 24;
/**
 * The evidence rule of the latency baseline (8 samples of 4 min for a bare excess, 3 at least for a
 * big one), in time: 32 min of a bare excess, 11 of a threefold one.
 */
const PROOF = minutes(32);
const MOST_EXCESS = 3;
/** Ends after 40 min at or below half the margin (10 samples of 4 min, reference design item 5). */
const GOOD_FOR = minutes(40);

/**
 * More than usual for this hour of the week: beyond the band of the same hour and its neighbours in the
 * last three weeks by at least `margin` and half of what the weeks differ. Before two weeks are known
 * the band is that of all hours, without a rhythm.
 */
export function profileJudge(detector: ProfileDetector): Judge {
  const { margin, least } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];

  const marginOf = (input: Input): number => Math.max(margin, input.spread / 2);
  const limitOf = (input: Input): number => Math.max(least, input.high + marginOf(input));

  function inputOf(state: ProfileState, index: number, feed: Feed): Input {
    const input = state[index] ?? createInput(feed.at);
    state[index] = input;
    const isGap = input.lastAt !== 0 && feed.at - input.lastAt > input.patience;
    if (isGap) {
      input.evidence = 0;
      input.goodSince = 0;
    }
    input.lastAt = feed.at;
    input.patience = feed.patience;
    return input;
  }

  function turnHour(input: Input, at: number): void {
    const hour = hourOf(at);
    if (hour === input.hour) return;
    // With a rhythm also trouble is learned: it takes two weeks of three to become usual. Without one it
    // would be so at once.
    const isOdd = !input.isSeasonal && (input.isOpen || input.evidence > 0);
    if (input.hour !== 0 && input.known >= ENOUGH && !isOdd) {
      noteHour(input.profile, input.hour, input.sum / input.known);
    }
    input.hour = hour;
    input.sum = 0;
    input.known = 0;
    input.isSeasonal = at - input.since >= TWO_WEEKS;
    const usual = input.isSeasonal ? usualAt(input.profile, hour) : usualEver(input.profile);
    input.middle = usual.middle;
    input.low = usual.low;
    input.high = usual.high;
    input.spread = usual.spread;
    input.isJudged = usual.known >= (input.isSeasonal ? MIN_WEEKS : MIN_HOURS);
  }

  function gather(input: Input, { at, value }: Feed, span: number): void {
    const limit = limitOf(input);
    if (value <= limit) {
      input.evidence = 0;
      return;
    }
    if (input.evidence === 0) input.onset = at;
    const excess = (value - input.high) / (limit - input.high);
    input.evidence += Math.min(MOST_EXCESS, excess) * span;
    if (input.evidence < PROOF) return;
    input.isOpen = true;
    input.goodSince = 0;
  }

  function end(input: Input, { at, value }: Feed): void {
    const half = Math.max(least, input.high + marginOf(input) / 2);
    if (value > half) {
      input.goodSince = 0;
      return;
    }
    if (input.goodSince === 0) input.goodSince = at;
    if (at - input.goodSince < GOOD_FOR) return;
    input.isOpen = false;
    input.evidence = 0;
  }

  function verdictOf(state: ProfileState, at: number): Verdict {
    let isKnown = false;
    for (const input of state) {
      if (input === null || at - input.lastAt > input.patience) continue;
      if (input.isOpen) return 'breached';
      isKnown = true;
    }
    return isKnown ? 'normal' : 'unknown';
  }

  const worst = (state: ProfileState): number => {
    const open = state.findIndex((input) => input?.isOpen === true);
    return open < 0 ? 0 : open;
  };

  return defineJudge<ProfileState>({
    metrics: judged,
    create: () => judged.map(() => null),
    observe(state, index, feed) {
      const input = inputOf(state, index, feed);
      turnHour(input, feed.at);
      // A gap is not measured: nobody knows what went on in it.
      const span = feed.span > feed.patience ? 0 : feed.span;
      input.value = feed.value;
      input.sum += feed.value * span;
      input.known += span;
      if (input.isOpen) end(input, feed);
      else if (input.isJudged) gather(input, feed, span);
      return verdictOf(state, feed.at);
    },
    finding(state, _watched, at): Finding {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const input = state[index] ?? createInput(at);
      const usual = { low: input.low, middle: input.middle, high: input.high };
      const [low, high, now] = [input.low, input.high, input.value].map((x) =>
        figureText(metric, x),
      );
      return {
        metric,
        onsetAt: epochMs(Math.min(input.onset || at, at)),
        observed: input.value,
        expected: limitOf(input),
        usual,
        sureness: surenessOf(input),
        learningSince: epochMs(input.since),
        text: `${metricText(metric)} ${now}, ${input.isSeasonal ? 'at this hour of the week usually' : 'usually (baseline younger than two weeks)'} ${low} to ${high}`,
      };
    },
    cleared(state) {
      const metric = judged[worst(state)] as RuleMetricName;
      return `${metricText(metric)} is back at what is usual at this hour`;
    },
  });
}

const createInput = (at: number): Input => ({
  profile: createProfile(),
  since: at,
  lastAt: 0,
  patience: 0,
  hour: 0,
  sum: 0,
  known: 0,
  middle: 0,
  low: 0,
  high: 0,
  spread: 0,
  isSeasonal: false,
  isJudged: false,
  isOpen: false,
  evidence: 0,
  onset: 0,
  value: 0,
  goodSince: 0,
});

/** A bare excess lasts half an hour by chance once in ten, twice as long once in a hundred (own estimate). */
const surenessOf = ({ evidence }: Input): number => 1 - 10 ** -(evidence / PROOF);
