import { type Fact, isIncidentFact } from '../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../protocol/model/incident.ts';
import type { MetricName } from '../protocol/model/metrics.ts';
import type { Sample } from '../protocol/model/sample.ts';
import type { AgentId } from '../protocol/model/subject.ts';
import { type EpochMs, epochMs, later, minutes, seconds } from '../protocol/model/units.ts';
import type { FoundOutage, NetworkEngine, SiteEngine, Snapshot } from './contract.ts';
import { isTrend, type SiteFact } from './detect/sink.ts';
import { outageSettingsOf } from './late-settings.ts';
import { createNetworkEngine } from './network-engine.ts';
import type { EngineSettings } from './settings.ts';
import { createSiteEngine } from './site-engine.ts';

/**
 * What late samples say of the past (design 6.8). Each agent's late samples run in their own time
 * through engines of their own, which know outages only; nothing of it touches the engines of now,
 * so late data can never page, and never keep a page back.
 *
 *   late samples ─▶ engines of that time ─▶ incident over ─▶ known for a minute ─▶ found outage
 *                                           no more samples, still failing ───────▶ found outage
 */
export interface LateData {
  /** Samples of one agent, in the order in which its spool gives them. Tells nothing at once. */
  observe(agent: AgentId, samples: readonly Sample[], now: EpochMs): void;
  /** Outages of the past that are known whole by now. */
  tick(now: EpochMs): readonly FoundOutage[];
  /** Nothing waits for a tick. */
  isIdle(): boolean;
  /** What was found so far; later samples are judged by the new settings from the beginning. */
  configure(settings: EngineSettings): readonly FoundOutage[];
  snapshot(): LateDataState;
}

interface Known {
  readonly view: Incident;
  /** When it was last heard of, by the clock of now. */
  readonly at: EpochMs;
}

/** The past as one agent's late samples tell it. */
interface Retrospect {
  readonly agent: AgentId;
  readonly settings: EngineSettings;
  readonly site: SiteEngine;
  /** Made at the first alert: a gap in which nothing failed needs none. */
  network: NetworkEngine | undefined;
  /** Its now: the newest late sample. */
  clock: EpochMs;
  inputs: number;
  heardAt: EpochMs;
  readonly incidents: Map<IncidentId, Known>;
}

export interface LateDataState {
  readonly loose: readonly FoundOutage[];
  readonly retrospects: readonly (readonly [
    AgentId,
    {
      readonly site: Snapshot;
      readonly network?: Snapshot;
      readonly clock: EpochMs;
      readonly inputs: number;
      readonly heardAt: EpochMs;
      readonly incidents: readonly (readonly [IncidentId, Known])[];
    },
  ])[];
}

/** All that outages are judged by; the rest of a spool is for the history only. */
const METRICS: ReadonlySet<MetricName> = new Set<MetricName>([
  'icmp_loss_ratio',
  'icmp_confirm_loss_ratio',
  'stamp_loss_ratio',
  'stamp_confirm_loss_ratio',
  'snmp_answered',
  'device_uptime_ticks',
  'device_engine_boots',
  'if_admin_up',
  'if_oper_up',
]);

/** The backlog comes twice a second: so long without it, it is over, and live data had time to settle. */
const SETTLED_AFTER = seconds(60);
/** A batch may hold minutes; they are seen one after the other, as they would have been then. */
const SLICE = seconds(5);
/** What is of a time to come is of a clock gone wrong. */
const AHEAD = minutes(1);
/** Nothing is known across a longer hole; also bounds the ticks that one batch can cause. */
const LONGEST_HOLE = minutes(5);
/** Found outages that wait for an agent; more are told at once. */
const MOST_WAITING = 200;
const SECOND = 1000;

export function createLateData(initial: EngineSettings, state?: LateDataState): LateData {
  let settings = initial;
  const retrospects = new Map<AgentId, Retrospect>();
  /** Of holes and new settings: told at the next tick. */
  let loose: FoundOutage[] = [...(state?.loose ?? [])];
  for (const [agent, saved] of state?.retrospects ?? []) {
    const narrow = outageSettingsOf(settings, agent);
    const { site, network, incidents, ...rest } = saved;
    retrospects.set(agent, {
      ...rest,
      agent,
      settings: narrow,
      site: createSiteEngine(narrow, site),
      network: network === undefined ? undefined : createNetworkEngine(narrow, network),
      incidents: new Map(incidents),
    });
  }

  function begin(agent: AgentId, clock: EpochMs): Retrospect {
    const narrow = outageSettingsOf(settings, agent);
    const created: Retrospect = {
      agent,
      settings: narrow,
      site: createSiteEngine(narrow),
      network: undefined,
      clock,
      inputs: 0,
      heardAt: clock,
      incidents: new Map(),
    };
    retrospects.set(agent, created);
    return created;
  }

  function observe(agent: AgentId, samples: readonly Sample[], now: EpochMs): void {
    const telling = samples
      .filter(({ series, at }) => METRICS.has(series.metric) && at <= later(now, AHEAD))
      .sort((a, b) => a.at - b.at);
    for (let from = 0; from < telling.length; ) {
      const until = (telling[from] as Sample).at + SLICE;
      let to = from + 1;
      while (to < telling.length && (telling[to] as Sample).at < until) to += 1;
      see(agent, telling.slice(from, to), now);
      from = to;
    }
  }

  /** A few seconds of the past, oldest sample first. */
  function see(agent: AgentId, samples: readonly Sample[], now: EpochMs): void {
    const newest = (samples.at(-1) as Sample).at;
    let one = retrospects.get(agent);
    if (one !== undefined && newest > one.clock + LONGEST_HOLE) {
      loose.push(...ended(one));
      one = undefined;
    }
    one ??= begin(agent, newest);
    one.heardAt = now;
    moveTo(one, epochMs(Math.max(newest, one.clock)), now);
    follow(one, one.site.observe({ agent, lane: 'live', samples }, instant(one)), now);
  }

  const instant = (one: Retrospect) => {
    one.inputs += 1;
    return { now: one.clock, position: one.inputs };
  };

  function moveTo(one: Retrospect, newest: EpochMs, now: EpochMs): void {
    const first = Math.floor(one.clock / SECOND) * SECOND + SECOND;
    for (let second = first; second <= newest; second += SECOND) {
      one.clock = epochMs(second);
      follow(one, one.site.tick(instant(one)), now);
      note(one, one.network?.tick(instant(one)) ?? [], now);
    }
    one.clock = newest;
  }

  function follow(one: Retrospect, facts: readonly SiteFact[], now: EpochMs): void {
    if (one.network === undefined && !facts.some((fact) => fact.kind === 'alert.fired')) return;
    one.network ??= createNetworkEngine(one.settings);
    note(
      one,
      one.network.consume(
        facts.filter((fact) => !isTrend(fact)),
        instant(one),
      ),
      now,
    );
  }

  function note({ incidents }: Retrospect, facts: readonly Fact[], now: EpochMs): void {
    for (const fact of facts) {
      if (!isIncidentFact(fact)) continue;
      if (fact.view.mergedInto !== undefined) incidents.delete(fact.incident);
      else incidents.set(fact.incident, { view: fact.view, at: now });
    }
  }

  /** The backlog is over: what still fails at its end is told as far as it was seen. */
  function ended(one: Retrospect): FoundOutage[] {
    const { agent, clock, incidents } = one;
    retrospects.delete(agent);
    return [...incidents.values()].map(({ view }) =>
      view.state === 'resolved'
        ? { agent, outage: view }
        : { agent, outage: view, seenUntil: view.blindSince ?? clock },
    );
  }

  function settledOf({ agent, incidents }: Retrospect, now: EpochMs): FoundOutage[] {
    const settled = [...incidents].filter(
      ([, { view, at }]) =>
        view.state === 'resolved' &&
        (now >= later(at, SETTLED_AFTER) || incidents.size > MOST_WAITING),
    );
    for (const [id] of settled) incidents.delete(id);
    return settled.map(([, { view }]) => ({ agent, outage: view }));
  }

  const isIdle = (): boolean => retrospects.size === 0 && loose.length === 0;

  function tick(now: EpochMs): readonly FoundOutage[] {
    if (isIdle()) return [];
    const found = loose;
    loose = [];
    const inOrder = [...retrospects.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1));
    for (const one of inOrder) {
      const isOver = now >= later(one.heardAt, SETTLED_AFTER);
      found.push(...(isOver ? ended(one) : settledOf(one, now)));
    }
    return found;
  }

  return {
    observe,
    tick,
    isIdle,
    configure(next) {
      settings = next;
      const found = [...loose, ...[...retrospects.values()].flatMap(ended)];
      loose = [];
      return found;
    },
    snapshot: () => ({
      loose,
      retrospects: [...retrospects].map(([agent, one]) => [
        agent,
        {
          site: one.site.snapshot(),
          ...(one.network === undefined ? {} : { network: one.network.snapshot() }),
          clock: one.clock,
          inputs: one.inputs,
          heardAt: one.heardAt,
          incidents: [...one.incidents],
        },
      ]),
    }),
  };
}
