import { FAULT_KINDS, type FaultKind } from '../lab/storm/faults.ts';
import type { FaultScore, StormScore } from '../lab/storm/score.ts';
import { type Fact, isIncidentFact } from '../protocol/model/fact.ts';
import type { Priority } from '../protocol/model/incident.ts';
import type { Figure } from './figure.ts';

/** Waits before a ticket leaves, ms, as the configuration has them by default. */
const OPEN_AFTER: { readonly [P in Priority]?: number } = { 1: 10_000, 2: 60_000, 3: 300_000 };

/** How many tickets would have left: the incidents that outlived the wait of their priority. */
export function sentTickets(facts: readonly Fact[]): number {
  const sent = new Set<string>();
  const byId = Map.groupBy(facts.filter(isIncidentFact), (fact) => fact.incident);
  for (const [id, own] of byId) {
    for (const [index, { view }] of own.entries()) {
      const wait = OPEN_AFTER[view.priority];
      const isLive = view.state === 'open' || view.state === 'acknowledged';
      const until = own[index + 1]?.at ?? Number.POSITIVE_INFINITY;
      if (isLive && wait !== undefined && view.openedAt + wait < until) sent.add(id);
    }
  }
  return sent.size;
}

/** Sums over storms, from which the figures are made. */
export interface Tally {
  storms: number;
  failed: number;
  tickets: number;
  sent: number;
  deserved: number;
  unexplained: number;
  onRecovery: number;
  samples: number;
  facts: number;
  listenedMs: number;
  readonly faults: FaultScore[];
}

export const createTally = (): Tally => ({
  storms: 0,
  failed: 0,
  tickets: 0,
  sent: 0,
  deserved: 0,
  unexplained: 0,
  onRecovery: 0,
  samples: 0,
  facts: 0,
  listenedMs: 0,
  faults: [],
});

export function add(
  tally: Tally,
  score: StormScore,
  result: {
    readonly facts: readonly Fact[];
    readonly samples: number;
    readonly listenedMs: number;
  },
): void {
  tally.storms += 1;
  tally.failed += score.wrongs.length > 0 ? 1 : 0;
  tally.tickets += score.tickets;
  tally.sent += sentTickets(result.facts);
  tally.deserved += score.deserved;
  tally.unexplained += score.unexplained;
  tally.onRecovery += score.onRecovery;
  tally.samples += result.samples;
  tally.facts += result.facts.length;
  tally.listenedMs += result.listenedMs;
  tally.faults.push(...score.faults);
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[
    Math.min(values.length - 1, Math.floor(values.length * share))
  ] ?? Number.NaN;

const shownOf = (faults: readonly FaultScore[]): FaultScore[] =>
  faults.filter(({ isShown }) => isShown);

const rightTimes = (faults: readonly FaultScore[]): number[] =>
  faults.flatMap(({ rightAfterMs }) => (rightAfterMs === undefined ? [] : [rightAfterMs / 1000]));

const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);

/** The budgets of design 5.5, over all storms. */
export function figuresOf(tally: Tally): Figure[] {
  const shown = shownOf(tally.faults);
  const missed = shown.filter(({ isFound }) => !isFound).length;
  const right = shown.filter(({ isRight }) => isRight);
  const times = rightTimes(right);
  const of = `${tally.storms} storms, ${shown.length} faults that show`;
  return [
    {
      name: `storm: tickets per true fault, ${of}`,
      figure: share(tally.tickets, tally.deserved),
      unit: 'tickets/fault',
      budget: 1.05,
      note: 'every incident ever opened counts; goal 1.00',
    },
    {
      name: 'storm: tickets that left, by the default openAfter',
      figure: share(tally.sent, tally.deserved),
      unit: 'tickets/fault',
    },
    { name: 'storm: missed faults', figure: missed, unit: 'faults', budget: 0 },
    {
      name: 'storm: right root',
      figure: share(right.length, shown.length),
      unit: 'of 1',
      budget: 0.95,
      budgetIs: 'at least',
    },
    {
      name: 'storm: time to the right root, median',
      figure: quantile(times, 0.5),
      unit: 's',
      budget: 15,
    },
    {
      name: 'storm: time to the right root, 95th percentile',
      figure: quantile(times, 0.95),
      unit: 's',
      budget: 60,
    },
    {
      name: 'storm: false tickets on recovery',
      figure: tally.onRecovery,
      unit: 'tickets',
      budget: 0,
    },
    { name: 'storm: tickets that no fault explains', figure: tally.unexplained, unit: 'tickets' },
    { name: 'storm: storms with anything wrong', figure: tally.failed, unit: 'storms' },
    {
      name: 'storm: facts through the whole engine',
      figure: (tally.facts / tally.listenedMs) * 1000,
      unit: 'facts/CPU-s',
      note: `${Math.round((tally.samples / tally.listenedMs) * 1000).toLocaleString('en')} samples in the same second of one core`,
    },
    ...FAULT_KINDS.map((kind) => kindFigure(tally, kind)),
  ];
}

function kindFigure({ faults }: Tally, kind: FaultKind): Figure {
  const own = faults.filter((fault) => fault.kind === kind);
  const shown = shownOf(own);
  const right = shown.filter(({ isRight }) => isRight);
  const missed = shown.filter(({ isFound }) => !isFound).length;
  const sum = (of: (fault: FaultScore) => number): number => own.reduce((n, f) => n + of(f), 0);
  const found = own.filter(({ isFound }) => isFound).length;
  const deserved = own.filter(({ isFound, isShown }) => isFound || isShown).length;
  const times = rightTimes(right);
  const tickets = found + sum(({ surplus }) => surplus) + sum((f) => f.surplusOnRecovery);
  const root = `${(100 * share(right.length, shown.length)).toFixed(1)} %`;
  const time = `${quantile(times, 0.5).toFixed(1)} s, ${quantile(times, 0.95).toFixed(1)} s`;
  return {
    name: `storm, ${kind}: tickets per fault`,
    figure: share(tickets, deserved),
    unit: 'tickets/fault',
    note: `${shown.length} show of ${own.length}; missed ${missed}; right root ${root} after ${time} (median, 95th); on recovery ${sum((f) => f.surplusOnRecovery)}`,
  };
}
