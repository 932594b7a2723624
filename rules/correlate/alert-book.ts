import type { Alert, AlertKey } from '../../protocol/model/alert.ts';
import type { IncidentId } from '../../protocol/model/incident.ts';
import {
  type AgentId,
  idOf,
  kindOf,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { EngineSettings, Rule } from '../settings.ts';
import { type Family, familyOf } from './family.ts';
import { linksInFront, type Slot } from './slot.ts';
import { slotsOf } from './slots-of.ts';
import type { Topology } from './topology.ts';
import { linkPoor } from './ways.ts';

/** Why the engine thinks that one alert explains another. */
export interface Explanation {
  readonly by: AlertKey;
  readonly row: string;
  readonly text: string;
}

/** What circuits that failed together share, and which they are (design 6.5). */
export interface SharedCause {
  readonly name: string;
  /** What the incident is about, instead of the one circuit that leads; absent = no word for it. */
  readonly subject?: SubjectKey;
  readonly links: readonly string[];
}

/** What was concluded about an agent's silence (design 6.7), or about alerts that came together. */
export interface SilenceVerdict {
  readonly cause: string;
  readonly confidence: number;
  readonly text: string;
  readonly shared?: SharedCause;
  /** It speaks for so many troubles at once. */
  readonly flood?: string;
}

/** A firing alert and what correlation knows of it. Plain data: it is part of the snapshot. */
export interface FiringAlert {
  /** Order of arrival; makes every walk over alerts repeatable. */
  readonly serial: number;
  readonly alert: Alert;
  /** Hold-down counts from here: arrival, or the moment the collector or the agent came back. */
  heldFrom: EpochMs;
  blindSince?: EpochMs;
  /** It is on its way to clear. */
  fadingSince?: EpochMs;
  /** When its agent reached the subject last before it fired. */
  readonly answeredAt?: EpochMs;
  explanation?: Explanation;
  incident?: IncidentId;
  /** The root of its incident cleared: it may open by itself only after this. */
  releaseAt?: EpochMs;
  /** It was explained until then: for what explains it next, its trouble begins there. */
  explainedUntil?: EpochMs;
  /** It may have been an echo until then; what is left of it began at any time before. */
  mayEchoUntil?: EpochMs;
  /** The resolved incident it outlived. */
  outlived?: IncidentId;
  /** Kind of the last suppression told, so that it is told once. */
  told?: string;
  verdict?: SilenceVerdict;
}

/** Its newest samples do not say that it is over. */
export const isGoingOn = ({ fadingSince }: FiringAlert): boolean => fadingSince === undefined;

/** Derived from alert and settings, made anew when the settings change. */
interface Placing {
  /** Under the name that the inventory uses. */
  readonly subject: SubjectKey;
  readonly family: Family;
  readonly rule: Rule | undefined;
  readonly slots: readonly Slot[];
}

/** A cause that has just cleared still explains alerts whose onset lies before its clearing. */
export interface ClearedCause {
  readonly alert: Alert;
  readonly family: Family;
  readonly clearedAt: EpochMs;
}

/** All firing alerts, found by key, by subject and by what could explain them. */
export interface AlertBook {
  settle(settings: EngineSettings, topology: Topology): void;
  get(key: AlertKey): FiringAlert | undefined;
  /** @param answeredAt when its agent reached the subject last; absent = never */
  fire(alert: Alert, now: EpochMs, answeredAt?: EpochMs): FiringAlert;
  remove(key: AlertKey, now: EpochMs): void;
  on(subject: SubjectKey): readonly FiringAlert[];
  /** Firing alerts that name the subject among their possible causes. */
  dependentsOf(subject: SubjectKey): readonly FiringAlert[];
  /** Records (or takes back) what explains the alert. */
  setExplanation(firing: FiringAlert, explanation: Explanation | undefined): void;
  /** Alerts that this one explains directly, oldest first. */
  childrenOf(key: AlertKey): readonly FiringAlert[];
  clearedOn(subject: SubjectKey): readonly ClearedCause[];
  /** False when nothing has cleared at `since` or later. */
  hasClearedSince(since: EpochMs): boolean;
  hasCleared(): boolean;
  forgetCleared(before: EpochMs): void;
  familyOf(firing: FiringAlert): Family;
  ruleOf(firing: FiringAlert): Rule | undefined;
  slotsOf(firing: FiringAlert): readonly Slot[];
  ofFamily(family: Family): readonly FiringAlert[];
  /** Outages of circuits and tunnels, in the order of arrival. */
  linkOutages(): ReadonlySet<FiringAlert>;
  /** The agent does not tell anything any more, for whatever reason. */
  isSilent(agent: AgentId): boolean;
  all(): IterableIterator<FiringAlert>;
  isEmpty(): boolean;
  snapshot(): AlertBookState;
}

export interface AlertBookState {
  readonly nextSerial: number;
  readonly firing: readonly FiringAlert[];
  readonly cleared: readonly ClearedCause[];
}

const NONE: readonly never[] = [];

function addTo<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const values = index.get(key);
  if (values === undefined) index.set(key, new Set([value]));
  else values.add(value);
}

function removeFrom<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const values = index.get(key);
  if (values?.delete(value) && values.size === 0) index.delete(key);
}

/** Suspects by subject; for a way the sites at its ends stand for all circuits between them. */
const suspectsOf = (slots: readonly Slot[]): Set<SubjectKey> =>
  new Set(
    slots.flatMap((slot) => [
      ...slot.groups.flat().map((s) => s.subject),
      ...linksInFront(slot).flatMap((link) => linkPoor(link).map((s) => s.subject)),
      ...sitesOf(slot),
    ]),
  );

const sitesOf = ({ way }: Slot): SubjectKey[] =>
  [...(way?.to ?? []), ...(way?.from === undefined ? [] : [way.from])].map((site) =>
    subjectKey('site', site),
  );

export function createAlertBook(
  initial: EngineSettings,
  initialTopology: Topology,
  state?: AlertBookState,
): AlertBook {
  let topology = initialTopology;
  let rules = new Map<string, Rule>();
  let nextSerial = state?.nextSerial ?? 1;
  const firing = new Map<AlertKey, FiringAlert>();
  const placings = new Map<AlertKey, Placing>();
  /** Never changed in place: whoever walks over one may change the book meanwhile. */
  const lists = new Map<SubjectKey, readonly FiringAlert[]>();
  const byFamily = new Map<Family, Set<FiringAlert>>();
  const dependents = new Map<SubjectKey, Set<FiringAlert>>();
  const children = new Map<AlertKey, Set<FiringAlert>>();
  const cleared = new Map<SubjectKey, ClearedCause[]>();
  const outages = new Set<FiringAlert>();
  const silent = new Map<AgentId, Set<FiringAlert>>();
  let lastCleared = epochMs(0);

  function setExplanation(record: FiringAlert, explanation: Explanation | undefined): void {
    if (record.explanation !== undefined) removeFrom(children, record.explanation.by, record);
    delete record.explanation;
    if (explanation === undefined) return;
    record.explanation = explanation;
    addTo(children, explanation.by, record);
  }

  function place(record: FiringAlert): void {
    const { alert } = record;
    const rule = rules.get(alert.rule);
    const family = familyOf(rule);
    const slots = slotsOf(topology, {
      subject: alert.subject,
      family,
      observer: alert.agent,
      observerSite: topology.siteOfAgent(alert.agent),
      site: topology.siteOf(alert.subject) ?? alert.site,
    });
    const subject = topology.canonical(alert.subject);
    placings.set(alert.key, { subject, family, rule, slots });
    const known = lists.get(subject);
    lists.set(subject, known === undefined ? [record] : [...known, record]);
    addTo(byFamily, family, record);
    if (family === 'unreachable' && kindOf(subject) === 'link') outages.add(record);
    if (family === 'agent-silent') addTo(silent, idOf(subject), record);
    for (const subject of suspectsOf(slots)) addTo(dependents, subject, record);
  }

  function unplace(record: FiringAlert): void {
    const placing = placings.get(record.alert.key);
    if (placing === undefined) return;
    placings.delete(record.alert.key);
    const left = (lists.get(placing.subject) ?? NONE).filter((other) => other !== record);
    if (left.length > 0) lists.set(placing.subject, left);
    else lists.delete(placing.subject);
    removeFrom(byFamily, placing.family, record);
    outages.delete(record);
    removeFrom(silent, idOf(placing.subject), record);
    for (const subject of suspectsOf(placing.slots)) removeFrom(dependents, subject, record);
  }

  function settle(next: EngineSettings, nextTopology: Topology): void {
    topology = nextTopology;
    rules = new Map(next.rules.map((rule) => [rule.id, rule]));
    for (const record of firing.values()) unplace(record);
    for (const record of firing.values()) place(record);
  }

  function fire(alert: Alert, now: EpochMs, answeredAt?: EpochMs): FiringAlert {
    const record: FiringAlert = {
      serial: nextSerial,
      alert,
      heldFrom: now,
      ...(answeredAt === undefined ? {} : { answeredAt }),
    };
    nextSerial += 1;
    firing.set(alert.key, record);
    place(record);
    return record;
  }

  function remove(key: AlertKey, now: EpochMs): void {
    const record = firing.get(key);
    if (record === undefined) return;
    const { alert } = record;
    const family = placings.get(key)?.family ?? 'other';
    unplace(record);
    setExplanation(record, undefined);
    firing.delete(key);
    if (now > lastCleared) lastCleared = now;
    const others = (cleared.get(alert.subject) ?? []).filter((c) => c.alert.key !== key);
    cleared.set(alert.subject, [...others, { alert, family, clearedAt: now }]);
  }

  function forgetCleared(before: EpochMs): void {
    for (const [subject, causes] of cleared) {
      const kept = causes.filter((cause) => cause.clearedAt >= before);
      if (kept.length === 0) cleared.delete(subject);
      else if (kept.length < causes.length) cleared.set(subject, kept);
    }
  }

  for (const record of state?.firing ?? []) {
    const copy = { ...record };
    firing.set(copy.alert.key, copy);
    setExplanation(copy, copy.explanation);
  }
  for (const cause of state?.cleared ?? []) {
    if (cause.clearedAt > lastCleared) lastCleared = cause.clearedAt;
    cleared.set(cause.alert.subject, [...(cleared.get(cause.alert.subject) ?? []), cause]);
  }
  settle(initial, topology);

  return {
    settle,
    get: (key) => firing.get(key),
    fire,
    remove,
    on: (subject) => lists.get(topology.canonical(subject)) ?? NONE,
    dependentsOf: (subject) => [...(dependents.get(subject) ?? [])],
    setExplanation,
    childrenOf: (key) => [...(children.get(key) ?? [])].sort((a, b) => a.serial - b.serial),
    clearedOn: (subject) => cleared.get(subject) ?? [],
    hasClearedSince: (since) => lastCleared >= since,
    hasCleared: () => cleared.size > 0,
    forgetCleared,
    familyOf: (record) => placings.get(record.alert.key)?.family ?? 'other',
    ruleOf: (record) => placings.get(record.alert.key)?.rule,
    slotsOf: (record) => placings.get(record.alert.key)?.slots ?? [],
    ofFamily: (family) => [...(byFamily.get(family) ?? [])],
    linkOutages: () => outages,
    isSilent: (agent) => silent.has(agent),
    all: () => firing.values(),
    isEmpty: () => firing.size === 0,
    snapshot: () => ({
      nextSerial,
      firing: [...firing.values()].map((record) => ({ ...record })),
      cleared: [...cleared.values()].flat(),
    }),
  };
}
