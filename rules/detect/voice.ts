import type { MetricName } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { pathMos } from './mos.ts';
import type { Outlet } from './watched.ts';
import type { Numbers } from './window.ts';

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
const FIELDS = 9;

const INPUTS: Partial<Record<MetricName, VoiceInput>> = {
  stamp_loss_ratio: { field: LOSS, isStamp: true },
  stamp_rtt_ms: { field: RTT, isStamp: true },
  stamp_jitter_ms: { field: JITTER, isStamp: true },
  icmp_loss_ratio: { field: LOSS, isStamp: false },
  icmp_rtt_ms: { field: RTT, isStamp: false },
  icmp_jitter_ms: { field: JITTER, isStamp: false },
};

export const voiceInputOf = (metric: MetricName): VoiceInput | undefined => INPUTS[metric];

/** Voice on a path, and the rules that judge it. */
export interface Voice {
  sums: VoiceMinute;
  outlet: Outlet | undefined;
}

const MINUTE = 60_000;

export const createVoice = (outlet: Outlet | undefined): Voice => ({
  sums: new Array<number>(FIELDS).fill(0),
  outlet,
});

/** False for the minute that an older release kept. */
export const isVoiceMinute = (state: unknown): state is VoiceMinute =>
  Array.isArray(state) && state.length === FIELDS;

/**
 * Notes a sample. When it begins another minute: the score of the one before, dated by its last sample.
 * A minute without any answer has none: that is an outage, not a bad call.
 */
export function noteVoice(
  { sums }: Voice,
  { field, isStamp }: VoiceInput,
  at: EpochMs,
  value: number,
): { readonly at: EpochMs; readonly mos: number } | undefined {
  const wasStamp = sums[IS_STAMP] === 1;
  if (wasStamp && !isStamp) return undefined;
  const minute = Math.floor(at / MINUTE);
  const isNew = minute !== sums[MINUTE_OF];
  const done = isNew ? closeMinute(sums) : undefined;
  if (isNew || isStamp !== wasStamp) clear(sums, minute, isStamp);
  sums[LAST_AT] = at;
  sums[field] = (sums[field] as number) + value;
  sums[field + 1] = (sums[field + 1] as number) + 1;
  return done;
}

/** NaN where nothing was measured. */
const meanOf = (sums: VoiceMinute, field: number): number =>
  (sums[field] as number) / (sums[field + 1] as number);

function closeMinute(sums: VoiceMinute) {
  if (sums[RTT + 1] === 0 || sums[LOSS + 1] === 0) return undefined;
  const jitter = sums[JITTER + 1] === 0 ? 0 : meanOf(sums, JITTER);
  const mos = pathMos(meanOf(sums, RTT), jitter, meanOf(sums, LOSS));
  return { at: epochMs(sums[LAST_AT] as number), mos };
}

function clear(sums: VoiceMinute, minute: number, isStamp: boolean): void {
  for (let field = LOSS; field < FIELDS; field++) sums[field] = 0;
  sums[MINUTE_OF] = minute;
  sums[IS_STAMP] = Number(isStamp);
}
