import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { FactStore, StoredFact } from '../../server/ports/store.ts';

/** The fact store in memory: the reference that the SQLite adapter is compared with. */
export function createMemoryFacts(): FactStore {
  const facts: StoredFact[] = [];
  const incidents = new Map<string, Incident>();
  let committed = 0;
  const alertOf = (fact: Fact): string | undefined => {
    if (fact.kind === 'alert.fired') return fact.alert.key;
    return 'alert' in fact ? fact.alert : undefined;
  };
  return {
    committedPosition: () => committed,
    commit(position, list, alongside) {
      if (facts.some((one) => one.position === position)) throw new Error('committed twice');
      alongside();
      for (const [ordinal, fact] of list.entries()) {
        if (fact.kind === 'subject.answered' || fact.kind === 'confirm.requested') continue;
        facts.push({ position, ordinal, fact });
        if (isIncidentFact(fact)) incidents.set(fact.view.id, fact.view);
      }
      committed = position;
    },
    incidents: ({ state, limit, before }) =>
      [...incidents.values()]
        .filter((one) => state === 'all' || ['open', 'acknowledged'].includes(one.state))
        .filter((one) => one.openedAt < (before ?? Number.MAX_SAFE_INTEGER))
        .sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    incident: (id) => incidents.get(id),
    factsOf(id) {
      const found = incidents.get(id);
      if (found === undefined) return [];
      const alerts = new Set<string>([found.root.alert, ...found.symptoms.map((one) => one.alert)]);
      const until = found.resolvedAt ?? epochMs(Number.MAX_SAFE_INTEGER);
      return facts.filter(({ fact }) => {
        if (isIncidentFact(fact)) return fact.incident === id || fact.into === id;
        const isThen = fact.at >= found.onsetAt && fact.at <= until;
        return isThen && alerts.has(alertOf(fact) ?? '');
      });
    },
  };
}
