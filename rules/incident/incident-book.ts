import type { AlertKey, Reason } from '../../protocol/model/alert.ts';
import type { IncidentFact, IncidentFactKind } from '../../protocol/model/fact.ts';
import type { Acknowledgement, IncidentId } from '../../protocol/model/incident.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { Instant } from '../contract.ts';
import type { FiringAlert, SilenceVerdict } from '../correlate/alert-book.ts';
import type { Family } from '../correlate/family.ts';
import {
  fromState,
  type IncidentRecord,
  type IncidentSnapshot,
  materialOf,
  refresh,
  remember,
  toState,
  type ViewDeps,
  viewOf,
} from './incident-record.ts';

/** What is said at the end of the input; several changes of one incident become one update. */
interface Saying {
  readonly kind: IncidentFactKind;
  readonly because: readonly Reason[];
  readonly into?: IncidentId;
}

export interface IncidentBookState {
  readonly nextSerial: number;
  readonly incidents: readonly IncidentSnapshot[];
}

/** Incidents that are open, quiet (closed while they still fail) or may be reopened. */
export interface IncidentBook {
  get(id: IncidentId | undefined): IncidentRecord | undefined;
  all(): readonly IncidentRecord[];
  /** Opens, or reopens when the same trouble was resolved within `reopenWithin`. */
  open(root: FiringAlert, family: Family, at: Instant, because: Reason): IncidentRecord;
  /** The incident of that trouble which a person keeps open although it has cleared. */
  inHandOf(subject: SubjectKey, family: Family): IncidentRecord | undefined;
  join(incident: IncidentRecord, firing: FiringAlert): Reason;
  /** Another alert becomes the suspected root; the old one stays as a symptom while it fires. */
  takeOver(incident: IncidentRecord, root: FiringAlert, family: Family): void;
  /** What is concluded about the root has changed. */
  judgeAnew(incident: IncidentRecord, verdict: SilenceVerdict | undefined): void;
  /** The alert is no longer a live part; a symptom stays listed as cleared. */
  leave(incident: IncidentRecord, key: AlertKey, now: EpochMs): void;
  merge(from: IncidentRecord, into: IncidentRecord, now: EpochMs, because: Reason): void;
  resolve(incident: IncidentRecord, now: EpochMs, because: Reason): void;
  acknowledge(incident: IncidentRecord, ack: Acknowledgement | undefined, because: Reason): void;
  close(incident: IncidentRecord, now: EpochMs, because: Reason): void;
  /** @param why how this alert continues the incident; absent = the same trouble is back */
  reopen(
    incident: IncidentRecord,
    root: FiringAlert,
    family: Family,
    now: EpochMs,
    why?: string,
  ): void;
  touch(incident: IncidentRecord, because?: Reason): void;
  /** Priority as of now, for "quiet unless it rises". */
  priorityNow(incident: IncidentRecord): number;
  /** Ends the input: the facts that tell what happened, oldest incident first. */
  flush(now: EpochMs): IncidentFact[];
  forget(resolvedBefore: EpochMs): void;
  snapshot(): IncidentBookState;
}

export interface IncidentBookDeps {
  readonly view: () => ViewDeps;
  readonly installation: () => string;
  readonly reopenWithin: () => DurationMs;
}

const isEnded = (incident: IncidentRecord): boolean =>
  incident.state === 'resolved' || incident.state === 'closed';

export function createIncidentBook(
  deps: IncidentBookDeps,
  state?: IncidentBookState,
): IncidentBook {
  let nextSerial = state?.nextSerial ?? 1;
  const incidents = new Map<IncidentId, IncidentRecord>();
  /** Newest resolved incident of each root, for reopening. */
  const resolvedOf = new Map<string, IncidentId>();
  const sayings = new Map<IncidentRecord, Saying[]>();
  const news = new Map<IncidentRecord, Reason[]>();
  let idsOf = { position: -1, count: 0 };

  const troubleOf = (subject: SubjectKey, family: Family): string => `${subject}|${family}`;

  function newId({ position }: Instant): IncidentId {
    idsOf =
      idsOf.position === position ? { position, count: idsOf.count + 1 } : { position, count: 1 };
    const base = `inc-${deps.installation()}-${position.toString(36)}`;
    return idsOf.count === 1 ? base : `${base}-${idsOf.count}`;
  }

  function touch(incident: IncidentRecord, because?: Reason): void {
    if (!news.has(incident)) news.set(incident, []);
    if (because === undefined) return;
    news.get(incident)?.push(because);
    incident.history = remember(incident.history, because);
  }

  function say(incident: IncidentRecord, saying: Saying): void {
    touch(incident);
    for (const reason of saying.because) incident.history = remember(incident.history, reason);
    const said = sayings.get(incident);
    if (said === undefined) sayings.set(incident, [saying]);
    else said.push(saying);
  }

  function open(root: FiringAlert, family: Family, at: Instant, because: Reason): IncidentRecord {
    const former = incidents.get(resolvedOf.get(troubleOf(root.alert.subject, family)) ?? '');
    const isSame = former?.verdict?.shared?.name === root.verdict?.shared?.name;
    const until = (former?.resolvedAt ?? 0) + deps.reopenWithin();
    if (former?.state === 'resolved' && isSame && at.now <= until) {
      reopen(former, root, family, at.now);
      return former;
    }
    const incident: IncidentRecord = {
      serial: nextSerial,
      id: newId(at),
      state: 'open',
      root: root.alert,
      family,
      ...(root.verdict === undefined ? {} : { verdict: root.verdict }),
      symptoms: new Map(),
      live: new Set([root.alert.key]),
      recovering: new Set(),
      openedAt: at.now,
      onsetAt: root.alert.evidence.onsetAt,
      updatedAt: at.now,
      contradictedBy: [],
      reopened: 0,
      history: [],
    };
    nextSerial += 1;
    incidents.set(incident.id, incident);
    root.incident = incident.id;
    say(incident, { kind: 'incident.opened', because: [because] });
    return incident;
  }

  function reopen(
    incident: IncidentRecord,
    root: FiringAlert,
    family: Family,
    now: EpochMs,
    why = 'the same trouble is back',
  ): void {
    // It may come back under another name, and then the old one is nobody's.
    resolvedOf.delete(troubleOf(incident.root.subject, incident.family));
    incident.state = 'open';
    incident.reopened += 1;
    delete incident.resolvedAt;
    delete incident.acknowledged;
    delete incident.extent;
    setRoot(incident, root, family);
    const text = `${why}: ${root.alert.evidence.text}`;
    say(incident, {
      kind: 'incident.reopened',
      because: [{ kind: 'evidence', alert: root.alert.key, text }],
    });
    incident.updatedAt = now;
  }

  function setRoot(incident: IncidentRecord, root: FiringAlert, family: Family): void {
    const { key } = root.alert;
    incident.root = root.alert;
    incident.family = family;
    delete incident.verdict;
    delete incident.worst;
    delete incident.doubtedSince;
    if (root.verdict !== undefined) incident.verdict = root.verdict;
    delete incident.rootClearedAt;
    incident.contradictedBy = [];
    incident.symptoms.delete(key);
    incident.recovering.delete(key);
    incident.live.add(key);
    root.incident = incident.id;
    delete root.releaseAt;
    delete root.outlived;
  }

  function inHandOf(subject: SubjectKey, family: Family): IncidentRecord | undefined {
    for (const incident of incidents.values()) {
      const isKept = incident.takenOver !== undefined && incident.rootClearedAt !== undefined;
      const isSame = incident.root.subject === subject && incident.family === family;
      if (isKept && isSame && !isEnded(incident)) return incident;
    }
    return undefined;
  }

  function addSymptom(incident: IncidentRecord, firing: FiringAlert): Reason {
    const { alert, explanation } = firing;
    const because: Reason =
      explanation === undefined
        ? { kind: 'evidence', alert: alert.key, text: alert.evidence.text }
        : { kind: 'explained-by', alert: explanation.by, text: explanation.text };
    incident.symptoms.set(alert.key, {
      alert: alert.key,
      subject: alert.subject,
      rule: alert.rule,
      since: alert.firedAt,
      because,
      row: explanation?.row ?? '',
      severity: alert.severity,
      disturbance: alert.disturbance,
    });
    incident.live.add(alert.key);
    incident.recovering.delete(alert.key);
    if (alert.evidence.onsetAt < incident.onsetAt) incident.onsetAt = alert.evidence.onsetAt;
    firing.incident = incident.id;
    return because;
  }

  function join(incident: IncidentRecord, firing: FiringAlert): Reason {
    const because = addSymptom(incident, firing);
    delete firing.releaseAt;
    delete firing.outlived;
    touch(incident);
    return because;
  }

  function takeOver(incident: IncidentRecord, root: FiringAlert, family: Family): void {
    setRoot(incident, root, family);
    if (root.alert.evidence.onsetAt < incident.onsetAt) {
      incident.onsetAt = root.alert.evidence.onsetAt;
    }
    const text = `${root.alert.evidence.text}; this now counts as the cause`;
    touch(incident, { kind: 'explained-by', alert: root.alert.key, text });
  }

  function judgeAnew(incident: IncidentRecord, verdict: SilenceVerdict | undefined): void {
    if (incident.verdict === verdict) return;
    delete incident.verdict;
    if (verdict !== undefined) incident.verdict = verdict;
    touch(incident);
  }

  function leave(incident: IncidentRecord, key: AlertKey, now: EpochMs): void {
    incident.live.delete(key);
    incident.recovering.delete(key);
    const symptom = incident.symptoms.get(key);
    if (symptom !== undefined && symptom.clearedAt === undefined) {
      incident.symptoms.set(key, { ...symptom, clearedAt: now });
    }
    touch(incident);
  }

  function merge(from: IncidentRecord, into: IncidentRecord, now: EpochMs, because: Reason): void {
    from.state = 'resolved';
    from.resolvedAt = now;
    from.mergedInto = into.id;
    for (const [key, symptom] of from.symptoms) {
      if (key !== into.root.key && !into.symptoms.has(key)) into.symptoms.set(key, symptom);
    }
    if (from.onsetAt < into.onsetAt) into.onsetAt = from.onsetAt;
    from.live.clear();
    from.recovering.clear();
    say(from, { kind: 'incident.merged', because: [because], into: into.id });
    touch(into);
  }

  function resolve(incident: IncidentRecord, now: EpochMs, because: Reason): void {
    incident.state = 'resolved';
    incident.resolvedAt = now;
    delete incident.blindSince;
    if (incident.isOutlasted === undefined) {
      resolvedOf.set(troubleOf(incident.root.subject, incident.family), incident.id);
    }
    say(incident, { kind: 'incident.resolved', because: [because] });
  }

  function acknowledge(
    incident: IncidentRecord,
    ack: Acknowledgement | undefined,
    because: Reason,
  ): void {
    incident.state = ack === undefined ? 'open' : 'acknowledged';
    delete incident.acknowledged;
    if (ack !== undefined) incident.acknowledged = ack;
    const kind = ack === undefined ? 'incident.unacknowledged' : 'incident.acknowledged';
    say(incident, { kind, because: [because] });
  }

  function close(incident: IncidentRecord, now: EpochMs, because: Reason): void {
    const { priority } = viewOf(incident, deps.view());
    incident.state = 'closed';
    incident.resolvedAt = now;
    incident.closedAtPriority = priority;
    say(incident, { kind: 'incident.closed', because: [because] });
  }

  function priorityNow(incident: IncidentRecord): number {
    refresh(incident, deps.view());
    return viewOf(incident, deps.view()).priority;
  }

  function factsOf(incident: IncidentRecord, now: EpochMs): IncidentFact[] {
    const said = sayings.get(incident) ?? [];
    if (isEnded(incident) && said.length === 0) return [];
    refresh(incident, deps.view());
    incident.updatedAt = now;
    const view = viewOf(incident, deps.view());
    const material = materialOf(view);
    const hasChanged = material !== incident.told;
    incident.told = material;
    const base = { at: now, incident: incident.id, view };
    const facts: IncidentFact[] = said.map((saying) => ({ ...base, material: true, ...saying }));
    const isTold = said.some(
      (saying) =>
        saying.kind !== 'incident.acknowledged' && saying.kind !== 'incident.unacknowledged',
    );
    if (isTold || (said.length > 0 && !hasChanged)) return facts;
    const because = news.get(incident) ?? [];
    facts.push({ ...base, kind: 'incident.updated', because, material: hasChanged });
    return facts;
  }

  function flush(now: EpochMs): IncidentFact[] {
    const touched = [...news.keys()].sort((a, b) => a.serial - b.serial);
    const facts = touched.flatMap((incident) => factsOf(incident, now));
    news.clear();
    sayings.clear();
    return facts;
  }

  function forget(resolvedBefore: EpochMs): void {
    for (const incident of incidents.values()) {
      const isOver = isEnded(incident) && incident.live.size === 0;
      if (!isOver || (incident.resolvedAt ?? 0) > resolvedBefore) continue;
      incidents.delete(incident.id);
      const trouble = troubleOf(incident.root.subject, incident.family);
      if (resolvedOf.get(trouble) === incident.id) resolvedOf.delete(trouble);
    }
  }

  for (const snapshot of state?.incidents ?? []) {
    incidents.set(snapshot.id, fromState(snapshot));
  }
  const resolved = [...incidents.values()].filter(
    (incident) =>
      incident.state === 'resolved' &&
      incident.mergedInto === undefined &&
      incident.isOutlasted === undefined,
  );
  resolved.sort((a, b) => (a.resolvedAt ?? 0) - (b.resolvedAt ?? 0) || a.serial - b.serial);
  for (const incident of resolved) {
    resolvedOf.set(troubleOf(incident.root.subject, incident.family), incident.id);
  }

  return {
    get: (id) => (id === undefined ? undefined : incidents.get(id)),
    all: () => [...incidents.values()],
    open,
    inHandOf,
    join,
    takeOver,
    judgeAnew,
    leave,
    merge,
    resolve,
    acknowledge,
    close,
    reopen,
    touch,
    priorityNow,
    flush,
    forget,
    snapshot: () => ({ nextSerial, incidents: [...incidents.values()].map(toState) }),
  };
}
