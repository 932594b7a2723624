import type { IncidentFact } from '../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import { type EpochMs, hours } from '../../protocol/model/units.ts';
import type { IncidentView, TicketView } from '../../protocol/wire/views.ts';
import type { RevisedMap } from './revised-map.ts';

/** Incidents that the page lists: all open ones and those that ended lately. */
export interface IncidentBook {
  apply(fact: IncidentFact): void;
  restore(incidents: readonly Incident[]): void;
  ticketsChanged(incident: IncidentId): void;
  forgetOld(now: EpochMs): void;
  /** Open first, then the ended ones; each newest first. */
  sorted(): readonly IncidentView[];
}

const KEEP_ENDED = 20;
const KEEP_ENDED_FOR = hours(24);

export const isOpen = (incident: Incident): boolean =>
  incident.state === 'open' || incident.state === 'acknowledged';

const endedAt = (incident: Incident): EpochMs => incident.resolvedAt ?? incident.updatedAt;

export function createIncidentBook(
  tickets: (incident: IncidentId) => readonly TicketView[],
  shown: RevisedMap<IncidentView>,
): IncidentBook {
  const put = (incident: Incident) =>
    shown.set(incident.id, { ...incident, tickets: tickets(incident.id) });

  return {
    apply(fact) {
      // An absorbed incident lives on in the other one and would only be counted twice.
      if (fact.kind === 'incident.merged') shown.remove(fact.incident);
      else put(fact.view);
    },
    restore(incidents) {
      for (const incident of [...incidents].reverse()) {
        if (incident.mergedInto === undefined) put(incident);
      }
    },
    ticketsChanged(id) {
      const view = shown.get(id);
      if (view !== undefined) put(view);
    },
    forgetOld(now) {
      const ended = shown.values().filter((incident) => !isOpen(incident));
      if (ended.length === 0) return;
      const newestFirst = ended.sort((a, b) => endedAt(b) - endedAt(a));
      newestFirst.forEach((incident, rank) => {
        if (rank >= KEEP_ENDED || now - endedAt(incident) > KEEP_ENDED_FOR)
          shown.remove(incident.id);
      });
    },
    sorted: () =>
      [...shown.values()].sort(
        (a, b) => Number(isOpen(b)) - Number(isOpen(a)) || b.openedAt - a.openedAt,
      ),
  };
}
