import type { DictionaryEntry } from '../../protocol/wire/batch.ts';
import { WIRE_VERSION } from '../../protocol/wire/limits.ts';
import type { Collector } from '../ports/collector.ts';
import type { Log } from '../ports/log.ts';
import type { SpooledBatch } from '../ports/spool.ts';
import { type Remedy, remedyFor } from './remedy.ts';

const FINAL: ReadonlySet<Remedy> = new Set(['set-aside', 'renew']);

/** Entries of one request; their JSON stays below the body limit of the wire. */
const PART = 10_000;

/**
 * Tells the collector every series of this spool. `never` means that it will not take this dictionary
 * whatever we wait (it speaks of targets that are no longer ours): the spool needs a new one.
 */
export async function sendDictionary(
  collector: Collector,
  batch: SpooledBatch,
  entries: readonly DictionaryEntry[],
  log: Log,
  agent: string | undefined,
): Promise<'known' | 'later' | 'never'> {
  if (agent === undefined) return 'later';
  for (let from = 0; from < entries.length; from += PART) {
    const reply = await collector.sendDictionary({
      v: WIRE_VERSION,
      agent,
      spool: batch.spool,
      entries: entries.slice(from, from + PART),
    });
    if (reply.kind !== 'accepted') {
      log.warn({ reply }, 'the collector did not take the dictionary');
      const isFinal = reply.kind === 'problem' && FINAL.has(remedyFor(reply.code));
      return isFinal ? 'never' : 'later';
    }
  }
  log.info({ entries: entries.length }, 'the collector has the dictionary again');
  return 'known';
}
