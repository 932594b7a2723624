import type { AlertKey } from '../../protocol/model/alert.ts';
import type { IncidentId } from '../../protocol/model/incident.ts';
import type { Explanation, FiringAlert } from '../correlate/alert-book.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentRecord } from './incident-record.ts';

export const PERSON_ROW = 'person';

export interface PeopleState {
  readonly apart: readonly AlertKey[];
  readonly joined: readonly (readonly [AlertKey, IncidentId])[];
  readonly refused: readonly (readonly [AlertKey, IncidentId])[];
}

/**
 * What people decided about alerts (design 6.13). The engine never undoes it: it is asked for every
 * explanation, and what it says goes before what the topology says.
 */
export interface People {
  /** The alert is a trouble of its own, whatever explains it. */
  setApart(key: AlertKey): void;
  /** The alerts belong to the incident, as long as that is open. */
  join(keys: Iterable<AlertKey>, incident: IncidentId): void;
  /** The alert is not the cause of the incident and is not proposed again. */
  refuse(key: AlertKey, incident: IncidentId): void;
  isApart(key: AlertKey): boolean;
  isRefused(key: AlertKey, incident: IncidentRecord): boolean;
  /** The open incident to which a person put the alert. */
  homeOf(key: AlertKey): IncidentRecord | undefined;
  /** A person has placed the alert, so no grouping of the engine may take it. */
  hasPlaced(firing: FiringAlert): boolean;
  /** What explains the alert when the engine would say `found`. */
  overrule(firing: FiringAlert, found: Explanation | undefined): Explanation | undefined;
  snapshot(): PeopleState;
}

/** The oldest decisions are dropped beyond this: no person makes so many in the life of an incident. */
const MOST = 10_000;

/** @param text why alerts are where they were put, for people */
export function createPeople(
  incidents: () => IncidentBook,
  text: string,
  state?: PeopleState,
): People {
  const apart = new Set<AlertKey>(state?.apart);
  const joined = new Map<AlertKey, IncidentId>(state?.joined);
  const refused = new Map<AlertKey, IncidentId>(state?.refused);

  function bound(decisions: Set<AlertKey> | Map<AlertKey, IncidentId>): void {
    for (const key of decisions.keys()) {
      if (decisions.size <= MOST) return;
      decisions.delete(key);
    }
  }

  /** Follows merges; undefined when it is over. */
  function homeOf(key: AlertKey): IncidentRecord | undefined {
    let incident = incidents().get(joined.get(key));
    for (let hops = 0; incident?.mergedInto !== undefined && hops < MOST; hops++) {
      incident = incidents().get(incident.mergedInto);
    }
    const isOpen = incident?.state === 'open' || incident?.state === 'acknowledged';
    return isOpen ? incident : undefined;
  }

  function overrule(firing: FiringAlert, found: Explanation | undefined): Explanation | undefined {
    const { key } = firing.alert;
    if (apart.has(key)) return undefined;
    const home = homeOf(key);
    if (home === undefined) return found;
    if (home.root.key === key) {
      // Whatever else was put into the same incident cannot be its cause: a person chose this one.
      return found !== undefined && homeOf(found.by) === home ? undefined : found;
    }
    return { by: home.root.key, row: PERSON_ROW, text };
  }

  return {
    setApart(key) {
      joined.delete(key);
      apart.add(key);
      bound(apart);
    },
    join(keys, incident) {
      for (const key of keys) {
        apart.delete(key);
        joined.delete(key);
        joined.set(key, incident);
      }
      bound(joined);
    },
    refuse(key, incident) {
      refused.set(key, incident);
      bound(refused);
    },
    isApart: (key) => apart.has(key),
    isRefused: (key, incident) => refused.get(key) === incident.id,
    homeOf,
    hasPlaced: ({ alert }) => apart.has(alert.key) || homeOf(alert.key) !== undefined,
    overrule,
    snapshot: () => ({ apart: [...apart], joined: [...joined], refused: [...refused] }),
  };
}
