import type { AlertKey, Reason } from '../protocol/model/alert.ts';
import type { Command } from '../protocol/model/command.ts';
import type { AlertFact, Fact, HealthFact } from '../protocol/model/fact.ts';
import type { Link } from '../protocol/model/inventory.ts';
import {
  type AgentId,
  idOf,
  kindOf,
  type SubjectKey,
  subjectKey,
} from '../protocol/model/subject.ts';
import { type EpochMs, epochMs, seconds } from '../protocol/model/units.ts';
import type { Instant, NetworkEngine, Snapshot } from './contract.ts';
import { type AlertBookState, createAlertBook, type FiringAlert } from './correlate/alert-book.ts';
import { type AnswersState, createAnswers } from './correlate/answers.ts';
import { type CommonCauseState, createCommonCause } from './correlate/common-cause.ts';
import { isEarlySign } from './correlate/early-sign.ts';
import { createExplainer, type Explainer } from './correlate/explain.ts';
import { inOneOrder } from './correlate/fact-order.ts';
import { isQuickOutage } from './correlate/family.ts';
import { createHoldDown, type Finding } from './correlate/hold-down.ts';
import { createMaintenance } from './correlate/maintenance.ts';
import { createSilence } from './correlate/silence.ts';
import { createTopology, deviceSubject, endInterfaces, linkSubject } from './correlate/topology.ts';
import { createBusiness } from './incident/business.ts';
import { expireAcknowledgements, nextExpiry, obey } from './incident/commands.ts';
import { contradict } from './incident/contradiction.ts';
import { createFlood, type FloodState } from './incident/flood.ts';
import { createFoundLater, type FoundLaterState } from './incident/found-later.ts';
import { createHolding, type HoldingState, type Turn } from './incident/holding.ts';
import { createIncidentBook, type IncidentBookState } from './incident/incident-book.ts';
import { type IncidentRecord, isOpen, viewOf } from './incident/incident-record.ts';
import { createMistakes } from './incident/mistake.ts';
import { createPeople, type PeopleState } from './incident/people.ts';
import { createPlacing } from './incident/placing.ts';
import { isRegrouping, regroup } from './incident/regroup.ts';
import type { ServiceBookState } from './incident/services.ts';
import { nameOf as subjectName } from './incident/wording.ts';
import { isOwnTrouble, ownTroubleOf } from './own-troubles.ts';
import type { EngineSettings, Rule } from './settings.ts';

type SiteFact = AlertFact | HealthFact;

interface NetworkState {
  readonly v: 1;
  readonly alerts: AlertBookState;
  readonly answers: AnswersState;
  readonly incidents: IncidentBookState;
  readonly holding: HoldingState;
  /** Absent in snapshots from before people could regroup, and before floods. */
  readonly people?: PeopleState;
  readonly homes?: PeopleState;
  readonly flood?: FloodState;
  /** Absent in snapshots from before circuits were seen to fail together. */
  readonly common?: CommonCauseState;
  /** Absent in snapshots from before there were services. */
  readonly services?: ServiceBookState;
  /** Absent in snapshots from before late data were judged. */
  readonly foundLater?: FoundLaterState;
}

/** A site with more circuits is a hub: one that answers says nothing of the ways to the others. */
const MANY_CIRCUITS = 8;
/** How often what is over is forgotten; only memory depends on it. */
const FORGET_EVERY = seconds(60);

/**
 * Correlation and the life of incidents. Pure: a function of the facts of the site engines, commands,
 * ticks and settings. Facts of one input may come in any order. Work per input is linear in the
 * alerts that changed and those that hang on them.
 */
export function createNetworkEngine(initial: EngineSettings, snapshot?: Snapshot): NetworkEngine {
  const state = snapshot as NetworkState | undefined;
  if (state !== undefined && state.v !== 1)
    throw new Error('unknown snapshot of the network engine');
  let settings = initial;
  let topology = createTopology(settings);
  let maintenance = createMaintenance(topology, settings.maintenance);
  let rules = new Map<string, Rule>(settings.rules.map((rule) => [rule.id, rule]));
  const timing = () => settings.timing;
  const place = () => topology;

  const book = createAlertBook(settings, topology, state?.alerts);
  const answers = createAnswers(state?.answers);
  const finder = createExplainer({
    book,
    answers,
    topology: place,
    lostBy: (subject) => common.leadOf(subject),
  });
  const theIncidents = () => incidents;
  const people = createPeople(theIncidents, 'a person put it into this incident', state?.people);
  const homes = createPeople(theIncidents, 'one of many troubles at once', state?.homes);
  /** What people said goes first, then what speaks for a flood, then the topology. */
  const explainer: Explainer = {
    ...finder,
    explain(firing) {
      const found = finder.explain(firing);
      return (people.hasPlaced(firing) ? people : homes).overrule(firing, found);
    },
  };
  const silence = createSilence({ book, answers, topology: place, timing });
  const holdDown = createHoldDown({ book, answers, explainer, silence, topology: place, timing });
  const view = () => ({
    topology,
    ruleOf: (id: string) => rules.get(id),
    toldBy: (id: string) => rules.get(id) ?? ownTroubleOf(id),
    isLinkDown,
    businessOf: business.of,
  });
  const incidents = createIncidentBook(
    { view, installation: () => settings.installation, reopenWithin: () => timing().reopenWithin },
    state?.incidents,
  );
  const business = createBusiness(
    {
      settings,
      book,
      incidents: () => incidents,
      nameOf: (subject) => subjectName(subject, topology),
    },
    state?.services,
  );
  const holding = createHolding({ book, timing }, state?.holding);
  const common = createCommonCause(
    {
      book,
      explainer,
      answers,
      topology: place,
      isReady: (firing, now) =>
        maintenance.covering(firing.alert.subject, now) === undefined &&
        (hasOpened(firing, now) || isWeighed(holdDown.judge(firing, now))),
      isAnnounced: ({ alert }, now) => maintenance.covering(alert.subject, now) !== undefined,
      isApart: (firing) => people.hasPlaced(firing) || homes.hasPlaced(firing),
      isRoot: ({ alert, incident }) => incidents.get(incident)?.root.key === alert.key,
    },
    state?.common,
  );
  const flood = createFlood({ book, incidents, homes }, state?.flood);
  const placing = createPlacing({
    book,
    incidents,
    explainer,
    holdDown,
    holding,
    silence,
    common,
    maintenance: () => maintenance,
    topology: place,
    people,
    flood,
    homeOf: ({ alert }) => people.homeOf(alert.key) ?? homes.homeOf(alert.key),
    wasBlamedWrongly: createMistakes({ book, topology: place }),
    isEarlySign: (cleared, cause) => isEarlySign(cleared, cause, { book, topology }),
    dependentsOf: (subject) => [...book.dependentsOf(subject), ...hangingOn(subject)],
    timing,
  });
  const foundLater = createFoundLater(
    {
      openOnes: () =>
        incidents
          .all()
          .filter(isOpen)
          .map((incident) => viewOf(incident, view())),
      installation: () => settings.installation,
    },
    state?.foundLater,
  );
  let nextTick = epochMs(0);

  /** Part of an incident, and not merely about to recover with it. */
  function hasOpened({ incident, releaseAt }: FiringAlert, now: EpochMs): boolean {
    return incident !== undefined && (releaseAt === undefined || releaseAt <= now);
  }

  /** Circuits that fail together need not wait for routers: those find no way for all of them. */
  function isWeighed(finding: Finding): boolean {
    return finding.kind === 'open' || finding.isSettling === true;
  }

  function isLinkDown(link: Link): boolean {
    const isFailing = (firing: FiringAlert) =>
      ['unreachable', 'interface-down'].includes(book.familyOf(firing));
    return [linkSubject(link), ...endInterfaces(link)].some((subject) =>
      book.on(subject).some(isFailing),
    );
  }

  function turnAt(at: Instant): Turn {
    business.at(at.now);
    return { at, facts: [], dirty: new Set() };
  }

  const hasPast = (): boolean =>
    incidents.all().length > 0 || book.hasCleared() || holding.hasAsked();

  function finish(turn: Turn): Fact[] {
    const { now } = turn.at;
    placing.settle(turn);
    for (const incident of incidents.all()) endIfOver(incident, now);
    const facts = [...turn.facts, ...business.review(), ...incidents.flush(now)];
    const times = [
      holding.nextDueAt(),
      common.nextDueAt(),
      nextExpiry(incidents),
      business.nextDueAt(),
      // With nothing kept there is nothing to forget: quiet hours cost nothing.
      hasPast() ? now + FORGET_EVERY : Number.MAX_SAFE_INTEGER,
    ];
    nextTick = epochMs(Math.min(...times.flatMap((at) => at ?? [])));
    return facts;
  }

  /** Resolved when the root has cleared and no outage that it explained is left to be re-probed. */
  function endIfOver(incident: IncidentRecord, now: EpochMs): void {
    const isInHand = incident.takenOver !== undefined;
    if (!isOpen(incident) || isInHand || incident.rootClearedAt === undefined) return;
    const left = [...incident.recovering].flatMap((key) => book.get(key) ?? []);
    if (left.some((firing) => isQuickOutage(book.familyOf(firing)))) return;
    for (const firing of left) {
      incidents.leave(incident, firing.alert.key, now);
      delete firing.incident;
      firing.outlived = incident.id;
    }
    incidents.resolve(incident, now, clearedBecause(incident));
  }

  const clearedBecause = (incident: IncidentRecord): Reason =>
    incident.clearedBecause ?? { kind: 'cleared', text: 'the trouble has cleared' };

  function onFired(fact: AlertFact & { kind: 'alert.fired' }, turn: Turn): void {
    const { alert } = fact;
    if (book.get(alert.key) !== undefined) return;
    const fired = book.fire(alert, turn.at.now, answers.lastBy(alert.agent, alert.subject));
    turn.dirty.add(fired);
    const touched = [
      ...explainer.beside(fired),
      ...book.on(alert.subject),
      ...book.dependentsOf(alert.subject),
      ...hangingOn(alert.subject),
    ];
    for (const firing of touched) if (isUnsettled(firing)) turn.dirty.add(firing);
    const site = topology.siteOf(alert.subject) ?? '';
    if (!topology.graph.core.includes(site) || kindOf(alert.subject) !== 'agent') return;
    // The collector may be in another hub: what this one's agent could reach counts no more.
    for (const firing of book.ofFamily('agent-silent')) turn.dirty.add(firing);
  }

  /** Alerts whose way may lead over the subject: those of the sites that it alone connects. */
  function hangingOn(subject: SubjectKey): readonly FiringAlert[] {
    const sites = new Set<string>();
    for (const link of topology.circuitsWith(subject)) {
      for (const site of topology.graph.behind(link, isLinkDown)) sites.add(site);
    }
    return [...sites].flatMap((site) => book.dependentsOf(subjectKey('site', site)));
  }

  /** Held, or a root: a symptom keeps its place until what explains it clears. */
  const isUnsettled = (firing: FiringAlert): boolean =>
    firing.incident === undefined || incidents.get(firing.incident)?.root.key === firing.alert.key;

  function onResolved(fact: AlertFact & { kind: 'alert.resolved' }, turn: Turn): void {
    const firing = book.get(fact.alert);
    if (firing === undefined) return;
    const { now } = turn.at;
    const incident = incidents.get(firing.incident);
    const wasSilence = book.familyOf(firing) === 'agent-silent';
    const children = book.childrenOf(fact.alert);
    for (const child of children) turn.dirty.add(child);
    for (const child of children.filter((one) => !isOtherView(one, firing))) {
      child.explainedUntil = now;
    }
    // A way is lost for several reasons, and one of them is gone.
    const hanging = hangingOn(firing.alert.subject).filter((one) => one.explanation !== undefined);
    for (const one of hanging) turn.dirty.add(one);
    turn.dirty.delete(firing);
    holding.release(fact.alert);
    book.remove(fact.alert, now);
    common.left(fact.alert);
    if (wasSilence) thaw(turn, idOf(firing.alert.subject));
    if (incident === undefined) return;
    const isRoot = incident.root.key === fact.alert;
    incidents.leave(incident, fact.alert, now);
    if (!isRoot || incident.state === 'closed') return;
    incident.clearedBecause = fact.because;
    placing.rootCleared(incident, turn);
  }

  /** Another agent's view of the same trouble: the end of one says nothing of when the other began. */
  const isOtherView = (one: FiringAlert, other: FiringAlert): boolean =>
    one.explanation?.row === 'same-subject' && book.familyOf(one) === book.familyOf(other);

  /**
   * The collector is back, or an agent is: what was held for want of data is held down anew.
   * @param agent who is back; absent = all are
   */
  function thaw(turn: Turn, agent?: AgentId): void {
    for (const firing of holding.heldAlerts()) {
      turn.dirty.add(firing);
      if (agent === undefined || mayTell(agent, firing)) firing.heldFrom = turn.at.now;
    }
  }

  /** The agent looks at the subject too, or stands where all ways begin. */
  function mayTell(agent: AgentId, { alert }: FiringAlert): boolean {
    const isAtHub = topology.graph.core.includes(topology.siteOfAgent(agent) ?? '');
    return isAtHub || topology.watchersOf(alert.subject)?.includes(agent) === true;
  }

  function onBlind(fact: AlertFact & { kind: 'alert.blind' }, turn: Turn): void {
    const firing = book.get(fact.alert);
    if (firing === undefined) return;
    delete firing.blindSince;
    delete firing.fadingSince;
    if (fact.since !== undefined) firing.blindSince = fact.since;
    // What explained it cleared before or while nobody could see: it has to outlast that anew.
    else if (firing.explainedUntil !== undefined) firing.explainedUntil = turn.at.now;
    const incident = incidents.get(firing.incident);
    if (incident?.root.key === fact.alert) tellBlind(incident, fact.since, turn.at.now);
    if (incident === undefined) firing.heldFrom = turn.at.now;
    // Another agent may still see it.
    const views = book.on(firing.alert.subject).filter(isUnsettled);
    for (const view of views) turn.dirty.add(view);
  }

  function onFading(fact: AlertFact & { kind: 'alert.fading' }, turn: Turn): void {
    const firing = book.get(fact.alert);
    if (firing === undefined) return;
    delete firing.fadingSince;
    if (fact.since !== undefined) firing.fadingSince = fact.since;
    common.left(fact.alert);
    if (firing.incident !== undefined) return;
    for (const view of book.on(firing.alert.subject).filter(isUnsettled)) turn.dirty.add(view);
  }

  function tellBlind(incident: IncidentRecord, since: EpochMs | undefined, now: EpochMs): void {
    delete incident.blindSince;
    if (since !== undefined) incident.blindSince = since;
    incidents.touch(incident, blindReason(since, now));
  }

  function onFlapping(fact: AlertFact & { kind: 'alert.flapping' }): void {
    const incident = incidents.get(book.get(fact.alert)?.incident);
    if (incident?.root.key === fact.alert) incidents.touch(incident, fact.because);
  }

  const blindReason = (since: EpochMs | undefined, now: EpochMs): Reason =>
    since === undefined
      ? { kind: 'no-data', since: now, text: 'data are back; the trouble still shows' }
      : { kind: 'no-data', since, text: 'no data since: nobody can see whether it goes on' };

  function onAnswered(fact: HealthFact & { kind: 'subject.answered' }, turn: Turn): void {
    const { subject, agent, at } = fact;
    const proved = [subject, ...nearEndsOf(subject, agent)];
    for (const one of proved) answers.note(one, agent, at);
    for (const firing of book.on(subject)) contradict(firing, agent, at, incidents);
    const asking = [
      ...proved.flatMap(book.dependentsOf),
      ...endsOf(subject).flatMap((site) => book.dependentsOf(subjectKey('site', site))),
      ...book.ofFamily('agent-silent'),
    ];
    for (const firing of asking) if (firing.incident === undefined) turn.dirty.add(firing);
  }

  function endsOf(subject: SubjectKey): readonly string[] {
    const link = kindOf(subject) === 'link' ? topology.link(idOf(subject)) : undefined;
    const sites = link === undefined ? [] : topology.graph.endsOf(link);
    return sites.filter((site) => topology.graph.circuitsAt(site).length <= MANY_CIRCUITS);
  }

  /** A link that answers proves that the device at the observer's end of it forwards. */
  function nearEndsOf(subject: SubjectKey, agent: AgentId): readonly SubjectKey[] {
    const link = kindOf(subject) === 'link' ? topology.link(idOf(subject)) : undefined;
    const site = topology.siteOfAgent(agent);
    if (link === undefined || site === undefined) return [];
    const near = link.ends.filter((end) => topology.device(end.device)?.site === site);
    return near.map((end) => deviceSubject(end.device));
  }

  function take(fact: SiteFact, turn: Turn): void {
    if (fact.kind === 'alert.fired') onFired(fact, turn);
    else if (fact.kind === 'alert.resolved') onResolved(fact, turn);
    else if (fact.kind === 'alert.blind') onBlind(fact, turn);
    else if (fact.kind === 'alert.fading') onFading(fact, turn);
    else if (fact.kind === 'alert.flapping') onFlapping(fact);
    else if (fact.kind === 'subject.answered') onAnswered(fact, turn);
    if (fact.kind === 'alert.fired') business.touch(fact.alert.subject);
    else if (fact.kind === 'alert.resolved') business.touch(fact.subject);
  }

  /** Healthy answers are the bulk of all facts; while nothing fires they are only noted. */
  function noteAnswers(facts: readonly SiteFact[]): boolean {
    if (!book.isEmpty()) return false;
    for (const fact of facts) {
      if (fact.kind === 'subject.answered') answers.note(fact.subject, fact.agent, fact.at);
      else if (fact.kind.startsWith('alert.')) return false;
    }
    return true;
  }

  function consume(facts: readonly SiteFact[], at: Instant): Fact[] {
    if (facts.length === 0 || noteAnswers(facts)) return [];
    const turn = turnAt(at);
    const isFiring = (alert: AlertKey) => book.get(alert) !== undefined;
    for (const fact of inOneOrder(facts, isFiring)) take(fact, turn);
    const isIdle = turn.dirty.size === 0 && !facts.some((fact) => fact.kind.startsWith('alert.'));
    return isIdle ? incidents.flush(at.now) : finish(turn);
  }

  function tick(at: Instant): Fact[] {
    if (at.now < nextTick) return [];
    const turn = turnAt(at);
    for (const firing of holding.dueAt(at.now)) {
      turn.dirty.add(firing);
      for (const hanging of book.dependentsOf(firing.alert.subject)) {
        if (isUnsettled(hanging)) turn.dirty.add(hanging);
      }
    }
    expireAcknowledgements(incidents, at.now);
    const before = epochMs(at.now - timing().reopenWithin);
    incidents.forget(before);
    book.forgetCleared(before);
    holding.forgetAsked(at.now);
    return finish(turn);
  }

  function apply(command: Command, at: Instant): Fact[] {
    const turn = turnAt(at);
    // The engine above has made alerts of them.
    if (isOwnTrouble(command)) return [];
    if (command.kind === 'server-started') thaw(turn);
    else if (isRegrouping(command)) regroup({ book, incidents, people }, command, turn);
    else obey(incidents, command, at.now);
    return finish(turn);
  }

  function configure(next: EngineSettings, at: Instant): Fact[] {
    settings = next;
    topology = createTopology(settings);
    maintenance = createMaintenance(topology, settings.maintenance);
    rules = new Map(settings.rules.map((rule) => [rule.id, rule]));
    book.settle(settings, topology);
    business.configure(settings);
    const turn = turnAt(at);
    for (const firing of book.all()) if (isUnsettled(firing)) turn.dirty.add(firing);
    return finish(turn);
  }

  return {
    configure: (next, at) => foundLater.pass(configure(next, at)),
    consume: (facts, at) => foundLater.pass(consume(facts, at)),
    tick: (at) => foundLater.pass(tick(at)),
    quietUntil: () => nextTick,
    apply: (command, at) => foundLater.pass(apply(command, at)),
    correct: foundLater.take,
    snapshot: (): NetworkState => ({
      v: 1,
      alerts: book.snapshot(),
      answers: answers.snapshot(),
      incidents: incidents.snapshot(),
      holding: holding.snapshot(),
      people: people.snapshot(),
      homes: homes.snapshot(),
      flood: flood.snapshot(),
      common: common.snapshot(),
      services: business.snapshot(),
      foundLater: foundLater.snapshot(),
    }),
  };
}
