import type { AlertKey, Reason } from '../../protocol/model/alert.ts';
import type { Command } from '../../protocol/model/command.ts';
import type { AlertBook, FiringAlert } from '../correlate/alert-book.ts';
import { isOutage } from '../correlate/family.ts';
import type { Turn } from './holding.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentRecord } from './incident-record.ts';
import type { People } from './people.ts';

export interface RegroupDeps {
  readonly book: AlertBook;
  readonly incidents: IncidentBook;
  readonly people: People;
}

type Regrouping = Extract<Command, { kind: 'merge' | 'split' | 'not-the-cause' }>;

export const isRegrouping = (command: Command): command is Regrouping =>
  command.kind === 'merge' || command.kind === 'split' || command.kind === 'not-the-cause';

const isOpen = (incident: IncidentRecord | undefined): incident is IncidentRecord =>
  incident?.state === 'open' || incident?.state === 'acknowledged';

/** A person sorts alerts into incidents; what cannot be done any more is left as it is. */
export function regroup(deps: RegroupDeps, command: Regrouping, turn: Turn): void {
  const incident = deps.incidents.get(command.incident);
  if (!isOpen(incident)) return;
  const says = `${command.by} says`;
  const note = command.note === undefined ? '' : `: ${command.note}`;
  const because = (text: string): Reason => ({
    kind: 'person',
    by: command.by,
    text: `${says} ${text}${note}`,
  });
  switch (command.kind) {
    case 'merge': {
      const into = deps.incidents.get(command.into);
      if (!isOpen(into) || into === incident) return;
      merge(deps, incident, into, because('that both are one trouble'), turn);
      return;
    }
    case 'split':
      split(deps, incident, command.alert, because('that it is a trouble of its own'), turn);
      return;
    case 'not-the-cause':
      refuse(deps, incident, command.alert, because('that the cause is another'), turn);
      return;
  }
}

const liveOf = ({ book }: RegroupDeps, incident: IncidentRecord): FiringAlert[] =>
  [...incident.live].flatMap((key) => book.get(key) ?? []).sort((a, b) => a.serial - b.serial);

function merge(
  deps: RegroupDeps,
  from: IncidentRecord,
  into: IncidentRecord,
  because: Reason,
  turn: Turn,
): void {
  const members = liveOf(deps, from);
  deps.people.join([...into.live, ...from.live], into.id);
  deps.incidents.merge(from, into, turn.at.now, because);
  deps.incidents.touch(into, because);
  for (const member of members) {
    delete member.incident;
    turn.dirty.add(member);
  }
}

function split(
  deps: RegroupDeps,
  incident: IncidentRecord,
  key: AlertKey,
  because: Reason,
  turn: Turn,
): void {
  const { book, incidents, people } = deps;
  const firing = book.get(key);
  if (firing === undefined || !incident.live.has(key)) return;
  if (incident.root.key === key && !handOver(deps, incident, key)) return;
  people.setApart(key);
  incidents.leave(incident, key, turn.at.now);
  incidents.touch(incident, because);
  delete firing.incident;
  delete firing.verdict;
  turn.dirty.add(firing);
  for (const child of book.childrenOf(key)) turn.dirty.add(child);
}

function refuse(
  deps: RegroupDeps,
  incident: IncidentRecord,
  key: AlertKey,
  because: Reason,
  turn: Turn,
): void {
  if (incident.root.key !== key) return;
  const { book, incidents, people } = deps;
  people.refuse(key, incident.id);
  const old = book.get(key);
  if (!handOver(deps, incident, key)) {
    incidents.touch(incident, because);
    return;
  }
  people.join(incident.live, incident.id);
  if (old !== undefined) incidents.join(incident, old);
  incidents.touch(incident, because);
  for (const firing of liveOf(deps, incident)) turn.dirty.add(firing);
}

/** The next likely root: what does not work goes before what works badly, the older before the newer. */
function handOver(deps: RegroupDeps, incident: IncidentRecord, from: AlertKey): boolean {
  const { book, incidents, people } = deps;
  const others = liveOf(deps, incident).filter(
    ({ alert }) => alert.key !== from && !people.isRefused(alert.key, incident),
  );
  const next = others.find((one) => isOutage(book.familyOf(one))) ?? others[0];
  if (next === undefined) return false;
  book.setExplanation(next, undefined);
  people.join(
    others.map(({ alert }) => alert.key),
    incident.id,
  );
  incidents.takeOver(incident, next, book.familyOf(next));
  return true;
}
