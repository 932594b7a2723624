import type { SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, type EpochMs } from '../../protocol/model/units.ts';
import type { IcmpTarget, StampTarget } from '../../protocol/wire/agent-config.ts';
import type { EchoFigures } from './echo-figures.ts';
import type { PollSample } from './snmp/snmp-samples.ts';

export type EchoTargetSettings = IcmpTarget | StampTarget;

/** The samples of one round; all of the same time. */
export function roundSamples(
  target: EchoTargetSettings,
  at: EpochMs,
  figures: EchoFigures,
): PollSample[] {
  const { probe } = target;
  const { rtt, jitterMs, ipdvMs, forwardMs, backwardMs } = figures;
  const samples: PollSample[] = [];
  const put = (metric: PollSample['metric'], value: number | undefined): void => {
    if (value === undefined) return;
    const subject = target.subject as SubjectKey;
    samples.push({ metric, subject, at, value, every: durationMs(target.every) });
  };
  put(`${probe}_loss_ratio`, toStep(figures.lossRatio, 1e4));
  put(`${probe}_rtt_ms`, toMicros(rtt?.medianMs));
  put(`${probe}_rtt_min_ms`, toMicros(rtt?.minMs));
  put(`${probe}_rtt_p95_ms`, toMicros(rtt?.p95Ms));
  put(`${probe}_rtt_max_ms`, toMicros(rtt?.maxMs));
  put(`${probe}_jitter_ms`, toMicros(jitterMs));
  put(`${probe}_ipdv_ms`, toMicros(ipdvMs));
  if (target.probe === 'stamp' && target.clocksSynchronised === true) {
    put('stamp_forward_ms', toMicros(forwardMs));
    put('stamp_backward_ms', toMicros(backwardMs));
  }
  return samples;
}

/** Loss of the burst. It comes when there is doubt, not every so often: it has no period. */
export const burstSample = (
  target: EchoTargetSettings,
  at: EpochMs,
  lossRatio: number,
): PollSample => ({
  metric: `${target.probe}_confirm_loss_ratio`,
  subject: target.subject as SubjectKey,
  at,
  value: toStep(lossRatio, 1e4),
});

/** To the resolution that the catalogue states; more digits would be noise that compresses badly. */
const toStep = (value: number, perUnit: number): number => Math.round(value * perUnit) / perUnit;

const toMicros = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : toStep(ms, 1e3);
