import type { AgentId } from '../../protocol/model/subject.ts';
import { type EpochMs, seconds } from '../../protocol/model/units.ts';
import type { FiringAlert } from '../correlate/alert-book.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentRecord } from './incident-record.ts';

/** An answer so soon after an onset may belong to an echo that was sent before it. */
const CONTRADICTION_AFTER = seconds(5);
/** Two rounds: so long another agent must go on reaching what is said to be down. */
const CONTRADICTION_LASTS = seconds(10);
/**
 * Another agent goes on reaching what this one calls down: said, and the finding trusted less. One
 * answer is not enough: on the way back agents see the return one after the other.
 */
export function contradict(
  firing: FiringAlert,
  agent: AgentId,
  at: EpochMs,
  incidents: IncidentBook,
): void {
  const incident = incidents.get(firing.incident);
  const isRoot = incident?.root.key === firing.alert.key && incident.family === 'unreachable';
  if (incident === undefined || !isRoot) return;
  if (agent === firing.alert.agent) delete incident.doubtedSince;
  else if (at > firing.alert.evidence.onsetAt + CONTRADICTION_AFTER) {
    doubt(incident, agent, at, incidents);
  }
}

function doubt(
  incident: IncidentRecord,
  agent: AgentId,
  at: EpochMs,
  incidents: IncidentBook,
): void {
  incident.doubtedSince ??= at;
  const isLasting = at >= incident.doubtedSince + CONTRADICTION_LASTS;
  if (!isLasting || incident.contradictedBy.includes(agent)) return;
  incident.contradictedBy = [...incident.contradictedBy, agent].sort();
  incidents.touch(incident);
}
