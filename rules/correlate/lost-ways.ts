import type { Link } from '../../protocol/model/inventory.ts';
import {
  type AgentId,
  type SiteId,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import { epochMs, seconds } from '../../protocol/model/units.ts';
import type { AlertBook, FiringAlert } from './alert-book.ts';
import type { Answers } from './answers.ts';
import type { createReached } from './reached.ts';
import type { Suspect, Way } from './slot.ts';
import { deviceSubject, linkSubject, type Topology } from './topology.ts';
import { lostOn } from './ways.ts';

/** An answer so soon after an onset may belong to an echo that was sent before it. */
const PROOF_AFTER = seconds(10);

/** What cuts the far side of a way off, over all ways of the site graph. */
export interface LostWays {
  /** What cuts the effect off from its observer; undefined while a way is left. */
  causesOnWay(effect: FiringAlert, way: Way): readonly FiringAlert[] | undefined;
  /** Where the way begins: the observer's site, or the hubs that the collector still hears. */
  sourcesOf(way: Way): readonly SiteId[];
}

export interface LostWaysDeps {
  readonly book: AlertBook;
  readonly answers: Answers;
  readonly topology: () => Topology;
  readonly lostBy: (place: SubjectKey) => FiringAlert | undefined;
  readonly suspectIn: (effect: FiringAlert, group: readonly Suspect[]) => FiringAlert | undefined;
  readonly beginsInTime: (cause: FiringAlert, effect: FiringAlert) => boolean;
  readonly isOtherReached: ReturnType<typeof createReached>;
  /** Whether the one is explained by the other, through whatever others. */
  readonly hangsOn: (firing: FiringAlert, other: FiringAlert) => boolean;
}

export function createLostWays(deps: LostWaysDeps): LostWays {
  const { book, answers, topology, lostBy, suspectIn, beginsInTime, isOtherReached, hangsOn } =
    deps;
  const { isSilent } = book;
  const onsetOf = (firing: FiringAlert): number => firing.alert.evidence.onsetAt;

  function sourcesOf({ from }: Way): readonly SiteId[] {
    if (from !== undefined) return [from];
    const { core } = topology().graph;
    const heard = core.filter((site) => {
      const agents = topology().agentsAt(site);
      return agents.length > 0 && !agents.every(isSilent);
    });
    if (heard.length > 0) return heard;
    const left = core.filter((site) => lostBy(subjectKey('site', site)) === undefined);
    return left.length > 0 ? left : core;
  }

  /** A site or router at its end was found lost with all its circuits, this one unseen among them. */
  function lostWith(link: Link, effect: FiringAlert): FiringAlert | undefined {
    const sites = topology()
      .graph.endsOf(link)
      .map((site) => subjectKey('site', site));
    const places = [...sites, ...link.ends.map((end) => deviceSubject(end.device))];
    for (const place of places) {
      const lead = lostBy(place);
      if (lead !== undefined && beginsInTime(lead, effect)) return lead;
    }
    return undefined;
  }

  const watchersOf = (link: Link): readonly AgentId[] =>
    topology().watchersOf(linkSubject(link)) ?? [];

  /** Whoever watched the circuit is silent: it cannot say that it is down. */
  const isUnseen = (link: Link): boolean => {
    const watchers = watchersOf(link);
    return watchers.length > 0 && watchers.every(isSilent);
  };

  /** The silence behind which a circuit is lost from sight. */
  function blindnessOf(effect: FiringAlert, link: Link): FiringAlert | undefined {
    if (!isUnseen(link)) return undefined;
    return watchersOf(link)
      .flatMap((agent) => book.on(subjectKey('agent', agent)))
      .find((cause) => cause !== effect && beginsInTime(cause, effect));
  }

  /** What cuts the effect off from its observer; undefined while a way is left. */
  function causesOnWay(effect: FiringAlert, way: Way): readonly FiringAlert[] | undefined {
    const tried = new Map<Link, FiringAlert | undefined>();
    const sources = sourcesOf(way);
    const isSilence = book.familyOf(effect) === 'agent-silent';
    // While nobody is heard at all it is the collector that is blind.
    const isSeeing = sources.some((site) => !topology().agentsAt(site).every(isSilent));
    const causeOf = (link: Link): FiringAlert | undefined => {
      if (!tried.has(link)) {
        const blind = () => (isSeeing ? blindnessOf(effect, link) : undefined);
        const found = suspectIn(effect, lostOn(way, link));
        // A circuit that the device at the end of the way took down did not cut that off.
        const isOwnDoing = way.edge !== undefined && found !== undefined && hangsOn(found, effect);
        const cause = isOwnDoing ? undefined : (found ?? blind());
        tried.set(link, cause ?? (isSilence ? lostWith(link, effect) : undefined));
      }
      return tried.get(link);
    };
    const isDown = (link: Link): boolean =>
      link === way.not || causeOf(link) !== undefined || (isSeeing && isUnseen(link));
    const causes = new Set<FiringAlert>();
    for (const site of way.to) {
      const cut = topology().graph.cutBetween(sources, site, isDown, way.not);
      const found = cut?.flatMap(causeList);
      if (found === undefined || isReachedOtherwise(effect, site, found)) return undefined;
      for (const cause of found) causes.add(cause);
    }
    function causeList(link: Link): readonly FiringAlert[] {
      const cause = causeOf(link);
      return cause === undefined ? [] : [cause];
    }
    return [...causes];
  }

  /**
   * The inventory may lack a circuit: while everything it knows is down, the observer goes on reaching
   * something else in there. When what is down answers as well, it is only the way back.
   */
  function isReachedOtherwise(
    effect: FiringAlert,
    site: SiteId,
    causes: readonly FiringAlert[],
  ): boolean {
    if (causes.length === 0) return true;
    const since = epochMs(Math.max(...causes.map(onsetOf)) + PROOF_AFTER);
    const { agent, subject } = effect.alert;
    const isBack = causes.some((cause) => answers.isAnsweredAfter(cause.alert.subject, since));
    if (isBack) return false;
    return isOtherReached(site, agent, subject, since);
  }

  return { causesOnWay, sourcesOf };
}
