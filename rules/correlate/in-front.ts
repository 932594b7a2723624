import type { Link } from '../../protocol/model/inventory.ts';
import type { AlertBook, FiringAlert } from './alert-book.ts';
import type { Front, Suspect } from './slot.ts';
import { linkSubject, type Topology } from './topology.ts';
import { linkPoor } from './ways.ts';

export interface InFrontDeps {
  readonly book: AlertBook;
  readonly topology: () => Topology;
  readonly suspectIn: (effect: FiringAlert, group: readonly Suspect[]) => FiringAlert | undefined;
  readonly isLinkDown: (effect: FiringAlert, link: Link) => boolean;
}

/**
 * Which bad circuits stand on the way to what is to be explained, as the ways are now: with a circuit
 * of a ring cut, what lies behind it is reached from the other side, over circuits that are no way to
 * it otherwise.
 */
export function createInFront({ book, topology, suspectIn, isLinkDown }: InFrontDeps) {
  /** Ports are read once a minute: what is probed itself tells sooner that it works again. */
  function isClosed(link: Link, effect: FiringAlert): boolean {
    const subject = linkSubject(link);
    const isProbed =
      topology()
        .watchersOf(subject)
        ?.some((agent) => !book.isSilent(agent)) === true;
    if (!isProbed) return isLinkDown(effect, link);
    return book.on(subject).some((firing) => book.familyOf(firing) === 'unreachable');
  }

  /** The shortest way to the circuit leads over what is to be explained: it is rather behind that. */
  function isBehind(link: Link, { from, not }: Front): boolean {
    const { graph } = topology();
    if (not === undefined) return false;
    return graph.endsOf(link).some((site) => graph.onTheWay(from, site).includes(not));
  }

  /** Without the circuit no end of the target is reached that is reached with it. */
  function isInFront(link: Link, effect: FiringAlert, { from, to, not }: Front): boolean {
    const { graph } = topology();
    const sources = from === undefined ? graph.core : [from];
    const isShut = (other: Link): boolean => other === not || isClosed(other, effect);
    const isReached = (site: string, without?: Link): boolean =>
      sources.includes(site) ||
      graph.cutBetween(sources, site, (other) => other === without || isShut(other)) === undefined;
    return to.some((site) => isReached(site) && !isReached(site, link));
  }

  /** The first bad circuit in front, as the alert that tells of it. */
  return (effect: FiringAlert, front: Front): FiringAlert | undefined => {
    const badOf = (links: readonly Link[], isUsable: (link: Link) => boolean) => {
      for (const link of links) {
        const cause = suspectIn(effect, linkPoor(link));
        if (cause !== undefined && isUsable(link) && isInFront(link, effect, front)) return cause;
      }
      return undefined;
    };
    const isTurned = () => front.round.some((link) => isClosed(link, effect));
    return (
      badOf(front.usual, () => true) ??
      badOf(front.round, (link) => !isBehind(link, front) || isTurned())
    );
  };
}
