import type { MetricName } from '../../protocol/model/metrics.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { pathMos } from '../../rules/detect/mos.ts';
import { rankOf } from '../../rules/detect/plans.ts';
import { createVoice, noteVoice, type VoiceInput, voiceInputOf } from '../../rules/detect/voice.ts';
import type { HistoryGap } from '../ports/history.ts';
import { type Figures, noFigures } from './figures.ts';
import type { ReadSamples } from './samples.ts';

export const MOS = 'path_mos';

/** STAMP before ICMP, as detection has it. */
export const VOICE_PROBES = ['stamp', 'icmp'] as const;
type VoiceProbe = (typeof VOICE_PROBES)[number];

const FIGURES = ['loss_ratio', 'rtt_ms', 'jitter_ms'] as const;

/** What a score is made of. */
export const voiceMetric = (probe: VoiceProbe, figure: (typeof FIGURES)[number]): MetricName =>
  `${probe}_${figure}`;

const MINUTE_MS = 60_000;
/** A minute is scored when a later sample shows that it is over; longer than this nobody waits. */
const AFTER_MS = 900_000;
const MINUTES = 5;

interface Cursor {
  readonly input: VoiceInput;
  readonly at: Float64Array;
  readonly value: Float64Array;
  next: number;
}

/**
 * Scores of voice on a path, minute by minute, by the same code that detection judges by. Nothing is
 * stored: a score says less than the three figures it is made of.
 */
export function scoresOf(
  { agent, subject }: { readonly agent: AgentId; readonly subject: SubjectKey },
  read: ReadSamples,
  from: EpochMs,
  to: EpochMs,
): { readonly at: Float64Array; readonly value: Float64Array; readonly gaps: HistoryGap[] } {
  const begin = epochMs(Math.floor(from / MINUTE_MS) * MINUTE_MS);
  const gaps: HistoryGap[] = [];
  const metrics = VOICE_PROBES.flatMap((probe) => FIGURES.map((one) => voiceMetric(probe, one)));
  // Of one time in the order of the catalogue, as a poll is judged.
  metrics.sort((a, b) => rankOf(a) - rankOf(b));
  const cursors = metrics.flatMap((metric): Cursor[] => {
    const input = voiceInputOf(metric);
    const samples = read(seriesKey(agent, metric, subject), begin, epochMs(to + AFTER_MS));
    if (input === undefined || !(samples?.value instanceof Float64Array)) return [];
    gaps.push(...samples.gaps.filter((gap) => gap.from <= to));
    return [{ input, at: samples.at, value: samples.value, next: 0 }];
  });
  const watched = { marks: [] };
  const voice = createVoice(watched, undefined);
  const at: number[] = [];
  const value: number[] = [];
  for (let one = earliest(cursors); one !== undefined; one = earliest(cursors)) {
    const time = epochMs(one.at[one.next]!);
    const heard = noteVoice(voice, one.input, { watched, at: time, value: one.value[one.next]! });
    one.next++;
    if (heard === undefined || heard.at < from) continue;
    if (heard.at > to) break;
    at.push(heard.at);
    value.push(heard.mos);
  }
  return { at: Float64Array.from(at), value: Float64Array.from(value), gaps };
}

function earliest(cursors: readonly Cursor[]): Cursor | undefined {
  let first: Cursor | undefined;
  let time = Number.POSITIVE_INFINITY;
  for (const cursor of cursors) {
    const next = cursor.at[cursor.next];
    if (next === undefined || next >= time) continue;
    first = cursor;
    time = next;
  }
  return first;
}

/** One score of each five minutes, from their mean figures: what is left when the samples are gone. */
export function scoresOfFigures(rtt: Figures, loss: Figures, jitter: Figures | undefined): Figures {
  const losses = new Map(loss.at.map((at, i) => [at, loss.mean[i]!]));
  const jitters = new Map(jitter?.at.map((at, i) => [at, jitter.mean[i]!]));
  const scores = noFigures();
  for (const [i, at] of rtt.at.entries()) {
    const lost = losses.get(at);
    if (lost === undefined) continue;
    const mos = pathMos(rtt.mean[i]!, jitters.get(at) ?? 0, lost);
    scores.at.push(at);
    scores.count.push(Math.min(MINUTES, rtt.count[i]!));
    for (const name of ['mean', 'min', 'max', 'p50', 'p95'] as const) scores[name].push(mos);
  }
  return scores;
}
