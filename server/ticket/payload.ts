import type { Incident } from '../../protocol/model/incident.ts';
import type { Inventory } from '../../protocol/model/inventory.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { TicketData, TicketMessage } from '../../protocol/wire/ticket-payload.ts';
import { type SubjectNames, subjectNames } from './names.ts';
import { type Measure, reasonsOf, type Telling } from './telling.ts';
import { ticketText } from './text.ts';
import { clip, plain } from './words.ts';

export interface MessageContext {
  readonly inventory: Inventory;
  /** Address of the page as people reach it, without a slash at the end. */
  readonly publicUrl?: string;
}

/** Standard Webhooks advises bodies under 20 kB; some receivers refuse more. */
export const MAX_BODY_BYTES = 20_000;

const MEASURES: readonly Measure[] = [
  { reasons: 20, symptoms: 40, advice: 10, sentence: 400, text: 8000 },
  { reasons: 10, symptoms: 20, advice: 6, sentence: 300, text: 5000 },
  { reasons: 5, symptoms: 8, advice: 4, sentence: 200, text: 3000 },
  { reasons: 3, symptoms: 3, advice: 3, sentence: 100, text: 1500 },
];

/** The message of one fact: complete in itself, at most MAX_BODY_BYTES as JSON. */
export function ticketMessage(telling: Telling, context: MessageContext): TicketMessage {
  let message = compose(telling, context, MEASURES[0] as Measure);
  for (const measure of MEASURES.slice(1)) {
    if (bytesOf(message) < MAX_BODY_BYTES) return message;
    message = compose(telling, context, measure);
  }
  return message;
}

const bytesOf = (message: TicketMessage): number => Buffer.byteLength(JSON.stringify(message));

const iso = (at: EpochMs): string => new Date(at).toISOString();

function compose(telling: Telling, context: MessageContext, measure: Measure): TicketMessage {
  const { fact, type } = telling;
  const incident = fact.view;
  const names = subjectNames(context.inventory);
  const site = incident.site === undefined ? undefined : names.site(incident.site);
  const url =
    context.publicUrl && `${context.publicUrl}/#/incidents/${encodeURIComponent(incident.id)}`;
  const short = (text: string): string => clip(plain(text), measure.sentence);
  const data: TicketData = {
    id: incident.id,
    state: fact.kind === 'incident.merged' ? 'resolved' : incident.state,
    title: clip(plain(incident.title), 250),
    subject: incident.subject,
    ...(incident.site === undefined
      ? {}
      : { site: { id: incident.site, name: short(site?.name ?? incident.site) } }),
    severity: incident.severity,
    impact: incident.impact,
    urgency: incident.urgency,
    priority: incident.priority,
    cause: short(incident.root.cause),
    confidence: incident.root.confidence,
    because: reasonsOf(incident)
      .slice(0, measure.reasons)
      .map((reason) => ({ ...reason, text: short(reason.text) })),
    symptoms: incident.symptoms.slice(0, measure.symptoms).map((symptom) => ({
      subject: symptom.subject,
      rule: symptom.rule,
      text: short(symptom.because.text),
    })),
    ...unlisted(incident, measure.symptoms),
    users: incident.users,
    ...businessOf(incident, names, measure.symptoms, short),
    advice: incident.advice.slice(0, measure.advice).map(short),
    onsetAt: iso(incident.onsetAt),
    openedAt: iso(incident.openedAt),
    ...resolvedAt(telling),
    text: clip(
      ticketText(telling, names, measure, url),
      measure.text,
      '\n[Cut here: the rest is on the page.]',
    ),
    ...(url ? { url } : {}),
  };
  return { type, timestamp: iso(fact.at), data };
}

/** Symptoms that the message does not list, because of its own bound or the incident's. */
function unlisted({ symptoms, moreSymptoms }: Incident, most: number) {
  const more = Math.max(0, symptoms.length - most) + (moreSymptoms?.count ?? 0);
  return more > 0 ? { moreSymptoms: more } : {};
}

/** Sites and services by name, and what their loss costs. */
function businessOf(
  { sites, services, costPerHour, costSoFar }: Incident,
  names: SubjectNames,
  most: number,
  short: (text: string) => string,
): Pick<TicketData, 'sites' | 'services' | 'costPerHour' | 'costSoFar'> {
  return {
    ...(sites && {
      sites: sites.slice(0, most).map((id) => ({ id, name: short(names.site(id)?.name ?? id) })),
    }),
    ...(services && {
      services: services
        .slice(0, most)
        .map(({ id, name, state, users, isOpen, costPerHour: cost, downFor }) => ({
          id,
          name: short(name),
          state,
          users,
          open: isOpen,
          ...(cost && { costPerHour: cost }),
          downSeconds: Math.round(downFor / 1000),
        })),
    }),
    ...(costPerHour && { costPerHour }),
    ...(costSoFar && { costSoFar }),
  };
}

function resolvedAt({ type, fact }: Telling): { resolvedAt?: string } {
  if (type !== 'incident.resolved') return {};
  return { resolvedAt: iso(fact.view.resolvedAt ?? fact.at) };
}
