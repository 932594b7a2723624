import type { AlertKey } from '../../protocol/model/alert.ts';
import { kindOf, subjectKey } from '../../protocol/model/subject.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  epochMs,
  seconds,
} from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';
import type { AlertBook, ClearedCause, Explanation, FiringAlert } from './alert-book.ts';
import { rankOf } from './family.ts';
import type { Slot, Suspect } from './slot.ts';
import type { Topology } from './topology.ts';

/**
 * How much later than its effect a cause may seem to begin. Polls are out of phase: interfaces are
 * read every 30 to 60 s, links every 5 s. A cause that begins later still is another fault (a dead
 * switch is not explained by the circuit that is cut a day later).
 */
const PHASE = seconds(60);

/** The time over which a rule looks back: the age its finding may have, and how long it echoes. */
export function lookBackOf(rule: Rule | undefined): DurationMs {
  if (rule === undefined) return durationMs(0);
  const { detector } = rule;
  if (detector.kind === 'threshold') return detector.over;
  return 'after' in detector ? detector.after : durationMs(0);
}

export interface Explainer {
  /** The alert that explains this one, by the nearest row that holds; undefined = none. */
  explain(effect: FiringAlert): Explanation | undefined;
  /** True when the group holds a firing suspect. */
  isFiring(effect: FiringAlert, group: readonly Suspect[]): boolean;
  /**
   * Until when something explained this alert that has cleared since: a cause, or the silence of the
   * agent that saw it (what its backlog tells is history); undefined = nothing did.
   */
  explainedUntil(effect: FiringAlert): EpochMs | undefined;
  /** Follows explanations to their end. */
  rootOf(firing: FiringAlert): FiringAlert;
}

export interface ExplainerDeps {
  readonly book: AlertBook;
  readonly topology: () => Topology;
}

export function createExplainer({ book, topology }: ExplainerDeps): Explainer {
  const beginsInTime = (cause: FiringAlert, effect: FiringAlert): boolean => {
    const rule = book.ruleOf(cause);
    const slack = PHASE + lookBackOf(rule) + (rule?.holdFor ?? 0);
    const began = Math.max(effect.alert.evidence.onsetAt, effect.explainedUntil ?? 0);
    return cause.alert.evidence.onsetAt <= began + slack;
  };

  const isSeenFromInside = (firing: FiringAlert): boolean => {
    const site = topology().siteOf(firing.alert.subject);
    return site !== undefined && topology().siteOfAgent(firing.alert.agent) === site;
  };

  function suspectIn(effect: FiringAlert, group: readonly Suspect[]): FiringAlert | undefined {
    for (const suspect of group) {
      const found = book
        .on(suspect.subject)
        .filter(
          (cause) =>
            cause !== effect &&
            suspect.families.includes(book.familyOf(cause)) &&
            !(suspect.insideOnly && !isSeenFromInside(cause)) &&
            !(suspect.olderOnly && cause.serial > effect.serial) &&
            beginsInTime(cause, effect),
        );
      if (found.length > 0) return found.reduce((a, b) => (blame(a) <= blame(b) ? a : b));
    }
    return undefined;
  }

  /**
   * Order of blame on one subject, as a number: family first, then who can tell. A device that its own
   * site cannot reach is dead; from outside it may be the circuit. Links have no inside.
   */
  const blame = (firing: FiringAlert): number => {
    const knows = kindOf(firing.alert.subject) !== 'link' && isSeenFromInside(firing);
    return rankOf(book.familyOf(firing)) * 2 + (knows ? 0 : 1);
  };

  function sameSubject(effect: FiringAlert): Explanation | undefined {
    let best = effect;
    for (const other of book.on(effect.alert.subject)) {
      if (blame(other) < blame(best)) best = other;
      else if (blame(other) === blame(best) && other.serial < best.serial) best = other;
    }
    if (best === effect) return undefined;
    return {
      by: best.alert.key,
      row: 'same-subject',
      text: `the same subject: ${best.alert.evidence.text}`,
    };
  }

  const onsetOf = (firing: FiringAlert): number => firing.alert.evidence.onsetAt;

  function isInTime(effect: FiringAlert, causes: readonly FiringAlert[], slot: Slot): boolean {
    if (slot.onsets === undefined) return true;
    const onsets = [effect, ...causes].map(onsetOf);
    const areTogether = Math.max(...onsets) - Math.min(...onsets) <= PHASE;
    return areTogether === (slot.onsets === 'together');
  }

  function bySlot(effect: FiringAlert, slot: Slot): Explanation | undefined {
    const causes: FiringAlert[] = [];
    for (const group of slot.groups) {
      const cause = suspectIn(effect, group);
      if (cause === undefined) return undefined;
      causes.push(cause);
    }
    const [first] = causes;
    if (first === undefined || !isInTime(effect, causes, slot)) return undefined;
    // Of several ways that failed each by itself, the last one to fail made the difference.
    const last = causes.reduce((a, b) => (onsetOf(a) < onsetOf(b) ? b : a));
    const by = slot.onsets === 'together' ? first : last;
    return { by: by.alert.key, row: slot.row, text: slot.text };
  }

  function explain(effect: FiringAlert): Explanation | undefined {
    const same = sameSubject(effect);
    if (same !== undefined) return same;
    for (const slot of book.slotsOf(effect)) {
      const found = bySlot(effect, slot);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  function explainedUntil(effect: FiringAlert): EpochMs | undefined {
    const { onsetAt } = effect.alert.evidence;
    const hadCaused = (suspect: Suspect, cause: ClearedCause): boolean =>
      suspect.families.includes(cause.family) &&
      cause.alert.evidence.onsetAt <= onsetAt + PHASE &&
      onsetAt <= cause.clearedAt;
    const own: Suspect = {
      subject: subjectKey('agent', effect.alert.agent),
      families: ['agent-silent'],
    };
    const suspects = [own, ...book.slotsOf(effect).flatMap((slot) => slot.groups.flat())];
    const times = suspects.flatMap((suspect) =>
      book
        .clearedOn(suspect.subject)
        .filter((cause) => hadCaused(suspect, cause))
        .map((cause) => cause.clearedAt),
    );
    if (effect.explainedUntil !== undefined) times.push(effect.explainedUntil);
    return times.length === 0 ? undefined : epochMs(Math.max(...times));
  }

  function rootOf(firing: FiringAlert): FiringAlert {
    const way = new Set<AlertKey>();
    let current = firing;
    while (current.explanation !== undefined && !way.has(current.alert.key)) {
      way.add(current.alert.key);
      const next = book.get(current.explanation.by);
      if (next === undefined) break;
      current = next;
    }
    if (current.explanation === undefined || !way.has(current.alert.key)) return current;
    // A loop in the inventory made alerts explain each other: the first to come is blamed.
    const first = [...way].flatMap((key) => book.get(key) ?? []);
    const root = first.reduce((a, b) => (a.serial < b.serial ? a : b));
    book.setExplanation(root, undefined);
    return root;
  }

  return {
    explain,
    isFiring: (e, group) => suspectIn(e, group) !== undefined,
    explainedUntil,
    rootOf,
  };
}
