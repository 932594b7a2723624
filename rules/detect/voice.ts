import type { MetricName } from '../../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { pathMos } from './mos.ts';
import type { Outlet } from './watched.ts';

/** What a series of a path says of voice. STAMP before ICMP: routers answer echoes when they like. */
export type VoiceInput = 'loss' | 'rtt' | 'jitter';

const INPUTS: Partial<Record<MetricName, readonly [VoiceInput, isStamp: boolean]>> = {
  stamp_loss_ratio: ['loss', true],
  stamp_rtt_ms: ['rtt', true],
  stamp_jitter_ms: ['jitter', true],
  icmp_loss_ratio: ['loss', false],
  icmp_rtt_ms: ['rtt', false],
  icmp_jitter_ms: ['jitter', false],
};

export const voiceInputOf = (metric: MetricName) => INPUTS[metric];

/** The minute of one path that is going on. Sums and counts by input; plain data. */
export interface VoiceMinute {
  minute: number;
  lastAt: EpochMs;
  isStamp: boolean;
  loss: number;
  losses: number;
  rtt: number;
  rtts: number;
  jitter: number;
  jitters: number;
}

/** Voice on a path, and the rules that judge it. */
export interface Voice {
  readonly sums: VoiceMinute;
  outlets: readonly Outlet[];
}

const MINUTE = 60_000;

export const createVoice = (outlets: readonly Outlet[]): Voice => ({
  sums: {
    minute: 0,
    lastAt: epochMs(0),
    isStamp: false,
    loss: 0,
    losses: 0,
    rtt: 0,
    rtts: 0,
    jitter: 0,
    jitters: 0,
  },
  outlets,
});

/**
 * Notes a sample. When it begins another minute: the score of the one before, dated by its last sample.
 * A minute without any answer has none: that is an outage, not a bad call.
 */
export function noteVoice(
  { sums }: Voice,
  metric: MetricName,
  at: EpochMs,
  value: number,
): { readonly at: EpochMs; readonly mos: number } | undefined {
  const input = INPUTS[metric];
  if (input === undefined) return undefined;
  const [kind, isStamp] = input;
  if (sums.isStamp && !isStamp) return undefined;
  const minute = Math.floor(at / MINUTE);
  const done = minute === sums.minute ? undefined : closeMinute(sums);
  if (minute !== sums.minute || isStamp !== sums.isStamp) clear(sums, minute, isStamp);
  sums.lastAt = at;
  if (kind === 'loss') {
    sums.loss += value;
    sums.losses += 1;
  } else if (kind === 'rtt') {
    sums.rtt += value;
    sums.rtts += 1;
  } else {
    sums.jitter += value;
    sums.jitters += 1;
  }
  return done;
}

function closeMinute(sums: VoiceMinute) {
  const { rtts, losses, jitters } = sums;
  if (rtts === 0 || losses === 0) return undefined;
  const jitter = jitters > 0 ? sums.jitter / jitters : 0;
  return { at: sums.lastAt, mos: pathMos(sums.rtt / rtts, jitter, sums.loss / losses) };
}

function clear(sums: VoiceMinute, minute: number, isStamp: boolean): void {
  sums.minute = minute;
  sums.isStamp = isStamp;
  sums.loss = sums.losses = sums.rtt = sums.rtts = sums.jitter = sums.jitters = 0;
}
