import { STORM_START } from '../../lab/storm/run.ts';
import type { IncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { epochMs } from '../../protocol/model/units.ts';

/** An incident as simple as can be; times in ms from the start of the storm. */
export function incidentOf(id: string, subject: SubjectKey, at: number): Incident {
  const alert = `rule|${subject}|a` as const;
  const now = epochMs(STORM_START + at);
  return {
    id,
    state: 'open',
    title: `Trouble at ${subject}`,
    subject,
    root: { alert, subject, rule: 'rule', cause: 'trouble', confidence: 1, because: [] },
    symptoms: [],
    severity: 'critical',
    disturbance: 'outage',
    impact: 'high',
    urgency: 'high',
    priority: 1,
    users: 1,
    onsetAt: now,
    openedAt: now,
    updatedAt: now,
    advice: [],
    reopened: 0,
    because: [],
  };
}

export function incidentFact(
  kind: IncidentFact['kind'],
  at: number,
  view: Incident,
  more: Partial<Incident> = {},
): IncidentFact {
  return {
    kind,
    at: epochMs(STORM_START + at),
    incident: view.id,
    view: { ...view, ...more },
    because: [],
    material: true,
  };
}
