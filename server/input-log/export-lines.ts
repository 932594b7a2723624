import type { ObservedBatch, Sample } from '../../protocol/model/sample.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import { type Effect, effectOf } from '../pipeline/core.ts';
import { createSenders, type SendersSnapshot } from '../pipeline/senders.ts';
import type { InputRecord } from '../ports/input-log.ts';

export interface ExportOptions {
  /** Inputs that came in this span, by the server's clock; both ends included. */
  readonly from?: EpochMs;
  readonly to?: EpochMs;
  /** Also the settings of the engine, as they came into force. */
  readonly withSettings?: boolean;
  /** A batch that cannot be resolved, because what its dictionary was is gone. */
  readonly onSkipped?: (record: InputRecord) => void;
}

/**
 * The input log as JSON lines that `vedette replay` reads: samples resolved and corrected as the
 * engine saw them, heartbeats, ticks and commands, in the order of the log.
 * @param senders dictionaries of a later snapshot: an index never changes its meaning, so they also
 *   hold for a log whose beginning has been pruned
 */
export async function* exportLines(
  records: AsyncIterable<InputRecord>,
  senders: SendersSnapshot,
  { from, to, withSettings = false, onSkipped }: ExportOptions,
): AsyncGenerator<string> {
  const state = createSenders(senders);
  for await (const record of records) {
    if (to !== undefined && record.now > to) return;
    const effect = effectOf(state, record, true);
    if (from !== undefined && record.now < from) continue;
    if (effect === undefined) onSkipped?.(record);
    else yield* linesOf(effect, record, withSettings);
  }
}

/** The first line of each record names its position: ids of incidents derive from it. */
function* linesOf(
  effect: Effect,
  { now, position }: InputRecord,
  withSettings: boolean,
): Generator<string> {
  switch (effect.kind) {
    case 'batch':
      // A batch without samples still says that its agent lives; its samples follow this line.
      yield JSON.stringify({ at: now, position, heartbeat: effect.agent });
      yield* sampleLines(effect.observed(), now);
      return;
    case 'heartbeat':
      yield JSON.stringify({ at: now, position, heartbeat: effect.agent });
      return;
    case 'tick':
      yield JSON.stringify({ at: now, position, tick: true });
      return;
    case 'command':
      yield JSON.stringify({ at: now, position, command: effect.command });
      return;
    case 'config':
      if (withSettings) yield JSON.stringify({ at: now, position, config: effect.settings });
      return;
    default:
    // A dictionary is in the samples already.
  }
}

function* sampleLines({ samples, lane }: ObservedBatch, now: EpochMs): Generator<string> {
  const isLate = lane === 'backfill';
  for (const sample of samples) yield sampleLine(sample, now, isLate);
}

/** JSON numbers stop at 2^53, so counters are decimal strings. */
function sampleLine({ series, at, value }: Sample, receivedAt: EpochMs, isLate: boolean): string {
  const { metric, subject, agent, bits, every } = series;
  return JSON.stringify({
    at,
    metric,
    subject,
    agent,
    ...(bits && { bits }),
    ...(every && { every }),
    ...(isLate && { lane: 'backfill' }),
    receivedAt,
    value: typeof value === 'bigint' ? value.toString() : value,
  });
}
