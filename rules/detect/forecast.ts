import type { TrendFact } from '../../protocol/model/fact.ts';
import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import { epochMs, hours, minutes } from '../../protocol/model/units.ts';
import type { Detector } from '../settings.ts';
import { type TrendLine, trendOf } from './trend-line.ts';
import { defineJudge, type Feed, type Judge } from './watched.ts';
import { figureText, metricText } from './wording.ts';

type ForecastDetector = Extract<Detector, { kind: 'forecast' }>;
type LimitForecast = Extract<TrendFact, { kind: 'limit.forecast' }>;

/** What is known of one series. Times in ms, 0 = never. */
interface Input {
  /** When its own midnight is, ms after that of UTC. */
  readonly offset: number;
  /** The day that is going on, in days of this series; -1 = none yet. */
  day: number;
  /** The five minutes that are going on: which, the sum and number of their samples. */
  slot: number;
  sum: number;
  count: number;
  /** The highest means of five minutes of this day, lowest first, and how many there were in all. */
  top: number[];
  slots: number;
  /** Daily peaks, oldest first; null = not measured. The last is that of `lastDay`. */
  peaks: (number | null)[];
  lastDay: number;
}
interface ForecastState {
  readonly inputs: (Input | null)[];
  /** Found with the newest sample, told once. */
  found: LimitForecast | null;
}

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

  /** The day is over: its peak joins the others. */
  function closeDay(input: Input, every: number): void {
    for (let day = input.lastDay + 1; day < input.day && input.peaks.length > 0; day++) {
      if (input.day - day <= MEMORY_DAYS) input.peaks.push(null);
    }
    closeSlot(input);
    input.peaks.push(peakOf(input, every));
    input.lastDay = input.day;
    if (input.peaks.length > MEMORY_DAYS) {
      input.peaks.splice(0, input.peaks.length - MEMORY_DAYS);
    }
  }

  function forecast(input: Input, metric: RuleMetricName, feed: Feed): LimitForecast | null {
    const values = input.peaks.map((peak) => peak ?? Number.NaN);
    const newest = values.findLast((value) => !Number.isNaN(value));
    if (newest === undefined) return null;
    const line = trendOf(values);
    if (line === undefined) return null;
    const today = values.length - 1;
    const level = line.level + line.slope * (today - line.day);
    // What is beyond its limit already needs no forecast.
    if (level >= raiseAt) return null;
    const reached = daysTo(raiseAt, line, line.slope, today);
    if (reached * DAY > within) return null;
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
    create: () => ({ inputs: judged.map(() => null), found: null }),
    observe(state, index, feed) {
      const input = state.inputs[index] ?? createInput(feed.watched.key);
      state.inputs[index] = input;
      const day = Math.floor((feed.at + input.offset) / DAY);
      if (input.day !== day) {
        if (input.day >= 0) {
          closeDay(input, feed.every);
          const metric = judged[index] as RuleMetricName;
          state.found = forecast(input, metric, feed);
        }
        input.day = day;
        input.top = [];
        input.slots = 0;
      }
      note(input, feed.at, feed.value);
      return 'normal';
    },
    trend(state) {
      const { found } = state;
      if (found === null) return undefined;
      state.found = null;
      return found;
    },
    finding: (_state, _watched, at) => ({ onsetAt: at, text: 'a forecast' }),
    cleared: () => 'a forecast',
  });
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

const createInput = (subject: string): Input => ({
  offset: offsetOf(subject),
  day: -1,
  slot: 0,
  sum: 0,
  count: 0,
  top: [],
  slots: 0,
  peaks: [],
  lastDay: -1,
});

/** Days from today until the line, turned about its middle to this slope, reaches the limit. */
const daysTo = (limit: number, { day, level }: TrendLine, slope: number, today: number): number =>
  day + (limit - level) / slope - today;

function note(input: Input, at: number, value: number): void {
  const slot = Math.floor(at / SLOT);
  if (slot !== input.slot) closeSlot(input);
  input.slot = slot;
  input.sum += value;
  input.count += 1;
}

/** The mean of the five minutes takes its place among the highest of the day. */
function closeSlot(input: Input): void {
  const { top, count } = input;
  if (count === 0) return;
  const mean = input.sum / count;
  input.sum = 0;
  input.count = 0;
  input.slots += 1;
  if (top.length === MOST_TOP && mean <= (top[0] as number)) return;
  let place = top.findIndex((other) => other > mean);
  if (place < 0) place = top.length;
  top.splice(place, 0, mean);
  if (top.length > MOST_TOP) top.shift();
}

/** The 95th percentile of the day; null where too little was measured. */
function peakOf({ top, slots }: Input, every: number): number | null {
  if (slots * Math.max(SLOT, every) < ENOUGH) return null;
  const rank = Math.min(top.length, Math.max(1, Math.ceil(ABOVE * slots)));
  return top[top.length - rank] ?? null;
}

/** Of the day, by the name of the subject (FNV-1a). */
function offsetOf(name: string): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16_777_619);
  return (hash >>> 0) % DAY;
}
