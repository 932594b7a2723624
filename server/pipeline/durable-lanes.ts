import type { Lane } from '../../protocol/model/sample.ts';
import type { SpoolState } from './senders.ts';

/** Up to which sequence the batches of a spool are durable: what may be acknowledged. */
export interface DurableLanes {
  durable(spool: SpoolState, lane: Lane, sequence: number): void;
  of(spool: SpoolState): { readonly live: number; readonly backfill: number };
}

/**
 * The lanes themselves run ahead (they count what is being written). A spool that was never
 * written to since the start is as durable as it was restored.
 */
export function createDurableLanes(restored: Iterable<SpoolState>): DurableLanes {
  const lanes = new WeakMap<SpoolState, Record<Lane, number>>();
  for (const spool of restored) {
    lanes.set(spool, { live: spool.live.last, backfill: spool.backfill.last });
  }
  return {
    durable(spool, lane, sequence) {
      const known = lanes.get(spool) ?? { live: 0, backfill: 0 };
      known[lane] = sequence;
      lanes.set(spool, known);
    },
    of: (spool) => ({ ...(lanes.get(spool) ?? { live: 0, backfill: 0 }) }),
  };
}
