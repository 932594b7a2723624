import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Lane } from '../../../protocol/model/sample.ts';
import { type Frame, frameEnd } from './frame.ts';
import {
  closeSegment,
  createSegment,
  openSegment,
  parseSegmentName,
  readRecord,
  removeSegment,
  type Segment,
  skipThrough,
  syncSegment,
  writeRecord,
} from './segment.ts';

export interface LaneFilesOptions {
  readonly folder: string;
  readonly lane: Lane;
  /** A segment is full at this size, and also after `segmentAge`, so that old data can be dropped by file. */
  readonly segmentBytes: number;
  readonly segmentAge: number;
  readonly now: () => number;
}

/** The segments of one lane, oldest first; the last one is written to. */
export interface LaneFiles {
  readonly tornBytes: number;
  readonly damaged: number;
  nextSequence(): number;
  bytes(): number;
  samples(): number;
  /** Age of the oldest segment: the newest time in it; undefined when the lane is empty. */
  oldestAt(): number | undefined;
  write(record: { samples: number; at: number }, payload: Uint8Array): void;
  /** Makes everything written since the last call durable, or undoes it and throws. */
  sync(): Promise<void>;
  /** Everything below it was acknowledged. */
  firstHeld(): number;
  peek(): { frame: Frame; payload: Buffer } | undefined;
  /** Every unacknowledged record in order, without touching the files. */
  records(): Iterable<{ frame: Frame; payload: Buffer }>;
  acknowledge(sequence: number): void;
  /** Deletes the oldest segment; returns the unacknowledged samples in it, undefined if there is nothing. */
  dropOldest(): number | undefined;
  close(): void;
}

export function openLaneFiles(options: LaneFilesOptions): LaneFiles {
  const { folder, lane, segmentBytes, segmentAge, now } = options;
  const opened = readdirSync(folder)
    .map(parseSegmentName)
    .filter((name) => name?.lane === lane)
    .map((name) => name?.sequence ?? 0)
    .sort((a, b) => a - b)
    .map((sequence) =>
      openSegment(
        join(folder, `${lane}-${String(sequence).padStart(16, '0')}.seg`),
        sequence,
        now(),
      ),
    );
  const segments = opened.map((one) => one.segment);
  if (segments.length === 0) segments.push(createSegment(folder, lane, 1, now()));
  /** State of each segment before the writes that are not durable yet. */
  const unsynced = new Map<Segment, Segment>();

  const active = (): Segment => segments.at(-1) as Segment;

  function rotate(): void {
    segments.push(createSegment(folder, lane, active().nextSequence, now()));
  }

  function removeHead(): number {
    const head = segments.shift() as Segment;
    unsynced.delete(head);
    removeSegment(head);
    return head.samples;
  }

  function undo(): void {
    // Segments that were only begun since then hold nothing durable.
    for (const [segment, before] of unsynced) Object.assign(segment, before);
    unsynced.clear();
    while (
      segments.length > 1 &&
      (segments.at(-2) as Segment).nextSequence < active().firstSequence
    ) {
      removeSegment(segments.pop() as Segment);
    }
  }

  function peek(): { frame: Frame; payload: Buffer } | undefined {
    for (;;) {
      const record = readRecord(segments[0] as Segment);
      if (record !== undefined || segments.length === 1) return record;
      removeHead();
    }
  }

  return {
    tornBytes: opened.reduce((sum, one) => sum + one.tornBytes, 0),
    damaged: opened.reduce((sum, one) => sum + one.damaged, 0),
    nextSequence: () => active().nextSequence,
    bytes: () => segments.reduce((sum, segment) => sum + segment.bytes, 0),
    samples: () => segments.reduce((sum, segment) => sum + segment.samples, 0),
    oldestAt: () => (segments[0]?.bytes ? segments[0].newestAt : undefined),
    write(record, payload) {
      const old = active();
      const isFull = old.bytes >= segmentBytes || now() - old.openedAt >= segmentAge;
      if (old.bytes > 0 && isFull) rotate();
      const segment = active();
      const before = { ...segment };
      writeRecord(segment, { ...record, sequence: segment.nextSequence }, payload);
      if (!unsynced.has(segment)) unsynced.set(segment, before);
    },
    firstHeld: () => peek()?.frame.sequence ?? active().nextSequence,
    async sync() {
      try {
        for (const segment of unsynced.keys()) await syncSegment(segment);
        unsynced.clear();
      } catch (cause) {
        undo();
        throw cause;
      }
    },
    peek,
    *records() {
      for (const segment of segments) {
        const reader = { ...segment };
        for (let record = readRecord(reader); record; record = readRecord(reader)) {
          yield record;
          reader.position = frameEnd(record.frame);
        }
      }
    },
    acknowledge(sequence) {
      while (sequence >= (segments[0] as Segment).firstSequence) {
        const head = segments[0] as Segment;
        skipThrough(head, sequence);
        if (head.position < head.bytes || segments.length === 1) return;
        removeHead();
      }
    },
    dropOldest() {
      if ((segments[0] as Segment).bytes === 0) return undefined;
      if (segments.length === 1) rotate();
      return removeHead();
    },
    close() {
      for (const segment of segments) closeSegment(segment);
    },
  };
}
