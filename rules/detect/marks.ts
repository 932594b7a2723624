import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

export type Numbers = number[];

/**
 * The numbers of one subject, its series and its rules, side by side in one array: each sample turns
 * several of them, and with 100,000 series what is scattered in memory costs more than all arithmetic.
 * First those of the subject, then a block for each series, each rule and each input of a rule, in the
 * order of making. A block that had to move leaves its old place unused until they are laid out anew, at a
 * restart or by `repack`.
 */
export type Marks = Numbers;

/** Of the subject: its newest sample, and how long that says something. */
export const SEEN_AT = 0;
export const FRESH_UNTIL = 1;
export const PATIENCE = 2;
/** Of the batch that is being sorted; see `batch-order.ts`. */
export const LAST_KEY = 3;
export const PORTS_AT = 4;
/** Where is noted what each of three probes knows; see `reach.ts`. From here on there are places. */
export const REACH = 5;
const SUBJECT = 8;

/** Of a series, counted from its place. */
export const LAST_AT = 0;
export const EVERY = 1;
/** The interval that its newest sample stated. No part of what is decided: it spares a look at the sample. */
export const STATED = 2;
export const NOT_STATED = -1;
const SERIES = [0, 0, NOT_STATED];
/** Of counters: what was read, where a plain number is exact; further down where else it is kept. */
export const READING = 3;
export const NO_READING = -1;
/** Width of the counter as it was read, 0 = unknown. */
export const BITS = 4;
const COUNTER = [...SERIES, NO_READING, 0];

/** Of a rule, counted from its place. */
export const CELL_LAST_AT = 0;
export const CELL_FRESH_UNTIL = 1;
export const CELL_PATIENCE = 2;
/** 1 while it is pending, firing or has changed of late: only then a good sample changes anything. */
export const CELL_IS_ACTIVE = 3;
/** Here begins what its judge keeps. */
export const CELL = 4;

export const createMarks = (): Marks => new Array<number>(SUBJECT).fill(0);

export const zeros = (count: number): Marks => new Array<number>(count).fill(0);
export const numbersOfSeries = (isCounter: boolean): Marks => (isCounter ? COUNTER : SERIES);

interface Placed {
  readonly place: number;
}
interface Marked {
  readonly marks: Marks;
}

export const seenAt = ({ marks }: Marked): EpochMs => marks[SEEN_AT] as EpochMs;
export const freshUntilOf = ({ marks }: Marked): EpochMs => marks[FRESH_UNTIL] as EpochMs;
export const lastAtOf = ({ marks }: Marked, { place }: Placed): EpochMs =>
  marks[place + LAST_AT] as EpochMs;
export const everyOf = ({ marks }: Marked, { place }: Placed): DurationMs =>
  marks[place + EVERY] as DurationMs;

export type Times = readonly [lastAt: EpochMs, freshUntil: EpochMs, patience: DurationMs];

/** The three times of a subject (`place` 0) or a rule, as snapshots keep them. */
export const timesAt = (marks: Marks, place: number): Times => [
  marks[place + CELL_LAST_AT] as EpochMs,
  marks[place + CELL_FRESH_UNTIL] as EpochMs,
  marks[place + CELL_PATIENCE] as DurationMs,
];

export function setTimes(marks: Marks, place: number, times: Times): void {
  for (const [i, time] of times.entries()) marks[place + i] = time;
}
