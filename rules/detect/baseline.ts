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
import { addInput, inputAt, inputState, loadInputs } from './inputs.ts';
import { type Marks, type Numbers, zeros } from './marks.ts';
import { defineJudge, type Feed, type Finding, type Judge, type Watched } from './watched.ts';
import { durationText, figureText, metricText } from './wording.ts';

type Baseline = Extract<Detector, { kind: 'baseline' }>;

/** The run of one metric beyond what is usual; times are 0 for never. Most series never have one. */
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

/** As snapshots have it: one per metric, null until it first leaves its usual band. */
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
    marks: Marks,
    run: number,
    point: SeriesPoint,
    height: number,
    learned: Learned,
    { at, patience }: Feed,
  ): void {
    const side = Math.sign(height);
    const last = marks[run + LAST_AT] as number;
    const isTornOff = point.at - last > Math.max(patience, 3 * point.spans);
    if (marks[run + IS_BREACHED] === 0 && (isTornOff || side !== marks[run + SIDE]))
      marks[run + EVIDENCE] = 0;
    const isFirst = marks[run + EVIDENCE] === 0;
    if (isFirst) {
      marks[run + SUM] = marks[run + COUNT] = 0;
      marks[run + SINCE] = point.since;
      marks[run + SIDE] = side;
    }
    // A poll or two that were lost in between do not make it shorter.
    const lasted = isFirst ? point.spans : Math.min(point.at - last, 2 * point.spans);
    const rarity = rarityOf(shareBeyond(learned, limitOn(side, learned, at), side));
    marks[run + EVIDENCE] = (marks[run + EVIDENCE] as number) + lasted * weightOf(height) * rarity;
    marks[run + SUM] = (marks[run + SUM] as number) + point.value;
    marks[run + COUNT] = (marks[run + COUNT] as number) + 1;
    marks[run + LAST_AT] = point.at;
    marks[run + PATIENCE] = patience;
    marks[run + CALM_SINCE] = 0;
  }

  function calm(marks: Marks, run: number, at: EpochMs, patience: DurationMs): void {
    marks[run + LAST_AT] = at;
    marks[run + PATIENCE] = patience;
    if (marks[run + IS_BREACHED] === 0) marks[run + EVIDENCE] = 0;
    else if (marks[run + CALM_SINCE] === 0) marks[run + CALM_SINCE] = at;
    else if (at - (marks[run + CALM_SINCE] as number) >= clearAfter) {
      marks[run + IS_BREACHED] = 0;
      marks[run + EVIDENCE] = 0;
    }
  }

  function noteProof(marks: Marks, run: number, learned: Learned, at: EpochMs): void {
    const side = marks[run + SIDE] as number;
    const ripe = ripeness(learned, at);
    const limit = limitOn(side, learned, at);
    marks[run + IS_BREACHED] = 1;
    marks[run + LIMIT] = limit;
    marks[run + AT_LOW] = usually(learned, LOW);
    marks[run + AT_MIDDLE] = usually(learned, MIDDLE);
    marks[run + AT_HIGH] = usually(learned, HIGH);
    marks[run + LEARNING_SINCE] = learnedSince(learned);
    marks[run + RIPENESS] = ripe;
    marks[run + SURENESS] = (1 - shareBeyond(learned, limit, side)) * (0.5 + ripe / 2);
  }

  /** @param pointer where the place of its run is noted */
  function judge(pointer: number, learned: Learned, feed: Feed): void {
    const { watched, at } = feed;
    const { point } = learned;
    if (point === undefined || !isWarm(learned, at)) return;
    const height = heightOf(point, learned, at);
    let run = inputAt(watched.marks, pointer);
    if (!(Math.abs(height) > 1)) {
      if (run !== 0) calm(watched.marks, run, at, feed.patience);
      return;
    }
    if (run === 0) run = addInput(watched, pointer, zeros(FIELDS));
    const { marks } = watched;
    gain(marks, run, point, height, learned, feed);
    if (marks[run + IS_BREACHED] === 0 && (marks[run + EVIDENCE] as number) >= proof) {
      noteProof(marks, run, learned, at);
    }
  }

  function isBreaching(marks: Marks, base: number, at: EpochMs): boolean {
    for (let i = 0; i < judged.length; i++) {
      const run = inputAt(marks, base + i);
      if (run === 0 || marks[run + IS_BREACHED] === 0 || marks[run + CALM_SINCE] !== 0) continue;
      const until = (marks[run + LAST_AT] as number) + (marks[run + PATIENCE] as number) + 60_000;
      if (at <= until) return true;
    }
    return false;
  }

  /** The first metric whose run is so, else the first of all. */
  function speaking({ marks }: Watched, base: number, isIt: (run: number) => boolean): number {
    const found = judged.findIndex((_, i) => {
      const run = inputAt(marks, base + i);
      return run !== 0 && isIt(run);
    });
    return Math.max(0, found);
  }

  return defineJudge<BaselineState>({
    learns: true,
    metrics: judged,
    first: zeros(judged.length),
    observe(base, index, feed): Verdict {
      const { learned } = feed;
      // Between two points nothing new is known.
      if (learned?.point === undefined) return 'unknown';
      judge(base + index, learned, feed);
      return isBreaching(feed.watched.marks, base, feed.at) ? 'breached' : 'normal';
    },
    finding(base, watched, at): Finding {
      const isIt = (run: number) => watched.marks[run + IS_BREACHED] === 1;
      const index = speaking(watched, base, isIt);
      const metric = judged[index] as RuleMetricName;
      const run =
        inputAt(watched.marks, base + index) || addInput(watched, base + index, zeros(FIELDS));
      const { marks } = watched;
      const of = (field: number): number => marks[run + field] as number;
      const figure = (field: number): string => figureText(metric, of(field));
      const onsetAt = epochMs(Math.min(of(SINCE), at));
      const observed = of(SUM) / of(COUNT);
      const learningSince = epochMs(of(LEARNING_SINCE));
      const young =
        of(RIPENESS) < 1 ? `; baseline young, learned for ${durationText(at - learningSince)}` : '';
      return {
        metric,
        onsetAt,
        observed,
        expected: of(LIMIT),
        usual: { low: of(AT_LOW), middle: of(AT_MIDDLE), high: of(AT_HIGH) },
        sureness: Math.round(of(SURENESS) * 1000) / 1000,
        learningSince,
        text: `${metricText(metric)} ${figureText(metric, observed)} for ${durationText(at - onsetAt)}, usually ${figure(AT_MIDDLE)} (${figure(AT_LOW)} to ${figure(AT_HIGH)}), limit ${figure(LIMIT)}${young}`,
      };
    },
    cleared(base, watched) {
      const index = speaking(watched, base, () => true);
      const metric = judged[index] as RuleMetricName;
      const run = inputAt(watched.marks, base + index);
      const usual = run === 0 ? 0 : (watched.marks[run + AT_MIDDLE] as number);
      return `${metricText(metric)} within its usual band for ${durationText(clearAfter)}, usually ${figureText(metric, usual)}`;
    },
    save: (base, { marks }) => judged.map((_, i) => inputState(marks, base + i, FIELDS)),
    load: (base, watched, state) => loadInputs(watched, base, judged.length, state),
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
