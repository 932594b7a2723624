import type { Alert, AlertKey, Evidence, Severity } from '../../protocol/model/alert.ts';
import type { Fact, IncidentFactKind } from '../../protocol/model/fact.ts';
import type { HitService, Incident, Money, Priority } from '../../protocol/model/incident.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';

/** The least one must say about a made-up incident; the rest follows. */
export interface FakeIncident {
  readonly id: string;
  readonly title: string;
  readonly subject: SubjectKey;
  readonly site: string;
  readonly agent: string;
  readonly rule: string;
  readonly cause: string;
  readonly severity: Severity;
  readonly priority: Priority;
  readonly users: number;
  readonly confidence: number;
  readonly openedAt: number;
  readonly metric: 'stamp_loss_ratio' | 'stamp_rtt_ms';
  readonly limit: number;
  readonly observed: number;
  readonly text: string;
  readonly against?: string;
  readonly symptoms?: readonly (readonly [SubjectKey, string, string])[];
  readonly advice: readonly string[];
  readonly sites?: readonly string[];
  readonly services?: readonly HitService[];
  readonly costPerHour?: Money;
  readonly costSoFar?: Money;
  readonly usual?: Evidence['usual'];
}

export function fakeIncident(fake: FakeIncident): Incident {
  const alert: AlertKey = `${fake.rule}|${fake.subject}|${fake.agent}`;
  const onsetAt = epochMs(fake.openedAt - 20_000);
  const isOutage = fake.metric === 'stamp_loss_ratio' && fake.limit >= 1;
  const explained = (fake.symptoms ?? []).map(([subject, rule, text]) => ({
    alert: `${rule}|${subject}|${fake.agent}` as AlertKey,
    subject,
    rule,
    since: epochMs(onsetAt + 7_000),
    because: { kind: 'explained-by', alert, text } as const,
  }));
  return {
    id: fake.id,
    state: 'open',
    title: fake.title,
    subject: fake.subject,
    site: fake.site,
    root: {
      alert,
      subject: fake.subject,
      rule: fake.rule,
      cause: fake.cause,
      confidence: fake.confidence,
      because: [
        { kind: 'evidence', alert, text: fake.text },
        ...(explained.length === 0
          ? []
          : [
              {
                kind: 'explained-by',
                alert,
                text: `explains ${explained.length} of ${explained.length} alerts behind it`,
              } as const,
            ]),
        ...(fake.against === undefined
          ? []
          : [{ kind: 'no-data', since: onsetAt, text: fake.against } as const]),
      ],
    },
    symptoms: explained,
    severity: fake.severity,
    disturbance: isOutage ? 'outage' : 'degradation',
    impact: fake.priority <= 2 ? 'high' : 'medium',
    urgency: fake.priority === 1 ? 'high' : 'medium',
    priority: fake.priority,
    users: fake.users,
    ...(fake.sites && { sites: fake.sites }),
    ...(fake.services && { services: fake.services }),
    ...(fake.costPerHour && { costPerHour: fake.costPerHour }),
    ...(fake.costSoFar && { costSoFar: fake.costSoFar }),
    onsetAt,
    openedAt: epochMs(fake.openedAt),
    updatedAt: epochMs(fake.openedAt),
    deciding: seriesKey(fake.agent, fake.metric, fake.subject),
    advice: fake.advice,
    reopened: 0,
    because: [{ kind: 'evidence', alert, text: fake.text }],
  };
}

/** What detection and correlation would have said up to the opening. */
export function openingFacts(fake: FakeIncident): Fact[] {
  const incident = fakeIncident(fake);
  const evidence: Evidence = {
    metric: fake.metric,
    series: seriesKey(fake.agent, fake.metric, fake.subject),
    onsetAt: incident.onsetAt,
    observed: fake.observed,
    expected: fake.limit,
    ...(fake.usual && { usual: fake.usual, sureness: 0.97 }),
    heldFor: durationMs(20_000),
    text: fake.text,
  };
  const alert: Alert = {
    key: incident.root.alert,
    rule: fake.rule,
    subject: fake.subject,
    agent: fake.agent,
    site: fake.site,
    severity: fake.severity,
    disturbance: incident.disturbance,
    firedAt: incident.openedAt,
    evidence,
  };
  const at = incident.openedAt;
  const suppressed = incident.symptoms.map(
    ({ alert: key, subject, because }): Fact => ({
      kind: 'alert.suppressed',
      at,
      alert: key,
      subject,
      because,
    }),
  );
  const health = incident.disturbance === 'outage' ? 'down' : 'degraded';
  return [
    { kind: 'subject.changed', at, subject: fake.subject, health, because: fake.text },
    { kind: 'alert.fired', at: epochMs(at - 1_000), alert },
    incidentFact('incident.opened', incident, at),
    ...suppressed,
  ];
}

export const incidentFact = (kind: IncidentFactKind, view: Incident, at: EpochMs): Fact => ({
  kind,
  at,
  incident: view.id,
  view,
  because: view.because,
  material: true,
});
