import { METRICS, type MetricName, type RuleMetricName } from '../../protocol/model/metrics.ts';
import {
  type AgentId,
  deviceOf,
  kindOf,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import { type DurationMs, epochMs } from '../../protocol/model/units.ts';
import { createAlertMachine } from './alert-state.ts';
import { createLearned } from './baseline-series.ts';
import { rankOf } from './batch-order.ts';
import { DERIVATIONS } from './rates.ts';
import type { Scope } from './scope.ts';
import { createVoice, voiceInputOf } from './voice.ts';
import {
  type Cell,
  type CompiledRule,
  createShared,
  createWatched,
  type Outlet,
  type Role,
  type Shared,
  type Track,
  type Watched,
} from './watched.ts';

/** Everything that is watched, by agent and subject. */
export interface Registry {
  readonly agents: ReadonlyMap<AgentId, ReadonlyMap<SubjectKey, Watched>>;
  watched(agent: AgentId, subject: SubjectKey): Watched;
  track(watched: Watched, metric: MetricName): Track;
  /** The cell of a rule on the subject, made when it is missing. */
  cell(watched: Watched, compiled: CompiledRule): Cell;
  /** After a change of rules: series find their rules anew. */
  relink(): void;
  remove(watched: Watched): void;
  all(): Iterable<Watched>;
}

const ROLES: Partial<Record<MetricName, Role>> = {
  icmp_loss_ratio: 'loss',
  stamp_loss_ratio: 'loss',
  icmp_confirm_loss_ratio: 'burst',
  stamp_confirm_loss_ratio: 'burst',
  snmp_answered: 'snmp',
  device_uptime_ticks: 'clock',
  device_engine_boots: 'clock',
  if_speed_bps: 'port',
  if_discontinuity_ticks: 'port',
};

const roleOf = (metric: MetricName): Role =>
  ROLES[metric] ?? (METRICS[metric].kind === 'counter' ? 'counter' : 'plain');

const NO_OUTLETS: readonly Outlet[] = [];

/** One for all subjects: most series of a round are for the history only. */
const IGNORED = new Map<MetricName, Track>();

function createTrack(metric: MetricName, outlets: readonly Outlet[], isHeard: boolean): Track {
  const role = roleOf(metric);
  if (role !== 'plain' || outlets !== NO_OUTLETS || isHeard) return newTrack(metric, role, outlets);
  const known = IGNORED.get(metric) ?? newTrack(metric, 'ignored', outlets);
  IGNORED.set(metric, known);
  return known;
}

const isLearning = ({ outlets }: Track): boolean =>
  outlets.some(({ cell }) => cell.compiled.judge.learns === true);

const newTrack = (metric: MetricName, role: Role, outlets: readonly Outlet[]): Track => ({
  metric,
  role,
  rank: rankOf(metric),
  outlets,
  lastAt: epochMs(0),
  every: 0 as DurationMs,
  counter: undefined,
  bits: 0,
  learned: undefined,
});

export function createRegistry(scope: () => Scope): Registry {
  const agents = new Map<AgentId, Map<SubjectKey, Watched>>();
  const shareds = new Map<SubjectKey, Shared>();

  function watched(agent: AgentId, subject: SubjectKey): Watched {
    const known = agents.get(agent)?.get(subject);
    if (known !== undefined) return known;
    const subjects = agents.get(agent) ?? new Map<SubjectKey, Watched>();
    agents.set(agent, subjects);
    const shared = shareds.get(subject) ?? createShared(subject);
    shareds.set(subject, shared);
    const created = createWatched(agent, shared);
    subjects.set(subject, created);
    const device = kindOf(subject) === 'interface' ? deviceOf(subject) : undefined;
    if (device !== undefined) created.device = watched(agent, subjectKey('device', device));
    else if (kindOf(subject) === 'device') created.device = created;
    return created;
  }

  function cell(place: Watched, compiled: CompiledRule): Cell {
    const known = place.cells.find((one) => one.compiled.rule.id === compiled.rule.id);
    if (known !== undefined) return known;
    const created: Cell = {
      compiled,
      watched: place,
      state: compiled.judge.create(),
      machine: createAlertMachine(),
      lastAt: epochMs(0),
      freshUntil: epochMs(0),
      patience: 0 as DurationMs,
      isBlind: false,
      flap: undefined,
      alert: undefined,
    };
    place.cells.push(created);
    // By name, not by which series came first.
    place.cells.sort((a, b) => (a.compiled.rule.id < b.compiled.rule.id ? -1 : 1));
    return created;
  }

  function outletsOf(place: Watched, metric: RuleMetricName): readonly Outlet[] {
    const derived = DERIVATIONS[metric as MetricName]?.metric ?? metric;
    const outlets: Outlet[] = [];
    for (const compiled of scope().rulesOf(place.key)) {
      const input = compiled.judge.metrics.indexOf(derived);
      if (input >= 0) outlets.push({ cell: cell(place, compiled), input });
    }
    return outlets.length === 0 ? NO_OUTLETS : outlets;
  }

  /** Callers hear it: a figure of a link that voice depends on. */
  function hears(place: Watched, metric: MetricName): boolean {
    if (voiceInputOf(metric) === undefined || kindOf(place.key) !== 'link') return false;
    place.voice ??= createVoice(outletsOf(place, 'path_mos'));
    return true;
  }

  function track(place: Watched, metric: MetricName): Track {
    const { tracks, cursor } = place;
    const guess = tracks[cursor];
    if (guess?.metric === metric) {
      place.cursor = cursor + 1 === tracks.length ? 0 : cursor + 1;
      return guess;
    }
    let index = tracks.findIndex((one) => one.metric === metric);
    if (index < 0) {
      const created = createTrack(metric, outletsOf(place, metric), hears(place, metric));
      if (isLearning(created)) created.learned = createLearned(metric);
      index = tracks.push(created) - 1;
    }
    place.cursor = (index + 1) % tracks.length;
    return tracks[index] as Track;
  }

  function* all(): Generator<Watched> {
    for (const subjects of agents.values()) yield* subjects.values();
  }

  return {
    agents,
    watched,
    track,
    cell,
    relink() {
      for (const place of all()) {
        // The ignored ones may have rules now.
        place.tracks = place.tracks.filter((one) => one.role !== 'ignored');
        place.cursor = 0;
        if (place.voice) place.voice.outlets = outletsOf(place, 'path_mos');
        for (const one of place.tracks) {
          one.outlets = outletsOf(place, one.metric);
          one.learned = isLearning(one) ? (one.learned ?? createLearned(one.metric)) : undefined;
        }
      }
    },
    remove(place) {
      agents.get(place.agent)?.delete(place.key);
      const { views } = place.shared;
      views.splice(views.indexOf(place), 1);
      if (views.length === 0) shareds.delete(place.key);
    },
    all,
  };
}
