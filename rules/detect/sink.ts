import type { AlertFact, HealthFact, TrendFact } from '../../protocol/model/fact.ts';
import type { EpochMs } from '../../protocol/model/units.ts';

export type SiteFact = AlertFact | HealthFact | TrendFact;

/** What is only written down concerns nobody's incident. */
export const isTrend = (fact: SiteFact): fact is TrendFact =>
  fact.kind === 'level.changed' || fact.kind === 'limit.forecast';

interface Entry {
  readonly when: EpochMs;
  readonly fact: SiteFact;
}

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
  let entries: Entry[] = [];
  return {
    push(when, fact) {
      entries.push({ when, fact });
    },
    take() {
      if (entries.length === 0) return [];
      const taken = entries;
      entries = [];
      if (!taken.every(isAfter)) taken.sort(byTime);
      return taken.map(({ fact }) => fact);
    },
  };
}

const byTime = (a: Entry, b: Entry): number =>
  a.when - b.when || compare(subjectOf(a.fact), subjectOf(b.fact));

/** Batches of one round mostly are in order, and sorting costs more than looking. */
const isAfter = (one: Entry, i: number, all: readonly Entry[]): boolean =>
  i === 0 || byTime(all[i - 1] as Entry, one) <= 0;

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const subjectOf = (fact: SiteFact): string =>
  fact.kind === 'alert.fired' ? fact.alert.subject : fact.subject;
