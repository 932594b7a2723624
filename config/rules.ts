import type { Detector, Rule, Selector } from '../rules/settings.ts';
import type { RulePack } from './pack.ts';
import type { RuleChange } from './schema-rules.ts';
import { parseDuration } from './words.ts';

type NewDetector = NonNullable<RuleChange['detector']>;

/** Fields that a rule of its own cannot do without; `where`, `advice` and `enabled` can be left out. */
export const NEEDED_IN_NEW_RULES = [
  'on',
  'holdFor',
  'clearAfter',
  'severity',
  'disturbance',
  'cause',
  'reason',
] as const satisfies readonly (keyof RuleChange)[];

/** Fields that change a detector of the pack, and the kinds of detector that have them. */
export const DETECTOR_FIELDS = {
  raiseAt: ['threshold', 'surge', 'forecast'],
  clearAt: ['threshold'],
  over: ['threshold'],
  after: ['snmp-silent', 'agent-silent'],
  atLeast: ['baseline'],
  proof: ['baseline'],
  margin: ['profile'],
  badAt: ['burn-rate'],
  objective: ['burn-rate'],
  missed: ['unreachable'],
  outOf: ['unreachable'],
} as const satisfies Record<string, readonly Detector['kind'][]>;

/** The rules of the pack with the changes of the configuration, then its own rules. */
export function effectiveRules(pack: RulePack, changes: readonly RuleChange[]): Rule[] {
  const byId = Map.groupBy(changes, (change) => change.id);
  const known = new Set(pack.rules.map((rule) => rule.id));
  return [
    ...pack.rules.flatMap((rule) => tuned(rule, byId.get(rule.id) ?? [])),
    ...changes.filter((change) => !known.has(change.id)).map(newRule),
  ];
}

/**
 * A change without `where` holds everywhere; one with `where` for those subjects only, the first that
 * matches, and elsewhere the rule stays as it is. The general one comes last: of rules with one id it
 * is the one that gives its name to an incident.
 */
function tuned(rule: Rule, changes: readonly RuleChange[]): Rule[] {
  const general = changes.find((change) => change.where === undefined);
  const base = general === undefined ? rule : changedRule(rule, general);
  const special = changes.filter((change) => change.where !== undefined);
  const taken: Selector[] = [];
  const variants = special.map((change) => {
    const variant = changedRule(base, change);
    const where = narrowed(base.where, change.where as Selector);
    const others = taken.length === 0 ? {} : { except: [...taken] };
    taken.push(where);
    return { ...variant, where: { ...where, ...others } };
  });
  return variants.length === 0
    ? [base]
    : [...variants, { ...base, where: { ...base.where, except: taken } }];
}

/** Subjects that match both. */
function narrowed(outer: Selector | undefined, inner: Selector): Selector {
  const both = <T>(a: readonly T[] | undefined, b: readonly T[] | undefined) =>
    a && b ? a.filter((one) => b.includes(one)) : (a ?? b);
  const subjects = both(outer?.subjects, inner.subjects);
  const sites = both(outer?.sites, inner.sites);
  const linkKinds = both(outer?.linkKinds, inner.linkKinds);
  return {
    ...(subjects && { subjects }),
    ...(sites && { sites }),
    ...(linkKinds && { linkKinds }),
  };
}

/** A rule of the pack with some fields changed. */
export function changedRule(rule: Rule, change: RuleChange): Rule {
  return {
    ...rule,
    ...plainFields(change),
    detector:
      change.detector === undefined
        ? changedDetector(rule.detector, change)
        : newDetector(change.detector),
  };
}

function plainFields(change: RuleChange): Partial<Rule> {
  const { enabled, on, where, holdFor, clearAfter, severity, disturbance } = change;
  const { cause, reason, advice } = change;
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(on === undefined ? {} : { on }),
    ...(where === undefined ? {} : { where: where as Selector }),
    ...(holdFor === undefined ? {} : { holdFor: parseDuration(holdFor) }),
    ...(clearAfter === undefined ? {} : { clearAfter: parseDuration(clearAfter) }),
    ...(severity === undefined ? {} : { severity }),
    ...(disturbance === undefined ? {} : { disturbance }),
    ...(cause === undefined ? {} : { cause }),
    ...(reason === undefined ? {} : { reason }),
    ...(advice === undefined ? {} : { advice }),
  };
}

function changedDetector(detector: Detector, change: RuleChange): Detector {
  switch (detector.kind) {
    case 'threshold': {
      const { raiseAt = detector.band.raiseAt, clearAt = detector.band.clearAt } = change;
      const over = change.over === undefined ? detector.over : parseDuration(change.over);
      const { unlessUsual, ...others } = detector;
      // A limit that a person sets is judged also where it is usually exceeded.
      const isPersonal = unlessUsual === undefined || change.raiseAt !== undefined;
      return {
        ...others,
        over,
        band: { raiseAt, clearAt },
        ...(isPersonal ? {} : { unlessUsual }),
      };
    }
    case 'baseline': {
      const { atLeast = detector.atLeast } = change;
      const proof = change.proof === undefined ? detector.proof : parseDuration(change.proof);
      return { ...detector, atLeast, proof };
    }
    case 'surge':
    case 'forecast':
      return { ...detector, raiseAt: change.raiseAt ?? detector.raiseAt };
    case 'profile':
      return { ...detector, margin: change.margin ?? detector.margin };
    case 'burn-rate': {
      const { badAt = detector.badAt, objective = detector.objective } = change;
      return { ...detector, badAt, objective };
    }
    case 'unreachable': {
      const { missed = detector.missed, outOf = detector.outOf } = change;
      return { ...detector, missed, outOf };
    }
    case 'snmp-silent':
    case 'agent-silent':
      return change.after === undefined
        ? detector
        : { ...detector, after: parseDuration(change.after) };
    default:
      return detector;
  }
}

/** The change has passed the cross-checks, so nothing that is needed is missing. */
function newRule(change: RuleChange): Rule {
  const missing = NEEDED_IN_NEW_RULES.filter((field) => change[field] === undefined);
  if (change.detector === undefined || missing.length > 0) {
    throw new Error(`rule "${change.id}" is in no pack and not complete`);
  }
  return {
    advice: [],
    enabled: true,
    ...plainFields(change),
    id: change.id,
    detector: newDetector(change.detector),
  } as unknown as Rule;
}

function newDetector(detector: NewDetector): Detector {
  switch (detector.kind) {
    case 'threshold': {
      const { metric, also, over, raiseAt, clearAt } = detector;
      const band = { raiseAt, clearAt };
      const others = also === undefined ? {} : { also };
      const threshold = { kind: 'threshold', metric, ...others, over: parseDuration(over), band };
      return threshold as Detector;
    }
    case 'drop':
      return newDrop(detector);
    case 'baseline':
      return { ...detector, proof: parseDuration(detector.proof) } as Detector;
    case 'profile':
      return detector as Detector;
    case 'surge':
      return { ...detector, youngAt: detector.youngAt ?? detector.raiseAt } as Detector;
    case 'forecast':
      return { ...detector, within: parseDuration(detector.within) } as Detector;
    case 'burn-rate':
      return { ...detector, windows: detector.windows.map(newWindow) } as Detector;
    case 'snmp-silent':
    case 'agent-silent':
      return { kind: detector.kind, after: parseDuration(detector.after) };
    default:
      return detector;
  }
}

/** Metrics have passed the cross-checks. */
function newDrop(detector: Extract<NewDetector, { kind: 'drop' }>): Detector {
  const { settleFor, forgetAfter, alongside } = detector;
  const beside = alongside && { ...alongside, within: parseDuration(alongside.within) };
  return {
    ...detector,
    settleFor: parseDuration(settleFor),
    forgetAfter: parseDuration(forgetAfter),
    ...(beside === undefined ? {} : { alongside: beside }),
  } as Detector;
}

type NewWindow = Extract<NewDetector, { kind: 'burn-rate' }>['windows'][number];

const newWindow = ({ long, short, factor }: NewWindow) => ({
  long: parseDuration(long),
  short: parseDuration(short),
  factor,
});
