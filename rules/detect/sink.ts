import type { AlertFact, HealthFact, TrendFact } from '../../protocol/model/fact.ts';
import type { EpochMs } from '../../protocol/model/units.ts';

export type SiteFact = AlertFact | HealthFact | TrendFact;

/** What is only written down concerns nobody's incident. */
export const isTrend = (fact: SiteFact): fact is TrendFact =>
  fact.kind === 'level.changed' || fact.kind === 'limit.forecast';

/** Facts of one input. */
export interface Sink {
  /** @param when time of the sample that led to the fact. */
  push(when: EpochMs, fact: SiteFact): void;
  /**
   * Facts by the time of their samples, then by subject; facts of one subject keep their order. So
   * the order of samples of different subjects inside a batch does not show.
   */
  take(): SiteFact[];
}

export function createSink(): Sink {
  let facts: SiteFact[] = [];
  /** Time and subject of each. */
  let times: EpochMs[] = [];
  let subjects: string[] = [];
  /** Where a fact belongs before the one that came before it. Batches are a few runs in order. */
  let starts: number[] = [];

  const isAfter = (a: number, b: number): boolean => {
    const apart = (times[b] as number) - (times[a] as number);
    return apart === 0 ? (subjects[b] as string) >= (subjects[a] as string) : apart > 0;
  };

  /** Two runs that follow each other become one; of equals the earlier comes first. */
  function merge(from: readonly number[], to: number[], [begin, middle, end]: Span): void {
    let left = begin;
    let right = middle;
    for (let i = begin; i < end; i++) {
      const isLeft =
        right >= end || (left < middle && isAfter(from[left] as number, from[right] as number));
      to[i] = from[isLeft ? left++ : right++] as number;
    }
  }

  function merged(): SiteFact[] {
    let order = [...facts.keys()];
    let bounds = [0, ...starts, facts.length];
    while (bounds.length > 2) {
      const next = new Array<number>(order.length);
      const kept = [0];
      for (let i = 0; i < bounds.length - 1; i += 2) {
        const middle = bounds[i + 1] as number;
        const end = bounds[i + 2] ?? middle;
        merge(order, next, [bounds[i] as number, middle, end]);
        kept.push(end);
      }
      order = next;
      bounds = kept;
    }
    return order.map((i) => facts[i] as SiteFact);
  }

  return {
    push(when, fact) {
      const place = facts.push(fact) - 1;
      times.push(when);
      subjects.push(subjectOf(fact));
      if (place > 0 && !isAfter(place - 1, place)) starts.push(place);
    },
    take() {
      if (facts.length === 0) return [];
      const taken = starts.length === 0 ? facts : merged();
      facts = [];
      times = [];
      subjects = [];
      starts = [];
      return taken;
    },
  };
}

type Span = readonly [begin: number, middle: number, end: number];

const subjectOf = (fact: SiteFact): string =>
  fact.kind === 'alert.fired' ? fact.alert.subject : fact.subject;
