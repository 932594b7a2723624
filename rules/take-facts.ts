import type { Reason } from '../protocol/model/alert.ts';
import type { AlertFact, HealthFact } from '../protocol/model/fact.ts';
import type { Link } from '../protocol/model/inventory.ts';
import {
  type AgentId,
  idOf,
  kindOf,
  type SubjectKey,
  subjectKey,
} from '../protocol/model/subject.ts';
import type { EpochMs } from '../protocol/model/units.ts';
import type { AlertBook, FiringAlert } from './correlate/alert-book.ts';
import type { Answers } from './correlate/answers.ts';
import type { CommonCause } from './correlate/common-cause.ts';
import type { Explainer } from './correlate/explain.ts';
import { deviceSubject, type Topology } from './correlate/topology.ts';
import type { Business } from './incident/business.ts';
import { contradict } from './incident/contradiction.ts';
import type { Holding, Turn } from './incident/holding.ts';
import type { IncidentBook } from './incident/incident-book.ts';
import type { IncidentRecord } from './incident/incident-record.ts';
import type { Placing } from './incident/placing.ts';

export type SiteFact = AlertFact | HealthFact;

export interface TakingDeps {
  readonly book: AlertBook;
  readonly answers: Answers;
  readonly explainer: Explainer;
  readonly topology: () => Topology;
  readonly incidents: IncidentBook;
  readonly holding: Holding;
  readonly common: CommonCause;
  readonly placing: Placing;
  readonly business: Pick<Business, 'touch'>;
  readonly isLinkDown: (link: Link) => boolean;
}

/** Facts of the site engines become alerts and answers that are known; what they touch is placed anew. */
export interface Taking {
  take(fact: SiteFact, turn: Turn): void;
  /** Healthy answers are the bulk of all facts; while nothing fires they are only noted: true. */
  noteAnswers(facts: readonly SiteFact[]): boolean;
  /** Alerts whose way may lead over the subject: those of the sites that it alone connects. */
  hangingOn(subject: SubjectKey): readonly FiringAlert[];
  /** Held, or a root: a symptom keeps its place until what explains it clears. */
  isUnsettled(firing: FiringAlert): boolean;
  /**
   * The collector is back, or an agent is: what was held for want of data is held down anew.
   * @param agent who is back; absent = all are
   */
  thaw(turn: Turn, agent?: AgentId): void;
}

/** A site with more circuits is a hub: one that answers says nothing of the ways to the others. */
const MANY_CIRCUITS = 8;

export function createTaking(deps: TakingDeps): Taking {
  const { book, answers, explainer, incidents, holding, common, business, isLinkDown } = deps;
  const { topology, placing } = deps;

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
    const site = topology().siteOf(alert.subject) ?? '';
    if (!topology().graph.core.includes(site) || kindOf(alert.subject) !== 'agent') return;
    // The collector may be in another hub: what this one's agent could reach counts no more.
    for (const firing of book.ofFamily('agent-silent')) turn.dirty.add(firing);
  }

  function hangingOn(subject: SubjectKey): readonly FiringAlert[] {
    const sites = new Set<string>();
    for (const link of topology().circuitsWith(subject)) {
      for (const site of topology().graph.behind(link, isLinkDown)) sites.add(site);
    }
    return [...sites].flatMap((site) => book.dependentsOf(subjectKey('site', site)));
  }

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

  function thaw(turn: Turn, agent?: AgentId): void {
    for (const firing of holding.heldAlerts()) {
      turn.dirty.add(firing);
      if (agent === undefined || mayTell(agent, firing)) firing.heldFrom = turn.at.now;
    }
  }

  /** The agent looks at the subject too, or stands where all ways begin. */
  function mayTell(agent: AgentId, { alert }: FiringAlert): boolean {
    const isAtHub = topology().graph.core.includes(topology().siteOfAgent(agent) ?? '');
    return isAtHub || topology().watchersOf(alert.subject)?.includes(agent) === true;
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
    const link = kindOf(subject) === 'link' ? topology().link(idOf(subject)) : undefined;
    const sites = link === undefined ? [] : topology().graph.endsOf(link);
    return sites.filter((site) => topology().graph.circuitsAt(site).length <= MANY_CIRCUITS);
  }

  /** A link that answers proves that the device at the observer's end of it forwards. */
  function nearEndsOf(subject: SubjectKey, agent: AgentId): readonly SubjectKey[] {
    const link = kindOf(subject) === 'link' ? topology().link(idOf(subject)) : undefined;
    const site = topology().siteOfAgent(agent);
    if (link === undefined || site === undefined) return [];
    const near = link.ends.filter((end) => topology().device(end.device)?.site === site);
    return near.map((end) => deviceSubject(end.device));
  }

  function take(fact: SiteFact, turn: Turn): void {
    switch (fact.kind) {
      case 'alert.fired':
        onFired(fact, turn);
        business.touch(fact.alert.subject);
        break;
      case 'alert.resolved':
        onResolved(fact, turn);
        business.touch(fact.subject);
        break;
      case 'alert.blind':
        onBlind(fact, turn);
        break;
      case 'alert.fading':
        onFading(fact, turn);
        break;
      case 'alert.flapping':
        onFlapping(fact);
        break;
      case 'subject.answered':
        onAnswered(fact, turn);
        break;
      default:
    }
  }

  function noteAnswers(facts: readonly SiteFact[]): boolean {
    if (!book.isEmpty()) return false;
    for (const fact of facts) {
      if (fact.kind === 'subject.answered') answers.note(fact.subject, fact.agent, fact.at);
      else if (fact.kind.startsWith('alert.')) return false;
    }
    return true;
  }

  return { take, noteAnswers, hangingOn, isUnsettled, thaw };
}
