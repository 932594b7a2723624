import type { Sample, Series } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { LAST_KEY, PORTS_AT } from './marks.ts';
import { rankOf } from './plans.ts';
import type { Track, Watched } from './watched.ts';

/** A batch whose samples have found their series, in an order that may be judged. */
export interface Sorted {
  readonly samples: readonly Sample[];
  readonly tracks: readonly Track[];
}

/** Finds the series of samples and puts them in order. Keeps nothing from batch to batch. */
export interface Sorter {
  sort(samples: readonly Sample[]): Sorted;
}

/** Order inside one time, by rank: rates need to know of a restart first. */
const RANK_STEPS = 1_000;

/**
 * Only the samples of one subject, and a device's before its ports', must be in order; subjects do
 * not wait for each other. Agents send them so, and sorting costs as much as judging: it is done
 * only for batches that are not.
 */
export function createSorter(
  watchedOf: (subject: SubjectKey) => Watched,
  trackOf: (watched: Watched, series: Series) => Track,
): Sorter {
  const tracks: Track[] = [];
  let turn = 0;
  let watched: Watched | undefined;

  /**
   * Mostly the one that came next in the last batch too. It is known by its `Series` alone, whose
   * fields are not looked at: with 100,000 series each such look waits for the memory.
   */
  function find(series: Series): Track {
    const same = watched && expected(watched, series);
    if (same !== undefined) return same;
    const next = watched?.next;
    const guess = next && expected(next, series);
    if (guess !== undefined) {
      watched = next;
      return guess;
    }
    if (watched?.key !== series.subject) watched = follower(watched, series.subject);
    return trackOf(watched, series);
  }

  function follower(last: Watched | undefined, subject: SubjectKey): Watched {
    if (last?.next?.key === subject) return last.next;
    const found = watchedOf(subject);
    if (last !== undefined) last.next = found;
    return found;
  }

  /** Notes the sample's place; false when it comes after one that it should precede. */
  function follows(place: Watched, at: number, rank: number): boolean {
    const { marks } = place;
    if (place.turn !== turn) {
      place.turn = turn;
      marks[LAST_KEY] = Number.NEGATIVE_INFINITY;
      marks[PORTS_AT] = Number.NEGATIVE_INFINITY;
    }
    const key = at * RANK_STEPS + rank;
    const isNext = key >= (marks[LAST_KEY] as number) && at > (marks[PORTS_AT] as number);
    marks[LAST_KEY] = key;
    return isNext;
  }

  function notePort(device: Watched, at: number): void {
    if (device.turn !== turn) follows(device, Number.NEGATIVE_INFINITY, 0);
    if (at > (device.marks[PORTS_AT] as number)) device.marks[PORTS_AT] = at;
  }

  function isNext(track: Track, at: number): boolean {
    const { seat, watched: place } = track;
    if (place === undefined) return true;
    if (!follows(place, at, seat.plan.rank)) return false;
    const { device } = place;
    if (device !== undefined && device !== place) notePort(device, at);
    return true;
  }

  function isInOrder({ samples, tracks: found }: Sorted): boolean {
    turn += 1;
    return samples.every(({ at }, i) => isNext(found[i] as Track, at));
  }

  return {
    sort(samples) {
      turn += 1;
      watched = undefined;
      let isSorted = true;
      for (let i = 0; i < samples.length; i++) {
        const { series, at } = samples[i] as Sample;
        const track = find(series);
        tracks[i] = track;
        isSorted = isSorted && isNext(track, at);
      }
      const given = { samples, tracks };
      if (isSorted) return given;
      const byReport = reordered(given, reportStarts(samples));
      return isInOrder(byReport) ? byReport : reordered(given, samples.keys());
    },
  };
}

/** The series that is due next of this subject, if it is this one. */
function expected(place: Watched, series: Series): Track | undefined {
  const { tracks, cursor } = place;
  const guess = tracks[cursor];
  if (guess === undefined || guess.series !== series) return undefined;
  place.cursor = cursor + 1 === tracks.length ? 0 : cursor + 1;
  return guess;
}

const keyOf = ({ at, series }: Sample): number => at * RANK_STEPS + rankOf(series.metric);

/** Where a stretch of one time begins: the reports of single polls and rounds, in order inside. */
function* reportStarts(samples: readonly Sample[]): Generator<number> {
  let last = Number.NaN;
  for (let i = 0; i < samples.length; i++) {
    const { at } = samples[i] as Sample;
    if (at !== last) yield i;
    last = at;
  }
}

/** The stretches that begin at `starts`, by the key of their first sample. */
function reordered({ samples, tracks }: Sorted, starts: Iterable<number>): Sorted {
  const begins = [...starts];
  const keys = Float64Array.from(begins, (i) => keyOf(samples[i] as Sample));
  const ends = [...begins.slice(1), samples.length];
  const order = Uint32Array.from(begins.keys()).sort(
    (a, b) => (keys[a] as number) - (keys[b] as number),
  );
  const sorted = { samples: [] as Sample[], tracks: [] as Track[] };
  for (const stretch of order) {
    for (let i = begins[stretch] as number; i < (ends[stretch] as number); i++) {
      sorted.samples.push(samples[i] as Sample);
      sorted.tracks.push(tracks[i] as Track);
    }
  }
  return sorted;
}
