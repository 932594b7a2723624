import {
  type ObservedBatch,
  type Sample,
  type Series,
  seriesKey,
} from '../../protocol/model/sample.ts';
import { numberOf } from '../pipeline/dictionary.ts';
import { type Bundle, type Head, type HeadBook, SPAN_MS } from './head-book.ts';
import { put, type Round, rowAt } from './round.ts';

export interface IntakeDeps {
  readonly book: HeadBook;
  readonly due: (bundle: Bundle) => void;
  /** Samples kept in memory at most: beyond, new ones are given up. */
  readonly maxWaiting: number;
  /** Older samples would be deleted at once. */
  readonly rawFor: number;
  /** Samples of this stretch of time were given up. */
  readonly onLost: (from: number, to: number) => void;
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

export function createIntake({ book, due, maxWaiting, rawFor, onLost }: IntakeDeps): Intake {
  const figures = { taken: 0, repeated: 0, lost: 0, refused: 0 };
  /** By the number of the series object: no key has to be built. */
  const byNumber: (Head | undefined)[] = [];
  let position = 0;
  let waiting = 0;
  let counted = 0;

  function headOf(series: Series, number: number, input: number): Head {
    const head = book.slot(keyOf(series), series, input).live;
    byNumber[number] = head;
    return head;
  }

  /** Most samples have the time of the one before them: their row is there already. */
  function takeLive(samples: readonly Sample[], now: number, input: number): void {
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i]!;
      const { series, at } = sample;
      const number = numberOf(series);
      const head = byNumber[number] ?? headOf(series, number, input);
      const { round } = head;
      if (at !== round.newest) take(sample, head, now, input);
      else if (put(round, head.place, round.rows - 1, sample.value)) figures.repeated++;
    }
  }

  function takePast(samples: readonly Sample[], now: number, input: number): void {
    for (const sample of samples) {
      const slot = book.slot(keyOf(sample.series), sample.series, input);
      take(sample, book.late(slot), now, input);
    }
  }

  function take(sample: Sample, live: Head, now: number, input: number): void {
    const { at, value } = sample;
    if (at < now - rawFor || at > now + AHEAD_MS) {
      figures.refused++;
      return;
    }
    const head = isLate(live.round, at)
      ? book.late(book.slot(keyOf(sample.series), sample.series, input))
      : live;
    const { bundle, round } = head;
    // Replayed, and sealed before.
    if (input <= bundle.sealedTo) return;
    begin(bundle, at, now, input);
    if (put(round, head.place, rowAt(round, at), value)) figures.repeated++;
    if (round.rows >= bundle.rowsWanted || bundle.lastAt - bundle.firstAt >= SPAN_MS) due(bundle);
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
    for (const { rounds, frozen } of book.bundles.values()) {
      for (const { samples } of rounds.values()) waiting += samples;
      waiting += frozen?.samples ?? 0;
    }
    counted = figures.taken;
    return waiting;
  }

  function giveUp(samples: readonly Sample[]): void {
    figures.lost += samples.length;
    let from = Number.POSITIVE_INFINITY;
    let to = Number.NEGATIVE_INFINITY;
    for (const { at } of samples) {
      from = Math.min(from, at);
      to = Math.max(to, at);
    }
    if (samples.length > 0) onLost(from, to);
  }

  return {
    observed({ samples, lane }, now, input) {
      figures.taken += samples.length;
      if (figures.taken - counted > maxWaiting / 16) count();
      if (waiting > maxWaiting) giveUp(samples);
      else if (lane === 'backfill') takePast(samples, now, input);
      else takeLive(samples, now, input);
      position = input;
    },
    figures,
    waiting: count,
    position: () => position,
  };
}

const keyOf = ({ agent, metric, subject }: Series) => seriesKey(agent, metric, subject);

const isLate = ({ rows, newest }: Round, at: number): boolean => rows > 0 && at < newest - LATE_MS;
