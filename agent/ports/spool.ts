import type { Lane } from '../../protocol/model/sample.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { DictionaryEntry } from '../../protocol/wire/batch.ts';

/** What a batch is made from: its place in the lane is known only when it is written. */
export interface BatchPlace {
  readonly spool: string;
  readonly lane: Lane;
  readonly sequence: number;
}

/** A batch as it is written once and sent at every attempt: the compressed bytes of its JSON. */
export interface EncodedBatch {
  readonly body: Uint8Array;
  readonly samples: number;
  /** Time of its oldest sample. */
  readonly at: EpochMs;
  /** Dictionary entries that this batch is the first to use; made durable before the batch. */
  readonly entries: readonly DictionaryEntry[];
}

export interface SpooledBatch extends BatchPlace {
  readonly body: Uint8Array;
  readonly samples: number;
  readonly at: EpochMs;
}

export interface SpoolFigures {
  /** Samples not acknowledged yet. */
  readonly samples: number;
  /** Bytes on disk. */
  readonly bytes: number;
  /** Samples given up since the start: full, too old, damaged or refused. */
  readonly dropped: number;
}

/**
 * Batches on disk until the collector has acknowledged them. Calls may overlap; they are done in
 * order. Places of an earlier spool id are ignored.
 */
export interface Spool {
  /** The dictionary lost entries: call `renew` before the first `append`. */
  readonly needsRenewal: boolean;
  /** Random name of this spool, 16 hex digits; changes with `renew`. */
  id(): string;
  /** Dictionary found on disk at the start, or since the last `renew`. */
  dictionary(): readonly DictionaryEntry[];
  /**
   * Resolves once the batch is durable (fsync, by group). `make` is called when its place is known.
   * Resolves false if the disk would not take it even after the oldest data was dropped (counted).
   */
  append(lane: Lane, make: (place: BatchPlace) => EncodedBatch): Promise<boolean>;
  /** The batch of the lane with the lowest sequence not acknowledged. */
  peek(lane: Lane): Promise<SpooledBatch | undefined>;
  /** Everything of the batch's lane up to and including it has arrived and may be deleted. */
  acknowledge(batch: BatchPlace): Promise<void>;
  /** Sets the batch that `peek` shows aside, in a bounded folder, and counts it as dropped. */
  refuse(batch: BatchPlace, reason: string): Promise<void>;
  /**
   * A new spool id and an empty dictionary. Every unacknowledged batch is written again under its
   * new place by `remake`; undefined drops it (counted). A crash leaves the old spool or the new one.
   */
  renew(
    remake: (batch: SpooledBatch, place: BatchPlace) => EncodedBatch | undefined,
  ): Promise<void>;
  figures(): SpoolFigures;
  close(): Promise<void>;
}
