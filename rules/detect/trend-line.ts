/** A robust line through daily figures, with an interval for its slope that holds in 8 of 10 cases. */
export interface TrendLine {
  /** Per day. */
  readonly slope: number;
  readonly slopeLow: number;
  readonly slopeHigh: number;
  /** The line passes here: the middle of the days, and the median figure about it. */
  readonly day: number;
  readonly level: number;
  /** Median distance of a day from the line. */
  readonly noise: number;
}

const WEEK = 7;
/** 90 % one-sided: 80 % between both ends. */
const Z_80 = 1.2816;
/** A trend by chance once in 1,000 series (two-sided normal quantile). */
const Z_CHANCE = 3.29;
/** Three of each weekday, so that there is a trend to see beside the week's rhythm. */
const MIN_DAYS = 21;
const MIN_PAIRS = 14;
/** Each half of the time must show at least this share of the slope: a step is not a trend. */
const HALF_SHARE = 0.25;

/**
 * Seasonal Theil-Sen slope (Sen 1968; Hirsch, Slack and Smith 1982): the median of the slopes between
 * the same weekdays, since the week is the rhythm of a line. Undefined where the rise is not beyond
 * chance (seasonal Kendall test, its variance widened by what successive days have in common), or is
 * one step and no trend.
 * @param values figures of successive days, oldest first; NaN = not measured
 */
export function trendOf(values: readonly number[]): TrendLine | undefined {
  if (values.filter((value) => !Number.isNaN(value)).length < MIN_DAYS) return undefined;
  const { slopes, score, variance } = weekdaySlopes(values);
  if (slopes.length < MIN_PAIRS) return undefined;
  slopes.sort((a, b) => a - b);
  const slope = medianOf(slopes);
  if (!(slope > 0)) return undefined;
  const line = through(values, slope);
  const common = inCommon(values, line);
  const sigma = Math.sqrt(variance * common);
  if ((Math.abs(score) - 1) / sigma < Z_CHANCE) return undefined;
  if (!hasTwoRisingHalves(values, slope)) return undefined;
  const reach = Z_80 * sigma;
  const at = (rank: number): number =>
    slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(rank)))] as number;
  return {
    ...line,
    slopeLow: at((slopes.length - reach) / 2 - 1),
    slopeHigh: at((slopes.length + reach) / 2),
  };
}

/** Slopes between days that lie whole weeks apart; Kendall's score and its variance without ties. */
function weekdaySlopes(values: readonly number[]) {
  const slopes: number[] = [];
  let score = 0;
  let variance = 0;
  for (let weekday = 0; weekday < WEEK; weekday++) {
    let known = 0;
    for (let i = weekday; i < values.length; i += WEEK) {
      const later = values[i] as number;
      if (Number.isNaN(later)) continue;
      known += 1;
      for (let j = weekday; j < i; j += WEEK) {
        const rise = later - (values[j] as number);
        if (Number.isNaN(rise)) continue;
        slopes.push(rise / (i - j));
        score += Math.sign(rise);
      }
    }
    variance += (known * (known - 1) * (2 * known + 5)) / 18;
  }
  return { slopes, score, variance };
}

function through(values: readonly number[], slope: number): TrendLine {
  const days = values.flatMap((value, day) => (Number.isNaN(value) ? [] : [day]));
  const day = medianOf(days);
  const levels = days.map((one) => (values[one] as number) - slope * (one - day));
  const level = medianOf(levels.toSorted((a, b) => a - b));
  const noise = medianOf(levels.map((one) => Math.abs(one - level)).sort((a, b) => a - b));
  return { slope, slopeLow: slope, slopeHigh: slope, day, level, noise };
}

/** (1 + r) / (1 - r) of the days' distances from the line: days that follow each other tell less. */
function inCommon(values: readonly number[], { slope, day, level }: TrendLine): number {
  const off = values.map((value, i) => value - level - slope * (i - day));
  let [both, own] = [0, 0];
  for (let i = 1; i < off.length; i++) {
    const [before, now] = [off[i - 1] as number, off[i] as number];
    if (Number.isNaN(before) || Number.isNaN(now)) continue;
    both += before * now;
    own += now * now;
  }
  const r = own > 0 ? Math.min(0.8, Math.max(0, both / own)) : 0;
  return (1 + r) / (1 - r);
}

function hasTwoRisingHalves(values: readonly number[], slope: number): boolean {
  // Whole weeks, so that both halves have pairs of each weekday.
  const half = Math.ceil(values.length / 2 / WEEK) * WEEK;
  const halves = [values.slice(0, half), values.slice(-half)];
  return halves.every((part) => {
    const { slopes } = weekdaySlopes(part);
    return slopes.length > 0 && medianOf(slopes.sort((a, b) => a - b)) >= HALF_SHARE * slope;
  });
}

/** @param sorted not empty */
function medianOf(sorted: readonly number[]): number {
  const upper = sorted[sorted.length >> 1] as number;
  return (upper + (sorted[(sorted.length - 1) >> 1] as number)) / 2;
}
