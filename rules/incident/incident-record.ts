import type { Alert, AlertKey, Disturbance, Reason, Severity } from '../../protocol/model/alert.ts';
import type {
  Acknowledgement,
  HitService,
  Incident,
  IncidentId,
  IncidentState,
  Priority,
  Symptom,
} from '../../protocol/model/incident.ts';
import type { Link } from '../../protocol/model/inventory.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { SilenceVerdict } from '../correlate/alert-book.ts';
import type { Family } from '../correlate/family.ts';
import type { Topology } from '../correlate/topology.ts';
import type { Rule } from '../settings.ts';
import {
  type Extent,
  extentOf,
  type Harm,
  priorityOf,
  type RootView,
  urgencyOf,
  weigh,
  worstOf,
} from './impact.ts';
import type { Business } from './services.ts';
import { matchSignature, type SignatureMatch } from './signature.ts';
import { listed } from './symptoms.ts';
import { causeOf, titleOf } from './wording.ts';

/** A symptom with the row of the explanation table that made it one. */
export interface SymptomRecord extends Symptom {
  readonly row: string;
  readonly severity: Severity;
  readonly disturbance: Disturbance;
}

/** An incident as the engine keeps it; plain data but for the maps, which snapshots unfold. */
export interface IncidentRecord {
  readonly serial: number;
  readonly id: IncidentId;
  state: IncidentState;
  /** The root alert as it fired; it outlives the alert's clearing. */
  root: Alert;
  family: Family;
  verdict?: SilenceVerdict;
  rootClearedAt?: EpochMs;
  clearedBecause?: Reason;
  /** Ended while its root went on as a trouble of its own: never reopened. */
  isOutlasted?: true;
  readonly symptoms: Map<AlertKey, SymptomRecord>;
  /** Firing alerts that belong to it, the root's included. */
  readonly live: Set<AlertKey>;
  /** Outages that outlive the root for now: the incident waits until they are re-probed. */
  readonly recovering: Set<AlertKey>;
  readonly openedAt: EpochMs;
  onsetAt: EpochMs;
  updatedAt: EpochMs;
  resolvedAt?: EpochMs;
  acknowledged?: Acknowledgement;
  takenOver?: NonNullable<Incident['takenOver']>;
  blindSince?: EpochMs;
  /** Since when others reach the root's subject and its own agent does not. */
  doubtedSince?: EpochMs;
  /** Agents that go on reaching it. */
  contradictedBy: readonly string[];
  mergedInto?: IncidentId;
  reopened: number;
  history: readonly Reason[];
  /** Kept from the last look while the root fired. */
  worst?: Harm;
  extent?: Extent;
  cause?: string;
  /** Services that suffered when the root was looked at last; they give the priority. */
  suffering?: readonly HitService[];
  /** What people outside were told last: a difference is a material update. */
  told?: string;
  /** Closed by a person at this priority: quiet unless it gets more urgent. */
  closedAtPriority?: Priority;
}

export const isOpen = ({ state }: Pick<IncidentRecord, 'state'>): boolean =>
  state === 'open' || state === 'acknowledged';

export type IncidentSnapshot = Omit<IncidentRecord, 'symptoms' | 'live' | 'recovering'> & {
  readonly symptoms: readonly (readonly [AlertKey, SymptomRecord])[];
  readonly live: readonly AlertKey[];
  readonly recovering: readonly AlertKey[];
};

export const toState = (record: IncidentRecord): IncidentSnapshot => ({
  ...record,
  symptoms: [...record.symptoms],
  live: [...record.live],
  recovering: [...record.recovering],
});

export const fromState = (state: IncidentSnapshot): IncidentRecord => ({
  ...state,
  symptoms: new Map(state.symptoms),
  live: new Set(state.live),
  recovering: new Set(state.recovering),
});

const HISTORY_HEAD = 5;
const HISTORY_MAX = 40;

/** Keeps the beginning and the newest reasons: a flapping incident must not grow for ever. */
export function remember(history: readonly Reason[], reason: Reason): readonly Reason[] {
  if (history.length < HISTORY_MAX) return [...history, reason];
  return [...history.slice(0, HISTORY_HEAD), ...history.slice(HISTORY_HEAD + 1), reason];
}

export interface ViewDeps {
  readonly topology: Topology;
  readonly ruleOf: (id: string) => Rule | undefined;
  /** What people are told of a rule, or of a trouble of Vedette's own. */
  readonly toldBy: (id: string) => Pick<Rule, 'cause' | 'advice'> | undefined;
  readonly isLinkDown: (link: Link) => boolean;
  /** What it does to the services, booked up to now. */
  readonly businessOf: (record: IncidentRecord) => Business;
}

const CONTRADICTED = 0.5;

function confidenceOf(record: IncidentRecord, signature: SignatureMatch): number {
  if (record.contradictedBy.length > 0) return CONTRADICTED;
  if (record.verdict !== undefined) return record.verdict.confidence;
  if (record.symptoms.size > 0 && signature.fits?.id !== 'route-change') return 0.9;
  return signature.fits?.confidence ?? 0.7;
}

function countByRule(symptoms: Iterable<SymptomRecord>): string {
  const counts = new Map<string, number>();
  for (const { rule } of symptoms) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return [...counts].map(([rule, n]) => `${n} ${rule}`).join(', ');
}

/** Evidence for and against the suspected root. */
function rootReasons(record: IncidentRecord, signature: SignatureMatch): Reason[] {
  const alert = record.root.key;
  const reasons: Reason[] = [{ kind: 'evidence', alert, text: record.root.evidence.text }];
  if (record.verdict !== undefined) {
    reasons.push({ kind: 'evidence', alert, text: record.verdict.text });
  } else if (record.contradictedBy.length === 0) reasons.push(...signature.reasons);
  if (record.symptoms.size > 0) {
    const text = `it explains ${countByRule(record.symptoms.values())}`;
    reasons.push({ kind: 'evidence', alert, text });
  }
  if (record.contradictedBy.length > 0) {
    const text = `against it: reached since by ${record.contradictedBy.join(', ')}`;
    reasons.push({ kind: 'evidence', alert, text });
  }
  return reasons;
}

function rootOf(record: IncidentRecord): RootView {
  const { root: alert, family, cause = 'trouble', verdict } = record;
  return { alert, family, cause, ...(verdict?.shared && { shared: verdict.shared }) };
}

/** Looks at the extent anew while the root fires; afterwards the last look stands. */
export function refresh(record: IncidentRecord, deps: ViewDeps): void {
  if (record.rootClearedAt !== undefined && record.extent !== undefined) return;
  const rows = new Set([...record.symptoms.values()].map((symptom) => symptom.row));
  record.worst = harmOf(record);
  record.cause = causeOf({
    subject: record.root.subject,
    family: record.family,
    rule: deps.toldBy(record.root.rule),
    verdict: record.verdict,
    rows,
    isContradicted: record.contradictedBy.length > 0,
    topology: deps.topology,
  });
  const root = rootOf(record);
  record.extent = extentOf(deps.topology, root, deps.isLinkDown);
  const { services } = deps.businessOf(record);
  record.suffering = services.filter(({ state }) => state === 'down' || state === 'degraded');
}

/**
 * A full line that loses packets is as bad as the loss: the worst of root and symptoms. It does not
 * fall again while the same root fires, or the priority would flutter with every symptom.
 */
function harmOf({ root, symptoms, worst }: IncidentRecord): Harm {
  const live = [...symptoms.values()].filter((symptom) => symptom.clearedAt === undefined);
  const { severity, disturbance } = worstOf([worst ?? root, root, ...live]);
  return { severity, disturbance };
}

/** What happened to it since it was opened, as far as it did. */
function lifeOf({ resolvedAt, acknowledged, takenOver, mergedInto, blindSince }: IncidentRecord) {
  return {
    ...(resolvedAt === undefined ? {} : { resolvedAt }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(takenOver === undefined ? {} : { takenOver }),
    ...(mergedInto === undefined ? {} : { mergedInto }),
    ...(blindSince === undefined ? {} : { blindSince }),
  };
}

/** The incident as facts carry it. Call `refresh` first. */
export function viewOf(record: IncidentRecord, deps: ViewDeps): Incident {
  const cause = record.cause ?? 'trouble';
  const root = rootOf(record);
  const extent = record.extent ?? extentOf(deps.topology, root, deps.isLinkDown);
  const harm = harmOf(record);
  const suffering = record.suffering ?? [];
  const { impact, urgency } = weigh(extent.impact, urgencyOf(cause, harm), suffering);
  const { services, costPerHour, costSoFar } = deps.businessOf(record);
  const silent = [...record.symptoms.values()].filter((s) => s.row === 'collector-cut-off').length;
  const site = deps.topology.siteOf(record.root.subject) ?? record.root.site;
  const signature = matchSignature(record, deps.ruleOf);
  const reasons = rootReasons(record, signature);
  const subject = root.shared?.subject ?? record.root.subject;
  return {
    id: record.id,
    state: record.state,
    title: titleOf(root, extent, deps.topology, silent + 1),
    subject,
    ...(site === undefined ? {} : { site }),
    root: {
      alert: record.root.key,
      subject,
      rule: record.root.rule,
      cause,
      confidence: confidenceOf(record, signature),
      because: reasons,
    },
    ...listed(record.symptoms),
    ...harm,
    impact,
    urgency,
    priority: priorityOf(impact, urgency),
    users: Math.max(extent.users, ...suffering.map(({ users }) => users)),
    ...(extent.sites.length > 0 && { sites: extent.sites }),
    ...(services.length > 0 && { services }),
    ...(costPerHour && { costPerHour }),
    ...(costSoFar && { costSoFar }),
    onsetAt: record.onsetAt,
    openedAt: record.openedAt,
    updatedAt: record.updatedAt,
    ...lifeOf(record),
    ...(record.root.evidence.series === undefined ? {} : { deciding: record.root.evidence.series }),
    advice: deps.toldBy(record.root.rule)?.advice ?? [],
    reopened: record.reopened,
    because: [...reasons, ...record.history],
  };
}

/** What people outside must hear of when it changes: root, cause, priority and extent. */
export const materialOf = (view: Incident): string =>
  [
    view.root.subject,
    view.root.cause,
    view.priority,
    view.impact,
    view.users,
    ...(view.services ?? []).map(({ id, state }) => `${id}=${state}`),
  ].join('|');
