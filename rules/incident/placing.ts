import type { Alert } from '../../protocol/model/alert.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, seconds } from '../../protocol/model/units.ts';
import type { FiringAlert } from '../correlate/alert-book.ts';
import { blameCollector } from '../correlate/collector.ts';
import type { CommonCause } from '../correlate/common-cause.ts';
import type { Explainer } from '../correlate/explain.ts';
import { isOutage } from '../correlate/family.ts';
import type { Finding, HoldDown } from '../correlate/hold-down.ts';
import type { Maintenance } from '../correlate/maintenance.ts';
import { COLLECTOR_ROW, type Silence } from '../correlate/silence.ts';
import type { Flood } from './flood.ts';
import type { Turn } from './holding.ts';
import type { IncidentRecord } from './incident-record.ts';
import type { createMistakes } from './mistake.ts';
import { createOpening, type OpeningDeps } from './opening.ts';
import { createRecovery } from './recovery.ts';

/**
 * Puts every firing alert into its place:
 *
 *   explained by a firing alert ─▶ symptom in the incident of its root (or held with its root)
 *   no cause, upstream unproven ─▶ held
 *   no cause                    ─▶ root of an incident: its own, or one that it takes over
 */
export interface Placing {
  settle(turn: Turn): void;
  /** The root of the incident has cleared: hands over, or lets its symptoms recover first. */
  rootCleared(incident: IncidentRecord, turn: Turn): void;
}

export interface PlacingDeps extends OpeningDeps {
  readonly explainer: Explainer;
  readonly holdDown: HoldDown;
  readonly silence: Silence;
  readonly common: CommonCause;
  readonly maintenance: () => Maintenance;
  readonly flood: Flood;
  /** The incident in which a person, or a flood, has put the alert. */
  readonly homeOf: (firing: FiringAlert) => IncidentRecord | undefined;
  /** Alerts that may be explained by trouble of the subject. */
  readonly dependentsOf: (subject: SubjectKey) => readonly FiringAlert[];
  /** The device that the incident is about had only been cut off by this circuit of its own. */
  readonly wasBlamedWrongly: ReturnType<typeof createMistakes>;
}

/** So long before it fails altogether something may begin to fail. */
const SHOWS_EARLY = seconds(30);

const bySerial = (a: FiringAlert, b: FiringAlert): number => a.serial - b.serial;
const isLive = (incident: IncidentRecord | undefined): incident is IncidentRecord =>
  incident !== undefined && (incident.state !== 'resolved' || incident.live.size > 0);
const isQuiet = (incident: IncidentRecord): boolean => incident.state === 'closed';

export function createPlacing(deps: PlacingDeps): Placing {
  const { book, incidents, explainer, holdDown, holding, silence } = deps;
  const { common, dependentsOf, flood, homeOf, maintenance, people } = deps;
  const recovery = createRecovery(deps);
  const opening = createOpening(deps);

  const incidentOf = (firing: FiringAlert): IncidentRecord | undefined => {
    const incident = incidents.get(firing.incident);
    return isLive(incident) ? incident : undefined;
  };

  function judge(root: FiringAlert, lead: FiringAlert | undefined, now: EpochMs): Finding {
    if (root === lead || people.isApart(root.alert.key)) return { kind: 'open' };
    const window = maintenance().covering(root.alert.subject, now);
    if (window !== undefined) {
      const text = `announced work: ${window.name}`;
      return { kind: 'wait', until: window.until, ask: [], text, window: window.id };
    }
    if (lead !== undefined) {
      return { kind: 'wait', until: null, ask: [], text: 'the collector itself is cut off' };
    }
    const finding = holdDown.judge(root, now);
    if (finding.kind === 'wait') return finding;
    if (book.familyOf(root) !== 'agent-silent') return common.judge(root, now);
    const silent = silence.judge(root, now);
    if (silent.kind === 'wait') {
      return { ...silent, text: 'it is not yet known whether the agent or its circuit failed' };
    }
    const { kind: _, ...verdict } = silent;
    root.verdict = verdict;
    return { kind: 'open' };
  }

  const staysApart = (firing: FiringAlert, from: IncidentRecord, target: IncidentRecord): boolean =>
    from.root.key === firing.alert.key && isOlderTrouble(from, target.root);

  /** Makes the alert and all that it explains part of the incident. */
  function gather(firing: FiringAlert, target: IncidentRecord, turn: Turn): void {
    const from = incidentOf(firing);
    const isRoot = target.root.key === firing.alert.key;
    if (from === target && (isRoot || target.symptoms.has(firing.alert.key))) return;
    if (from !== undefined && staysApart(firing, from, target)) return;
    holding.release(firing.alert.key);
    if (from !== undefined && from !== target) part(firing, from, target, turn);
    if (!isRoot) join(firing, target, turn);
    for (const child of book.childrenOf(firing.alert.key)) gather(child, target, turn);
  }

  function join(firing: FiringAlert, target: IncidentRecord, turn: Turn): void {
    const { releaseAt } = firing;
    const because = incidents.join(target, firing);
    if (target.rootClearedAt !== undefined) recovery.recover(firing, target, releaseAt, turn);
    holding.suppress(firing, because, turn);
  }

  /** Takes the alert out of its incident; an open incident that loses its root is merged whole. */
  function part(
    firing: FiringAlert,
    from: IncidentRecord,
    target: IncidentRecord,
    turn: Turn,
  ): void {
    if (from.root.key !== firing.alert.key || isQuiet(from)) {
      incidents.leave(from, firing.alert.key, turn.at.now);
      return;
    }
    const members = liveOf(from);
    const { key: alert, evidence } = target.root;
    const text = `one fault: explained by ${evidence.text}`;
    incidents.merge(from, target, turn.at.now, { kind: 'explained-by', alert, text });
    for (const member of members) {
      if (member === firing) continue;
      delete member.incident;
      gather(member, target, turn);
    }
  }

  function startFor(root: FiringAlert, turn: Turn): IncidentRecord {
    const speaker = people.hasPlaced(root) ? undefined : flood.speaker(turn.at.now);
    if (speaker !== undefined && speaker.root.key !== root.alert.key) {
      flood.absorb(root, turn.at.now);
      book.setExplanation(root, explainer.explain(root));
      gather(root, speaker, turn);
      return speaker;
    }
    const incident = opening.openFor(root, turn.at);
    for (const child of book.childrenOf(root.alert.key)) gather(child, incident, turn);
    if (incident.openedAt === turn.at.now) flood.opened(turn);
    return incident;
  }

  function isSameFault(
    root: FiringAlert,
    own: IncidentRecord,
    lead: FiringAlert | undefined,
    now: EpochMs,
  ): boolean {
    const { subject } = root.alert;
    if (homeOf(root) === own || own.root.subject === subject) return true;
    if (deps.wasBlamedWrongly(own, subject, now)) return true;
    // The collector stays cut off while its first silent agent is back and others are not.
    return root === lead && own.family === 'agent-silent';
  }

  /** An alert without explanation that is a symptom of an incident whose root cleared or let it go. */
  function placeOrphan(
    root: FiringAlert,
    own: IncidentRecord,
    lead: FiringAlert | undefined,
    turn: Turn,
  ): IncidentRecord | undefined {
    if (isQuiet(own)) return own;
    // It was explained until now: like what is behind a mended circuit it must outlast its cause.
    if (own.root.key !== root.alert.key && own.rootClearedAt === undefined) {
      root.releaseAt ??= holdDown.echoUntil(root, turn.at.now);
    }
    const finding = judge(root, lead, turn.at.now);
    if (finding.kind === 'wait') {
      holding.hold(root, finding, turn);
      return own.rootClearedAt === undefined ? undefined : own;
    }
    holding.release(root.alert.key);
    if (own.rootClearedAt !== undefined && isSameFault(root, own, lead, turn.at.now)) {
      incidents.takeOver(own, root, book.familyOf(root));
      return own;
    }
    incidents.leave(own, root.alert.key, turn.at.now);
    delete root.incident;
    return startFor(root, turn);
  }

  /** The open incidents whose roots this alert explains, oldest first; quiet ones last. */
  function incidentsBelow(root: FiringAlert, members: readonly FiringAlert[]): IncidentRecord[] {
    const found = new Set<IncidentRecord>();
    for (const member of members) {
      const incident = incidentOf(member);
      if (member === root || incident?.root.key !== member.alert.key) continue;
      if (!isOlderTrouble(incident, root.alert)) found.add(incident);
    }
    return [...found].sort(
      (a, b) => Number(isQuiet(a)) - Number(isQuiet(b)) || a.serial - b.serial,
    );
  }

  function targetFor(
    root: FiringAlert,
    members: readonly FiringAlert[],
    lead: FiringAlert | undefined,
    turn: Turn,
  ): IncidentRecord | undefined {
    const own = incidentOf(root);
    if (own !== undefined && own.root.key !== root.alert.key) {
      return placeOrphan(root, own, lead, turn);
    }
    const [oldest] = incidentsBelow(root, members);
    const isOwnKept =
      own !== undefined && (oldest === undefined || isQuiet(oldest) || own.serial < oldest.serial);
    if (isOwnKept) return own;
    const finding = judge(root, lead, turn.at.now);
    if (oldest !== undefined && !mustWait(finding, oldest, root)) {
      takeOver(oldest, root, own, turn);
      return oldest;
    }
    if (finding.kind === 'open') return startFor(root, turn);
    // What has a place keeps it until more is known.
    const placeless = members.filter((member) => incidentOf(member) === undefined);
    for (const member of placeless) holding.hold(member, finding, turn);
    return undefined;
  }

  /**
   * Routers may still find a way; and what worked badly long before may go down with something else,
   * and is no sign of that.
   */
  const mustWait = (finding: Finding, incident: IncidentRecord, { alert }: FiringAlert): boolean =>
    finding.kind === 'wait' && (finding.isSettling === true || hasBeenBad(incident, alert));

  /** Something that does not work at all hides it now; the one did not make the other. */
  const isOlderTrouble = (incident: IncidentRecord, cause: Alert): boolean =>
    incident.root.subject !== cause.subject && hasBeenBad(incident, cause);

  const hasBeenBad = ({ root, family }: IncidentRecord, cause: Alert): boolean =>
    cause.disturbance === 'outage' &&
    !isOutage(family) &&
    root.evidence.onsetAt < cause.evidence.onsetAt - SHOWS_EARLY;

  function takeOver(
    incident: IncidentRecord,
    root: FiringAlert,
    own: IncidentRecord | undefined,
    turn: Turn,
  ): void {
    const old = book.get(incident.root.key);
    if (book.familyOf(root) === 'agent-silent') judge(root, undefined, turn.at.now);
    incidents.takeOver(incident, root, book.familyOf(root));
    if (own !== undefined && own !== incident) part(root, own, incident, turn);
    holding.release(root.alert.key);
    if (old !== undefined) incidents.join(incident, old);
    for (const child of book.childrenOf(root.alert.key)) gather(child, incident, turn);
  }

  function place(
    root: FiringAlert,
    members: readonly FiringAlert[],
    lead: FiringAlert | undefined,
    turn: Turn,
  ): void {
    const target = targetFor(root, members, lead, turn);
    if (target === undefined) return;
    for (const member of members) if (member !== root) gather(member, target, turn);
    if (isQuiet(target)) keepQuiet(target, members, turn);
  }

  /** Closed by a person: quiet, unless what it has become is more urgent than what was closed. */
  function keepQuiet(incident: IncidentRecord, members: readonly FiringAlert[], turn: Turn): void {
    const root = book.get(incident.root.key);
    const closedAt = incident.closedAtPriority ?? 1;
    if (root !== undefined && incidents.priorityNow(incident) < closedAt) {
      startAgain(incident, root, turn);
      return;
    }
    const text = 'closed by a person; quiet until it has cleared once or gets more urgent';
    for (const member of members) {
      holding.suppress(member, { kind: 'person', by: 'person', text }, turn);
    }
  }

  function startAgain(closed: IncidentRecord, root: FiringAlert, turn: Turn): void {
    const live = liveOf(closed);
    for (const member of live) {
      incidents.leave(closed, member.alert.key, turn.at.now);
      delete member.incident;
    }
    const opened = startFor(root, turn);
    for (const member of live) if (member !== root) gather(member, opened, turn);
  }

  const liveOf = (incident: IncidentRecord): FiringAlert[] =>
    [...incident.live].flatMap((key) => book.get(key) ?? []).sort(bySerial);

  const isRootOfIncident = (firing: FiringAlert): boolean =>
    incidentOf(firing)?.root.key === firing.alert.key;

  function groupsByRoot(alerts: ReadonlySet<FiringAlert>): Map<FiringAlert, FiringAlert[]> {
    const groups = new Map<FiringAlert, FiringAlert[]>();
    for (const firing of [...alerts].sort(bySerial)) {
      const root = explainer.rootOf(firing);
      const group = groups.get(root);
      if (group === undefined) groups.set(root, [firing]);
      else group.push(firing);
    }
    return groups;
  }

  /** Its circuit is back, and it will be heard in a moment: that says nothing of the collector. */
  const isEcho = (firing: FiringAlert, now: EpochMs): boolean =>
    firing.explanation?.row !== COLLECTOR_ROW &&
    firing.explainedUntil !== undefined &&
    now < holdDown.echoUntil(firing, firing.explainedUntil);

  /** Explanations first, all of them; only then places, so that one input has one outcome. */
  function settle(turn: Turn): void {
    const { dirty } = turn;
    const due = common.nextDueAt();
    if (dirty.size === 0 && (due === undefined || due > turn.at.now)) return;
    const unled = [...dirty].filter(
      (firing) => firing.explanation?.row !== COLLECTOR_ROW && !common.isLed(firing),
    );
    const hasCleared = book.hasClearedSince(turn.at.now);
    for (const firing of unled.sort(bySerial)) {
      const wasExplained = firing.explanation !== undefined;
      book.setExplanation(firing, explainer.explain(firing));
      // Of several that explained it together one is gone.
      if (wasExplained && firing.explanation === undefined && hasCleared) {
        firing.explainedUntil = turn.at.now;
      }
    }
    blameCommonCause(turn);
    const isSettled = (firing: FiringAlert): boolean =>
      people.hasPlaced(firing) ||
      isEcho(firing, turn.at.now) ||
      maintenance().covering(firing.alert.subject, turn.at.now) !== undefined;
    const { lead, changed, freed } = blameCollector(
      { book, explainer, silence, isSettled },
      isRootOfIncident,
    );
    for (const firing of freed) {
      firing.heldFrom = turn.at.now;
      // The agents come back one after the other, and each is believed only after a while.
      firing.releaseAt = holdDown.echoUntil(firing, turn.at.now);
    }
    for (const firing of [...changed, ...freed]) dirty.add(firing);
    placeAll(turn, lead);
  }

  /** Placing may bring a flood to light, and then what it gathers is placed once more. */
  function placeAll(turn: Turn, lead: FiringAlert | undefined): void {
    const { dirty } = turn;
    for (let rounds = 0; dirty.size > 0 && rounds < 3; rounds++) {
      const alerts = new Set(dirty);
      dirty.clear();
      if (rounds > 0) {
        for (const firing of alerts) book.setExplanation(firing, explainer.explain(firing));
      }
      for (const [root, members] of groupsByRoot(alerts)) place(root, members, lead, turn);
    }
    dirty.clear();
  }

  /** Circuits that failed together, and what may now be explained by them. */
  function blameCommonCause({ at, dirty }: Turn): void {
    const { changed, freed, outlasting } = common.blame(dirty, at.now);
    // What outlasted it has waited already, from the moment from which it may have failed by itself.
    const since = new Map(outlasting.map((firing) => [firing, firing.explainedUntil ?? at.now]));
    for (const firing of freed) firing.heldFrom = since.get(firing) ?? at.now;
    for (const incident of new Set(outlasting.flatMap((firing) => incidentOf(firing) ?? []))) {
      recovery.endCommonCause(incident, { at, dirty });
    }
    for (const firing of [...changed, ...freed]) {
      dirty.add(firing);
      const incident = incidentOf(firing);
      if (incident?.root.key === firing.alert.key) incidents.judgeAnew(incident, firing.verdict);
    }
    explainHanging(changed, dirty);
  }

  /** What may now be explained by the alerts; symptoms keep their place. */
  function explainHanging(changed: readonly FiringAlert[], dirty: Set<FiringAlert>): void {
    const hanging = new Set(changed.flatMap((firing) => dependentsOf(firing.alert.subject)));
    for (const firing of [...hanging].sort(bySerial)) {
      const isSettled = incidentOf(firing) !== undefined && !isRootOfIncident(firing);
      if (isSettled || common.isLed(firing)) continue;
      book.setExplanation(firing, explainer.explain(firing));
      dirty.add(firing);
    }
  }

  return { settle, rootCleared: recovery.rootCleared };
}
