import type { Reason } from '../../protocol/model/alert.ts';
import type { IncidentFact } from '../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import type { TicketMessageType } from '../../protocol/wire/ticket-payload.ts';

/** The incident that absorbed this one, and its ticket if it has a number. */
export interface Survivor {
  readonly id: IncidentId;
  readonly title?: string;
  readonly ticket?: string;
}

/** What a message is made from. */
export interface Telling {
  readonly type: Exclude<TicketMessageType, 'test'>;
  readonly fact: IncidentFact;
  readonly survivor?: Survivor;
}

/** How much of an incident goes into one message; tightened until the body fits. */
export interface Measure {
  /** Reasons, symptoms and advice listed at most. */
  readonly reasons: number;
  readonly symptoms: number;
  readonly advice: number;
  /** Characters of one sentence, and of the whole text. */
  readonly sentence: number;
  readonly text: number;
}

/** Reasons of the root and of the incident, each once; "opened: …" only repeats what led there. */
export function reasonsOf(incident: Incident): readonly Reason[] {
  const seen = new Set<string>();
  return [...incident.root.because, ...incident.because].filter((reason) => {
    const words = reason.text.replace(/^opened: /i, '');
    const isNew = !seen.has(words);
    seen.add(words);
    return isNew;
  });
}
