import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs, hours, minutes } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { addInput, inputAt, verdictOf } from './inputs.ts';
import { type Marks, type Numbers, zeros } from './marks.ts';
import {
  addBulk,
  bulkAt,
  defineJudge,
  type Feed,
  type Finding,
  type Judge,
  type Watched,
} from './watched.ts';
import {
  createProfile,
  hourOf,
  NOTHING_USUAL,
  noteHour,
  type UsualHour,
  usualAt,
  usualEver,
  type WeekProfile,
} from './week-profile.ts';
import { figureText, metricText } from './wording.ts';

type ProfileDetector = Extract<Detector, { kind: 'profile' }>;

/** What is known of one series as snapshots have it: its rhythm, and the numbers below. Times 0 = never. */
interface Input {
  readonly now: Numbers;
  /** Made with the first hour that is known. */
  readonly profile: WeekProfile | null;
}
const SINCE = 0;
const LAST_AT = 1;
const PATIENCE = 2;
/** The hour that is going on, its sum of value x ms, and the ms. */
const HOUR_OF = 3;
const SUM = 4;
const KNOWN = 5;
/** What is usual in this hour, looked up once. */
const MIDDLE = 6;
const HIGH = 7;
const LOW = 8;
const SPREAD = 9;
const IS_SEASONAL = 10;
const IS_JUDGED = 11;
const IS_OPEN = 12;
const EVIDENCE = 13;
const ONSET = 14;
const VALUE = 15;
const GOOD_SINCE = 16;
/** Where its rhythm is kept, 0 = none yet. */
const PROFILE = 17;
const FOR_VERDICT = { lastAt: LAST_AT, isOpen: IS_OPEN };

type ProfileState = readonly (Input | null)[];

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

  const marginOf = (marks: Marks, input: number): number =>
    Math.max(margin, (marks[input + SPREAD] as number) / 2);
  const limitOf = (marks: Marks, input: number): number =>
    Math.max(least, (marks[input + HIGH] as number) + marginOf(marks, input));

  function inputOf(pointer: number, { watched, at, patience }: Feed): number {
    const input = inputAt(watched.marks, pointer) || addInput(watched, pointer, firstOf(at));
    const { marks } = watched;
    const lastAt = marks[input + LAST_AT] as number;
    if (lastAt !== 0 && at - lastAt > (marks[input + PATIENCE] as number)) {
      marks[input + EVIDENCE] = 0;
      marks[input + GOOD_SINCE] = 0;
    }
    marks[input + LAST_AT] = at;
    marks[input + PATIENCE] = patience;
    return input;
  }

  function turnHour(watched: Watched, input: number, at: number): void {
    const { marks } = watched;
    const hour = hourOf(at);
    const before = marks[input + HOUR_OF] as number;
    if (hour === before) return;
    const known = marks[input + KNOWN] as number;
    // With a rhythm also trouble is learned: it takes two weeks of three to become usual. Without one it
    // would be so at once.
    const isTrouble = marks[input + IS_OPEN] === 1 || (marks[input + EVIDENCE] as number) > 0;
    const isOdd = marks[input + IS_SEASONAL] === 0 && isTrouble;
    if (before !== 0 && known >= ENOUGH && !isOdd) {
      noteHour(madeProfile(watched, input), before, (marks[input + SUM] as number) / known);
    }
    marks[input + HOUR_OF] = hour;
    marks[input + SUM] = 0;
    marks[input + KNOWN] = 0;
    lookUp(watched, input, at - (marks[input + SINCE] as number) >= TWO_WEEKS, hour);
  }

  function madeProfile(watched: Watched, input: number): WeekProfile {
    const known = profileOf(watched, input);
    if (known !== undefined) return known;
    const profile = createProfile();
    watched.marks[input + PROFILE] = addBulk(watched, profile);
    return profile;
  }

  function lookUp(watched: Watched, input: number, isSeasonal: boolean, hour: number): void {
    const { marks } = watched;
    const profile = profileOf(watched, input);
    const { low, middle, high, spread, known } = usualIn(profile, isSeasonal, hour);
    marks[input + IS_SEASONAL] = Number(isSeasonal);
    marks[input + MIDDLE] = middle;
    marks[input + LOW] = low;
    marks[input + HIGH] = high;
    marks[input + SPREAD] = spread;
    marks[input + IS_JUDGED] = Number(known >= (isSeasonal ? MIN_WEEKS : MIN_HOURS));
  }

  function gather(marks: Marks, input: number, { at, value }: Feed, span: number): void {
    const limit = limitOf(marks, input);
    if (value <= limit) {
      marks[input + EVIDENCE] = 0;
      return;
    }
    if (marks[input + EVIDENCE] === 0) marks[input + ONSET] = at;
    const high = marks[input + HIGH] as number;
    const excess = (value - high) / (limit - high);
    const evidence = (marks[input + EVIDENCE] as number) + Math.min(MOST_EXCESS, excess) * span;
    marks[input + EVIDENCE] = evidence;
    if (evidence < PROOF) return;
    marks[input + IS_OPEN] = 1;
    marks[input + GOOD_SINCE] = 0;
  }

  function end(marks: Marks, input: number, { at, value }: Feed): void {
    const half = Math.max(least, (marks[input + HIGH] as number) + marginOf(marks, input) / 2);
    if (value > half) {
      marks[input + GOOD_SINCE] = 0;
      return;
    }
    if (marks[input + GOOD_SINCE] === 0) marks[input + GOOD_SINCE] = at;
    if (at - (marks[input + GOOD_SINCE] as number) < GOOD_FOR) return;
    marks[input + IS_OPEN] = 0;
    marks[input + EVIDENCE] = 0;
  }

  function worst({ marks }: Watched, base: number): number {
    const open = judged.findIndex((_, i) => {
      const input = inputAt(marks, base + i);
      return input !== 0 && marks[input + IS_OPEN] === 1;
    });
    return Math.max(0, open);
  }

  return defineJudge<ProfileState>({
    metrics: judged,
    form: 'profile',
    first: zeros(judged.length),
    observe(base, index, feed) {
      const { watched, at, value } = feed;
      const input = inputOf(base + index, feed);
      turnHour(watched, input, at);
      const { marks } = watched;
      // A gap is not measured: nobody knows what went on in it.
      const span = feed.span > feed.patience ? 0 : feed.span;
      marks[input + VALUE] = value;
      marks[input + SUM] = (marks[input + SUM] as number) + value * span;
      marks[input + KNOWN] = (marks[input + KNOWN] as number) + span;
      if (marks[input + IS_OPEN] === 1) end(marks, input, feed);
      else if (marks[input + IS_JUDGED] === 1) gather(marks, input, feed, span);
      return verdictOf(marks, base, judged.length, FOR_VERDICT, at);
    },
    finding(base, watched, at): Finding {
      const index = worst(watched, base);
      const metric = judged[index] as RuleMetricName;
      const input =
        inputAt(watched.marks, base + index) || addInput(watched, base + index, firstOf(at));
      const { marks } = watched;
      const of = (field: number): number => marks[input + field] as number;
      const [low, middle, high, observed] = [of(LOW), of(MIDDLE), of(HIGH), of(VALUE)];
      const text = (figure: number) => figureText(metric, figure);
      return {
        metric,
        onsetAt: epochMs(Math.min(of(ONSET) || at, at)),
        observed,
        expected: limitOf(marks, input),
        usual: { low, middle, high },
        sureness: surenessOf(of(EVIDENCE)),
        learningSince: epochMs(of(SINCE)),
        text: `${metricText(metric)} ${text(observed)}, ${of(IS_SEASONAL) === 1 ? 'at this hour of the week usually' : 'usually (baseline younger than two weeks)'} ${text(low)} to ${text(high)}`,
      };
    },
    cleared(base, watched) {
      const metric = judged[worst(watched, base)] as RuleMetricName;
      return `${metricText(metric)} is back at what is usual at this hour`;
    },
    save: (base, watched) =>
      judged.map((_, i) => {
        const input = inputAt(watched.marks, base + i);
        if (input === 0) return null;
        const now = watched.marks.slice(input, input + PROFILE);
        return { now, profile: profileOf(watched, input) ?? null };
      }),
    load(base, watched, state) {
      state.slice(0, judged.length).forEach((one, i) => {
        if (one === null) return;
        const profile = one.profile === null ? 0 : addBulk(watched, one.profile);
        addInput(watched, base + i, [...one.now, profile]);
      });
    },
  });
}

const profileOf = (watched: Watched, input: number): WeekProfile | undefined =>
  bulkAt(watched, watched.marks[input + PROFILE] as number);

function firstOf(at: number): number[] {
  const fields = zeros(PROFILE + 1);
  fields[SINCE] = at;
  return fields;
}

function usualIn(profile: WeekProfile | undefined, isSeasonal: boolean, hour: number): UsualHour {
  if (profile === undefined) return NOTHING_USUAL;
  return isSeasonal ? usualAt(profile, hour) : usualEver(profile);
}

/** A bare excess lasts half an hour by chance once in ten, twice as long once in a hundred (own estimate). */
const surenessOf = (evidence: number): number => 1 - 10 ** -(evidence / PROOF);
