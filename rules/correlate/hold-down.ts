import type { Link } from '../../protocol/model/inventory.ts';
import { type DeviceId, idOf, kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  epochMs,
  minutes,
  seconds,
} from '../../protocol/model/units.ts';
import type { Timing } from '../settings.ts';
import { type AlertBook, type FiringAlert, isGoingOn } from './alert-book.ts';
import type { Answers } from './answers.ts';
import { type Explainer, failedAt, lookBackOf } from './explain.ts';
import type { Family } from './family.ts';
import type { Question, Silence } from './silence.ts';
import { linksInFront, type Slot, type Suspect, type Way } from './slot.ts';
import { deviceSubject, linkSubject, type Topology } from './topology.ts';
import { circuitsOf, lostOn } from './ways.ts';

/** Longest default interval of what is polled by SNMP: so long an alert may wait to be looked at. */
const POLLED: Partial<Record<Family, DurationMs>> = {
  'interface-down': seconds(60),
  // The first poll after an outage may be lost as well.
  'snmp-silent': seconds(120),
  errors: seconds(60),
  utilisation: seconds(60),
  discards: seconds(60),
  resources: minutes(5),
  'port-shut': seconds(60),
  'ports-lost': seconds(60),
  sessions: seconds(60),
  routes: seconds(60),
};

/** Whether an alert without a firing cause may open an incident now. `until` null = not before data. */
export type Finding =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'wait';
      readonly until: EpochMs | null;
      readonly ask: readonly Question[];
      readonly text: string;
      /** Announced work; the wait ends with it. */
      readonly window?: string;
      /** Nothing upstream is in doubt; it may only be that routers have not found another way yet. */
      readonly isSettling?: true;
    };

export interface HoldDownDeps {
  readonly book: AlertBook;
  readonly answers: Answers;
  readonly explainer: Explainer;
  readonly silence: Silence;
  readonly topology: () => Topology;
  readonly timing: () => Timing;
}

/** From the end of the hold-down until an agent that fell silent with the alert is told as silent. */
const SILENCE_SHOWS = seconds(5);
/** So many of a device's circuits are asked about; one that answers is enough. */
const EDGE_QUESTIONS = 3;

/** Convergence (seconds), then the ten seconds of answers that clear an outage, and the way here. */
const REROUTED_IN = seconds(20);
/** Clocks and packets under way: an answer so much later was sent after the failure. */
const CROSSED_IN = seconds(1);
/** Loss that a change of the way made shows in so much, at a few packets a second or less. */
const SETTLES_IN = seconds(40);
/** A default round of echoes, and the way here. */
const ROUND = seconds(6);

/**
 * Circuits are probed alike: one on the way loses at least as much, and shows about as soon. Devices
 * are many and wait longer for their circuit; a circuit that is found late takes over.
 */
const LINK_SHOWS_IN = seconds(10);

/**
 * Loss is judged echo by echo and has no window: what is told after an outage was lost since. It opens
 * if it outlasts what routers lose when a way comes back.
 */
const FRESH_LOSS = seconds(30);
/** What a change of the way made them lose is outweighed within it. */
const SETTLED_LOSS = minutes(2);

const OPEN: Finding = { kind: 'open' };
const waiting = (
  until: EpochMs | null,
  text: string,
  ask: readonly Question[] = [],
): Finding & { kind: 'wait' } => ({
  kind: 'wait',
  until,
  ask,
  text,
});

/** Design 6.3: never blame a child before its upstream was looked at; never storm on the way back. */
export interface HoldDown {
  judge(firing: FiringAlert, now: EpochMs): Finding;
  /** Until when an alert may echo a cause that has cleared: look-back of its rule and clearing. */
  echoUntil(firing: FiringAlert, clearedAt: EpochMs): EpochMs;
}

export function createHoldDown(deps: HoldDownDeps): HoldDown {
  const { book, answers, explainer, silence, topology, timing } = deps;

  function echoUntil(firing: FiringAlert, clearedAt: EpochMs): EpochMs {
    // What was told afterwards has been polled since; the silence of SNMP may have begun before.
    const isOld = firing.alert.firedAt <= clearedAt || book.familyOf(firing) === 'snmp-silent';
    const polled = isOld ? (POLLED[book.familyOf(firing)] ?? 0) : 0;
    return epochMs(clearedAt + timing().holdDown + polled + lingers(firing, clearedAt));
  }

  /** How long the alert may go on although nothing is wrong any more, by the rule's own arithmetic. */
  function lingers(firing: FiringAlert, clearedAt: EpochMs): DurationMs {
    const rule = book.ruleOf(firing);
    const isLoss = rule?.detector.kind === 'threshold' && rule.detector.beyondChance !== undefined;
    const isLink = kindOf(firing.alert.subject) === 'link';
    if (isLoss && isLink) return lossLingers(firing, clearedAt);
    // On a line that always loses a little the proof that a device is well takes its time.
    if (isLoss && firing.alert.firedAt <= clearedAt) return timing().reopenWithin;
    // One more lost packet in the tail of a window of voice, or one more lost poll, prolongs it.
    const windows = ['voice', 'snmp-silent'].includes(book.familyOf(firing)) ? 2 : 1;
    return durationMs(windows * lookBackOf(rule));
  }

  /** Of what came before its own outage loss knows nothing more; a bad circuit in front echoes long. */
  function lossLingers({ alert }: FiringAlert, clearedAt: EpochMs): DurationMs {
    const isOut = book.on(alert.subject).some((one) => book.familyOf(one) === 'unreachable');
    const hasFailed = book
      .clearedOn(alert.subject)
      .some(
        (cause) =>
          cause.family === 'unreachable' &&
          cause.clearedAt >= Math.max(alert.evidence.onsetAt, clearedAt - FRESH_LOSS),
      );
    if (isOut || hasFailed || alert.firedAt > clearedAt) return FRESH_LOSS;
    return timing().reopenWithin;
  }

  /** Agents that can be asked about the subject; the child's own observer first. */
  function askable(subject: SubjectKey, firing: FiringAlert): readonly Question[] {
    const agents = (topology().watchersOf(subject) ?? []).filter((a) => !silence.isSilent(a));
    const own = agents.filter((agent) => agent === firing.alert.agent);
    return [...own, ...agents].slice(0, 1).map((agent) => ({ agent, subject }));
  }

  /** The questions that could still confirm the slot; empty = it can no longer explain the alert. */
  function openQuestions(firing: FiringAlert, slot: Slot): readonly Question[] {
    if (slot.waits === 'no') return [];
    if (slot.way !== undefined) return questionsOnWay(firing, slot.way);
    if (slot.front !== undefined) {
      return linksInFront(slot)
        .flatMap((link) => askable(linkSubject(link), firing))
        .slice(0, 1);
    }
    const silent = slot.groups.filter((group) => !explainer.isFiring(firing, group));
    const asked = silent.map((group) => questionsOf(firing, slot, group));
    if (asked.some((questions) => questions.length === 0)) return [];
    const questions = asked.flat();
    return slot.edge === undefined ? questions : questionsOnEdge(firing, slot.edge, questions);
  }

  /** What a probe can tell of the group: of its first suspect, unless that has answered since. */
  function questionsOf(firing: FiringAlert, slot: Slot, group: readonly Suspect[]) {
    // What shows by itself may do so on any of them.
    if (slot.waits === 'time')
      return group.flatMap((one) => askable(one.subject, firing)).slice(0, 1);
    const subject = group[0]?.subject;
    if (subject === undefined || answers.isAnsweredAfter(subject, failedAt(firing))) return [];
    return askable(subject, firing);
  }

  /** Were all that nobody has looked at since down as well, would the way be lost? */
  function questionsOnWay(firing: FiringAlert, way: Way): readonly Question[] {
    const since = failedAt(firing);
    const asked = new Map<Link, readonly Question[]>();
    const mayBeDown = (link: Link): boolean => {
      const suspects = lostOn(way, link);
      if (link === way.not || explainer.isFiring(firing, suspects)) return true;
      if (!asked.has(link)) {
        const [first] = suspects;
        const isProved = first === undefined || answers.isAnsweredAfter(first.subject, since);
        asked.set(link, isProved ? [] : askable(first.subject, firing));
      }
      return asked.get(link)?.length !== 0;
    };
    const from = explainer.sourcesOf(way);
    const cuts = way.to.map((site) => topology().graph.cutBetween(from, site, mayBeDown));
    if (cuts.some((cut) => cut === undefined)) return [];
    return cuts.flatMap((cut) => cut ?? []).flatMap((link) => asked.get(link) ?? []);
  }

  /** Any other circuit of the device that works proves the device. */
  function questionsOnEdge(
    firing: FiringAlert,
    edge: DeviceId,
    questions: readonly Question[],
  ): readonly Question[] {
    const since = failedAt(firing);
    const others = circuitsOf(topology(), edge).filter(
      (link) => linkSubject(link) !== firing.alert.subject,
    );
    const isProved = others.some((link) => answers.isAnsweredAfter(linkSubject(link), since));
    if (isProved) return [];
    const silent = others.slice(0, EDGE_QUESTIONS).filter((l) => !explainer.isLinkDown(firing, l));
    return [...questions, ...silent.flatMap((link) => askable(linkSubject(link), firing))];
  }

  /** Missing data neither open nor close (design 6.1). */
  function isUnseen(firing: FiringAlert): boolean {
    if (firing.blindSince !== undefined) return true;
    return book.familyOf(firing) !== 'agent-silent' && silence.isSilent(firing.alert.agent);
  }

  /** Until when the alert may be an echo of a cause that has cleared. */
  function releaseOf(firing: FiringAlert): number {
    const until = explainer.explainedUntil(firing);
    const echo = until === undefined ? 0 : echoUntil(firing, until);
    return Math.max(firing.releaseAt ?? 0, echo);
  }

  /** The circuits over which an outside observer may reach the subject, or which carry the tunnel. */
  function circuitsTo(firing: FiringAlert): readonly Link[] {
    const { subject, agent } = firing.alert;
    if (book.familyOf(firing) !== 'unreachable') return [];
    const link = kindOf(subject) === 'link' ? topology().link(idOf(subject)) : undefined;
    if (link !== undefined) return link.underlays.flatMap((id) => topology().link(id) ?? []);
    const site = topology().siteOf(subject);
    const from = topology().siteOfAgent(agent);
    if (site === undefined || site === from) return [];
    return topology().graph.onTheWay(from, site);
  }

  /** One way that answers does not tell whether another has just failed. */
  function unprobedWays(firing: FiringAlert): readonly Question[] {
    const since = failedAt(firing);
    return circuitsTo(firing)
      .filter((link) => !explainer.isLinkDown(firing, link))
      .filter((link) => !answers.isAnsweredAfter(linkSubject(link), since))
      .flatMap((link) => askable(linkSubject(link), firing));
  }

  /** In a ring any circuit may have carried it: routers weigh ways by cost, not by length. */
  function circuitsAround(firing: FiringAlert): readonly Link[] {
    const { subject, agent } = firing.alert;
    if (!['unreachable', 'loss'].includes(book.familyOf(firing))) return [];
    const { graph } = topology();
    const from = topology().siteOfAgent(agent) ?? '';
    const link = kindOf(subject) === 'link' ? topology().link(idOf(subject)) : undefined;
    const sites = link === undefined ? [topology().siteOf(subject) ?? ''] : graph.endsOf(link);
    if (sites.includes(from)) return [];
    return sites.flatMap((site) => graph.around(site)).filter((other) => other !== link);
  }

  /** While routers converge, what lies behind a failed circuit or router is lost although a way is left. */
  function isRerouted(firing: FiringAlert): boolean {
    const { onsetAt } = firing.alert.evidence;
    const own = topology().siteOf(firing.alert.subject);
    const isElsewhere = (device: SubjectKey): boolean => topology().siteOf(device) !== own;
    const routers = (link: Link): SubjectKey[] =>
      link.ends.map((end) => deviceSubject(end.device)).filter(isElsewhere);
    const near = [...circuitsTo(firing), ...circuitsAround(firing)];
    return [...new Set(near.flatMap((link) => [linkSubject(link), ...routers(link)]))]
      .flatMap(book.on)
      .some(
        (cause) =>
          book.familyOf(cause) === 'unreachable' &&
          Math.abs(cause.alert.evidence.onsetAt - onsetAt) <= REROUTED_IN,
      );
  }

  /** What was lost while routers converged is no loss of the circuit: it opens if it outlasts that. */
  function untilSettled(firing: FiringAlert, now: EpochMs): Finding | undefined {
    const isLink = kindOf(firing.alert.subject) === 'link';
    if (!isLink || book.familyOf(firing) !== 'loss') return undefined;
    const { firedAt, evidence } = firing.alert;
    const changes = circuitsAround(firing)
      .flatMap((link) => [linkSubject(link), ...link.ends.map((end) => deviceSubject(end.device))])
      .flatMap(book.on)
      .filter((cause) => book.familyOf(cause) === 'unreachable')
      .map(failedAt)
      .filter((at) => firedAt - SETTLES_IN <= at && at <= evidence.onsetAt + 2 * ROUND);
    const until = epochMs(Math.max(0, ...changes) + REROUTED_IN + SETTLED_LOSS);
    if (now >= until) return undefined;
    return waiting(
      until,
      'a circuit near it has just failed; packets are lost while routers settle',
    );
  }

  /** A device with a dead circuit of its own: others of its site, once they answer again, tell which is the cause. */
  const isEndOfLost = (firing: FiringAlert): boolean =>
    kindOf(firing.alert.subject) === 'device' &&
    circuitsOf(topology(), idOf(firing.alert.subject)).some((link) =>
      explainer.isLinkDown(firing, link),
    );

  /** How much later than the alert a bad circuit on the way to its subject may show. */
  function showsIn(firing: FiringAlert): number {
    const lookBack = lookBackOf(book.ruleOf(firing));
    const isLink = kindOf(firing.alert.subject) === 'link';
    return isLink ? Math.min(lookBack, LINK_SHOWS_IN) : lookBack;
  }

  function judge(firing: FiringAlert, now: EpochMs): Finding {
    if (isUnseen(firing)) return waiting(null, 'nobody can see whether the trouble goes on');
    const release = releaseOf(firing);
    if (now < release) {
      firing.mayEchoUntil = epochMs(release);
      const text = 'what explained it has just cleared; it opens only if it outlasts that';
      return waiting(epochMs(release), text);
    }
    if (!isGoingOn(firing)) return waiting(null, 'it is on its way to clear');
    if (firing.releaseAt !== undefined) return OPEN;
    return upstreamFinding(firing, now);
  }

  function untilAnswered(
    firing: FiringAlert,
    ask: readonly Question[],
    now: EpochMs,
  ): Finding | undefined {
    // An agent that does not even answer the question may be about to be called silent.
    const isForeign = ask.some(({ agent }) => agent !== firing.alert.agent);
    const wait = timing().holdDown + (isForeign ? SILENCE_SHOWS : 0);
    const until = epochMs(firing.heldFrom + wait);
    if (ask.length === 0 || now >= until) return undefined;
    return waiting(until, 'its upstream has not been probed since the trouble began', ask);
  }

  /** Design 6.16: what one agent cannot reach and another can is not down. */
  function isReachedByOthers(firing: FiringAlert): boolean {
    const { subject, agent } = firing.alert;
    const since = epochMs(failedAt(firing) + CROSSED_IN);
    return (
      book.familyOf(firing) === 'unreachable' && answers.isAnsweredAfter(subject, since, agent)
    );
  }

  function untilRerouted(firing: FiringAlert, now: EpochMs): Finding | undefined {
    const wait = REROUTED_IN + (isEndOfLost(firing) ? ROUND : 0);
    const until = epochMs(firing.heldFrom + wait);
    if (now >= until) return undefined;
    if (isRerouted(firing)) {
      const text = 'a circuit near it has just failed; routers find another way';
      return { ...waiting(until, text), isSettling: true };
    }
    if (!isReachedByOthers(firing)) return undefined;
    return waiting(until, 'another agent goes on reaching it; routers may find another way');
  }

  function upstreamFinding(firing: FiringAlert, now: EpochMs): Finding {
    const slots = book.slotsOf(firing);
    const probed = epochMs(firing.heldFrom + timing().holdDown);
    if (now < probed && explainer.mayHaveWorse(firing)) {
      return waiting(probed, 'a neighbour that is read next may have lost more');
    }
    const ask = slots.filter((s) => s.waits === 'answer').flatMap((s) => openQuestions(firing, s));
    const unproved = untilAnswered(firing, [...ask, ...unprobedWays(firing)], now);
    const unsettled = unproved ?? untilSettled(firing, now) ?? untilRerouted(firing, now);
    if (unsettled !== undefined) return unsettled;
    // A bad circuit shows by itself, in a window as long as this alert's own: nobody need be asked.
    const shown = epochMs(probed + showsIn(firing));
    const mayShow = slots.some((s) => s.waits === 'time' && openQuestions(firing, s).length > 0);
    if (!mayShow || now >= shown) return OPEN;
    return waiting(shown, 'what it is reached through may turn out to be bad as well');
  }

  return { judge, echoUntil };
}
