import type { Reason, RuleId } from '../../protocol/model/alert.ts';
import { kindOf } from '../../protocol/model/subject.ts';
import { type Family, familyOf } from '../correlate/family.ts';
import { SIGNATURES, type Signature } from '../packs/signatures.ts';
import type { Rule } from '../settings.ts';
import type { IncidentRecord } from './incident-record.ts';

/** The signature that fits the incident, and what speaks against those that nearly fit. */
export interface SignatureMatch {
  readonly fits?: Signature;
  readonly reasons: readonly Reason[];
}

/** Compares root and symptoms with the table of signatures; work is linear in the symptoms. */
export function matchSignature(
  record: IncidentRecord,
  ruleOf: (id: RuleId) => Rule | undefined,
): SignatureMatch {
  const { key, subject } = record.root;
  const shown = new Set<Family>();
  for (const { rule } of record.symptoms.values()) shown.add(familyOf(ruleOf(rule)));
  const kind = kindOf(subject);
  const resembling = SIGNATURES.filter(
    (one) =>
      one.root.includes(record.family) &&
      (one.on === undefined || one.on.some((on) => on === kind)) &&
      (one.with ?? []).every((family) => shown.has(family)),
  );
  const contraryTo = (one: Signature): Family[] =>
    (one.without ?? []).filter((family) => shown.has(family));
  const fits = resembling.find((one) => contraryTo(one).length === 0);
  const contrary = resembling.slice(0, fits === undefined ? undefined : resembling.indexOf(fits));
  const against = contrary.map(
    (one): Reason => ({
      kind: 'evidence',
      alert: key,
      text: `against ${one.id}: there is ${contraryTo(one).join(' and ')} as well`,
    }),
  );
  if (fits === undefined) return { reasons: against };
  return { fits, reasons: [{ kind: 'evidence', alert: key, text: fits.because }, ...against] };
}
