import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import type { Verdict } from './alert-state.ts';
import { shareAbove } from './baseline-histogram.ts';
import type { SeriesPoint } from './baseline-points.ts';
import {
  HIGH,
  HIGHEST,
  isWarm,
  type Learned,
  LOW,
  LOWEST,
  learnedSince,
  MIDDLE,
  ripeness,
  usually,
} from './baseline-series.ts';
import { defineJudge, type Feed, type Finding, type Judge } from './watched.ts';
import type { Numbers } from './window.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Baseline = Extract<Detector, { kind: 'baseline' }>;

/** The run of one metric beyond what is usual, as numbers; times are 0 for never. */
const EVIDENCE = 0;
const SINCE = 1;
const LAST_AT = 2;
const PATIENCE = 3;
const SIDE = 4;
const IS_BREACHED = 5;
const CALM_SINCE = 6;
/** Mean of the run: sum and number of its points. */
const SUM = 7;
const COUNT = 8;
/** What it was judged by, for the evidence of the alert. */
const LIMIT = 9;
const AT_LOW = 10;
const AT_MIDDLE = 11;
const AT_HIGH = 12;
const LEARNING_SINCE = 13;
const SURENESS = 14;
const RIPENESS = 15;
const FIELDS = 16;

/** One per metric, null until it first leaves its usual band. */
type BaselineState = (Numbers | null)[];

/**
 * A point may prove so much more by height than by lasting. The square root, since one burst can be
 * any height and is still one burst; without the cap three polls of a burst are a ticket.
 */
const MAX_WEIGHT = 2.5;

/** Beyond the margin for less than a tenth of what is known: full weight. */
const FULL_RARITY = 1;
const LEAST_RARITY = 0.2;

/**
 * What leaves the usual band of its own series and stays outside. Each point beyond the margin adds
 * the square root of its height (in margins) times the time it stands for; a point inside takes all
 * of it back. So a shift by just the margin is told after `proof`, one by four margins after half.
 * Where the series often lies beyond the margin a point weighs less, by the logarithm of how often
 * (the likelihood under its own past, as in Lambert and Liu, JASA 2006).
 * Over when for `clearAfter` no point was beyond the margin.
 */
export function baselineJudge(detector: Baseline, clearAfter: DurationMs): Judge {
  const { proof } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];

  /** How far from the middle is too far, on this side. */
  function marginOn(side: number, learned: Learned): number {
    const { atLeast, share, spread, side: sides } = detector;
    const middle = usually(learned, MIDDLE);
    const floor = Math.max(atLeast, share * Math.abs(middle));
    if (sides === 'above') return Math.max(floor, spread * (usually(learned, HIGH) - middle));
    const lowest = usually(learned, LOWEST);
    const highest = usually(learned, HIGHEST);
    const tail = side > 0 ? highest - middle : middle - lowest;
    // Nothing is known of such a number: half of all it ever does is the least that is unusual.
    return Math.max(floor, spread * tail, (highest - lowest) / 2, Number.MIN_VALUE);
  }

  /** Distance from the middle in margins. */
  function heightOf(point: SeriesPoint, learned: Learned, at: EpochMs): number {
    const distance = point.value - usually(learned, MIDDLE);
    if (detector.side === 'above' && distance <= 0) return 0;
    return distance / (youth(learned, at) * marginOn(Math.sign(distance), learned));
  }

  /** The limit on this side, with the doubt of the first day in it. */
  const limitOn = (side: number, learned: Learned, at: EpochMs): number =>
    usually(learned, MIDDLE) + side * youth(learned, at) * marginOn(side, learned);

  function gain(
    input: Numbers,
    point: SeriesPoint,
    height: number,
    learned: Learned,
    { at, patience }: Feed,
  ): void {
    const side = Math.sign(height);
    const last = input[LAST_AT] as number;
    const isTornOff = point.at - last > Math.max(patience, 3 * point.spans);
    if (input[IS_BREACHED] === 0 && (isTornOff || side !== input[SIDE])) input[EVIDENCE] = 0;
    const isFirst = input[EVIDENCE] === 0;
    if (isFirst) {
      input.fill(0, SUM, LIMIT);
      input[SINCE] = point.since;
      input[SIDE] = side;
    }
    // A poll or two that were lost in between do not make it shorter.
    const lasted = isFirst ? point.spans : Math.min(point.at - last, 2 * point.spans);
    const rarity = rarityOf(shareBeyond(learned, limitOn(side, learned, at), side));
    input[EVIDENCE] = (input[EVIDENCE] as number) + lasted * weightOf(height) * rarity;
    input[SUM] = (input[SUM] as number) + point.value;
    input[COUNT] = (input[COUNT] as number) + 1;
    input[LAST_AT] = point.at;
    input[PATIENCE] = patience;
    input[CALM_SINCE] = 0;
  }

  function calm(input: Numbers, at: EpochMs, patience: DurationMs): void {
    input[LAST_AT] = at;
    input[PATIENCE] = patience;
    if (input[IS_BREACHED] === 0) input[EVIDENCE] = 0;
    else if (input[CALM_SINCE] === 0) input[CALM_SINCE] = at;
    else if (at - (input[CALM_SINCE] as number) >= clearAfter) {
      input[IS_BREACHED] = 0;
      input[EVIDENCE] = 0;
    }
  }

  function noteProof(input: Numbers, learned: Learned, at: EpochMs): void {
    const side = input[SIDE] as number;
    const ripe = ripeness(learned, at);
    const limit = limitOn(side, learned, at);
    input[IS_BREACHED] = 1;
    input[LIMIT] = limit;
    input[AT_LOW] = usually(learned, LOW);
    input[AT_MIDDLE] = usually(learned, MIDDLE);
    input[AT_HIGH] = usually(learned, HIGH);
    input[LEARNING_SINCE] = learnedSince(learned);
    input[RIPENESS] = ripe;
    input[SURENESS] = (1 - shareBeyond(learned, limit, side)) * (0.5 + ripe / 2);
  }

  function judge(input: Numbers | null, learned: Learned, feed: Feed): Numbers | null {
    const { point } = learned;
    if (point === undefined || !isWarm(learned, feed.at)) return input;
    const height = heightOf(point, learned, feed.at);
    if (!(Math.abs(height) > 1)) {
      if (input !== null) calm(input, feed.at, feed.patience);
      return input;
    }
    const run = input ?? new Array<number>(FIELDS).fill(0);
    gain(run, point, height, learned, feed);
    if (run[IS_BREACHED] === 0 && (run[EVIDENCE] as number) >= proof) {
      noteProof(run, learned, feed.at);
    }
    return run;
  }

  const isBreaching = (input: Numbers | null, at: EpochMs): input is Numbers =>
    input !== null &&
    input[IS_BREACHED] === 1 &&
    input[CALM_SINCE] === 0 &&
    at - (input[LAST_AT] as number) <= (input[PATIENCE] as number) + 60_000;

  const speaking = (state: BaselineState): number =>
    Math.max(
      0,
      state.findIndex((input) => input?.[IS_BREACHED] === 1),
    );

  return defineJudge<BaselineState>({
    learns: true,
    metrics: judged,
    create: () => judged.map(() => null),
    observe(state, index, feed): Verdict {
      const { learned } = feed;
      // Between two points nothing new is known.
      if (learned?.point === undefined) return 'unknown';
      state[index] = judge(state[index] ?? null, learned, feed);
      return state.some((input) => isBreaching(input, feed.at)) ? 'breached' : 'normal';
    },
    finding(state, _watched, at): Finding {
      const index = speaking(state);
      const metric = judged[index] as RuleMetricName;
      const input = state[index] ?? new Array<number>(FIELDS).fill(0);
      const figure = (field: number): string => figureText(metric, input[field] as number);
      const onsetAt = epochMs(Math.min(input[SINCE] as number, at));
      const observed = (input[SUM] as number) / (input[COUNT] as number);
      const learningSince = epochMs(input[LEARNING_SINCE] as number);
      const young =
        (input[RIPENESS] as number) < 1
          ? `; baseline young, learned for ${durationText(at - learningSince)}`
          : '';
      return {
        metric,
        onsetAt,
        observed,
        expected: input[LIMIT] as number,
        usual: {
          low: input[AT_LOW] as number,
          middle: input[AT_MIDDLE] as number,
          high: input[AT_HIGH] as number,
        },
        sureness: Math.round((input[SURENESS] as number) * 1000) / 1000,
        learningSince,
        text: `${metricText(metric)} ${figureText(metric, observed)} for ${durationText(at - onsetAt)}, usually ${figure(AT_MIDDLE)} (${figure(AT_LOW)} to ${figure(AT_HIGH)}), limit ${figure(LIMIT)}${young}`,
      };
    },
    cleared(state) {
      const input = state.find((one) => one !== null);
      const index = input === undefined ? 0 : state.indexOf(input);
      const metric = judged[index] as RuleMetricName;
      const middle = figureText(metric, input?.[AT_MIDDLE] ?? 0);
      return `${metricText(metric)} within its usual band for ${durationText(clearAfter)}, usually ${middle}`;
    },
  });
}

const weightOf = (height: number): number => Math.min(MAX_WEIGHT, Math.sqrt(Math.abs(height)));

/** The rhythm of a day is not known in the first one: twice the margin, falling to one. */
const youth = (learned: Learned, at: EpochMs): number => 2 - ripeness(learned, at);

function shareBeyond({ histogram }: Learned, limit: number, side: number): number {
  const above = shareAbove(histogram, limit);
  return side > 0 ? above : 1 - above;
}

const rarityOf = (share: number): number =>
  Math.min(1, Math.max(LEAST_RARITY, -Math.log10(share) / FULL_RARITY));
