import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { epochMs, hours, minutes } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
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
import type { Numbers } from './window.ts';
import { figureText, metricText } from './wording.ts';

type ProfileDetector = Extract<Detector, { kind: 'profile' }>;

/** What is known of one series: its rhythm, and the numbers below. Times 0 = never. */
interface Input {
  readonly now: Numbers;
  /** Made with the first hour that is known. */
  profile: WeekProfile | null;
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
const FIELDS = 17;

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

  const marginOf = (now: Numbers): number => Math.max(margin, (now[SPREAD] as number) / 2);
  const limitOf = (now: Numbers): number => Math.max(least, (now[HIGH] as number) + marginOf(now));

  function inputOf(state: ProfileState, index: number, { at, patience }: Feed): Input {
    const input = state[index] ?? createInput(at);
    state[index] = input;
    const { now } = input;
    const lastAt = now[LAST_AT] as number;
    if (lastAt !== 0 && at - lastAt > (now[PATIENCE] as number)) {
      now[EVIDENCE] = 0;
      now[GOOD_SINCE] = 0;
    }
    now[LAST_AT] = at;
    now[PATIENCE] = patience;
    return input;
  }

  function turnHour(input: Input, at: number): void {
    const { now } = input;
    const hour = hourOf(at);
    if (hour === now[HOUR_OF]) return;
    // With a rhythm also trouble is learned: it takes two weeks of three to become usual. Without one it
    // would be so at once.
    const isTrouble = now[IS_OPEN] === 1 || (now[EVIDENCE] as number) > 0;
    const isOdd = now[IS_SEASONAL] === 0 && isTrouble;
    if (now[HOUR_OF] !== 0 && (now[KNOWN] as number) >= ENOUGH && !isOdd) {
      input.profile ??= createProfile();
      noteHour(
        input.profile,
        now[HOUR_OF] as number,
        (now[SUM] as number) / (now[KNOWN] as number),
      );
    }
    now[HOUR_OF] = hour;
    now[SUM] = 0;
    now[KNOWN] = 0;
    lookUp(input, at - (now[SINCE] as number) >= TWO_WEEKS, hour);
  }

  function lookUp({ now, profile }: Input, isSeasonal: boolean, hour: number): void {
    const { low, middle, high, spread, known } = usualIn(profile, isSeasonal, hour);
    now[IS_SEASONAL] = Number(isSeasonal);
    now[MIDDLE] = middle;
    now[LOW] = low;
    now[HIGH] = high;
    now[SPREAD] = spread;
    now[IS_JUDGED] = Number(known >= (isSeasonal ? MIN_WEEKS : MIN_HOURS));
  }

  function gather(now: Numbers, { at, value }: Feed, span: number): void {
    const limit = limitOf(now);
    if (value <= limit) {
      now[EVIDENCE] = 0;
      return;
    }
    if (now[EVIDENCE] === 0) now[ONSET] = at;
    const high = now[HIGH] as number;
    const excess = (value - high) / (limit - high);
    now[EVIDENCE] = (now[EVIDENCE] as number) + Math.min(MOST_EXCESS, excess) * span;
    if (now[EVIDENCE] < PROOF) return;
    now[IS_OPEN] = 1;
    now[GOOD_SINCE] = 0;
  }

  function end(now: Numbers, { at, value }: Feed): void {
    const half = Math.max(least, (now[HIGH] as number) + marginOf(now) / 2);
    if (value > half) {
      now[GOOD_SINCE] = 0;
      return;
    }
    if (now[GOOD_SINCE] === 0) now[GOOD_SINCE] = at;
    if (at - (now[GOOD_SINCE] as number) < GOOD_FOR) return;
    now[IS_OPEN] = 0;
    now[EVIDENCE] = 0;
  }

  function verdictOf(state: ProfileState, at: number): Verdict {
    let isKnown = false;
    for (const input of state) {
      if (input === null) continue;
      const { now } = input;
      if (at - (now[LAST_AT] as number) > (now[PATIENCE] as number)) continue;
      if (now[IS_OPEN] === 1) return 'breached';
      isKnown = true;
    }
    return isKnown ? 'normal' : 'unknown';
  }

  const worst = (state: ProfileState): number => {
    const open = state.findIndex((input) => input?.now[IS_OPEN] === 1);
    return open < 0 ? 0 : open;
  };

  return defineJudge<ProfileState>({
    metrics: judged,
    form: 'profile',
    create: () => judged.map(() => null),
    observe(state, index, feed) {
      const input = inputOf(state, index, feed);
      turnHour(input, feed.at);
      const { now } = input;
      // A gap is not measured: nobody knows what went on in it.
      const span = feed.span > feed.patience ? 0 : feed.span;
      now[VALUE] = feed.value;
      now[SUM] = (now[SUM] as number) + feed.value * span;
      now[KNOWN] = (now[KNOWN] as number) + span;
      if (now[IS_OPEN] === 1) end(now, feed);
      else if (now[IS_JUDGED] === 1) gather(now, feed, span);
      return verdictOf(state, feed.at);
    },
    finding(state, _watched, at): Finding {
      const index = worst(state);
      const metric = judged[index] as RuleMetricName;
      const { now } = state[index] ?? createInput(at);
      const [low, middle, high] = [LOW, MIDDLE, HIGH].map((field) => now[field] as number) as [
        number,
        number,
        number,
      ];
      const observed = now[VALUE] as number;
      const text = (figure: number) => figureText(metric, figure);
      return {
        metric,
        onsetAt: epochMs(Math.min((now[ONSET] as number) || at, at)),
        observed,
        expected: limitOf(now),
        usual: { low, middle, high },
        sureness: surenessOf(now),
        learningSince: epochMs(now[SINCE] as number),
        text: `${metricText(metric)} ${text(observed)}, ${now[IS_SEASONAL] === 1 ? 'at this hour of the week usually' : 'usually (baseline younger than two weeks)'} ${text(low)} to ${text(high)}`,
      };
    },
    cleared(state) {
      const metric = judged[worst(state)] as RuleMetricName;
      return `${metricText(metric)} is back at what is usual at this hour`;
    },
  });
}

function createInput(at: number): Input {
  const now = new Array<number>(FIELDS).fill(0);
  now[SINCE] = at;
  return { now, profile: null };
}

function usualIn(profile: WeekProfile | null, isSeasonal: boolean, hour: number): UsualHour {
  if (profile === null) return NOTHING_USUAL;
  return isSeasonal ? usualAt(profile, hour) : usualEver(profile);
}

/** A bare excess lasts half an hour by chance once in ten, twice as long once in a hundred (own estimate). */
const surenessOf = (now: Numbers): number => 1 - 10 ** -((now[EVIDENCE] as number) / PROOF);
