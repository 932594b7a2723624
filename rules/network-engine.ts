import type { AlertKey, Reason } from '../protocol/model/alert.ts';
import type { Command } from '../protocol/model/command.ts';
import type { Fact } from '../protocol/model/fact.ts';
import type { Link } from '../protocol/model/inventory.ts';
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
import { createTopology, endInterfaces, linkSubject } from './correlate/topology.ts';
import { createBusiness } from './incident/business.ts';
import { expireAcknowledgements, nextExpiry, obey } from './incident/commands.ts';
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
import { createTaking, type SiteFact } from './take-facts.ts';

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
    people,
    flood,
    homeOf: ({ alert }) => people.homeOf(alert.key) ?? homes.homeOf(alert.key),
    wasBlamedWrongly: createMistakes({ book, topology: place }),
    isEarlySign: (cleared, cause) => isEarlySign(cleared, cause, { book, topology }),
    dependentsOf: (subject) => [...book.dependentsOf(subject), ...taking.hangingOn(subject)],
    timing,
  });
  const taking = createTaking({
    book,
    answers,
    explainer,
    topology: place,
    incidents,
    holding,
    common,
    placing,
    business,
    isLinkDown,
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

  function consume(facts: readonly SiteFact[], at: Instant): Fact[] {
    if (facts.length === 0 || taking.noteAnswers(facts)) return [];
    const turn = turnAt(at);
    const isFiring = (alert: AlertKey) => book.get(alert) !== undefined;
    for (const fact of inOneOrder(facts, isFiring)) taking.take(fact, turn);
    const isIdle = turn.dirty.size === 0 && !facts.some((fact) => fact.kind.startsWith('alert.'));
    return isIdle ? incidents.flush(at.now) : finish(turn);
  }

  function tick(at: Instant): Fact[] {
    if (at.now < nextTick) return [];
    const turn = turnAt(at);
    for (const firing of holding.dueAt(at.now)) {
      turn.dirty.add(firing);
      for (const hanging of book.dependentsOf(firing.alert.subject)) {
        if (taking.isUnsettled(hanging)) turn.dirty.add(hanging);
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
    if (command.kind === 'server-started') taking.thaw(turn);
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
    for (const firing of book.all()) if (taking.isUnsettled(firing)) turn.dirty.add(firing);
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
