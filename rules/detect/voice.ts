import type { MetricName } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Marks, Numbers } from './marks.ts';
import { pathMos } from './mos.ts';
import type { Feed, Outlet, Watched } from './watched.ts';

/** What a series of a path says of voice. STAMP before ICMP: routers answer echoes when they like. */
export interface VoiceInput {
  /** Where its sum is in the minute; its count follows. */
  readonly field: number;
  readonly isStamp: boolean;
}

/** The minute of one path that is going on, as numbers: sums and counts by input. */
export type VoiceMinute = Numbers;
const MINUTE_OF = 0;
const LAST_AT = 1;
const IS_STAMP = 2;
const LOSS = 3;
const RTT = 5;
const JITTER = 7;
/** 1 = a minute without any answer came after the newest score. */
const WAS_OUT = 9;
const FIELDS = 10;

const INPUTS: Partial<Record<MetricName, VoiceInput>> = {
  stamp_loss_ratio: { field: LOSS, isStamp: true },
  stamp_rtt_ms: { field: RTT, isStamp: true },
  stamp_jitter_ms: { field: JITTER, isStamp: true },
  icmp_loss_ratio: { field: LOSS, isStamp: false },
  icmp_rtt_ms: { field: RTT, isStamp: false },
  icmp_jitter_ms: { field: JITTER, isStamp: false },
};

export const voiceInputOf = (metric: MetricName): VoiceInput | undefined => INPUTS[metric];

/** Voice on a path: where its minute is in the marks of the subject, and the rules that judge it. */
export interface Voice {
  readonly place: number;
  outlet: Outlet | undefined;
}

/** A sample, and the marks in which the minute is kept. */
type VoiceFeed = Pick<Feed, 'at' | 'value'> & { readonly watched: Pick<Watched, 'marks'> };

const MINUTE = 60_000;

export interface VoiceScore {
  /** Of the last sample of its minute. */
  readonly at: EpochMs;
  readonly mos: number;
  /** Between it and the score before the path was out for a minute. */
  readonly isTorn: boolean;
}

/** Makes room for the minute in the marks of the subject. */
export function createVoice(watched: Pick<Watched, 'marks'>, outlet: Outlet | undefined): Voice {
  const place = watched.marks.length;
  watched.marks = watched.marks.concat(new Array<number>(FIELDS).fill(0));
  return { place, outlet };
}

export const voiceMinute = ({ place }: Voice, marks: Marks): VoiceMinute =>
  marks.slice(place, place + FIELDS);

export function setVoiceMinute({ place }: Voice, marks: Marks, minute: VoiceMinute): void {
  for (let field = 0; field < FIELDS; field++) marks[place + field] = minute[field] as number;
}

/** False for the minute that an older release kept. */
export const isVoiceMinute = (state: unknown): state is VoiceMinute =>
  Array.isArray(state) && state.length === FIELDS;

/**
 * Notes a sample. When it begins another minute: the score of the one before, dated by its last sample.
 * A minute without any answer has none: that is an outage, not a bad call.
 */
export function noteVoice(
  { place }: Voice,
  { field, isStamp }: VoiceInput,
  { watched: { marks }, at, value }: VoiceFeed,
): VoiceScore | undefined {
  const wasStamp = marks[place + IS_STAMP] === 1;
  if (wasStamp && !isStamp) return undefined;
  const minute = Math.floor(at / MINUTE);
  const isNew = minute !== marks[place + MINUTE_OF];
  const done = isNew ? closeMinute(marks, place) : undefined;
  if (isNew || isStamp !== wasStamp) {
    for (let other = LOSS; other < WAS_OUT; other++) marks[place + other] = 0;
    marks[place + MINUTE_OF] = minute;
    marks[place + IS_STAMP] = Number(isStamp);
  }
  marks[place + LAST_AT] = at;
  const sum = place + field;
  marks[sum] = (marks[sum] as number) + value;
  marks[sum + 1] = (marks[sum + 1] as number) + 1;
  return done;
}

/** NaN where nothing was measured. */
const meanOf = (marks: Marks, sum: number): number =>
  (marks[sum] as number) / (marks[sum + 1] as number);

function closeMinute(marks: Marks, place: number): VoiceScore | undefined {
  if (marks[place + LOSS + 1] === 0) return undefined;
  if (marks[place + RTT + 1] === 0) {
    marks[place + WAS_OUT] = 1;
    return undefined;
  }
  const jitter = marks[place + JITTER + 1] === 0 ? 0 : meanOf(marks, place + JITTER);
  const mos = pathMos(meanOf(marks, place + RTT), jitter, meanOf(marks, place + LOSS));
  const isTorn = marks[place + WAS_OUT] === 1;
  marks[place + WAS_OUT] = 0;
  return { at: epochMs(marks[place + LAST_AT] as number), mos, isTorn };
}
