import type { Evidence } from '../../protocol/model/alert.ts';
import type { Fact, IncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { AlertView, IncidentDetail, TimelineEntry } from '../../protocol/wire/views.ts';
import type { DeliveryView } from '../ports/show.ts';
import type { StoredFact } from '../ports/store.ts';

/** A long incident has thousands of facts; the first and the newest tell its story. */
const MAX_ENTRIES = 400;

/**
 * What happened in an incident, oldest first, in plain sentences. Pure: the same facts and
 * deliveries give the same text.
 */
export function buildTimeline(
  incident: Incident,
  facts: readonly StoredFact[],
  deliveries: readonly DeliveryView[],
): readonly TimelineEntry[] {
  const entries = [
    ...onset(incident, facts),
    ...facts.flatMap(({ fact }) => entryOf(fact, incident)),
    ...deliveries.flatMap(deliveryEntries),
  ].sort((a, b) => a.at - b.at);
  if (entries.length <= MAX_ENTRIES) return entries;
  const head = entries.slice(0, MAX_ENTRIES / 2);
  const tail = entries.slice(-MAX_ENTRIES / 2 + 1);
  const cut = entries.length - head.length - tail.length;
  const at = head.at(-1)?.at ?? epochMs(0);
  return [
    ...head,
    { at, kind: 'shortened', text: `${cut} more entries are left out here.` },
    ...tail,
  ];
}

/** Figures of the root's alert: which limit was crossed, by how much. */
export function decidingEvidence(
  incident: Incident,
  facts: readonly StoredFact[],
): Evidence | undefined {
  for (const { fact } of facts) {
    if (fact.kind === 'alert.fired' && fact.alert.key === incident.root.alert)
      return fact.alert.evidence;
  }
  return undefined;
}

/** The incident's alerts as they fired last, its root's first. */
export function alertsOf(incident: Incident, facts: readonly StoredFact[]): readonly AlertView[] {
  const alerts = new Map<string, AlertView>();
  for (const { fact } of facts) {
    if (fact.kind === 'alert.fired') {
      const { key, rule, subject, firedAt, evidence } = fact.alert;
      alerts.set(key, { key, rule, subject, firedAt, evidence });
    }
    if (fact.kind !== 'alert.resolved') continue;
    const known = alerts.get(fact.alert);
    if (known !== undefined) alerts.set(fact.alert, { ...known, resolvedAt: fact.at });
  }
  const isRoot = (one: AlertView) => one.key === incident.root.alert;
  return [...alerts.values()].sort((a, b) => Number(isRoot(b)) - Number(isRoot(a)));
}

/** Incidents that became part of this one, oldest first. */
export function absorbedBy(
  incident: Incident,
  facts: readonly StoredFact[],
): IncidentDetail['absorbed'] {
  return facts.flatMap(({ fact }) =>
    fact.kind === 'incident.merged' && fact.into === incident.id
      ? [{ id: fact.incident, title: fact.view.title, at: fact.at }]
      : [],
  );
}

function onset(incident: Incident, facts: readonly StoredFact[]): TimelineEntry[] {
  const at = decidingEvidence(incident, facts)?.onsetAt ?? incident.onsetAt;
  return [{ at, kind: 'onset', text: 'First sample of the trouble.' }];
}

function entryOf(fact: Fact, incident: Incident): TimelineEntry[] {
  const { at, kind } = fact;
  switch (fact.kind) {
    case 'alert.fired': {
      const isRoot = fact.alert.key === incident.root.alert;
      const what = `${fact.alert.rule} on ${words(fact.alert.subject)}`;
      return [
        {
          at,
          kind,
          text: `${isRoot ? 'Alert' : 'Further alert'} ${what}: ${fact.alert.evidence.text}`,
        },
      ];
    }
    case 'alert.resolved':
      return [{ at, kind, text: `Alert on ${words(fact.subject)} resolved: ${fact.because.text}` }];
    case 'alert.blind':
      return [
        {
          at,
          kind,
          text:
            fact.since === undefined
              ? `Samples of ${words(fact.subject)} arrive again.`
              : `No samples of ${words(fact.subject)} any more: nobody can see whether the trouble goes on.`,
        },
      ];
    case 'alert.flapping':
      return [
        { at, kind, text: `Alert on ${words(fact.subject)} is flapping: ${fact.because.text}` },
      ];
    case 'alert.suppressed':
      return [
        {
          at,
          kind,
          text: `No incident of its own for ${words(fact.subject)}: ${fact.because.text}`,
        },
      ];
    case 'subject.changed':
      return [{ at, kind, text: `${words(fact.subject)} is ${fact.health}: ${fact.because}` }];
    case 'device.restarted':
      return [
        {
          at,
          kind,
          text: `${words(fact.subject)} restarted ${Math.round(fact.uptime / 1000)} s earlier.`,
        },
      ];
    case 'level.changed':
    case 'limit.forecast':
    case 'service.changed':
      return [{ at, kind, text: fact.text }];
    case 'alert.fading':
    case 'subject.answered':
    case 'confirm.requested':
      return [];
    default:
      return incidentEntry(fact, incident.id);
  }
}

function incidentEntry(fact: IncidentFact, id: string): TimelineEntry[] {
  const { at, kind, view } = fact;
  // The engine's reasons name the step again ("opened: …"); the sentence has said it already.
  const because = fact.because.map((reason) => reason.text.replace(/^[a-z]+ed: /, '')).join('; ');
  const why = because === '' ? '' : ` Because: ${because}.`;
  const text =
    fact.incident === id
      ? incidentSentence(fact, why)
      : `Absorbed incident ${fact.incident}, "${view.title}".${why}`;
  if (kind === 'incident.updated' && !fact.material) {
    // Updates that nobody outside must hear of would drown the story, but for what a person decided.
    const decided = fact.because.filter((reason) => reason.kind === 'person');
    return decided.map((reason) => ({ at, kind: 'incident.decided', text: `${reason.text}.` }));
  }
  return [{ at, kind, text: text.replace(/\.\.$/, '.').replaceAll('.; ', '; ') || view.title }];
}

function incidentSentence({ kind, view, into }: IncidentFact, why: string): string {
  const { by = 'somebody', note } = view.acknowledged ?? {};
  switch (kind) {
    case 'incident.opened':
      return `Incident opened, priority ${view.priority}: ${view.title}.${why}`;
    case 'incident.updated':
      return `Now priority ${view.priority}, cause "${view.root.cause}", ${count(view.symptoms.length + (view.moreSymptoms?.count ?? 0), 'symptom')}.${why}`;
    case 'incident.acknowledged':
      return `Acknowledged by ${by}${note === undefined ? '' : `: ${note}`}.`;
    case 'incident.unacknowledged':
      return `The acknowledgement ended.${why}`;
    case 'incident.merged':
      return `Became part of incident ${into ?? 'another'}.${why}`;
    case 'incident.resolved':
      return `Resolved by the engine.${why}`;
    case 'incident.reopened':
      return `Opened again (${count(view.reopened, 'time')} so far).${why}`;
    case 'incident.closed':
      return `Closed by a person.${why}`;
  }
}

function deliveryEntries(delivery: DeliveryView): TimelineEntry[] {
  const { destination, type, createdAt, state, attempts, lastAnswer } = delivery;
  const message = type === 'test' ? 'test message' : `message "${type.replace('incident.', '')}"`;
  const made: TimelineEntry = {
    at: createdAt,
    kind: 'ticket.queued',
    text: `Ticket ${message} for ${destination} written to the outbox.`,
  };
  if (attempts === 0) return [made];
  const tries = attempts === 1 ? 'at the first attempt' : `after ${attempts} attempts`;
  const answer = lastAnswer === undefined ? '' : ` Answer: ${lastAnswer}`;
  return [made, { at: settled(delivery), kind: `ticket.${state}`, text: outcome() }];

  function outcome(): string {
    if (state === 'delivered') return `${destination} took the ${message} ${tries}.${answer}`;
    if (state === 'failed') return `${destination} did not take the ${message}, ${tries}.${answer}`;
    return `${destination} has not taken the ${message} yet (${count(attempts, 'attempt')}).${answer}`;
  }
}

/** A row does not say when it was settled unless the outbox does: not before it was due. */
const settled = (delivery: DeliveryView): EpochMs =>
  delivery.settledAt ??
  epochMs(Math.max(delivery.createdAt, delivery.state === 'delivered' ? delivery.notBefore : 0));

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

const words = (subject: string): string => subject.replace(':', ' ');
