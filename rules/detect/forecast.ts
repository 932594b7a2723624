import type { TrendFact } from '../../protocol/model/fact.ts';
import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import { epochMs, hours, minutes } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { addInput, inputAt } from './inputs.ts';
import { type Marks, zeros } from './marks.ts';
import { type TrendLine, trendOf } from './trend-line.ts';
import { addBulk, bulkAt, defineJudge, type Feed, type Judge, type Watched } from './watched.ts';
import { figureText, metricText } from './wording.ts';

type ForecastDetector = Extract<Detector, { kind: 'forecast' }>;
type LimitForecast = Extract<TrendFact, { kind: 'limit.forecast' }>;

/** What is known of one series, as snapshots have it. Times in ms, 0 = never. */
interface Input {
  /** When its own midnight is, ms after that of UTC. */
  readonly offset: number;
  /** The day that is going on, in days of this series; -1 = none yet. */
  readonly day: number;
  /** The five minutes that are going on: which, the sum and number of their samples. */
  readonly slot: number;
  readonly sum: number;
  readonly count: number;
  /** The highest means of five minutes of this day, lowest first, and how many there were in all. */
  readonly top: readonly number[];
  readonly slots: number;
  /** Daily peaks, oldest first; null = not measured. The last is that of `lastDay`. */
  readonly peaks: Peaks;
  readonly lastDay: number;
}
type Peaks = (number | null)[];

interface ForecastState {
  readonly inputs: readonly (Input | null)[];
  /** Always null: it is told with the sample that it is found with. */
  readonly found: null;
}

/** The same as numbers; `PEAKS` is where they are kept, `TOPS` how many of the places from `TOP` on count. */
const OFFSET = 0;
const TODAY = 1;
const THE_SLOT = 2;
const SUM = 3;
const COUNT = 4;
const SLOTS = 5;
const LAST_DAY = 6;
const PEAKS = 7;
const TOPS = 8;
const TOP = 9;

const DAY = hours(24);
/** Six weeks: enough for a trend of a quarter, short enough to follow a changed one. */
const MEMORY_DAYS = 42;
/** Means of five minutes, as lines are billed. */
const SLOT = minutes(5);
/**
 * The 95th percentile: what is exceeded for 72 min a day, so what users meet and no spike. Of 288
 * means of five minutes it is the 15th highest: exact, in 15 numbers.
 */
const ABOVE = 0.05;
const MOST_TOP = Math.ceil((ABOVE * hours(24)) / SLOT);
/** Half of a day must have been measured. */
const ENOUGH = DAY / 2;

/**
 * When the daily peaks (95th percentile, as lines are billed) reach a limit: a robust line through six
 * weeks. Told at most once a day, only within `within` and when the rise is beyond chance; never an
 * alert. Each series has its own midnight, so that not all of them reckon at once.
 */
export function forecastJudge(detector: ForecastDetector): Judge {
  const { raiseAt, within } = detector;
  const judged = [detector.metric, ...(detector.also ?? [])];

  /** Found with the newest sample, until it is told. */
  let found: LimitForecast | undefined;

  function inputOf(pointer: number, { watched }: Feed): number {
    const known = inputAt(watched.marks, pointer);
    if (known !== 0) return known;
    const fields = zeros(TOP + MOST_TOP);
    fields[OFFSET] = offsetOf(watched.key);
    fields[TODAY] = -1;
    fields[LAST_DAY] = -1;
    return addInput(watched, pointer, fields);
  }

  function turnDay(input: number, day: number, metric: RuleMetricName, feed: Feed): void {
    const { watched, every } = feed;
    const { marks } = watched;
    if ((marks[input + TODAY] as number) >= 0) {
      const peaks = closeDay(watched, input, every);
      found = forecast(peaks, metric, feed);
    }
    marks[input + TODAY] = day;
    marks[input + TOPS] = 0;
    marks[input + SLOTS] = 0;
  }

  /** The day is over: its peak joins the others. */
  function closeDay(watched: Watched, input: number, every: number): Peaks {
    const { marks } = watched;
    const today = marks[input + TODAY] as number;
    const peaks = madePeaks(watched, input);
    for (
      let day = (marks[input + LAST_DAY] as number) + 1;
      day < today && peaks.length > 0;
      day++
    ) {
      if (today - day <= MEMORY_DAYS) peaks.push(null);
    }
    closeSlot(marks, input);
    peaks.push(peakOf(marks, input, every));
    marks[input + LAST_DAY] = today;
    if (peaks.length > MEMORY_DAYS) peaks.splice(0, peaks.length - MEMORY_DAYS);
    return peaks;
  }

  function forecast(peaks: Peaks, metric: RuleMetricName, feed: Feed): LimitForecast | undefined {
    const values = peaks.map((peak) => peak ?? Number.NaN);
    const newest = values.findLast((value) => !Number.isNaN(value));
    if (newest === undefined) return undefined;
    const line = trendOf(values);
    if (line === undefined) return undefined;
    const today = values.length - 1;
    const level = line.level + line.slope * (today - line.day);
    // What is beyond its limit already needs no forecast.
    if (level >= raiseAt) return undefined;
    const reached = daysTo(raiseAt, line, line.slope, today);
    if (reached * DAY > within) return undefined;
    const earliest = Math.max(0, daysTo(raiseAt - line.noise, line, line.slopeHigh, today));
    const latest =
      line.slopeLow > 0 ? daysTo(raiseAt + line.noise, line, line.slopeLow, today) : undefined;
    return factOf(metric, feed, { level, reached, earliest, latest, line });
  }

  function factOf(
    metric: RuleMetricName,
    { at, watched }: Feed,
    { level, reached, earliest, latest, line }: Reckoning,
  ): LimitForecast {
    // A day's peak stands for its noon.
    const after = (days: number) => epochMs(Math.round(at + (days - 0.5) * DAY));
    const isOpenEnded = latest === undefined || latest > FOREVER_DAYS;
    const span = isOpenEnded
      ? `${Math.round(earliest)} days at the earliest, perhaps never`
      : `${Math.round(earliest)} to ${Math.round(latest)} days in 8 of 10 cases`;
    return {
      kind: 'limit.forecast',
      at,
      series: seriesKey(watched.agent, metric, watched.key),
      subject: watched.key,
      metric,
      limit: raiseAt,
      reachedAt: after(reached),
      earliest: after(earliest),
      ...(isOpenEnded ? {} : { latest: after(latest) }),
      text: `${metricText(metric)}: daily peaks of ${figureText(metric, level)} rise by ${figureText(metric, line.slope * 7)} a week and reach ${figureText(metric, raiseAt)} in about ${Math.round(reached)} days (${span})`,
    };
  }

  return defineJudge<ForecastState>({
    metrics: judged,
    first: zeros(judged.length),
    observe(base, index, feed) {
      const { watched, at, value } = feed;
      const input = inputOf(base + index, feed);
      const { marks } = watched;
      const day = Math.floor((at + (marks[input + OFFSET] as number)) / DAY);
      if (marks[input + TODAY] !== day) turnDay(input, day, judged[index] as RuleMetricName, feed);
      note(marks, input, at, value);
      return 'normal';
    },
    trend() {
      const told = found;
      found = undefined;
      return told;
    },
    finding: (_base, _watched, at) => ({ onsetAt: at, text: 'a forecast' }),
    cleared: () => 'a forecast',
    save: (base, watched) => ({
      inputs: judged.map((_, i) => stateOf(watched, inputAt(watched.marks, base + i))),
      found: null,
    }),
    load(base, watched, { inputs }) {
      inputs.slice(0, judged.length).forEach((one, i) => {
        if (one !== null) addInput(watched, base + i, fieldsOf(watched, one));
      });
    },
  });
}

function madePeaks(watched: Watched, input: number): Peaks {
  const known = bulkAt<Peaks>(watched, watched.marks[input + PEAKS] as number);
  if (known !== undefined) return known;
  const peaks: Peaks = [];
  watched.marks[input + PEAKS] = addBulk(watched, peaks);
  return peaks;
}

function stateOf(watched: Watched, input: number): Input | null {
  if (input === 0) return null;
  const { marks } = watched;
  const of = (field: number): number => marks[input + field] as number;
  return {
    offset: of(OFFSET),
    day: of(TODAY),
    slot: of(THE_SLOT),
    sum: of(SUM),
    count: of(COUNT),
    top: marks.slice(input + TOP, input + TOP + of(TOPS)),
    slots: of(SLOTS),
    peaks: bulkAt<Peaks>(watched, of(PEAKS)) ?? [],
    lastDay: of(LAST_DAY),
  };
}

function fieldsOf(watched: Watched, state: Input): number[] {
  const { offset, day, slot, sum, count, top, slots, peaks, lastDay } = state;
  const kept = peaks.length === 0 ? 0 : addBulk(watched, peaks);
  const rest = zeros(MOST_TOP - top.length);
  return [offset, day, slot, sum, count, slots, lastDay, kept, top.length, ...top, ...rest];
}

interface Reckoning {
  readonly level: number;
  readonly reached: number;
  readonly earliest: number;
  readonly latest: number | undefined;
  readonly line: TrendLine;
}

/** Further away than ten years is never. */
const FOREVER_DAYS = 3_650;

/** Days from today until the line, turned about its middle to this slope, reaches the limit. */
const daysTo = (limit: number, { day, level }: TrendLine, slope: number, today: number): number =>
  day + (limit - level) / slope - today;

function note(marks: Marks, input: number, at: number, value: number): void {
  const slot = Math.floor(at / SLOT);
  if (slot !== marks[input + THE_SLOT]) closeSlot(marks, input);
  marks[input + THE_SLOT] = slot;
  marks[input + SUM] = (marks[input + SUM] as number) + value;
  marks[input + COUNT] = (marks[input + COUNT] as number) + 1;
}

/** The mean of the five minutes takes its place among the highest of the day. */
function closeSlot(marks: Marks, input: number): void {
  const count = marks[input + COUNT] as number;
  if (count === 0) return;
  const mean = (marks[input + SUM] as number) / count;
  marks[input + SUM] = 0;
  marks[input + COUNT] = 0;
  marks[input + SLOTS] = (marks[input + SLOTS] as number) + 1;
  rank(marks, input, mean);
}

/** Puts it behind those that are not higher; the lowest gives way. */
function rank(marks: Marks, input: number, mean: number): void {
  const tops = inputAt(marks, input + TOPS);
  const top = input + TOP;
  if (tops < MOST_TOP) {
    let i = tops;
    for (; i > 0 && (marks[top + i - 1] as number) > mean; i--)
      marks[top + i] = marks[top + i - 1] as number;
    marks[top + i] = mean;
    marks[input + TOPS] = tops + 1;
    return;
  }
  if (mean <= (marks[top] as number)) return;
  let i = 0;
  for (; i + 1 < tops && (marks[top + i + 1] as number) <= mean; i++)
    marks[top + i] = marks[top + i + 1] as number;
  marks[top + i] = mean;
}

/** The 95th percentile of the day; null where too little was measured. */
function peakOf(marks: Marks, input: number, every: number): number | null {
  const slots = marks[input + SLOTS] as number;
  const tops = marks[input + TOPS] as number;
  if (slots * Math.max(SLOT, every) < ENOUGH) return null;
  const place = Math.min(tops, Math.max(1, Math.ceil(ABOVE * slots)));
  return tops === 0 ? null : (marks[input + TOP + tops - place] as number);
}

/** Of the day, by the name of the subject (FNV-1a). */
function offsetOf(name: string): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16_777_619);
  return (hash >>> 0) % DAY;
}
