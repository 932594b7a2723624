import type { Link } from '../../protocol/model/inventory.ts';
import { idOf } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs, seconds } from '../../protocol/model/units.ts';
import { type AlertBook, type FiringAlert, isGoingOn } from './alert-book.ts';
import type { Answers } from './answers.ts';
import { areTogether, latestOnsetOf, spanOf } from './mates.ts';
import { type Fate, isBeyondChance, isEverywhere, widthOf } from './shared-fate.ts';
import { deviceSubject, linkSubject, type Topology } from './topology.ts';

export const COMMON_ROW = 'common-cause';

/** An answer so soon after an onset may belong to an echo that was sent before it. */
const PROOF_AFTER = seconds(3);
/** Explanations that a common cause of several sites outweighs. */
export const WEAKER_ROWS: ReadonlySet<string> = new Set([COMMON_ROW, 'shared-edge']);

/** What circuits share, and those of them that failed together. */
export interface Candidate {
  readonly fate: Fate;
  readonly members: readonly FiringAlert[];
}

export interface FateSearchDeps {
  readonly book: AlertBook;
  readonly answers: Answers;
  readonly topology: () => Topology;
  /** The alert has been weighed against everything upstream and stands by itself. */
  readonly isReady: (firing: FiringAlert, now: EpochMs) => boolean;
  /** A person said that it is a trouble of its own. */
  readonly isApart: (firing: FiringAlert) => boolean;
}

/** Finds what circuits share that failed together. Keeps nothing from one look to the next. */
export interface FateSearch {
  /** A look at all that changed begins. */
  begin(): void;
  /** The outage of a circuit that nothing narrower explains. */
  isFree(firing: FiringAlert, now: EpochMs): boolean;
  /** The fate that explains most; of equal ones the narrowest. */
  bestFate(
    firing: FiringAlert,
    now: EpochMs,
    isWorth: (candidate: Candidate) => boolean,
  ): Candidate | undefined;
  /** At once, or in the course of the same change. */
  areOneStroke(fate: Fate, a: FiringAlert, b: FiringAlert): boolean;
  /** The router, or a device of the site, has answered since. */
  hasAnswered(fate: Pick<Fate, 'kind' | 'subject'>, since: number): boolean;
  linksIn(fate: Fate): ReadonlySet<Link>;
}

export function createFateSearch(
  deps: FateSearchDeps,
  linkOf: (firing: FiringAlert) => Link | undefined,
): FateSearch {
  const { book, answers, topology } = deps;
  const { isSilent } = book;
  /** What is found out during one look at all that changed; many circuits ask the same. */
  let ready = new Map<FiringAlert, boolean>();
  let seen = new Map<Fate, Fate>();
  const linkSets = new WeakMap<Fate, ReadonlySet<Link>>();

  /** The outage of a circuit that nothing narrower explains. */
  function isFree(firing: FiringAlert, now: EpochMs): boolean {
    if (book.familyOf(firing) !== 'unreachable' || deps.isApart(firing)) return false;
    const { explanation } = firing;
    if (!isGoingOn(firing)) return false;
    if (explanation !== undefined) return WEAKER_ROWS.has(explanation.row);
    return firing.blindSince === undefined && isReady(firing, now);
  }

  function isReady(firing: FiringAlert, now: EpochMs): boolean {
    const known = ready.get(firing);
    if (known !== undefined) return known;
    const isSo = deps.isReady(firing, now);
    ready.set(firing, isSo);
    return isSo;
  }

  function linksIn(fate: Fate): ReadonlySet<Link> {
    const known = linkSets.get(fate);
    if (known !== undefined) return known;
    const made = new Set(fate.links);
    linkSets.set(fate, made);
    return made;
  }

  /** At once, or in the course of the same change. */
  function areOneStroke({ during }: Fate, a: FiringAlert, b: FiringAlert): boolean {
    if (during === undefined) return areTogether(a, b);
    return [a, b].every(
      (one) => latestOnsetOf(one) >= during.from && one.alert.evidence.onsetAt < during.until,
    );
  }

  /** One alert for each circuit of the fate that failed together with the given one. */
  function failedWith(firing: FiringAlert, fate: Fate, now: EpochMs): FiringAlert[] {
    const found = new Map<Link, FiringAlert>();
    const links = linksIn(fate);
    for (const other of book.linkOutages()) {
      if (!areOneStroke(fate, other, firing)) continue;
      const link = linkOf(other);
      if (link === undefined || !links.has(link) || found.has(link)) continue;
      if (other === firing || isFree(other, now)) found.set(link, other);
    }
    return [...found.values()];
  }

  /**
   * A site or router of which something answers is not dead, and a router that somebody looks at tells
   * of its death by itself.
   */
  function isPossible({ kind, subject }: Fate, firing: FiringAlert): boolean {
    if (subject === undefined) return true;
    if (firing.explanation?.row === 'shared-edge') return false;
    if (hasAnswered({ kind, subject }, latestOnsetOf(firing))) return false;
    // A hub whose agent is heard is there; a branch's agent may be heard no more in a moment.
    const isHub = kind === 'site' && topology().graph.core.includes(idOf(subject));
    const hubAgents = isHub ? topology().agentsAt(idOf(subject)) : [];
    const watchers = kind === 'device' ? (topology().watchersOf(subject) ?? []) : hubAgents;
    return watchers.every(isSilent);
  }

  /** The router, or a device of the site, has answered since. */
  function hasAnswered({ kind, subject }: Pick<Fate, 'kind' | 'subject'>, since: number): boolean {
    if (subject === undefined) return false;
    const own = topology().devicesAt(idOf(subject));
    const devices = kind === 'device' ? [subject] : own.map(({ id }) => deviceSubject(id));
    const proved = epochMs(since + PROOF_AFTER);
    return devices.some((device) => answers.isAnsweredAfter(device, proved));
  }

  /** What answered after the first of its circuits had failed has not taken them down. */
  const hasOutlived = ({ fate, members }: Candidate): boolean =>
    members.length > 0 && hasAnswered(fate, Math.min(...members.map(latestOnsetOf)));

  /** Circuits whose watchers are all silent can tell nothing, for or against. */
  function visible(fate: Fate): Fate {
    const known = seen.get(fate);
    if (known !== undefined) return known;
    const made = visiblePart(fate);
    seen.set(fate, made);
    return made;
  }

  function visiblePart(fate: Fate): Fate {
    const links = fate.links.filter((link) => {
      const watchers = topology().watchersOf(linkSubject(link)) ?? [];
      return watchers.length === 0 || !watchers.every(isSilent);
    });
    return links.length === fate.links.length ? fate : { ...fate, links };
  }

  /** The fate that explains most; of equal ones the narrowest. */
  function bestFate(
    firing: FiringAlert,
    now: EpochMs,
    isWorth: (candidate: Candidate) => boolean,
  ): Candidate | undefined {
    const link = linkOf(firing);
    if (link === undefined) return undefined;
    const candidates = topology()
      .fatesOf(link)
      .filter((fate) => isPossible(fate, firing))
      .map((fate) => visible(fate))
      .map((fate) => ({ fate, members: failedWith(firing, fate, now) }))
      .filter(({ fate, members }) => isBeyondChance(fate, members.length, spanOf(members)))
      .filter(({ fate, members }) =>
        isEverywhere(
          fate,
          members.flatMap((one) => linkOf(one) ?? []),
        ),
      )
      .filter((candidate) => !hasOutlived(candidate) && isWorth(candidate));
    candidates.sort(
      (a, b) => b.members.length - a.members.length || widthOf(a.fate) - widthOf(b.fate),
    );
    return candidates[0];
  }

  return {
    begin() {
      ready = new Map();
      seen = new Map();
    },
    isFree,
    bestFate,
    areOneStroke,
    hasAnswered,
    linksIn,
  };
}
