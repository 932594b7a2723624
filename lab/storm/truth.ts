import type { Fault, FaultKind } from './faults.ts';
import type { StormCircuit, StormNetwork } from './network.ts';
import { createObserver, type Observer } from './observation.ts';
import type { StormPlan } from './plan.ts';
import type { Effect } from './state.ts';

/** What was really wrong, as far as anybody could have known. Times in ms from the start. */
export interface TrueFault {
  readonly fault: Fault;
  /**
   * When it first shows for long enough to be found; absent = it never does: what the collector
   * hears would be the same without it, because another fault hides it, or only for moments; or would
   * be the same had the one before it lasted as long.
   */
  readonly shownFrom?: number;
  /** The last moment at which it still made a difference. */
  readonly shownUntil: number;
  /**
   * Subjects that a ticket may name: its own, and those of faults that look the same to everybody,
   * alone or beside the others that were there while it showed.
   */
  readonly roots: ReadonlySet<string>;
  /** Whatever changes because of it when it is alone. */
  readonly footprint: ReadonlySet<string>;
}

/** A fault must show this long without a break to be one that should be found, ms. */
const SHOWS_FOR: Record<FaultKind, number> = {
  'circuit-cut': 30_000,
  'device-off': 30_000,
  'site-power': 30_000,
  'pop-outage': 30_000,
  'circuit-loss': 75_000,
  congestion: 150_000,
  'hub-router-down': 30_000,
  'agent-stopped': 30_000,
  'interface-down': 30_000,
  'snmp-stopped': 150_000,
};

/** What these hide or mimic is looked for; the others resemble nothing else. */
const OUTAGES: readonly FaultKind[] = [
  'circuit-cut',
  'device-off',
  'site-power',
  'pop-outage',
  'hub-router-down',
  'interface-down',
  'agent-stopped',
];

interface Span {
  readonly from: number;
  readonly until: number;
  readonly active: readonly Fault[];
}

/** Finds out by leaving each fault out in turn, at every moment at which the set of faults changes. */
export function truthOf(plan: StormPlan): TrueFault[] {
  const observer = createObserver(plan);
  const spans = spansOf(plan.faults);
  const whole = spans.map(({ active }) => observer.see(effectsOf(active)));
  const calm = observer.see([]);
  const truths = plan.faults.map((fault): TrueFault => {
    const shown = shownSpans(fault, spans, whole, observer);
    const long = shown.find(({ from, until }) => until - from >= SHOWS_FOR[fault.kind]);
    const seen = observer.see(fault.effects);
    const footprint = observer.difference(calm, seen);
    for (const subject of observer.difference(calm, observer.seeAtOnce(fault.effects))) {
      footprint.add(subject);
    }
    for (const root of [...fault.roots, ...(fault.pop?.links ?? [])]) footprint.add(root);
    addPlaces(plan.network, footprint);
    return {
      fault,
      ...(long === undefined ? {} : { shownFrom: long.from }),
      shownUntil: long?.until ?? fault.until,
      roots: new Set([
        ...fault.roots,
        ...doubles(plan, fault, contextsOf(fault, long, spans), observer),
      ]),
      footprint,
    };
  });
  return truths.map((truth) => {
    const isContinuation = truths.some((one) => continues(truth, one, spans, whole, observer));
    if (!isContinuation) return truth;
    const { shownFrom: _, ...hidden } = truth;
    return hidden;
  });
}

/** Nobody can tell the later fault from the earlier one's lasting until the later one ends. */
function continues(
  { fault: later, shownFrom }: TrueFault,
  { fault: earlier, roots }: TrueFault,
  spans: readonly Span[],
  whole: readonly Uint8Array[],
  observer: Observer,
): boolean {
  const isNext = earlier.from < later.from && later.from <= earlier.until;
  if (shownFrom === undefined || !isNext || earlier.until >= later.until) return false;
  if (![earlier, later].every(({ kind }) => OUTAGES.includes(kind))) return false;
  if (!later.roots.some((root) => roots.has(root))) return false;
  return spans.every(({ from, active }, index) => {
    if (from < later.from || from >= later.until) return true;
    const others = active.filter((fault) => fault !== later && fault !== earlier);
    const lasting = observer.see(effectsOf([...others, earlier]));
    return observer.isSame(lasting, whole[index] as Uint8Array);
  });
}

const effectsOf = (faults: readonly Fault[]): Effect[] => faults.flatMap((fault) => fault.effects);

function spansOf(faults: readonly Fault[]): Span[] {
  const times = [...new Set(faults.flatMap(({ from, until }) => [from, until]))].sort(
    (a, b) => a - b,
  );
  return times.slice(0, -1).map((from, index) => ({
    from,
    until: times[index + 1] as number,
    active: faults.filter((fault) => fault.from <= from && fault.until > from),
  }));
}

function shownSpans(
  fault: Fault,
  spans: readonly Span[],
  whole: readonly Uint8Array[],
  observer: Observer,
): { from: number; until: number }[] {
  const shown: { from: number; until: number }[] = [];
  for (const [index, { from, until, active }] of spans.entries()) {
    if (!active.includes(fault)) continue;
    const without = observer.see(effectsOf(active.filter((other) => other !== fault)));
    // A port that is down beside a dead neighbour tells of one fault, not of two.
    const compare = OUTAGES.includes(fault.kind) ? observer.reachesSame : observer.isSame;
    if (compare(without, whole[index] as Uint8Array)) continue;
    const last = shown.at(-1);
    if (last?.until === from) last.until = until;
    else shown.push({ from, until });
  }
  return shown;
}

/** The sites of touched devices and circuits, and the ports at the ends of those circuits. */
function addPlaces({ circuits, nodes, sites }: StormNetwork, footprint: Set<string>): void {
  for (const { link } of circuits) {
    if (!footprint.has(`link:${link.id}`)) continue;
    footprint.add(`site:${link.site}`);
    for (const end of link.ends) footprint.add(`interface:${end.device}/${end.interface}`);
  }
  for (const { id, site } of nodes) {
    if (footprint.has(`device:${id}`)) footprint.add(`site:${sites[site]?.site.id}`);
  }
}

/** The other faults beside which it showed, one set for each span. */
function contextsOf(
  fault: Fault,
  shown: { readonly from: number; readonly until: number } | undefined,
  spans: readonly Span[],
): Effect[][] {
  if (shown === undefined) return [];
  return spans
    .filter(({ from, until }) => from >= shown.from && until <= shown.until)
    .map(({ active }) => effectsOf(active.filter((other) => other !== fault)));
}

/** Roots of other faults that everybody would see exactly as this one: alone, or all the time it showed. */
function doubles(
  plan: StormPlan,
  fault: Fault,
  contexts: readonly Effect[][],
  observer: Observer,
): string[] {
  if (!OUTAGES.includes(fault.kind)) return [];
  const areSame = (beside: readonly Effect[], effects: readonly Effect[]): boolean =>
    observer.isSame(
      observer.see([...beside, ...fault.effects]),
      observer.see([...beside, ...effects]),
    );
  return candidates(plan, fault)
    .filter(
      ({ effects }) =>
        areSame([], effects) ||
        (contexts.length > 0 && contexts.every((beside) => areSame(beside, effects))),
    )
    .flatMap(({ roots }) => roots);
}

interface Candidate {
  readonly roots: readonly string[];
  readonly effects: readonly Effect[];
}

/**
 * The circuits that end at what the fault broke, the devices at their ends, the sites of those; and an
 * agent with the switch that it is plugged into.
 */
function candidates({ network }: StormPlan, fault: Fault): Candidate[] {
  const near = network.circuits.filter((circuit) => touches(fault, circuit));
  const nodes = new Set(near.flatMap((circuit) => [circuit.near, circuit.far]));
  const sites = new Set([...nodes].map((node) => network.nodes[node]?.site ?? -1));
  const circuits = near.map(
    ({ link, edge }): Candidate => ({
      roots: [`link:${link.id}`, ...link.ends.map((e) => `interface:${e.device}/${e.interface}`)],
      effects: [{ kind: 'edge-down', edge: edge ?? -1 }],
    }),
  );
  const devices = [...nodes].map(
    (node): Candidate => ({
      roots: [`device:${network.nodes[node]?.id}`],
      effects: [{ kind: 'node-down', node }],
    }),
  );
  const branches = [...sites].flatMap((number) => network.sites[number] ?? []);
  const dark = branches
    // Where the collector lives there is nobody left to tell of the dark.
    .filter(({ nodes: own }) => !own.includes(network.collector))
    .map(({ site, nodes: own, agent }): Candidate => {
      const effects = own.map((node): Effect => ({ kind: 'node-down', node }));
      if (agent !== undefined) effects.push({ kind: 'agent-down', agent });
      return { roots: [`site:${site.id}`], effects };
    });
  return [...circuits, ...devices, ...dark, ...watchers(network, fault)];
}

function watchers({ agents, nodes }: StormNetwork, fault: Fault): Candidate[] {
  const isHit = (agent: number, at: number): boolean =>
    fault.effects.some(
      (effect) =>
        (effect.kind === 'agent-down' && effect.agent === agent) ||
        (effect.kind === 'node-down' && effect.node === at),
    );
  return agents.flatMap(({ id, at }, agent): Candidate[] =>
    isHit(agent, at)
      ? [
          { roots: [`agent:${id}`], effects: [{ kind: 'agent-down', agent }] },
          { roots: [`device:${nodes[at]?.id}`], effects: [{ kind: 'node-down', node: at }] },
        ]
      : [],
  );
}

/** Whether a circuit is, or ends at, what the fault broke. */
const touches = (fault: Fault, { edge, near, far }: StormCircuit): boolean =>
  edge !== undefined &&
  fault.effects.some(
    (effect) =>
      (effect.kind === 'edge-down' && effect.edge === edge) ||
      (effect.kind === 'node-down' && (effect.node === near || effect.node === far)),
  );
