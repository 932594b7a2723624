import type { AlertKey } from '../../protocol/model/alert.ts';
import type { AlertFact, HealthFact } from '../../protocol/model/fact.ts';

type SiteFact = AlertFact | HealthFact;

/** Any order in, one order out: site engines may deliver in any sequence. */
export function inOneOrder(
  facts: readonly SiteFact[],
  isFiring: (alert: AlertKey) => boolean,
): SiteFact[] {
  const named = facts.map((fact) => ({ fact, name: nameOf(fact), rank: rankOf(fact, isFiring) }));
  named.sort(
    (a, b) =>
      a.fact.at - b.fact.at || (a.name < b.name ? -1 : Number(a.name > b.name)) || a.rank - b.rank,
  );
  return named.map(({ fact }) => fact);
}

function nameOf(fact: SiteFact): string {
  if (fact.kind === 'alert.fired') return fact.alert.key;
  if ('alert' in fact) return fact.alert;
  return fact.kind === 'subject.answered' ? `${fact.subject}|${fact.agent}` : fact.subject;
}

/** An alert that fires already must first resolve before it can fire again at the same instant. */
function rankOf(fact: SiteFact, isFiring: (alert: AlertKey) => boolean): number {
  if (fact.kind === 'alert.fired') return isFiring(fact.alert.key) ? 2 : 0;
  if (fact.kind === 'alert.resolved' || !fact.kind.startsWith('alert.')) return 1;
  // What is said of an alert comes after its begin.
  return 3;
}
