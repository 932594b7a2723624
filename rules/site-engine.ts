import type { Alert } from '../protocol/model/alert.ts';
import type { DerivedMetricName } from '../protocol/model/metrics.ts';
import type { ObservedBatch, Sample } from '../protocol/model/sample.ts';
import { type AgentId, type SubjectKey, subjectKey } from '../protocol/model/subject.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { Instant, SiteEngine, Snapshot } from './contract.ts';
import { createAlerts, FOREVER } from './detect/alerts.ts';
import { createSorter } from './detect/batch-order.ts';
import { tellHealth } from './detect/health.ts';
import { inputAt } from './detect/inputs.ts';
import { noteLevel } from './detect/level.ts';
import {
  CELL,
  CELL_FRESH_UNTIL,
  EVERY,
  FRESH_UNTIL,
  freshUntilOf,
  LAST_AT,
  type Marks,
  NOT_STATED,
  PATIENCE,
  SEEN_AT,
  STATED,
} from './detect/marks.ts';
import { noteLoad, noteSample } from './detect/notes.ts';
import type { Plan } from './detect/plans.ts';
import { derive } from './detect/rates.ts';
import { REACH_PATIENCE } from './detect/reach.ts';
import { createRegistry } from './detect/registry.ts';
import { repack } from './detect/repack.ts';
import { createScope } from './detect/scope.ts';
import { createSink, type SiteFact } from './detect/sink.ts';
import {
  type RegistryState,
  registryState,
  registryText,
  restoreRegistry,
} from './detect/snapshot.ts';
import { noteVoice, type Voice, type VoiceInput } from './detect/voice.ts';
import {
  type Cell,
  createOutlet,
  type Feed,
  type Outlet,
  type Seat,
  type Track,
  type Watched,
} from './detect/watched.ts';
import { objectText, valueText } from './json-text.ts';
import type { EngineSettings } from './settings.ts';

/** Hears every figure that is derived from counters, for history and the page. */
export type OnDerived = (
  agent: AgentId,
  metric: DerivedMetricName,
  subject: SubjectKey,
  at: EpochMs,
  value: number,
) => void;

interface State {
  readonly v: 1;
  readonly registry: RegistryState;
  readonly orphans: readonly Alert[];
}

/** Between sampling and arrival: the rest of the round, the batch and the way. */
const GRACE = 5_000;
/** A figure of voice a minute. */
const VOICE_EVERY = 60_000;
/** Patience with a series whose interval is not known. */
const UNKNOWN_PATIENCE = durationMs(300_000);
/** A sample from further ahead is of a clock gone wrong and would silence its series until then. */
const FUTURE = 60_000;

/** See `SiteEngine`. Same inputs, same facts. */
export function createSiteEngine(
  initial: EngineSettings,
  snapshot?: Snapshot,
  onDerived?: OnDerived,
): SiteEngine {
  let scope = createScope(initial);
  const currentScope = () => scope;
  const sink = createSink();
  const alerts = createAlerts(currentScope, sink);
  const registry = createRegistry(currentScope);
  let orphans: readonly Alert[] = [];
  /** Undefined = to be looked for: a tick must cost nothing while all is well. */
  let agentsHeard: readonly Watched[] | undefined;
  /** Before this nothing can have become stale; 0 = look. Never in a snapshot: it decides nothing. */
  let nextDue = epochMs(0);
  if (snapshot !== undefined) restore(snapshot as State);
  const feed = {} as Feed;
  let sender: AgentId = '';
  /** The newest that was heard and is not in the inventory: looked up once. */
  let stranger: AgentId | undefined;
  const sorter = createSorter((subject) => registry.watched(sender, subject), registry.trackOf);

  function restore(state: State): void {
    if (state.v !== 1) throw new Error('unknown snapshot of a site engine');
    orphans = [...state.orphans, ...restoreRegistry(registry, scope, state.registry, alerts.adopt)];
  }

  function observe(batch: ObservedBatch, { now }: Instant): SiteFact[] {
    hear(batch.agent, now);
    // Told first, or it would depend on the cut of batches what follows it.
    const heard = sink.take();
    const oldest = now - scope.settings.timing.lateAfter;
    sender = batch.agent;
    const { samples, tracks } = sorter.sort(batch.samples);
    for (let i = 0; i < samples.length; i++) {
      const track = tracks[i] as Track;
      const { watched } = track;
      if (watched === undefined) continue;
      const sample = samples[i] as Sample;
      const before = watched.marks[track.seat.place + LAST_AT] as EpochMs;
      if (isJudged(sample, before, oldest, now)) take(watched, track, sample, before, now);
    }
    return heard.length === 0 ? sink.take() : [...heard, ...sink.take()];
  }

  function take(
    watched: Watched,
    track: Track,
    sample: Sample,
    before: EpochMs,
    now: EpochMs,
  ): void {
    const { seat, learned } = track;
    const { plan } = seat;
    const { at } = sample;
    const every = noteInterval(watched, track, sample, before);
    feed.at = at;
    feed.every = every;
    feed.span = durationMs(before > 0 ? at - before : 0);
    feed.patience = patienceWith(watched, plan, every);
    feed.watched = watched;
    feed.value = Number(sample.value);
    feed.learned = learned;
    touch(watched, feed, now);
    if (plan.role === 'counter') {
      if (!takeRate(watched, seat, sample, before)) return;
    } else if (plan.role !== 'plain') noteSample(plan, feed, sink, now);
    if (watched.voice !== undefined && plan.voice !== undefined) {
      takeVoice(watched, watched.voice, plan.voice, now);
      feed.learned = learned;
    }
    if (learned !== undefined) noteLevel(track, feed, sink, now);
    judgeAll(seat.outlet, now);
  }

  /** Puts the rate of a counter in place of its reading; false when there is none to be had. */
  function takeRate(watched: Watched, seat: Seat, sample: Sample, before: EpochMs): boolean {
    const figure = derive(watched, seat, sample, feed.value, before, feed.every);
    if (figure === undefined) return false;
    const { judged, isOctets } = seat.plan;
    onDerived?.(watched.agent, judged as DerivedMetricName, watched.key, sample.at, figure);
    feed.value = figure;
    if (isOctets) noteLoad(watched, judged, figure);
    return true;
  }

  function judgeAll(first: Outlet | undefined, now: EpochMs): void {
    for (let outlet = first; outlet !== undefined; outlet = outlet.next) {
      if (!alerts.judge(outlet, feed, now)) continue;
      const freshUntil = feed.watched.marks[outlet.place + CELL_FRESH_UNTIL] as EpochMs;
      if (freshUntil < nextDue) nextDue = freshUntil;
    }
  }

  /**
   * Once a minute: how a call over the path would sound. Judged when it is known, or facts would
   * depend on the cut of batches. Leaves the feed as it was.
   */
  function takeVoice(watched: Watched, voice: Voice, input: VoiceInput, now: EpochMs): void {
    const heard = noteVoice(voice, input, feed);
    if (heard === undefined) return;
    const { value, every, span, patience } = feed;
    onDerived?.(watched.agent, 'path_mos', watched.key, heard.at, heard.mos);
    feed.value = heard.mos;
    feed.every = durationMs(Math.max(VOICE_EVERY, every));
    feed.span = feed.every;
    feed.patience = durationMs(Math.max(patience, 3 * VOICE_EVERY));
    feed.learned = undefined;
    // Bad minutes before and after an outage are no bad minutes in a row.
    if (heard.isTorn) alerts.restart(voice.outlet, watched);
    judgeAll(voice.outlet, now);
    feed.value = value;
    feed.every = every;
    feed.span = span;
    feed.patience = patience;
  }

  /** Notes the time of the sample; the interval that its series has. */
  function noteInterval(
    { marks }: Watched,
    track: Track,
    { at, series }: Sample,
    before: EpochMs,
  ): DurationMs {
    const { plan, place } = track.seat;
    marks[place + LAST_AT] = at;
    let every = marks[place + EVERY] as number;
    const stated =
      track.series === series ? (marks[place + STATED] as number) : (series.every ?? NOT_STATED);
    if (stated !== NOT_STATED) every = stated;
    else if (before > 0 && plan.role !== 'burst') {
      // Learned: a gap moves it little, a lasting change in a few samples.
      const apart = at - before;
      every += every === 0 ? apart : (Math.min(apart, 4 * every) - every) / 8;
    }
    marks[place + EVERY] = every;
    return durationMs(every);
  }

  function patienceWith({ marks }: Watched, { role, reach }: Plan, every: DurationMs): DurationMs {
    if (role === 'burst') {
      // Bursts come when there is doubt; they keep nothing fresh for longer than rounds do.
      const rounds = inputAt(marks, reach);
      const patience = rounds === 0 ? 0 : (marks[rounds + REACH_PATIENCE] as number);
      if (patience > 0) return durationMs(patience);
    }
    if (every === 0) return UNKNOWN_PATIENCE;
    return durationMs(scope.settings.timing.staleIntervals * every + GRACE);
  }

  /** The subject is seen. */
  function touch(watched: Watched, { at, patience }: Feed, now: EpochMs): void {
    const { marks } = watched;
    if (at > (marks[SEEN_AT] as number)) marks[SEEN_AT] = at;
    marks[PATIENCE] = patience;
    if (at + patience > (marks[FRESH_UNTIL] as number)) marks[FRESH_UNTIL] = at + patience;
    if (watched.isFresh) return;
    watched.isFresh = true;
    const freshUntil = freshUntilOf(watched);
    if (freshUntil < nextDue) nextDue = freshUntil;
    tellHealth(watched.shared, sink, at, now);
  }

  /** Agents outside the inventory are never silent: recorded series have no heartbeat. */
  function hear(agent: AgentId, now: EpochMs): void {
    if (agent === stranger) return;
    const key = subjectKey('agent', agent);
    if (!scope.has(key)) {
      stranger = agent;
      return;
    }
    const watched = registry.watched(agent, key);
    if (!ownAgents().includes(watched)) agentsHeard = undefined;
    for (const compiled of scope.rulesOf(key)) {
      if (compiled.rule.detector.kind === 'agent-silent') registry.cell(watched, compiled);
    }
    setFeed(watched, now, 1);
    touch(watched, feed, now);
    judgeSilence(watched, now);
  }

  function setFeed(watched: Watched, at: EpochMs, value: number): void {
    feed.at = at;
    feed.value = value;
    feed.every = durationMs(0);
    feed.span = durationMs(0);
    feed.learned = undefined;
    // Silence of an agent is judged by its own rule, not by staleness.
    feed.patience = durationMs(FOREVER - at);
    feed.watched = watched;
  }

  function judgeSilence(watched: Watched, now: EpochMs): void {
    for (const cell of watched.cells) {
      if (cell.compiled.rule.detector.kind !== 'agent-silent') continue;
      const wasFiring = cell.alert !== undefined;
      alerts.judge(createOutlet(cell, 0), feed, now);
      if (cell.alert !== undefined && !wasFiring) hideAllOf(watched.agent, now);
    }
  }

  /** Agents as they see themselves: whose silence is judged on every tick. */
  function ownAgents(): readonly Watched[] {
    agentsHeard ??= [...registry.agents].flatMap(
      ([agent, subjects]) => subjects.get(subjectKey('agent', agent)) ?? [],
    );
    return agentsHeard;
  }

  /** What a silent agent watched is unknown from now on, not only when its samples are stale. */
  function hideAllOf(agent: AgentId, now: EpochMs): void {
    const before = epochMs(now - 1);
    for (const watched of registry.agents.get(agent)?.values() ?? []) {
      if (watched.kind === 'agent') continue;
      const { marks } = watched;
      marks[FRESH_UNTIL] = Math.min(freshUntilOf(watched), before);
      for (const { place } of watched.cells) {
        const at = place + CELL_FRESH_UNTIL;
        marks[at] = Math.min(marks[at] as number, before);
      }
    }
    nextDue = epochMs(0);
  }

  function tick({ now }: Instant): SiteFact[] {
    for (const watched of ownAgents()) {
      setFeed(watched, now, 0);
      judgeSilence(watched, now);
    }
    if (now > nextDue) findStale(now);
    return sink.take();
  }

  /** The silence of an agent of one's own is looked at in every tick. */
  function quietUntil(): EpochMs {
    return ownAgents().length > 0 ? epochMs(0) : epochMs(nextDue + 1);
  }

  function findStale(now: EpochMs): void {
    const stale: Watched[] = [];
    let next = FOREVER;
    for (const watched of registry.all()) {
      if (!watched.isFresh) continue;
      const freshUntil = freshUntilOf(watched);
      if (now > freshUntil) stale.push(watched);
      else if (freshUntil < next) next = freshUntil;
    }
    // Alerts go blind between the two steps, or a subject without data would be up for a moment.
    for (const watched of stale) watched.isFresh = false;
    nextDue = epochMs(Math.min(next, alerts.findBlind(now)));
    for (const watched of stale) tellHealth(watched.shared, sink, now, now);
  }

  function forgive({ now }: Instant): void {
    for (const watched of registry.all()) {
      forgiveOne(watched.marks, 0, now);
      for (const cell of watched.cells) {
        forgiveOne(watched.marks, cell.place, now);
        // One that was silent before stays so until it is heard.
        if (cell.compiled.rule.detector.kind === 'agent-silent' && cell.alert === undefined) {
          setFeed(watched, now, 1);
          cell.compiled.judge.observe(cell.place + CELL, 0, feed);
        }
      }
    }
    nextDue = epochMs(0);
  }

  function configure(next: EngineSettings, { now }: Instant): SiteFact[] {
    const before = scope;
    scope = createScope(next);
    stranger = undefined;
    for (const alert of orphans) withdrawOrphan(alert, now);
    orphans = [];
    for (const watched of [...registry.all()]) {
      const isGone =
        (before.has(watched.key) && !scope.has(watched.key)) ||
        (before.isWatched(watched.agent, watched.key) &&
          !scope.isWatched(watched.agent, watched.key)) ||
        isAgentGone(before.has, watched.agent);
      if (isGone) forget(watched, now);
      else refit(watched, now);
    }
    registry.relink();
    agentsHeard = undefined;
    nextDue = epochMs(0);
    return sink.take();
  }

  function isAgentGone(hadBefore: (subject: SubjectKey) => boolean, agent: AgentId): boolean {
    const key = subjectKey('agent', agent);
    return hadBefore(key) && !scope.has(key);
  }

  function withdrawOrphan({ key: alert, subject, rule }: Alert, now: EpochMs): void {
    const because = { kind: 'configuration', text: `the rule ${rule} is gone` } as const;
    sink.push(now, { kind: 'alert.resolved', at: now, alert, subject, because });
  }

  function forget(watched: Watched, now: EpochMs): void {
    watched.isFresh = false;
    for (const cell of watched.cells) {
      alerts.withdraw(cell, `${watched.key} is no longer watched`, now);
    }
    watched.cells = [];
    const { shared } = watched;
    registry.remove(watched);
    tellHealth(shared, sink, now, now);
  }

  /** Rules that stay keep their state where their detector is the same. */
  function refit(watched: Watched, now: EpochMs): void {
    const rules = new Map(scope.rulesOf(watched.key).map((one) => [one.rule.id, one]));
    const before = watched.cells.length;
    const renewed = new Set<Cell>();
    for (const cell of watched.cells) {
      const { id, detector } = cell.compiled.rule;
      const compiled = rules.get(id);
      if (compiled === undefined) {
        alerts.withdraw(cell, `the rule ${id} no longer applies`, now);
        continue;
      }
      const isSame = JSON.stringify(detector) === JSON.stringify(compiled.rule.detector);
      if (!isSame) renewed.add(cell);
      cell.compiled = compiled;
    }
    watched.cells = watched.cells.filter((cell) => rules.has(cell.compiled.rule.id));
    if (renewed.size > 0 || watched.cells.length < before) repack(watched, renewed);
  }

  return {
    configure,
    observe,
    heard(agent, { now }) {
      hear(agent, now);
      return sink.take();
    },
    tick,
    quietUntil,
    forgive,
    snapshot: (): State => ({ v: 1, registry: registryState(registry), orphans }),
    snapshotText: () =>
      objectText({
        v: valueText(() => 1),
        registry: registryText(registry),
        orphans: valueText(() => orphans),
      }),
  };
}

/** Nothing that is measured is greater; sums of such figures stay exact enough, and finite. */
const MOST_FIGURE = 1e15;

/** Late, repeated, from the future or no number: history may want it, rules do not. */
function isJudged({ at, value }: Sample, before: number, oldest: number, now: number): boolean {
  if (!(at > before && at >= oldest && at <= now + FUTURE)) return false;
  return typeof value === 'bigint' || Math.abs(value) <= MOST_FIGURE;
}

/** @param place of a rule, or 0 for the subject: both have their times in the same order */
function forgiveOne(marks: Marks, place: number, now: EpochMs): void {
  const patience = marks[place + PATIENCE] as number;
  const at = place + FRESH_UNTIL;
  if (patience > 0) marks[at] = Math.max(marks[at] as number, now + patience);
}
