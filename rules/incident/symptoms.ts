import type { Incident, Symptom } from '../../protocol/model/incident.ts';
import { kindOf } from '../../protocol/model/subject.ts';
import type { SymptomRecord } from './incident-record.ts';

/**
 * So many are listed: a cut hub explains thousands, and every update of its incident would carry all
 * of them to the disk, the page and the ticket.
 */
export const LISTED_SYMPTOMS = 100;

/** The symptoms that people read; the others are counted. Circuits first: they tell the extent. */
export function listed(
  symptoms: ReadonlyMap<string, SymptomRecord>,
): Pick<Incident, 'symptoms' | 'moreSymptoms'> {
  if (symptoms.size <= LISTED_SYMPTOMS) return { symptoms: [...symptoms.values()].map(symptomOf) };
  const [first, others]: [SymptomRecord[], SymptomRecord[]] = [[], []];
  let cleared = 0;
  for (const symptom of symptoms.values()) {
    const list = kindOf(symptom.subject) === 'link' ? first : others;
    if (list.length < LISTED_SYMPTOMS) list.push(symptom);
    if (symptom.clearedAt !== undefined) cleared += 1;
  }
  const shown = [...first, ...others].slice(0, LISTED_SYMPTOMS);
  const shownCleared = shown.filter(({ clearedAt }) => clearedAt !== undefined).length;
  return {
    symptoms: shown.map(symptomOf),
    moreSymptoms: { count: symptoms.size - shown.length, cleared: cleared - shownCleared },
  };
}

const symptomOf = ({
  row: _,
  severity: __,
  disturbance: ___,
  ...symptom
}: SymptomRecord): Symptom => symptom;
