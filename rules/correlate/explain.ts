import type { AlertKey } from '../../protocol/model/alert.ts';
import type { Link } from '../../protocol/model/inventory.ts';
import {
  type DeviceId,
  idOf,
  kindOf,
  type SiteId,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import {
  assertNever,
  type DurationMs,
  durationMs,
  type EpochMs,
  epochMs,
  seconds,
} from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';
import type { AlertBook, ClearedCause, Explanation, FiringAlert } from './alert-book.ts';
import type { Answers } from './answers.ts';
import { type Family, isOutage, isQuickOutage, rankOf } from './family.ts';
import { createInFront } from './in-front.ts';
import { createLostWays } from './lost-ways.ts';
import { createNeighbours, type Neighbours } from './neighbours.ts';
import { createReached } from './reached.ts';
import { type Groups, linksInFront, type Slot, type Suspect, type Way } from './slot.ts';
import { deviceSubject, linkSubject, type Topology } from './topology.ts';
import { circuitsOf, linkDown, linkPoor } from './ways.ts';

/**
 * How much later than its effect a cause may seem to begin. Polls are out of phase: interfaces are
 * read every 30 to 60 s, links every 5 s. A cause that begins later still is another fault (a dead
 * switch is not explained by the circuit that is cut a day later).
 */
const PHASE = seconds(60);
/** Rounds of 5 s, out of phase, and a burst: what fails in one moment is seen within so much. */
const AT_ONCE = seconds(8);
/** The same with the routers' convergence: what is probed every 5 s and fails later failed by itself. */
const TOGETHER = seconds(20);
/** Ten packets 100 ms apart, the wait for the last one, and the way here. */
const BURST_LASTS = seconds(2);

/** Clocks within one round of one agent: an answer so much after a failure was sent after it. */
const OUTLIVED_AFTER = durationMs(500);

/** Two polls of a port: so long the evidence of counted errors takes to gather, or to be outweighed. */
const SURGE_LOOKS_BACK = seconds(120);

/** Judged on echoes, several in a second: when it began is known. */
const ECHOED: readonly Family[] = ['loss', 'latency', 'voice'];

/** So many explanations of explanations are followed; no network is deeper. */
const LONGEST_CHAIN = 32;

/** The time over which a rule looks back: the age its finding may have, and how long it echoes. */
export function lookBackOf(rule: Rule | undefined): DurationMs {
  if (rule === undefined) return durationMs(0);
  const { detector } = rule;
  if (detector.kind === 'threshold') return detector.over;
  if (detector.kind === 'surge') return SURGE_LOOKS_BACK;
  if (detector.kind === 'burn-rate') {
    // What an outage has burnt stays in the short window that long, and is no second trouble.
    return durationMs(Math.max(...detector.windows.map(({ short }) => short)));
  }
  return 'after' in detector ? detector.after : durationMs(0);
}

export interface Explainer {
  /** The alert that explains this one, by the nearest row that holds; undefined = none. */
  explain(effect: FiringAlert): Explanation | undefined;
  /** Alerts on neighbouring devices that this one may explain (see neighbours.ts). */
  beside: Neighbours['beside'];
  /** True while a neighbour may turn out to be the cause. */
  mayHaveWorse: Neighbours['mayHaveWorse'];
  /** True when the group holds a firing suspect. */
  isFiring(effect: FiringAlert, group: readonly Suspect[]): boolean;
  /** True when something says that the link carries nothing, and began in time for the effect. */
  isLinkDown(effect: FiringAlert, link: Link): boolean;
  /**
   * Until when something explained this alert that has cleared since: a cause, or the silence of the
   * agent that saw it (what its backlog tells is history); undefined = nothing did.
   */
  explainedUntil(effect: FiringAlert): EpochMs | undefined;
  /** Where the way begins: the observer's site, or the hubs that the collector still hears. */
  sourcesOf(way: Way): readonly SiteId[];
  /** Follows explanations to their end. */
  rootOf(firing: FiringAlert): FiringAlert;
}

export interface ExplainerDeps {
  readonly book: AlertBook;
  readonly answers: Answers;
  readonly topology: () => Topology;
  /** The alert that leads the circuits of a site or router that failed together; undefined = none do. */
  readonly lostBy: (place: SubjectKey) => FiringAlert | undefined;
}

/**
 * Rounds are dated by their last answered packet: one sent after the child failed is proof. An
 * outage may begin with mere loss, long before; what counts is the burst that made it one.
 */
export function failedAt({ alert }: Pick<FiringAlert, 'alert'>): EpochMs {
  const { onsetAt } = alert.evidence;
  // An agent's silence begins when it was last heard, however long it takes to be called one.
  if (alert.disturbance !== 'outage' || kindOf(alert.subject) === 'agent') return onsetAt;
  return epochMs(Math.max(onsetAt, alert.firedAt - BURST_LASTS));
}

export function createExplainer({ book, answers, topology, lostBy }: ExplainerDeps): Explainer {
  const isOtherReached = createReached(answers, topology);
  const neighbours = createNeighbours({ book, topology });
  const beginsInTime = (cause: FiringAlert, effect: FiringAlert): boolean =>
    cause.alert.evidence.onsetAt <= beganAt(effect) + slackOf(cause, effect);

  /** What was explained until then may have failed by itself at any time before. */
  const beganAt = (effect: FiringAlert): number =>
    Math.max(failedAt(effect), effect.explainedUntil ?? 0, effect.mayEchoUntil ?? 0);

  const isProbed = (firing: FiringAlert): boolean => isQuickOutage(book.familyOf(firing));

  /** Circuits are probed alike, often and with patience for little: devices show their loss much later. */
  const isDated = (firing: FiringAlert): boolean =>
    isProbed(firing) ||
    (kindOf(firing.alert.subject) === 'link' && ECHOED.includes(book.familyOf(firing)));

  function slackOf(cause: FiringAlert, effect: FiringAlert): number {
    const isAgent = book.familyOf(effect) === 'agent-silent';
    if (isDated(cause) && (isAgent || isDated(effect))) return TOGETHER;
    const rule = book.ruleOf(cause);
    return PHASE + lookBackOf(rule) + (rule?.holdFor ?? 0);
  }

  const isSeenFromInside = (firing: FiringAlert): boolean => {
    const site = topology().siteOf(firing.alert.subject);
    return site !== undefined && topology().siteOfAgent(firing.alert.agent) === site;
  };

  /** Its own site cannot reach it, or an agent outside that goes on reaching others of its site. */
  function isSeenDead(cause: FiringAlert): boolean {
    const { subject, agent } = cause.alert;
    const site = topology().siteOf(subject);
    if (site === undefined || isSeenFromInside(cause)) return site !== undefined;
    return isOtherReached(site, agent, subject, epochMs(failedAt(cause) + TOGETHER));
  }

  /** The device answered after the effect had failed as the same agent saw it: it took nothing down. */
  const hasSurvived = ({ alert, answeredAt }: FiringAlert, effect: FiringAlert): boolean =>
    alert.agent === effect.alert.agent &&
    isProbed(effect) &&
    (answeredAt ?? 0) > beganAt(effect) + OUTLIVED_AFTER;

  function suspectIn(effect: FiringAlert, group: readonly Suspect[]): FiringAlert | undefined {
    for (const suspect of group) {
      const found = book
        .on(suspect.subject)
        .filter(
          (cause) =>
            cause !== effect &&
            suspect.families.includes(book.familyOf(cause)) &&
            !(suspect.insideOnly && (!isSeenDead(cause) || hasSurvived(cause, effect))) &&
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

  /** It cannot be told any more whether it goes on, and nobody has been told of it. */
  const isInDoubt = ({ blindSince, incident }: FiringAlert): boolean =>
    blindSince !== undefined && incident === undefined;

  /** Bad, but less and less so, and nobody has been told of it: what is as bad as ever stands for both. */
  const isPassing = (firing: FiringAlert): boolean =>
    firing.fadingSince !== undefined &&
    firing.incident === undefined &&
    !isOutage(book.familyOf(firing));

  /** Of several views of one trouble the one that is still seen stands for it, then the first. */
  function goesBefore(one: FiringAlert, other: FiringAlert): boolean {
    if (isPassing(one) !== isPassing(other)) return isPassing(other);
    if (blame(one) !== blame(other)) return blame(one) < blame(other);
    if (isInDoubt(one) !== isInDoubt(other)) return isInDoubt(other);
    return one.serial < other.serial;
  }

  const { causesOnWay, sourcesOf } = createLostWays({
    book,
    answers,
    topology,
    lostBy,
    suspectIn,
    beginsInTime,
    isOtherReached,
    hangsOn,
  });

  function sameSubject(effect: FiringAlert): Explanation | undefined {
    let best = effect;
    for (const other of book.on(effect.alert.subject)) {
      // What it has explained while the other one seemed to pass stays with it.
      if (goesBefore(other, best) && !hangsOn(other, effect)) best = other;
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
    switch (slot.onsets) {
      case undefined:
        return true;
      case 'at-once':
        return spreadOf([effect, ...causes]) <= AT_ONCE;
      case 'together':
        return areTogether([effect, ...causes]);
      case 'apart':
        return areApart(effect, causes);
      default:
        return assertNever(slot.onsets);
    }
  }

  function spreadOf(alerts: readonly FiringAlert[]): number {
    const onsets = alerts.map(onsetOf);
    return Math.max(...onsets) - Math.min(...onsets);
  }

  const areTogether = (alerts: readonly FiringAlert[]): boolean =>
    spreadOf(alerts) <= (alerts.every(isProbed) ? TOGETHER : PHASE);

  /** The circuits of a device failed each by itself: then it is not the device that took them down. */
  function areApart(effect: FiringAlert, causes: readonly FiringAlert[]): boolean {
    const device = idOf(effect.alert.subject);
    // Circuits that were taken down from afar may all end at one device without its being dead.
    if (causes.every((one) => isLostFromAfar(one, effect))) return true;
    if (hasOutlived(device, causes)) return true;
    // A circuit that the way does not need may have failed before.
    const others = causesOnEdge(effect, device) ?? [];
    return !areTogether([effect, ...causes, ...others]);
  }

  /** One firing suspect of each group; undefined when one of them has none. */
  function causesIn(effect: FiringAlert, groups: Groups): readonly FiringAlert[] | undefined {
    const causes: FiringAlert[] = [];
    for (const group of groups) {
      const cause = suspectIn(effect, group);
      if (cause === undefined) return undefined;
      causes.push(cause);
    }
    return causes;
  }

  /** What tells that every other circuit of the device is down too; undefined = one may work. */
  function causesOnEdge(effect: FiringAlert, edge: DeviceId): readonly FiringAlert[] | undefined {
    const others = circuitsOf(topology(), edge).filter(
      (link) => linkSubject(link) !== effect.alert.subject,
    );
    return causesIn(effect, others.map(linkDown));
  }

  /** It answered after the first of its circuits had failed: then that one failed by itself. */
  function hasOutlived(edge: DeviceId, circuits: readonly FiringAlert[]): boolean {
    const first = circuits.reduce((a, b) => (failedAt(a) <= failedAt(b) ? a : b));
    const site = topology().device(edge)?.site;
    const isOutside = topology().siteOfAgent(first.alert.agent) !== site;
    const since = epochMs(failedAt(first) + OUTLIVED_AFTER);
    const answeredAt = answers.lastBy(first.alert.agent, deviceSubject(edge)) ?? 0;
    return isOutside && answeredAt > since;
  }

  function causesFor(effect: FiringAlert, slot: Slot): readonly FiringAlert[] | undefined {
    if (slot.way !== undefined) return causesOnWay(effect, slot.way);
    const causes = causesIn(effect, slot.groups);
    if (causes !== undefined && slot.front !== undefined) {
      const bad = inFront(effect, slot.front);
      return bad && [...causes, bad];
    }
    if (causes === undefined || slot.edge === undefined) return causes;
    const others = causesOnEdge(effect, slot.edge);
    if (others === undefined || hasOutlived(slot.edge, [effect, ...others])) return undefined;
    return [...causes, ...others];
  }

  function bySlot(effect: FiringAlert, slot: Slot): Explanation | undefined {
    const all = causesFor(effect, slot) ?? [];
    if (all.length === 0 || !isInTime(effect, all, slot)) return undefined;
    // In a ring circuits seem to be behind each other: what hangs on the effect is no cause of it.
    const causes = all.filter((cause) => !hangsOn(cause, effect));
    const [first] = causes;
    if (first === undefined) return undefined;
    // Of several ways that failed each by itself, the last one to fail made the difference.
    const last = causes.reduce((a, b) => (onsetOf(a) < onsetOf(b) ? b : a));
    const by = slot.onsets === 'together' ? first : last;
    return { by: by.alert.key, row: slot.row, text: slot.text };
  }

  /** What took the circuit down is not the device that is to be explained. */
  function isLostFromAfar(circuit: FiringAlert, device: FiringAlert): boolean {
    const { explanation, verdict } = circuit;
    if (explanation === undefined) return verdict?.shared !== undefined;
    return explanation.row !== 'same-subject' && !hangsOn(circuit, device);
  }

  /** Whether the alert is explained by the other one, through whatever others. */
  function hangsOn(firing: FiringAlert, other: FiringAlert): boolean {
    let current: FiringAlert | undefined = firing;
    for (let steps = 0; current?.explanation !== undefined && steps < LONGEST_CHAIN; steps++) {
      if (current.explanation.by === other.alert.key) return true;
      current = book.get(current.explanation.by);
    }
    return false;
  }

  const isLinkDown = (effect: FiringAlert, link: Link): boolean =>
    suspectIn(effect, linkDown(link)) !== undefined;

  const inFront = createInFront({ book, topology, suspectIn, isLinkDown });

  /** The agent sits in a site that was found lost with all its circuits. */
  function withItsSite(effect: FiringAlert): Explanation | undefined {
    const site = topology().siteOf(effect.alert.subject);
    if (site === undefined || book.familyOf(effect) !== 'agent-silent') return undefined;
    const lead = lostBy(subjectKey('site', site));
    if (lead === undefined || !beginsInTime(lead, effect)) return undefined;
    return {
      by: lead.alert.key,
      row: 'agent-in-lost-site',
      text: 'all circuits of its site failed',
    };
  }

  function explain(effect: FiringAlert): Explanation | undefined {
    const same = sameSubject(effect) ?? withItsSite(effect);
    if (same !== undefined) return same;
    for (const slot of book.slotsOf(effect)) {
      const found = bySlot(effect, slot);
      if (found !== undefined) return found;
    }
    return neighbours.explain(effect);
  }

  function explainedUntil(effect: FiringAlert): EpochMs | undefined {
    const { onsetAt } = effect.alert.evidence;
    if (!book.hasClearedSince(onsetAt)) return effect.explainedUntil;
    const hadCaused = (suspect: Suspect, cause: ClearedCause): boolean =>
      suspect.families.includes(cause.family) &&
      cause.alert.evidence.onsetAt <= onsetAt + PHASE &&
      onsetAt <= cause.clearedAt;
    // What was there with the alert, and did not explain it then, does not do so when it has cleared;
    // but of ports it is often not known on which a circuit ends.
    const isPort = kindOf(effect.alert.subject) === 'interface';
    const wasGone = ({ family, clearedAt }: ClearedCause): boolean =>
      isPort || family === 'agent-silent' || clearedAt <= effect.alert.firedAt;
    const isLost = (link: Link): boolean =>
      linkDown(link).some((suspect) =>
        book.clearedOn(suspect.subject).some((cause) => hadCaused(suspect, cause)),
      );
    function suspectsOnWay({ way }: Slot): readonly Suspect[] {
      if (way === undefined) return [];
      const isDown = (link: Link): boolean =>
        link === way.not || isLost(link) || isLinkDown(effect, link);
      const cuts = way.to.map((site) => topology().graph.cutBetween(sourcesOf(way), site, isDown));
      return cuts.some((cut) => cut === undefined)
        ? []
        : cuts.flatMap((cut) => cut ?? []).flatMap(linkDown);
    }
    const own: Suspect = {
      subject: subjectKey('agent', effect.alert.agent),
      families: ['agent-silent'],
    };
    const lostWays = book.slotsOf(effect).flatMap((slot) => suspectsOnWay(slot));
    const bad = book.slotsOf(effect).flatMap((slot) => linksInFront(slot).flatMap(linkPoor));
    const named = book.slotsOf(effect).flatMap((slot) => slot.groups.flat());
    const suspects = [own, ...named, ...bad, ...lostWays];
    // What is on its way back is as good as gone.
    const goneOn = (subject: SubjectKey): readonly ClearedCause[] => [
      ...book.clearedOn(subject),
      ...book.on(subject).flatMap((cause) => {
        const { alert, fadingSince: clearedAt } = cause;
        return clearedAt === undefined ? [] : [{ alert, family: book.familyOf(cause), clearedAt }];
      }),
    ];
    const times = suspects.flatMap((suspect) =>
      goneOn(suspect.subject)
        .filter((cause) => hadCaused(suspect, cause) && wasGone(cause))
        .map((cause) => cause.clearedAt),
    );
    // A window that still holds the outage of its own subject tells of it once more.
    for (const { alert, family, clearedAt } of book.clearedOn(effect.alert.subject)) {
      const isWorse = rankOf(family) < rankOf(book.familyOf(effect));
      if (isWorse && alert.evidence.onsetAt <= onsetAt + PHASE && onsetAt <= clearedAt)
        times.push(clearedAt);
    }
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
    // A loop in the inventory made alerts explain each other: the first of it to come is blamed.
    const loop = [...way].slice([...way].indexOf(current.alert.key));
    const root = loop
      .flatMap((key) => book.get(key) ?? [])
      .reduce((a, b) => (a.serial < b.serial ? a : b));
    book.setExplanation(root, undefined);
    return root;
  }

  return {
    explain,
    beside: neighbours.beside,
    mayHaveWorse: neighbours.mayHaveWorse,
    isFiring: (e, group) => suspectIn(e, group) !== undefined,
    isLinkDown,
    explainedUntil,
    sourcesOf,
    rootOf,
  };
}
