import type { Command } from '../protocol/model/command.ts';
import type { AlertFact, Fact, HealthFact } from '../protocol/model/fact.ts';
import type { ObservedBatch } from '../protocol/model/sample.ts';
import type { AgentId } from '../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { Engine, Instant, SiteEngine, Snapshot } from './contract.ts';
import { isTrend, type SiteFact } from './detect/sink.ts';
import { type JsonText, objectText, textsText, valueText } from './json-text.ts';
import { createLateData, type LateDataState } from './late-data.ts';
import { createNetworkEngine } from './network-engine.ts';
import { createOwnTroubles, isOwnTrouble, type OwnTroublesState } from './own-troubles.ts';
import type { EngineSettings } from './settings.ts';
import { createSiteEngine } from './site-engine.ts';

interface EngineState {
  readonly v: 1;
  readonly sites: readonly (readonly [string, Snapshot])[];
  readonly network: Snapshot;
  /** Absent in snapshots from before the server told of itself. */
  readonly own?: OwnTroublesState;
  /** Absent in snapshots from before late data were judged. */
  readonly late?: LateDataState;
}

/**
 * The whole engine: one site engine per site that has agents, one network engine above them. A
 * deterministic function of its inputs; `snapshot` is JSON, and an engine made from it goes on
 * exactly as the old one would have.
 * @param onDerived hears the figures that detection derives (rates), for history and the page.
 */
export function createEngine(
  initial: EngineSettings,
  snapshot?: Snapshot,
  onDerived?: Parameters<typeof createSiteEngine>[2],
): Engine {
  const state = snapshot as EngineState | undefined;
  if (state !== undefined && state.v !== 1) throw new Error('unknown snapshot of the engine');
  let settings = initial;
  let siteOfAgent = sitesOf(settings);
  const network = createNetworkEngine(settings, state?.network);
  const own = createOwnTroubles(state?.own);
  const late = createLateData(settings, state?.late);
  const sites = new Map<string, SiteEngine>();
  let ordered: readonly SiteEngine[] | undefined;
  /** So that a snapshot in pieces is of one moment. */
  let inputs = 0;
  /** Samples of one agent come in rows. */
  let latest: { readonly agent: AgentId; readonly site: SiteEngine } | undefined;
  for (const [site, siteState] of state?.sites ?? []) {
    sites.set(site, createSiteEngine(settings, siteState, onDerived));
  }

  /** An agent without a place is its own partition: nothing can be said of its neighbours. */
  const partitionOf = (agent: AgentId): string => siteOfAgent.get(agent) ?? `agent:${agent}`;

  function siteFor(agent: AgentId): SiteEngine {
    if (latest?.agent === agent) return latest.site;
    const site = findSite(agent);
    latest = { agent, site };
    return site;
  }

  function findSite(agent: AgentId): SiteEngine {
    const partition = partitionOf(agent);
    const known = sites.get(partition);
    if (known !== undefined) return known;
    const created = createSiteEngine(settings, undefined, onDerived);
    sites.set(partition, created);
    ordered = undefined;
    return created;
  }

  /** By name, not by who spoke first: the order of facts must not depend on the order of batches. */
  function inOrder(): readonly SiteEngine[] {
    ordered ??= [...sites].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, site]) => site);
    return ordered;
  }

  /** Nearly all facts are healthy answers, from which nothing follows: they are not copied. */
  function correlated(facts: SiteFact[], at: Instant): Fact[] {
    if (facts.length === 0) return facts;
    const known = facts.some(isTrend) ? facts.filter((fact) => !isTrend(fact)) : facts;
    const followed = network.consume(known as (AlertFact | HealthFact)[], at);
    return followed.length === 0 ? facts : [...facts, ...followed];
  }

  function configure(next: EngineSettings, at: Instant): Fact[] {
    inputs += 1;
    settings = next;
    siteOfAgent = sitesOf(next);
    latest = undefined;
    const facts = inOrder().flatMap((site) => site.configure(next, at));
    const corrected = network.correct(late.configure(next), at);
    return [...network.configure(next, at), ...correlated(facts, at), ...corrected];
  }

  /** What comes late tells of the past only; what waited in the live lane is late as a whole. */
  function observe(batch: ObservedBatch, at: Instant): Fact[] {
    inputs += 1;
    const { agent, lane, samples } = batch;
    const isBackfill = lane === 'backfill';
    const oldest = epochMs(at.now - settings.timing.lateAfter);
    const isLate = isBackfill || (samples[0] !== undefined && samples[0].at < oldest);
    if (isLate) {
      const past = isBackfill ? samples : samples.filter((sample) => sample.at < oldest);
      late.observe(agent, past, at.now);
    }
    return isBackfill ? [] : correlated(siteFor(agent).observe(batch, at), at);
  }

  function tick(at: Instant): Fact[] {
    inputs += 1;
    const facts: SiteFact[] = [];
    for (const site of inOrder()) for (const fact of site.tick(at)) facts.push(fact);
    const followed = correlated(facts, at);
    const timed = network.tick(at);
    const found = late.tick(at.now);
    const corrected = found.length === 0 ? [] : network.correct(found, at);
    const more = corrected.length === 0 ? timed : [...timed, ...corrected];
    return more.length === 0 ? followed : [...followed, ...more];
  }

  function quietUntil(): EpochMs {
    let until = late.isIdle() ? network.quietUntil() : epochMs(0);
    for (const site of inOrder()) until = epochMs(Math.min(until, site.quietUntil()));
    return until;
  }

  function heard(agent: AgentId, at: Instant): Fact[] {
    inputs += 1;
    return correlated(siteFor(agent).heard(agent, at), at);
  }

  function apply(command: Command, at: Instant): Fact[] {
    inputs += 1;
    if (isOwnTrouble(command)) return correlated(own.apply(command, at), at);
    if (command.kind === 'server-started') for (const site of inOrder()) site.forgive(at);
    return network.apply(command, at);
  }

  function* snapshotText(): Generator<string> {
    const before = inputs;
    const pieces = objectText({
      v: valueText(() => 1),
      sites: textsText(
        [...sites].map(([site, engine]) =>
          textsText([valueText(() => site), engine.snapshotText()]),
        ),
      ),
      network: valueText(() => network.snapshot()),
      own: valueText(() => own.snapshot()),
      late: valueText(() => late.snapshot()),
    } satisfies Record<keyof EngineState, JsonText>);
    for (const piece of pieces) {
      if (inputs !== before) throw new Error('an input came while the snapshot was written');
      yield piece;
    }
  }

  return {
    configure,
    observe,
    heard,
    tick,
    quietUntil,
    apply,
    snapshot: (): EngineState => ({
      v: 1,
      sites: [...sites].map(([site, engine]) => [site, engine.snapshot()] as const),
      network: network.snapshot(),
      own: own.snapshot(),
      late: late.snapshot(),
    }),
    snapshotText,
  };
}

const sitesOf = (settings: EngineSettings): Map<AgentId, string> =>
  new Map(settings.inventory.agents.map((agent) => [agent.id, `site:${agent.site}`]));
