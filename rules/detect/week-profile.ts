/**
 * What a series usually does at each hour of the week: the last three weeks of each of 168 hours, in
 * UTC. A network's rhythm follows the week, and three weeks forget a rhythm that has changed. Packed
 * in one number per hour (3 x 16 bits below 2^53): 1.3 KB a series, plain JSON.
 */
export type WeekProfile = number[];

export const HOURS = 168;
const HOUR_MS = 3_600_000;
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const MONDAY = 3 * 24;
const CODES = 65_536;
/** Steps per doubling of 1 + value/FINEST: 0.035 % of the value, up to 8e5. */
const STEPS = 2_000;
const FINEST = 1e-4;
/** Code 0 is "not known". */
const NONE = 0;

export const createProfile = (): WeekProfile => new Array<number>(HOURS).fill(0);

export const hourOf = (at: number): number => Math.floor(at / HOUR_MS);
export const weekHour = (hour: number): number => (hour + MONDAY) % HOURS;

const codeOf = (value: number): number =>
  Math.min(CODES - 1, 1 + Math.round(STEPS * Math.log2(1 + Math.max(0, value) / FINEST)));
const figureOf = (code: number): number => FINEST * (2 ** ((code - 1) / STEPS) - 1);

/** Puts the mean of an hour in the place of the oldest of the three. @param hour since 1970 */
export function noteHour(profile: WeekProfile, hour: number, value: number): void {
  const place = weekHour(hour);
  const kept = (profile[place] as number) % (CODES * CODES);
  profile[place] = kept * CODES + codeOf(value);
}

export interface UsualHour {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  /** How far the weeks differ. */
  readonly spread: number;
  /** Weeks that it is made of, 0..3; hours before there are two weeks. */
  readonly known: number;
}

export const NOTHING_USUAL: UsualHour = { low: 0, middle: 0, high: 0, spread: 0, known: 0 };

/**
 * The medians over the weeks of the lowest and highest of the hour and its neighbours: a rhythm that
 * is half an hour early today is usual, and one odd week makes nothing usual.
 */
export function usualAt(profile: WeekProfile, hour: number): UsualHour {
  const places = [hour + HOURS - 1, hour, hour + 1].map(weekHour);
  const lows: number[] = [];
  const highs: number[] = [];
  for (let divisor = 1; divisor <= CODES * CODES; divisor *= CODES) {
    const codes = places
      .map((place) => Math.floor((profile[place] as number) / divisor) % CODES)
      .filter((code) => code !== NONE);
    if (codes.length === 0) continue;
    lows.push(figureOf(Math.min(...codes)));
    highs.push(figureOf(Math.max(...codes)));
  }
  if (lows.length === 0) return NOTHING_USUAL;
  const [low, high] = [median(lows), median(highs)];
  const spread = Math.max(...highs) - Math.min(...highs);
  return { low, middle: (low + high) / 2, high, spread, known: lows.length };
}

/** Without regard to the hour: from the lowest to the highest of all hours that are known. */
export function usualEver(profile: WeekProfile): UsualHour {
  let [low, high, known, sum] = [CODES, NONE, 0, 0];
  for (const packed of profile) {
    const code = packed % CODES;
    if (code === NONE) continue;
    known += 1;
    sum += figureOf(code);
    if (code < low) low = code;
    if (code > high) high = code;
  }
  if (known === 0) return NOTHING_USUAL;
  return { low: figureOf(low), middle: sum / known, high: figureOf(high), spread: 0, known };
}

/** Of two the higher: what is less known is granted more. */
const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[values.length >> 1] as number;
