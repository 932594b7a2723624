import type { ServiceState } from '../../protocol/model/fact.ts';
import type { Need } from '../../protocol/model/inventory.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';

/** How something does, and the subjects with alerts that made it so. */
export interface Standing {
  readonly state: ServiceState;
  /** Empty when healthy; the alerting subjects themselves, never what was derived from them. */
  readonly culprits: readonly SubjectKey[];
}

export const HEALTHY: Standing = { state: 'healthy', culprits: [] };

/** Better to worse. What is known to be bad stands behind what nobody knows. */
const RANK: Readonly<Record<ServiceState, number>> = {
  healthy: 0,
  'at-risk': 1,
  unknown: 2,
  degraded: 3,
  down: 4,
};

export const rankOfState = (state: ServiceState): number => RANK[state];
export const isGood = ({ state }: Standing): boolean => RANK[state] <= RANK['at-risk'];
/** Works, perhaps badly. */
const isUsable = (standing: Standing): boolean => isGood(standing) || standing.state === 'degraded';

const culpritsOf = (standings: readonly Standing[]): SubjectKey[] => [
  ...new Set(standings.flatMap((standing) => standing.culprits)),
];

/** All are needed: as bad as the worst. */
export function allOf(standings: readonly Standing[]): Standing {
  const worst = standings.reduce((max, { state }) => Math.max(max, RANK[state]), 0);
  if (worst === 0) return HEALTHY;
  const bad = standings.filter(({ state }) => RANK[state] === worst);
  return { state: bad[0]?.state ?? 'healthy', culprits: culpritsOf(bad) };
}

/**
 * `k` of them suffice:
 *
 * | of the members                                       | state                     |
 * |------------------------------------------------------|---------------------------|
 * | fewer than k work, even if the unknown ones did      | down                      |
 * | fewer than k work, unless unknown ones do            | unknown                   |
 * | k work, the k-th best of them badly                  | degraded                  |
 * | k work well, and no spare that is not known to fail  | at-risk (there were spares) |
 * | k work well, with a spare                            | as the k-th best          |
 */
export function atLeast(k: number, standings: readonly Standing[]): Standing {
  const usable = standings.filter(isUsable);
  const unknown = standings.filter(({ state }) => state === 'unknown');
  const bad = standings.filter((standing) => !isGood(standing));
  if (usable.length < k) {
    const isLost = usable.length + unknown.length < k;
    return {
      state: isLost ? 'down' : 'unknown',
      culprits: culpritsOf(isLost ? standings.filter(({ state }) => state === 'down') : bad),
    };
  }
  const good = usable.filter(isGood);
  if (good.length < k) return { state: 'degraded', culprits: culpritsOf(bad) };
  const hasLostSpares = standings.length > k && good.length + unknown.length <= k;
  if (hasLostSpares) return { state: 'at-risk', culprits: culpritsOf(bad) };
  const isHealthy = good.filter(({ state }) => state === 'healthy').length >= k;
  return isHealthy ? HEALTHY : { state: 'at-risk', culprits: culpritsOf(good) };
}

/** The standing of a formula over what its subjects do. */
export function judgeNeed(need: Need, standingOf: (subject: SubjectKey) => Standing): Standing {
  if ('subject' in need) return standingOf(need.subject);
  const each = (needs: readonly Need[]) => needs.map((one) => judgeNeed(one, standingOf));
  if ('all' in need) return allOf(each(need.all));
  return 'any' in need ? atLeast(1, each(need.any)) : atLeast(need.atLeast, each(need.of));
}

/** Every subject that a formula names, each once. */
export function subjectsOf(need: Need): SubjectKey[] {
  const found = new Set<SubjectKey>();
  const visit = (one: Need): void => {
    if ('subject' in one) found.add(one.subject);
    else for (const part of 'all' in one ? one.all : 'any' in one ? one.any : one.of) visit(part);
  };
  visit(need);
  return [...found];
}
