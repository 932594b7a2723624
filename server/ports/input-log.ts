import type { EpochMs } from '../../protocol/model/units.ts';

/** One record of the input log. `body` is JSON; batches are the very bytes the agent sent. */
export interface InputRecord {
  readonly position: number;
  readonly now: EpochMs;
  readonly kind: InputKind;
  /** Who sent it: agent id for batches, heartbeats and dictionaries; person for commands. */
  readonly from: string;
  /** Clock of the sender when it sent this, epoch ms (batches and heartbeats). */
  readonly sentAt?: EpochMs;
  /** batches: lowest sequence that the agent still holds in this lane. */
  readonly oldest?: number;
  readonly body: Buffer;
}

export type InputKind = 'batch' | 'heartbeat' | 'dictionary' | 'tick' | 'command' | 'config';

/** Append-only, fsynced by group commit. `append` resolves when the record is durable. */
export interface InputLog {
  append(record: Omit<InputRecord, 'position'>): Promise<InputRecord>;
  /** Records from `position` on, in order; stops at the end of what was durable when it was called. */
  read(position: number): AsyncIterable<InputRecord>;
  /** Position the next record will get. Starts at 1. */
  readonly next: number;
  /** Deletes whole segments that hold nothing at or after `position`. */
  prune(position: number): Promise<void>;
  close(): Promise<void>;
}
