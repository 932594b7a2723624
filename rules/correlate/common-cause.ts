import type { AlertKey } from '../../protocol/model/alert.ts';
import type { Link } from '../../protocol/model/inventory.ts';
import { idOf, kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs, seconds } from '../../protocol/model/units.ts';
import { type FiringAlert, isGoingOn, type SilenceVerdict } from './alert-book.ts';
import { type Explainer, failedAt } from './explain.ts';
import {
  type Candidate,
  COMMON_ROW,
  createFateSearch,
  type FateSearchDeps,
  WEAKER_ROWS,
} from './fate-search.ts';
import type { Finding } from './hold-down.ts';
import { createMates, spanOf } from './mates.ts';
import { type Fate, LEAST_FAILED } from './shared-fate.ts';

/** A group is not widened to what many share for the sake of one more circuit: two faults may meet. */
const LEAST_MORE = 2;
/**
 * When most of a group work again, what still fails so long after the last of them came back is another
 * fault. It is told sooner when too few are left to be a group, or what they share answers again.
 */
const SPLIT_AFTER = seconds(60);
const SURE_SPLIT_AFTER = seconds(12);
/** Circuits that failed together; it lasts as long as one of them fails. Plain data. */
interface Group {
  readonly id: string;
  lead: AlertKey;
  members: readonly AlertKey[];
  verdict: SilenceVerdict;
  /** Most that ever failed at once, and how many do that are not on their way back. */
  most: number;
  left: number;
  /** Since when less than half of them do and none has come back. */
  endingSince?: EpochMs;
  /** It is over for certain: too few are left to be a group, or what they share answers. */
  isSurelyOver?: boolean;
  /** When one of them cleared last. */
  shrunkAt?: EpochMs;
}

export interface CommonCauseState {
  readonly groups: readonly Group[];
}

export interface CommonFinding {
  /** Alerts whose explanation is new. */
  readonly changed: readonly FiringAlert[];
  /** Alerts that the common cause explains no more. */
  readonly freed: readonly FiringAlert[];
  /** Those of them that outlasted it: a point of presence is back, and this circuit is not. */
  readonly outlasting: readonly FiringAlert[];
}

export interface CommonCauseDeps extends FateSearchDeps {
  readonly explainer: Explainer;
  /** Announced work is why it fails. */
  readonly isAnnounced: (firing: FiringAlert, now: EpochMs) => boolean;
  /** It is what an incident is about. */
  readonly isRoot: (firing: FiringAlert) => boolean;
}

/** Design 6.5: circuits that share a site, a point of presence or a provider and fail together. */
export interface CommonCause {
  /** Looks for groups among the alerts that changed, and at groups whose members have cleared. */
  blame(dirty: ReadonlySet<FiringAlert>, now: EpochMs): CommonFinding;
  /** A circuit whose mate has just failed waits a moment for the rest. */
  judge(firing: FiringAlert, now: EpochMs): Finding;
  /** Led by a group, or leading one: its own upstream does not matter then. */
  isLed(firing: FiringAlert): boolean;
  /** Who leads the circuits of this site or router, if they failed together. */
  leadOf(place: SubjectKey): FiringAlert | undefined;
  /** The alert has cleared, or is about to: its group must be looked at before the input ends. */
  left(key: AlertKey): void;
  nextDueAt(): EpochMs | undefined;
  snapshot(): CommonCauseState;
}

const NOTHING: ReadonlySet<FiringAlert> = new Set();

const bySerial = (a: FiringAlert, b: FiringAlert): number => a.serial - b.serial;
/** What one look finds out; see `CommonFinding`. */
type Found = { readonly [K in keyof CommonFinding]: Set<FiringAlert> };

export function createCommonCause(deps: CommonCauseDeps, state?: CommonCauseState): CommonCause {
  const { book, explainer, topology } = deps;
  const mates = createMates(book, topology);
  const { linkOf } = mates;
  const search = createFateSearch(deps, linkOf);
  const groups = new Map<string, Group>();
  const groupOf = new Map<AlertKey, Group>();
  let hasLost = false;
  for (const group of state?.groups ?? []) keep({ ...group });

  function keep(group: Group): void {
    groups.set(group.id, group);
    for (const key of group.members) groupOf.set(key, group);
  }

  /** One more circuit belongs to a group that shares its fate, but makes no wider one of it. */
  function isWorthWidening({ fate, members }: Candidate): boolean {
    const known = new Set(members.flatMap((one) => groupOf.get(one.alert.key) ?? []));
    if (known.size === 0 || groups.has(fate.id)) return true;
    // What is coming back is no sign of anything wider.
    if ([...known].some((group) => firingOf(group).length < group.most)) return false;
    const more = members.filter((one) => !groupOf.has(one.alert.key));
    return known.size > 1 || more.length >= LEAST_MORE;
  }

  function join({ fate, members }: Candidate, changed: Set<FiringAlert>): void {
    const known = groups.get(fate.id);
    const former = [...new Set(members.flatMap((one) => groupOf.get(one.alert.key) ?? []))];
    const old = known === undefined || former.includes(known) ? former : [known, ...former];
    const all = [...new Set([...old.flatMap(firingOf), ...members])].sort(bySerial);
    const links = search.linksIn(fate);
    const isIn = (one: FiringAlert): boolean => links.has(linkOf(one) as Link);
    const [firing, others] = [all.filter(isIn), all.filter((one) => !isIn(one))];
    const lead = leadOf(firing, old);
    if (lead === undefined) return;
    for (const group of former) if (group.id !== fate.id) groups.delete(group.id);
    for (const one of others) letGo(one, changed);
    const keys = firing.map((one) => one.alert.key);
    const most = Math.max(known?.most ?? 0, keys.length);
    const verdict = verdictOf(fate, firing);
    const left = firing.filter(isGoingOn).length;
    keep({ id: fate.id, lead: lead.alert.key, members: keys, most, left, verdict });
    putUnder(lead, firing, verdict, changed);
  }

  /** It failed with one of them, but does not share what they turn out to share. */
  function letGo(firing: FiringAlert, changed: Set<FiringAlert>): void {
    groupOf.delete(firing.alert.key);
    delete firing.verdict;
    book.setExplanation(firing, explainer.explain(firing));
    changed.add(firing);
  }

  /** The one that led before, else one that has a ticket already, else the first that is in nobody's. */
  function leadOf(firing: readonly FiringAlert[], old: readonly Group[]): FiringAlert | undefined {
    const leads = new Set(old.map((group) => group.lead));
    return (
      firing.find((one) => leads.has(one.alert.key)) ??
      firing.find(deps.isRoot) ??
      firing.find((one) => one.incident === undefined) ??
      firing[0]
    );
  }

  function putUnder(
    lead: FiringAlert,
    members: readonly FiringAlert[],
    verdict: SilenceVerdict,
    changed: Set<FiringAlert>,
  ): void {
    lead.verdict = verdict;
    book.setExplanation(lead, undefined);
    const text = `it failed with other circuits that share ${verdict.shared?.name}`;
    for (const member of members) {
      changed.add(member);
      if (member === lead) continue;
      book.setExplanation(member, { by: lead.alert.key, row: COMMON_ROW, text });
    }
  }

  function verdictOf(fate: Fate, firing: readonly FiringAlert[]): SilenceVerdict {
    const span = Math.round(spanOf(firing) / 1000);
    const text = `${firing.length} of ${fate.links.length} circuits that share ${fate.name} failed within ${span} s, which chance does less than once in 10,000 such moments`;
    const links = firing.flatMap((one) => linkOf(one)?.id ?? []);
    const { name, subject } = fate;
    const shared = { name, links, ...(subject === undefined ? {} : { subject }) };
    return { cause: fate.cause, confidence: 0.85, text, shared };
  }

  /** Members that have cleared leave; the next one leads; the last ones go their own ways. */
  function review(group: Group, now: EpochMs, found: Found): void {
    const firing = stillFiring(group, now);
    const [first] = firing;
    if (first === undefined) groups.delete(group.id);
    else if (isOver(group, now, firing)) end(group, firing, now, found);
    // Nothing has opened yet: routers have found a way for the others.
    else if (hasNoIncident(firing) && isDisproved(group, firing)) {
      release(group, firing, found.freed);
    } else if (book.get(group.lead) === undefined) {
      group.lead = first.alert.key;
      putUnder(first, firing, group.verdict, found.changed);
    }
  }

  /** What still fails goes its own way. */
  function end(group: Group, firing: readonly FiringAlert[], now: EpochMs, found: Found): void {
    for (const one of firing) {
      // Until then it explained them: each may have failed by itself at any time.
      one.explainedUntil = group.endingSince ?? now;
      found.outlasting.add(one);
    }
    release(group, firing, found.freed);
  }

  function stillFiring(group: Group, now: EpochMs): FiringAlert[] {
    const firing = firingOf(group);
    if (firing.length < group.members.length) group.shrunkAt = now;
    for (const key of group.members) if (book.get(key) === undefined) groupOf.delete(key);
    group.members = firing.map((one) => one.alert.key);
    return firing;
  }

  const hasNoIncident = (firing: readonly FiringAlert[]): boolean =>
    firing.every(({ incident }) => incident === undefined);

  const fateOf = (group: Group, firing: readonly FiringAlert[]): Fate | undefined =>
    firing
      .flatMap((one) => linkOf(one) ?? [])
      .flatMap((link) => topology().fatesOf(link))
      .find(({ id }) => id === group.id);

  /** Too few still fail, or what they share has answered. */
  function isDisproved(group: Group, firing: readonly FiringAlert[]): boolean {
    const fate = fateOf(group, firing);
    if (fate === undefined) return false;
    const isTooFew = firing.length < LEAST_FAILED[fate.kind];
    return isTooFew || search.hasAnswered(fate, Math.max(...firing.map(failedAt)));
  }

  const isNarrow = (group: Group): boolean => /^(site|device)\|/.test(group.id);
  const splitAfter = ({ isSurelyOver }: Group): number =>
    isSurelyOver === true ? SURE_SPLIT_AFTER : SPLIT_AFTER;

  const isDwindling = ({ most }: Group, firing: readonly FiringAlert[]): boolean =>
    firing.length * 2 < most || firing.length === 1;

  function isOver(group: Group, now: EpochMs, all: readonly FiringAlert[]): boolean {
    const firing = all.filter(isGoingOn);
    if (firing.length < group.left) delete group.endingSince;
    group.left = firing.length;
    if (firing.length === 0) return false;
    const isEnding = isDwindling(group, firing);
    const isAnswering = isNarrow(group) && isDisproved(group, firing);
    group.isSurelyOver = isAnswering || (isEnding && isDisproved(group, firing));
    if (isEnding || isAnswering) group.endingSince ??= now;
    else delete group.endingSince;
    // Those on their way back keep their place until they are there: a few seconds.
    if (group.endingSince === undefined || firing.length < all.length) return false;
    return now >= group.endingSince + splitAfter(group);
  }

  const firingOf = (group: Group): FiringAlert[] =>
    group.members.flatMap((key) => book.get(key) ?? []).sort(bySerial);

  /** Something in front of the group's first circuit turned out to be the cause. */
  function isExplainedAway(lead: FiringAlert, group: Group, now: EpochMs): boolean {
    // While they come back, one after the other, anything may seem to explain the rest.
    if (group.shrunkAt !== undefined && now < group.shrunkAt + SURE_SPLIT_AFTER) return false;
    const explanation = explainer.explain(lead);
    // Another agent's view of the same circuit says nothing against the group.
    if (explanation === undefined || explanation.row === 'same-subject') return false;
    return !WEAKER_ROWS.has(explanation.row) || isNarrow(group);
  }

  function release(group: Group, firing: readonly FiringAlert[], freed: Set<FiringAlert>): void {
    groups.delete(group.id);
    for (const member of firing) {
      groupOf.delete(member.alert.key);
      delete member.verdict;
      if (member.alert.key === group.lead || member.explanation?.row === COMMON_ROW) {
        book.setExplanation(member, explainer.explain(member));
      }
      freed.add(member);
    }
  }

  /** The group goes when its lead is explained by something in front of it. */
  function leaveExplained(lead: FiringAlert, now: EpochMs, found: Found): void {
    const group = groupOf.get(lead.alert.key);
    if (group?.lead !== lead.alert.key || !isExplainedAway(lead, group, now)) return;
    const left = firingOf(group);
    if (isDwindling(group, left)) end(group, left, now, found);
    else release(group, left, found.freed);
  }

  function blame(dirty: ReadonlySet<FiringAlert>, now: EpochMs): CommonFinding {
    const found: Found = { changed: new Set(), freed: new Set(), outlasting: new Set() };
    const { changed, freed, outlasting } = found;
    search.begin();
    for (const group of [...groups.values()]) review(group, now, found);
    hasLost = false;
    const inTurn = [...dirty].sort(bySerial);
    for (const firing of inTurn) leaveExplained(firing, now, found);
    for (const firing of inTurn) if (!freed.has(firing)) seek(firing, now, changed);
    // What outlasted one common cause may have been taken down by another, with what failed by itself.
    for (const firing of outlasting) seek(firing, now, changed, outlasting);
    return { changed: [...changed], freed: [...freed], outlasting: [...outlasting] };
  }

  /** The group is known by its others: what stands upstream of this circuit need not be waited for. */
  function lateFor(firing: FiringAlert, now: EpochMs): Candidate | undefined {
    const link = linkOf(firing);
    const isOpen =
      book.familyOf(firing) === 'unreachable' &&
      firing.explanation === undefined &&
      firing.blindSince === undefined &&
      isGoingOn(firing) &&
      firing.releaseAt === undefined;
    if (link === undefined || !isOpen || deps.isApart(firing) || deps.isAnnounced(firing, now)) {
      return undefined;
    }
    const fate = topology()
      .fatesOf(link)
      .find((one) => isTogetherWith(firing, one));
    return fate === undefined ? undefined : { fate, members: [firing] };
  }

  function isTogetherWith(firing: FiringAlert, fate: Fate): boolean {
    const lead = book.get(groups.get(fate.id)?.lead ?? ('' as AlertKey));
    return lead !== undefined && search.areOneStroke(fate, lead, firing);
  }

  /** @param undated of these nobody knows when they failed: alone they are no sign of anything */
  function seek(
    firing: FiringAlert,
    now: EpochMs,
    changed: Set<FiringAlert>,
    undated: ReadonlySet<FiringAlert> = NOTHING,
  ): void {
    if (groupOf.has(firing.alert.key)) return;
    const best = search.isFree(firing, now)
      ? search.bestFate(firing, now, isWorthWidening)
      : lateFor(firing, now);
    if (best === undefined || best.members.every((one) => undated.has(one))) return;
    join(best, changed);
  }

  function judge(firing: FiringAlert, now: EpochMs): Finding {
    const until = groupOf.has(firing.alert.key) ? undefined : mates.awaitedUntil(firing, now);
    if (until === undefined) return { kind: 'open' };
    const text = 'another circuit that shares its fate has just failed; the rest may follow';
    return { kind: 'wait', until, ask: [], text };
  }

  function nextDueAt(): EpochMs | undefined {
    if (hasLost) return epochMs(0);
    const ends = [...groups.values()].flatMap((group) =>
      group.endingSince === undefined ? [] : [group.endingSince + splitAfter(group)],
    );
    return ends.length === 0 ? undefined : epochMs(Math.min(...ends));
  }

  return {
    blame,
    judge,
    isLed: (firing) => groupOf.has(firing.alert.key),
    leadOf(place) {
      const group = groups.get(`${kindOf(place)}|${idOf(place)}`);
      return group === undefined ? undefined : book.get(group.lead);
    },
    left(key) {
      if (groupOf.has(key)) hasLost = true;
    },
    nextDueAt,
    snapshot: () => ({ groups: [...groups.values()].map((group) => ({ ...group })) }),
  };
}
