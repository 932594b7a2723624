import { type Fact, type IncidentFact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { FaultKind } from './faults.ts';
import { STORM_START } from './run.ts';
import type { TrueFault } from './truth.ts';

/** What became of one true fault. */
export interface FaultScore {
  readonly kind: FaultKind;
  /** False = nobody could have seen it: neither found nor missed. */
  readonly isShown: boolean;
  readonly isFound: boolean;
  readonly isRight: boolean;
  /** From when it showed to the first moment from which the right root was told for good, ms. */
  readonly rightAfterMs?: number;
  /** Tickets that were opened because of it beyond the one it deserves. */
  readonly surplus: number;
  readonly surplusOnRecovery: number;
}

export interface StormScore {
  readonly tickets: number;
  /** Faults that deserve a ticket: those that showed, and hidden ones that were found all the same. */
  readonly deserved: number;
  readonly faults: readonly FaultScore[];
  /** Tickets that no fault explains. */
  readonly unexplained: number;
  readonly onRecovery: number;
  /** One line for each thing that went wrong. */
  readonly wrongs: readonly string[];
  /** One line for each fault whose right root was told late; no mistake, but worth a look. */
  readonly slow: readonly string[];
}

interface Told {
  readonly at: number;
  readonly view: Incident;
  readonly kind: IncidentFact['kind'];
}

/** One incident from its first fact to its last. Times in ms from the start of the storm. */
interface Ticket {
  readonly id: string;
  readonly openedAt: number;
  readonly endedAt: number;
  readonly told: readonly Told[];
}

/** After a fault is over its ticket may still change for so long, ms. */
const GRACE = 120_000;
/** What a round sent before the end says arrives so much later. */
const UNDER_WAY = 6_000;
const RECOVERY = 300_000;
/** The budget of the right root at the 95th percentile, ms. */
const SLOW = 60_000;

const LIVE: readonly Incident['state'][] = ['open', 'acknowledged'];

function ticketsOf(facts: readonly Fact[]): Ticket[] {
  // What late data found is in the record only: nobody ever got a ticket of it.
  const sent = facts.filter(isIncidentFact).filter(({ view }) => view.foundLater === undefined);
  const byId = Map.groupBy(sent, (fact) => fact.incident);
  return [...byId].map(([id, own]) => {
    const told = own.map(({ at, view, kind }) => ({ at: at - STORM_START, view, kind }));
    const ending = told.findLast(({ view }) => LIVE.includes(view.state));
    const endIndex = ending === undefined ? 0 : told.indexOf(ending) + 1;
    return {
      id,
      openedAt: told[0]?.at ?? 0,
      endedAt: told[endIndex]?.at ?? Number.POSITIVE_INFINITY,
      told,
    };
  });
}

function isRight(view: Incident, { fault, roots }: TrueFault): boolean {
  if (fault.kind === 'snmp-stopped' && !/snmp/i.test(`${view.root.rule} ${view.root.cause}`)) {
    return false;
  }
  if (fault.pop !== undefined) return namesPop(view, fault.pop, roots);
  return roots.has(view.subject) || roots.has(view.root.subject);
}

/** It names the point of presence, or lists every circuit that ends there. */
function namesPop(
  view: Incident,
  pop: { readonly name: string; readonly links: readonly string[] },
  roots: ReadonlySet<string>,
): boolean {
  if (view.title.includes(pop.name) || roots.has(view.subject)) return true;
  const listed = new Set<string>([view.subject, ...view.symptoms.map(({ subject }) => subject)]);
  return pop.links.every((link) => listed.has(link));
}

/** The last thing told by `at`, or the first thing at all. */
const toldBy = (ticket: Ticket, at: number): Told =>
  ticket.told.findLast((one) => one.at <= at) ?? (ticket.told[0] as Told);

/** Since when the right root has been told without a break, as of the last moment that it showed. */
function rightSince(ticket: Ticket, truth: TrueFault): number | undefined {
  const judged = toldBy(ticket, truth.shownUntil);
  if (!isRight(judged.view, truth)) return undefined;
  let since = judged.at;
  for (let i = ticket.told.indexOf(judged); i >= 0; i--) {
    const told = ticket.told[i] as Told;
    if (!isRight(told.view, truth)) break;
    since = told.at;
  }
  return since;
}

const concerns = (ticket: Ticket, { fault }: TrueFault): boolean =>
  ticket.openedAt <= fault.until + GRACE && ticket.endedAt >= fault.from;

/**
 * Pairs tickets with faults, one with one: the right ones first, then those that are near. A fault
 * that nobody can see has no claim to the ticket of one that shows.
 */
function pairUp(tickets: readonly Ticket[], all: readonly TrueFault[]): Map<TrueFault, Ticket> {
  const pairs = new Map<TrueFault, Ticket>();
  const isShown = ({ shownFrom }: TrueFault): boolean => shownFrom !== undefined;
  const truths = [...all.filter(isShown), ...all.filter((truth) => !isShown(truth))];
  const taken = new Set<Ticket>();
  const passes: ((ticket: Ticket, truth: TrueFault) => boolean)[] = [
    (ticket, truth) => rightSince(ticket, truth) !== undefined,
    (ticket, truth) => ticket.told.some(({ view }) => isRight(view, truth)),
    (ticket, truth) =>
      truth.shownFrom !== undefined &&
      ticket.openedAt >= truth.fault.from &&
      truth.footprint.has(ticket.told[0]?.view.subject ?? ''),
  ];
  for (const fits of passes) {
    for (const truth of truths) {
      if (pairs.has(truth)) continue;
      const found = tickets.find((t) => !taken.has(t) && concerns(t, truth) && fits(t, truth));
      if (found === undefined) continue;
      taken.add(found);
      pairs.set(truth, found);
    }
  }
  return pairs;
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

const nameOf = ({ fault }: TrueFault): string => `${fault.kind} ${fault.what}`;

/** @param facts of the whole storm, in order */
export function scoreStorm(truths: readonly TrueFault[], facts: readonly Fact[]): StormScore {
  const tickets = ticketsOf(facts);
  const pairs = pairUp(tickets, truths);
  const wrongs: string[] = [];
  const surplus = new Map<TrueFault, { during: number; after: number }>();
  const paired = new Set(pairs.values());
  let unexplained = 0;
  let onRecovery = 0;

  function blame(at: number, subject: string, line: string): void {
    const of = truths.filter(({ footprint }) => footprint.has(subject));
    const during = of.find(({ fault }) => at >= fault.from && at <= fault.until);
    const after = of.findLast(({ fault }) => at > fault.until && at <= fault.until + RECOVERY);
    const blamed = during ?? after;
    const known = blamed && (surplus.get(blamed) ?? { during: 0, after: 0 });
    if (blamed === undefined || known === undefined) {
      unexplained += 1;
      wrongs.push(`unexplained: ${line}`);
      return;
    }
    surplus.set(blamed, known);
    if (blamed === during) {
      known.during += 1;
      wrongs.push(`surplus during ${nameOf(blamed)}: ${line}`);
      return;
    }
    known.after += 1;
    onRecovery += 1;
    wrongs.push(`on recovery of ${nameOf(blamed)}: ${line}`);
  }

  for (const ticket of tickets) {
    const first = ticket.told[0] as Told;
    if (!paired.has(ticket)) blame(first.at, first.view.subject, lineOf(first));
    for (const told of ticket.told) {
      const isEarned = truths.some(
        (truth) =>
          truth.footprint.has(told.view.subject) &&
          told.at >= truth.fault.from &&
          told.at <= truth.fault.until + UNDER_WAY,
      );
      if (told.kind !== 'incident.reopened' || isEarned) continue;
      onRecovery += 1;
      wrongs.push(`reopened though nothing fails: ${lineOf(told)}`);
    }
  }
  const faults = truths.map((truth) =>
    scoreFault(truth, pairs.get(truth), surplus.get(truth), wrongs),
  );
  return {
    tickets: tickets.length,
    deserved: faults.filter(({ isShown, isFound }) => isShown || isFound).length,
    faults,
    unexplained,
    onRecovery,
    wrongs,
    slow: faults.flatMap(({ rightAfterMs }, index) =>
      (rightAfterMs ?? 0) > SLOW
        ? [`right after ${seconds(rightAfterMs ?? 0)}: ${nameOf(truths[index] as TrueFault)}`]
        : [],
    ),
  };
}

const lineOf = ({ at, view }: Told): string =>
  `at ${seconds(at)} ${view.subject} "${view.title}" P${view.priority}`;

function scoreFault(
  truth: TrueFault,
  ticket: Ticket | undefined,
  surplus: { readonly during: number; readonly after: number } | undefined,
  wrongs: string[],
): FaultScore {
  const { fault, shownFrom } = truth;
  const isShown = shownFrom !== undefined;
  const since = ticket && rightSince(ticket, truth);
  const span = `(${seconds(fault.from)} to ${seconds(fault.until)})`;
  if (isShown && ticket === undefined) wrongs.push(`missed: ${nameOf(truth)} ${span}`);
  if (isShown && ticket !== undefined && since === undefined) {
    const { view } = toldBy(ticket, truth.shownUntil);
    wrongs.push(
      `wrong root: ${nameOf(truth)} ${span} was told as ${view.root.subject} "${view.title}"`,
    );
  }
  return {
    kind: fault.kind,
    isShown,
    isFound: ticket !== undefined,
    isRight: since !== undefined,
    ...(since === undefined
      ? {}
      : { rightAfterMs: Math.max(0, since - (shownFrom ?? fault.from)) }),
    surplus: surplus?.during ?? 0,
    surplusOnRecovery: surplus?.after ?? 0,
  };
}
