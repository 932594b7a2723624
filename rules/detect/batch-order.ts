import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { LAST_KEY, PORTS_AT } from './marks.ts';
import { rankOf } from './plans.ts';
import type { Track, Watched } from './watched.ts';

/** A batch whose samples have found their series, in an order that may be judged. */
export interface Sorted {
  readonly samples: readonly Sample[];
  readonly tracks: readonly Track[];
  readonly places: readonly Watched[];
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
  trackOf: (watched: Watched, metric: MetricName) => Track,
): Sorter {
  const tracks: Track[] = [];
  const places: Watched[] = [];
  let turn = 0;

  /** Mostly the one that came next in the last batch too: found without a look into the map. */
  function nextOf(last: Watched | undefined, subject: SubjectKey): Watched {
    const guess = last?.next;
    if (guess?.key === subject) return guess;
    const found = watchedOf(subject);
    if (last !== undefined) last.next = found;
    return found;
  }

  /** Notes the sample's place; false when it comes after one that it should precede. */
  function follows(watched: Watched, at: number, rank: number): boolean {
    const { marks } = watched;
    if (watched.turn !== turn) {
      watched.turn = turn;
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

  function isInOrder({ samples, tracks, places }: Sorted): boolean {
    turn += 1;
    for (let i = 0; i < samples.length; i++) {
      const { at } = samples[i] as Sample;
      const track = tracks[i] as Track;
      if (track.plan.role === 'ignored') continue;
      const watched = places[i] as Watched;
      if (!follows(watched, at, track.plan.rank)) return false;
      const { device } = watched;
      if (device !== undefined && device !== watched) notePort(device, at);
    }
    return true;
  }

  return {
    sort(samples) {
      let watched: Watched | undefined;
      for (let i = 0; i < samples.length; i++) {
        const { series } = samples[i] as Sample;
        if (watched?.key !== series.subject) watched = nextOf(watched, series.subject);
        places[i] = watched;
        tracks[i] = trackOf(watched, series.metric);
      }
      const given = { samples, tracks, places };
      if (isInOrder(given)) return given;
      const byReport = reordered(given, reportStarts(samples));
      return isInOrder(byReport) ? byReport : reordered(given, samples.keys());
    },
  };
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
function reordered({ samples, tracks, places }: Sorted, starts: Iterable<number>): Sorted {
  const begins = [...starts];
  const keys = Float64Array.from(begins, (i) => keyOf(samples[i] as Sample));
  const ends = [...begins.slice(1), samples.length];
  const order = Uint32Array.from(begins.keys()).sort(
    (a, b) => (keys[a] as number) - (keys[b] as number),
  );
  const sorted = { samples: [] as Sample[], tracks: [] as Track[], places: [] as Watched[] };
  for (const stretch of order) {
    for (let i = begins[stretch] as number; i < (ends[stretch] as number); i++) {
      sorted.samples.push(samples[i] as Sample);
      sorted.tracks.push(tracks[i] as Track);
      sorted.places.push(places[i] as Watched);
    }
  }
  return sorted;
}
