import type { Link } from '../../protocol/model/inventory.ts';
import { idOf, kindOf } from '../../protocol/model/subject.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  epochMs,
  seconds,
} from '../../protocol/model/units.ts';
import type { AlertBook, FiringAlert } from './alert-book.ts';
import { failedAt } from './explain.ts';
import type { Fate } from './shared-fate.ts';
import type { Topology } from './topology.ts';
import { circuitsOf } from './ways.ts';

/** What fails at once is seen to begin within a round and the routers' convergence. */
const TOGETHER = seconds(10);
/** So long a circuit waits for its group to show, when another of the group has just failed. */
const SHOW_IN = seconds(10);
/** Many at once are a site or a hub, whose agent is called silent a little later. */
const MANY = 3;
const SILENCE_SHOWS_IN = seconds(5);
/** When something explained them until now each must outlast that first. */
const RELEASED_IN = seconds(45);
/** So many mates tell when the rest of them will be let go. */
const ASKED = 64;
/** A router with more circuits is a hub; its own death is told apart by other rows. */
const MANY_CIRCUITS = 8;

/**
 * It may have begun with mere loss, and while something else explained it, it may have failed at any
 * time.
 */
export const latestOnsetOf = (firing: FiringAlert): number =>
  Math.max(failedAt(firing), firing.explainedUntil ?? 0);

/** The least time within which all of them may have begun. */
export function spanOf(members: readonly FiringAlert[]): DurationMs {
  const last = Math.max(...members.map(({ alert }) => alert.evidence.onsetAt));
  return durationMs(Math.max(0, last - Math.min(...members.map(latestOnsetOf))));
}

export const areTogether = (a: FiringAlert, b: FiringAlert): boolean => spanOf([a, b]) <= TOGETHER;

/** Circuits that share a fate and failed together: one waits for the others, so that they are one trouble. */
export interface Mates {
  /** The circuit that the alert is about; undefined = it is about something else. */
  linkOf(firing: FiringAlert): Link | undefined;
  /** Until when its mates may still show, or may still be echoes; undefined = no longer. */
  awaitedUntil(firing: FiringAlert, now: EpochMs): EpochMs | undefined;
}

export function createMates(book: AlertBook, topology: () => Topology): Mates {
  const linkOf = ({ alert }: FiringAlert): Link | undefined =>
    kindOf(alert.subject) === 'link' ? topology().link(idOf(alert.subject)) : undefined;

  /** The circuits whose fate the alert may share: its own, or those that end at its device. */
  function circuitsOfAlert(firing: FiringAlert): readonly Link[] {
    if (book.familyOf(firing) !== 'unreachable') return [];
    if (kindOf(firing.alert.subject) === 'device') {
      const circuits = circuitsOf(topology(), idOf(firing.alert.subject));
      return circuits.length > MANY_CIRCUITS ? [] : circuits;
    }
    const link = linkOf(firing);
    return link === undefined ? [] : [link];
  }

  const isOneOf = (fates: ReadonlySet<Fate>, found: readonly Fate[]): boolean =>
    found.some((fate) => fates.has(fate));

  /** Other circuits of its fates that failed together with it, so many at most. */
  function matesOf(firing: FiringAlert, atMost: number): readonly FiringAlert[] {
    const own = circuitsOfAlert(firing);
    const found: FiringAlert[] = [];
    if (own.length === 0) return found;
    const fates = new Set(own.flatMap((link) => topology().fatesOf(link)));
    for (const mate of book.linkOutages()) {
      const link = linkOf(mate);
      if (link === undefined || own.includes(link) || !areTogether(mate, firing)) continue;
      if (!isOneOf(fates, topology().fatesOf(link))) continue;
      found.push(mate);
      if (found.length >= atMost) break;
    }
    return found;
  }

  /** When its mates have shown, and with many of them the silence of who watched what they share. */
  function shownAt(firing: FiringAlert, now: EpochMs): EpochMs | undefined {
    if (now >= firing.heldFrom + SHOW_IN + SILENCE_SHOWS_IN) return undefined;
    const mates = matesOf(firing, MANY).length;
    const until = firing.heldFrom + SHOW_IN + (mates >= MANY ? SILENCE_SHOWS_IN : 0);
    return mates > 0 && now < until ? epochMs(until) : undefined;
  }

  /** While others of its fate may still be echoes of what has cleared they cannot form a group. */
  function releasedAt(firing: FiringAlert, now: EpochMs): EpochMs | undefined {
    const { explainedUntil } = firing;
    if (explainedUntil === undefined || now >= explainedUntil + RELEASED_IN) return undefined;
    const times = matesOf(firing, ASKED).map(({ releaseAt }) => releaseAt ?? 0);
    const until = Math.min(explainedUntil + RELEASED_IN, Math.max(0, ...times));
    return until > now ? epochMs(until) : undefined;
  }

  return {
    linkOf,
    awaitedUntil: (firing, now) => shownAt(firing, now) ?? releasedAt(firing, now),
  };
}
