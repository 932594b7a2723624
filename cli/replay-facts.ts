import { type Fact, isIncidentFact } from '../protocol/model/fact.ts';
import type { Incident } from '../protocol/model/incident.ts';
import { deviceOf } from '../protocol/model/subject.ts';

/** Fields that hold an instant; they are written as ISO 8601. */
const INSTANT = /^(at|since|until|[a-z]+At|blindSince)$/;

const toIso = (name: string, value: unknown): unknown =>
  typeof value === 'number' && INSTANT.test(name) ? new Date(value).toISOString() : value;

/** Facts that say nothing to people: healthy answers and probe requests. */
export const isTold = (fact: Fact): boolean =>
  fact.kind !== 'subject.answered' && fact.kind !== 'confirm.requested';

/** A fact as one JSON line; what it carries (alert, incident) is laid flat. */
export function factLine(fact: Fact): string {
  return JSON.stringify(flat(fact), toIso);
}

function flat(fact: Fact): object {
  if (isIncidentFact(fact)) {
    const { view, at, kind, incident, because, ...rest } = fact;
    const { id: _, because: __, ...shown } = view;
    return { at, kind, incident, ...shown, ...rest, because };
  }
  if (fact.kind !== 'alert.fired') return fact;
  const { alert, at, kind } = fact;
  const { key, ...shown } = alert;
  return { at, kind, alert: key, ...shown };
}

/** One line of `--changes`; times in epoch seconds. */
export interface ChangeLine {
  readonly type: 'change';
  readonly series: string;
  /** First sample of the new level. */
  readonly at: number;
  readonly reportedAt: number;
}

/**
 * The line of a change of level; undefined for every other fact.
 * @param seriesOf as of `createTicketBook`
 */
export function changeLine(
  fact: Fact,
  seriesOf: (subject: string) => string | undefined,
): ChangeLine | undefined {
  if (fact.kind !== 'level.changed') return undefined;
  const series = seriesOf(fact.subject) ?? fact.series;
  return { type: 'change', series, at: fact.since / 1000, reportedAt: fact.at / 1000 };
}

/** One line of `--tickets`; times in epoch seconds. */
export interface TicketLine {
  readonly series: string;
  readonly subject: string;
  /** The suspected root, or the device that it is a port of; absent for other subjects. */
  readonly device?: string;
  readonly openedAt: number;
  readonly resolvedAt: number | null;
  readonly priority: number;
}

/** Follows incidents and gives a line for each when it ends; reopening is a ticket of its own. */
export interface TicketBook {
  take(fact: Fact): TicketLine | undefined;
  /** What is still open when the input ends, oldest first. */
  rest(): TicketLine[];
}

/** @param seriesOf names the series of a subject: the file it came from, or the subject itself */
export function createTicketBook(seriesOf: (subject: string) => string | undefined): TicketBook {
  const open = new Map<string, { readonly since: number; view: Incident }>();

  function lineOf(since: number, view: Incident, resolvedAt: number | null): TicketLine {
    const device = deviceOf(view.subject);
    return {
      series: seriesOf(view.subject) ?? view.deciding ?? view.subject,
      subject: view.subject,
      ...(device !== undefined && { device }),
      openedAt: since / 1000,
      resolvedAt: resolvedAt === null ? null : resolvedAt / 1000,
      priority: view.priority,
    };
  }

  function take(fact: Fact): TicketLine | undefined {
    if (!isIncidentFact(fact)) return undefined;
    const { incident, view, at, kind } = fact;
    const known = open.get(incident);
    if (known !== undefined) known.view = view;
    if (kind === 'incident.opened' || kind === 'incident.reopened') {
      open.set(incident, { since: at, view });
      return undefined;
    }
    const hasEnded =
      kind === 'incident.resolved' || kind === 'incident.closed' || kind === 'incident.merged';
    if (!hasEnded || known === undefined) return undefined;
    open.delete(incident);
    return lineOf(known.since, view, at);
  }

  return {
    take,
    rest: () => [...open.values()].map(({ since, view }) => lineOf(since, view, null)),
  };
}
