import type { DictionaryEntry } from '../../protocol/wire/batch.ts';
import { WIRE_VERSION } from '../../protocol/wire/limits.ts';
import type { Collector } from '../ports/collector.ts';
import type { Log } from '../ports/log.ts';
import type { SpooledBatch } from '../ports/spool.ts';

/** Entries of one request; their JSON stays below the body limit of the wire. */
const PART = 10_000;

/** Tells the collector every series of this spool; false when it would not take it. */
export async function sendDictionary(
  collector: Collector,
  batch: SpooledBatch,
  entries: readonly DictionaryEntry[],
  log: Log,
  agent: string | undefined,
): Promise<boolean> {
  if (agent === undefined) return false;
  for (let from = 0; from < entries.length; from += PART) {
    const reply = await collector.sendDictionary({
      v: WIRE_VERSION,
      agent,
      spool: batch.spool,
      entries: entries.slice(from, from + PART),
    });
    if (reply.kind !== 'accepted') {
      log.warn({ reply }, 'the collector did not take the dictionary');
      return false;
    }
  }
  log.info({ entries: entries.length }, 'the collector has the dictionary again');
  return true;
}
