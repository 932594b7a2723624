import { type ObservedBatch, type Sample, seriesKey } from '../../protocol/model/sample.ts';
import { numberOf } from '../pipeline/dictionary.ts';
import type { Bundle, Head, HeadBook, Slot } from './head-book.ts';
import { put, rowAt } from './round.ts';

export interface IntakeDeps {
  readonly book: HeadBook;
  readonly due: (bundle: Bundle) => void;
  /** Samples kept in memory at most: beyond, new ones are given up. */
  readonly maxWaiting: number;
  /** Older samples would be deleted at once. */
  readonly rawFor: number;
}

export interface Intake {
  observed(batch: ObservedBatch, now: number, position: number): void;
  readonly figures: {
    taken: number;
    repeated: number;
    lost: number;
    /** Too old to be kept, or of a time to come. */
    refused: number;
  };
  waiting(): number;
  position(): number;
}

/** Live samples older than this, against the newest of their round, go where the past goes. */
const LATE_MS = 600_000;
/** Admission refuses what is further ahead; this is the second net, in case a clock was set back. */
const AHEAD_MS = 600_000;
/** A chunk holds about so much time, whatever the number of its samples. */
export const SPAN_MS = 7_200_000;

export function createIntake({ book, due, maxWaiting, rawFor }: IntakeDeps): Intake {
  const figures = { taken: 0, repeated: 0, lost: 0, refused: 0 };
  /** By the number of the series object: no key has to be built. */
  const byNumber: (Slot | undefined)[] = [];
  let position = 0;
  let waiting = 0;
  let counted = 0;

  function slotOf(sample: Sample, at: number): Slot {
    const { series } = sample;
    const number = numberOf(series);
    const known = byNumber[number];
    if (known !== undefined) return known;
    const key = seriesKey(series.agent, series.metric, series.subject);
    const slot = book.slot(key, series, at);
    byNumber[number] = slot;
    return slot;
  }

  function take(sample: Sample, isPast: boolean, now: number, input: number): void {
    const { at, value } = sample;
    const slot = slotOf(sample, input);
    const head = isPast || isLate(slot.live, at) ? book.late(slot) : slot.live;
    const { bundle } = head;
    // Replayed, and sealed before.
    if (input <= bundle.sealedTo) return;
    begin(bundle, at, now, input);
    if (put(head.column, rowAt(head.round, at), value)) figures.repeated++;
    else bundle.samples++;
    if (head.round.rows >= bundle.rowsWanted || bundle.lastAt - bundle.firstAt >= SPAN_MS) {
      due(bundle);
    }
    if (at > slot.lastAt && typeof value === 'number') {
      slot.lastAt = at;
      slot.lastValue = value;
    }
  }

  function begin(bundle: Bundle, at: number, now: number, input: number): void {
    if (bundle.unsealedFrom === 0) {
      bundle.unsealedFrom = input;
      bundle.unsealedSince = now;
      bundle.firstAt = at;
      bundle.lastAt = at;
    } else if (at < bundle.firstAt) bundle.firstAt = at;
    else if (at > bundle.lastAt) bundle.lastAt = at;
  }

  /** Counted anew now and then: sealing takes samples away. */
  function count(): number {
    waiting = 0;
    for (const { samples, frozen } of book.bundles.values()) {
      waiting += samples + (frozen?.samples ?? 0);
    }
    counted = figures.taken;
    return waiting;
  }

  return {
    observed(batch, now, input) {
      const { samples, lane } = batch;
      figures.taken += samples.length;
      if (figures.taken - counted > maxWaiting / 16) count();
      if (waiting > maxWaiting) {
        figures.lost += samples.length;
      } else {
        const isPast = lane === 'backfill';
        const oldest = now - rawFor;
        for (const sample of samples) {
          if (sample.at < oldest || sample.at > now + AHEAD_MS) figures.refused++;
          else take(sample, isPast, now, input);
        }
      }
      position = input;
    },
    figures,
    waiting: count,
    position: () => position,
  };
}

function isLate({ round }: Head, at: number): boolean {
  const { times, rows } = round;
  return rows > 0 && at < times[rows - 1]! - LATE_MS;
}
