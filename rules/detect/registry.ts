import type { MetricName, RuleMetricName } from '../../protocol/model/metrics.ts';
import {
  type AgentId,
  deviceOf,
  kindOf,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import { createAlertMachine } from './alert-state.ts';
import { createLearned } from './baseline-series.ts';
import { withCell, withSeries } from './marks.ts';
import { type Plan, planOf } from './plans.ts';
import type { Scope } from './scope.ts';
import { createVoice } from './voice.ts';
import {
  type Cell,
  type CompiledRule,
  createOutlet,
  createShared,
  createWatched,
  type Outlet,
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
  /** After a change of rules or subjects: series find their rules anew. */
  relink(): void;
  remove(watched: Watched): void;
  all(): Iterable<Watched>;
}

const NO_OUTLETS: readonly Outlet[] = [];

/** One for all subjects: most series of a round are for the history only. */
const IGNORED = new Map<MetricName, Track>();

function ignored(plan: Plan): Track {
  const known = IGNORED.get(plan.metric) ?? newTrack({ ...plan, role: 'ignored' }, NO_OUTLETS, 0);
  IGNORED.set(plan.metric, known);
  return known;
}

const isLearning = ({ outlets }: Track): boolean =>
  outlets.some(({ judge }) => judge.learns === true);

const newTrack = (plan: Plan, outlets: readonly Outlet[], place: number): Track => ({
  plan,
  outlets,
  place,
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
      place: place.marks.length,
      isBlind: false,
      flap: undefined,
      alert: undefined,
    };
    place.marks = withCell(place.marks);
    place.cells.push(created);
    // By name, not by which series came first.
    place.cells.sort((a, b) => (a.compiled.rule.id < b.compiled.rule.id ? -1 : 1));
    return created;
  }

  function outletsOf(place: Watched, judged: RuleMetricName): readonly Outlet[] {
    const outlets: Outlet[] = [];
    for (const compiled of scope().rulesOf(place.key)) {
      const input = compiled.judge.metrics.indexOf(judged);
      if (input >= 0) outlets.push(createOutlet(cell(place, compiled), input));
    }
    return outlets.length === 0 ? NO_OUTLETS : outlets;
  }

  /** Callers hear it: a figure of a link that voice depends on. */
  function hears(place: Watched, { voice }: Plan): boolean {
    if (voice === undefined || place.kind !== 'link') return false;
    place.voice ??= createVoice(outletsOf(place, 'path_mos'));
    return true;
  }

  function createTrack(place: Watched, plan: Plan): Track {
    const outlets = outletsOf(place, plan.judged);
    const isHeard = hears(place, plan);
    if (plan.role === 'plain' && outlets === NO_OUTLETS && !isHeard) return ignored(plan);
    const track = newTrack(plan, outlets, place.marks.length);
    place.marks = withSeries(place.marks);
    if (isLearning(track)) track.learned = createLearned(plan.metric);
    return track;
  }

  function track(place: Watched, metric: MetricName): Track {
    const { tracks, cursor } = place;
    const guess = tracks[cursor];
    if (guess?.plan.metric === metric) {
      place.cursor = cursor + 1 === tracks.length ? 0 : cursor + 1;
      return guess;
    }
    let index = tracks.findIndex((one) => one.plan.metric === metric);
    if (index < 0) index = tracks.push(createTrack(place, planOf(metric))) - 1;
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
        place.tracks = place.tracks.filter((one) => one.plan.role !== 'ignored');
        place.cursor = 0;
        // What it remembers may be gone.
        place.next = undefined;
        if (place.voice) place.voice.outlets = outletsOf(place, 'path_mos');
        for (const one of place.tracks) {
          const { metric, judged } = one.plan;
          one.outlets = outletsOf(place, judged);
          one.learned = isLearning(one) ? (one.learned ?? createLearned(metric)) : undefined;
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
