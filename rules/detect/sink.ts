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
  /** Time of each. Batches of one round mostly are in order, and then it is enough to have looked. */
  let times: EpochMs[] = [];
  let isInOrder = true;

  function isAfterLast(when: EpochMs, fact: SiteFact): boolean {
    const last = facts.length - 1;
    if (last < 0) return true;
    const before = times[last] as EpochMs;
    if (when !== before) return when > before;
    return subjectOf(fact) >= subjectOf(facts[last] as SiteFact);
  }

  function sorted(): SiteFact[] {
    const order = [...facts.keys()].sort(
      (a, b) =>
        (times[a] as number) - (times[b] as number) ||
        compare(subjectOf(facts[a] as SiteFact), subjectOf(facts[b] as SiteFact)),
    );
    return order.map((i) => facts[i] as SiteFact);
  }

  return {
    push(when, fact) {
      isInOrder = isInOrder && isAfterLast(when, fact);
      facts.push(fact);
      times.push(when);
    },
    take() {
      if (facts.length === 0) return [];
      const taken = isInOrder ? facts : sorted();
      facts = [];
      times = [];
      isInOrder = true;
      return taken;
    },
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const subjectOf = (fact: SiteFact): string =>
  fact.kind === 'alert.fired' ? fact.alert.subject : fact.subject;
