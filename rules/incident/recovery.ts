import type { EpochMs } from '../../protocol/model/units.ts';
import type { AlertBook, FiringAlert } from '../correlate/alert-book.ts';
import { isOutage } from '../correlate/family.ts';
import { COMMON_ROW } from '../correlate/fate-search.ts';
import type { HoldDown } from '../correlate/hold-down.ts';
import type { Silence } from '../correlate/silence.ts';
import type { Holding, Turn } from './holding.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentRecord } from './incident-record.ts';
import { isMistake } from './mistake.ts';
import type { People } from './people.ts';

/** What becomes of an incident and its symptoms when its root has cleared, or what they shared works again. */
export interface Recovery {
  /** The root has cleared: hands over, or lets its symptoms recover first. */
  rootCleared(incident: IncidentRecord, turn: Turn): void;
  /** A common cause is over for most of its circuits: the ticket ends, the rest goes its own way. */
  endCommonCause(incident: IncidentRecord, turn: Pick<Turn, 'at' | 'dirty'>): void;
  /** The alert may be an echo of the incident's root until `releaseAt`; absent = reckoned from its rule. */
  recover(
    firing: FiringAlert,
    incident: IncidentRecord,
    releaseAt: EpochMs | undefined,
    turn: Turn,
  ): void;
}

export interface RecoveryDeps {
  readonly book: AlertBook;
  readonly incidents: IncidentBook;
  readonly holdDown: HoldDown;
  readonly holding: Holding;
  readonly silence: Silence;
  readonly people: People;
  readonly homeOf: (firing: FiringAlert) => IncidentRecord | undefined;
}

export function createRecovery(deps: RecoveryDeps): Recovery {
  const { book, incidents, holdDown, holding, silence, people, homeOf } = deps;

  const liveOf = (incident: IncidentRecord): FiringAlert[] =>
    [...incident.live].flatMap((key) => book.get(key) ?? []).sort((a, b) => a.serial - b.serial);

  /**
   * What they shared works again, so its ticket ends; what still fails is told by itself. A router or
   * site that was soon seen to be well had been blamed wrongly: then the ticket goes on under another name.
   */
  function endCommonCause(
    incident: IncidentRecord,
    { at, dirty }: Pick<Turn, 'at' | 'dirty'>,
  ): void {
    const { verdict } = incident;
    const isWrong = verdict?.shared?.subject !== undefined && isMistake(incident, at.now);
    if (incident.takenOver !== undefined || incident.state === 'closed' || isWrong) return;
    if (verdict?.shared === undefined || liveOf(incident).some(people.hasPlaced)) return;
    for (const firing of liveOf(incident)) {
      incidents.leave(incident, firing.alert.key, at.now);
      delete firing.incident;
      if (firing.explanation !== undefined) firing.heldFrom = at.now;
      dirty.add(firing);
    }
    const text = `most circuits of ${verdict.shared.name} work again; what still fails is told by itself`;
    incident.isOutlasted = true;
    incidents.resolve(incident, at.now, { kind: 'cleared', text });
  }

  function recover(
    firing: FiringAlert,
    incident: IncidentRecord,
    releaseAt: EpochMs | undefined,
    turn: Turn,
  ): void {
    const clearedAt = incident.rootClearedAt ?? turn.at.now;
    firing.releaseAt = releaseAt ?? holdDown.echoUntil(firing, clearedAt);
    incident.recovering.add(firing.alert.key);
    holding.holdUntil(firing.alert.key, firing.releaseAt);
  }

  function rootCleared(incident: IncidentRecord, turn: Turn): void {
    const live = liveOf(incident);
    for (const firing of live) turn.dirty.add(firing);
    const kept = live.filter((firing) => homeOf(firing) === incident);
    const successor =
      kept.find(({ alert }) => !people.isRefused(alert.key, incident)) ??
      kept[0] ??
      live.find((firing) => isLedBy(firing, incident)) ??
      live.find((firing) => isSuccessor(firing, incident));
    if (successor !== undefined) {
      const isOneOfMany =
        successor.explanation?.row === COMMON_ROW || incident.verdict?.flood !== undefined;
      if (isOneOfMany && incident.verdict !== undefined) {
        successor.verdict = incident.verdict;
        book.setExplanation(successor, undefined);
      }
      incidents.takeOver(incident, successor, book.familyOf(successor));
      return;
    }
    incident.rootClearedAt = turn.at.now;
    for (const firing of live) letRecover(firing, incident, turn);
  }

  const isLedBy = ({ explanation }: FiringAlert, { root }: IncidentRecord): boolean =>
    explanation?.row === COMMON_ROW && explanation.by === root.key;

  /** What nobody can see goes its own way and does not keep the incident open. */
  function letRecover(firing: FiringAlert, incident: IncidentRecord, turn: Turn): void {
    const { now } = turn.at;
    if (firing.blindSince !== undefined) {
      incidents.leave(incident, firing.alert.key, now);
      delete firing.incident;
      firing.outlived = incident.id;
      return;
    }
    // What the root had let go before has been waiting already.
    recover(firing, incident, firing.explanation ? undefined : firing.releaseAt, turn);
    const { agent, subject } = firing.alert;
    if (silence.isSilent(agent)) return;
    holding.ask([{ agent, subject }], firing.releaseAt ?? now, turn);
  }

  /** Still down as another agent sees it, or bad already before it went down: the same trouble goes on. */
  function isSuccessor(firing: FiringAlert, incident: IncidentRecord): boolean {
    const isShared = incident.verdict?.shared !== undefined;
    if (isShared || firing.alert.subject !== incident.root.subject) return false;
    if (firing.blindSince !== undefined) return false;
    if (isOutage(book.familyOf(firing))) return true;
    return firing.alert.firedAt < incident.root.evidence.onsetAt;
  }

  return { rootCleared, endCommonCause, recover };
}
