import type { Alert } from '../protocol/model/alert.ts';
import type { DerivedMetricName } from '../protocol/model/metrics.ts';
import type { ObservedBatch, Sample } from '../protocol/model/sample.ts';
import { type AgentId, kindOf, type SubjectKey, subjectKey } from '../protocol/model/subject.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { Instant, SiteEngine, Snapshot } from './contract.ts';
import { createAlerts, FOREVER } from './detect/alerts.ts';
import { createSorter } from './detect/batch-order.ts';
import { tellHealth } from './detect/health.ts';
import { noteLevel } from './detect/level.ts';
import { noteSample } from './detect/notes.ts';
import { DERIVATIONS, derive } from './detect/rates.ts';
import { createRegistry } from './detect/registry.ts';
import { createScope } from './detect/scope.ts';
import { createSink, type SiteFact } from './detect/sink.ts';
import { type RegistryState, registryState, restoreRegistry } from './detect/snapshot.ts';
import { noteVoice, type Voice } from './detect/voice.ts';
import type { Cell, Feed, Outlet, Track, Watched } from './detect/watched.ts';
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
  /** Before this nothing can have become stale; 0 = look. Never in a snapshot: it decides nothing. */
  let nextDue = epochMs(0);
  if (snapshot !== undefined) restore(snapshot as State);
  const feed = {} as Feed;
  let sender: AgentId = '';
  const sorter = createSorter((subject) => registry.watched(sender, subject), registry.track);

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
    const { samples, tracks, places } = sorter.sort(batch.samples);
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i] as Sample;
      const track = tracks[i] as Track;
      if (track.role === 'ignored' || !isJudged(sample, track, oldest, now)) continue;
      take(places[i] as Watched, track, sample, now);
    }
    return heard.length === 0 ? sink.take() : [...heard, ...sink.take()];
  }

  function take(watched: Watched, track: Track, sample: Sample, now: EpochMs): void {
    const before = track.lastAt;
    noteInterval(track, sample);
    feed.at = sample.at;
    feed.every = track.every;
    feed.span = durationMs(before > 0 ? sample.at - before : 0);
    feed.patience = patienceWith(watched, track);
    feed.watched = watched;
    feed.value = Number(sample.value);
    touch(watched, feed, now);
    noteSample(track, feed, sink, now);
    if (track.role === 'counter') {
      const figure = derive(watched, track, sample, before);
      const metric = DERIVATIONS[track.metric]?.metric;
      if (figure === undefined || metric === undefined) return;
      onDerived?.(watched.agent, metric, watched.key, sample.at, figure);
      feed.value = figure;
    }
    if (watched.voice !== undefined) takeVoice(watched, watched.voice, track, now);
    feed.learned = track.learned;
    noteLevel(track, feed, sink, now);
    judgeAll(track.outlets, now);
  }

  function judgeAll(outlets: readonly Outlet[], now: EpochMs): void {
    for (const { cell, input } of outlets) {
      alerts.judge(cell, input, feed, now);
      const isActive = cell.machine.state !== 'inactive' || cell.alert !== undefined;
      if (isActive && cell.freshUntil < nextDue) nextDue = cell.freshUntil;
    }
  }

  /**
   * Once a minute: how a call over the path would sound. Judged when it is known, or facts would
   * depend on the cut of batches. Leaves the feed as it was.
   */
  function takeVoice(watched: Watched, voice: Voice, { metric }: Track, now: EpochMs): void {
    const { at, value, every, span, patience } = feed;
    const heard = noteVoice(voice, metric, at, value);
    if (heard === undefined) return;
    onDerived?.(watched.agent, 'path_mos', watched.key, heard.at, heard.mos);
    feed.value = heard.mos;
    feed.every = durationMs(Math.max(VOICE_EVERY, every));
    feed.span = feed.every;
    feed.patience = durationMs(Math.max(patience, 3 * VOICE_EVERY));
    feed.learned = undefined;
    judgeAll(voice.outlets, now);
    feed.value = value;
    feed.every = every;
    feed.span = span;
    feed.patience = patience;
  }

  function noteInterval(track: Track, { at, series }: Sample): void {
    const apart = at - track.lastAt;
    if (series.every !== undefined) track.every = series.every;
    else if (track.lastAt > 0 && track.role !== 'burst') {
      // Learned: a gap moves it little, a lasting change in a few samples.
      const step = track.every === 0 ? apart : (Math.min(apart, 4 * track.every) - track.every) / 8;
      track.every = durationMs(track.every + step);
    }
    track.lastAt = at;
  }

  function patienceWith({ reach }: Watched, { every, role, metric }: Track): DurationMs {
    if (role === 'burst') {
      // Bursts come when there is doubt; they keep nothing fresh for longer than rounds do.
      const rounds = reach[metric.startsWith('icmp') ? 'icmp' : 'stamp'];
      if (rounds !== undefined && rounds.patience > 0) return rounds.patience;
    }
    if (every === 0) return UNKNOWN_PATIENCE;
    return durationMs(scope.settings.timing.staleIntervals * every + GRACE);
  }

  /** The subject is seen. */
  function touch(watched: Watched, { at, patience }: Feed, now: EpochMs): void {
    if (at > watched.lastAt) watched.lastAt = at;
    watched.patience = patience;
    if (at + patience > watched.freshUntil) watched.freshUntil = epochMs(at + patience);
    if (watched.isFresh) return;
    watched.isFresh = true;
    if (watched.freshUntil < nextDue) nextDue = watched.freshUntil;
    tellHealth(watched.shared, sink, at, now);
  }

  /** Agents outside the inventory are never silent: recorded series have no heartbeat. */
  function hear(agent: AgentId, now: EpochMs): void {
    const key = subjectKey('agent', agent);
    if (!scope.has(key)) return;
    const watched = registry.watched(agent, key);
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
      alerts.judge(cell, 0, feed, now);
      if (cell.alert !== undefined && !wasFiring) hideAllOf(watched.agent, now);
    }
  }

  /** What a silent agent watched is unknown from now on, not only when its samples are stale. */
  function hideAllOf(agent: AgentId, now: EpochMs): void {
    const before = epochMs(now - 1);
    for (const watched of registry.agents.get(agent)?.values() ?? []) {
      if (kindOf(watched.key) === 'agent') continue;
      watched.freshUntil = epochMs(Math.min(watched.freshUntil, before));
      for (const cell of watched.cells) {
        cell.freshUntil = epochMs(Math.min(cell.freshUntil, before));
      }
    }
    nextDue = epochMs(0);
  }

  function tick({ now }: Instant): SiteFact[] {
    for (const agent of registry.agents.keys()) {
      const watched = registry.agents.get(agent)?.get(subjectKey('agent', agent));
      if (watched === undefined) continue;
      setFeed(watched, now, 0);
      judgeSilence(watched, now);
    }
    if (now > nextDue) findStale(now);
    return sink.take();
  }

  function findStale(now: EpochMs): void {
    const fresh = [...registry.all()].filter((watched) => watched.isFresh);
    const stale = fresh.filter((watched) => now > watched.freshUntil);
    // Alerts go blind between the two steps, or a subject without data would be up for a moment.
    for (const watched of stale) watched.isFresh = false;
    nextDue = alerts.findBlind(now);
    for (const watched of stale) tellHealth(watched.shared, sink, now, now);
    for (const { isFresh, freshUntil } of fresh) {
      if (isFresh && freshUntil < nextDue) nextDue = freshUntil;
    }
  }

  function forgive({ now }: Instant): void {
    for (const watched of registry.all()) {
      forgiveOne(watched, now);
      for (const cell of watched.cells) {
        forgiveOne(cell, now);
        // One that was silent before stays so until it is heard.
        if (cell.compiled.rule.detector.kind === 'agent-silent' && cell.alert === undefined) {
          setFeed(watched, now, 1);
          cell.compiled.judge.observe(cell.state, 0, feed);
        }
      }
    }
    nextDue = epochMs(0);
  }

  function configure(next: EngineSettings, { now }: Instant): SiteFact[] {
    const before = scope;
    scope = createScope(next);
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
    for (const cell of watched.cells) {
      const { id, detector } = cell.compiled.rule;
      const compiled = rules.get(id);
      if (compiled === undefined) {
        alerts.withdraw(cell, `the rule ${id} no longer applies`, now);
        continue;
      }
      if (JSON.stringify(detector) !== JSON.stringify(compiled.rule.detector)) {
        cell.state = compiled.judge.create();
      }
      cell.compiled = compiled;
    }
    watched.cells = watched.cells.filter((cell) => rules.has(cell.compiled.rule.id));
  }

  return {
    configure,
    observe,
    heard(agent, { now }) {
      hear(agent, now);
      return sink.take();
    },
    tick,
    forgive,
    snapshot: (): State => ({ v: 1, registry: registryState(registry), orphans }),
  };
}

/** Nothing that is measured is greater; sums of such figures stay exact enough, and finite. */
const MOST_FIGURE = 1e15;

/** Late, repeated, from the future or no number: history may want it, rules do not. */
function isJudged({ at, value }: Sample, { lastAt }: Track, oldest: number, now: number): boolean {
  if (!(at > lastAt && at >= oldest && at <= now + FUTURE)) return false;
  return typeof value === 'bigint' || Math.abs(value) <= MOST_FIGURE;
}

function forgiveOne(one: Watched | Cell, now: EpochMs): void {
  if (one.patience > 0) one.freshUntil = epochMs(Math.max(one.freshUntil, now + one.patience));
}
