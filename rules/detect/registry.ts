import type { MetricName, RuleMetricName } from '../../protocol/model/metrics.ts';
import type { Series } from '../../protocol/model/sample.ts';
import {
  type AgentId,
  deviceOf,
  kindOf,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import { createLearned } from './baseline-series.ts';
import { addRoom } from './inputs.ts';
import { CELL, NOT_STATED, numbersOfSeries, STATED, zeros } from './marks.ts';
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
  type Seat,
  type Shared,
  type Track,
  type Watched,
} from './watched.ts';

/** Everything that is watched, by agent and subject. */
export interface Registry {
  readonly agents: ReadonlyMap<AgentId, ReadonlyMap<SubjectKey, Watched>>;
  watched(agent: AgentId, subject: SubjectKey): Watched;
  track(watched: Watched, metric: MetricName): Track;
  /** The same, of the series of a sample. */
  trackOf(watched: Watched, series: Series): Track;
  /** The cell of a rule on the subject, made when it is missing. */
  cell(watched: Watched, compiled: CompiledRule): Cell;
  /** After a change of rules or subjects: series find their rules anew. */
  relink(): void;
  remove(watched: Watched): void;
  all(): Iterable<Watched>;
}

/** One for all subjects: most series of a round are for the history only. */
const IGNORED = new Map<MetricName, Track>();

function ignored(plan: Plan): Track {
  const seat: Seat = { plan: { ...plan, role: 'ignored' }, place: 0, outlet: undefined };
  const known = IGNORED.get(plan.metric) ?? newTrack(seat);
  IGNORED.set(plan.metric, known);
  return known;
}

function isLearning({ outlet: first }: Seat): boolean {
  for (let outlet = first; outlet !== undefined; outlet = outlet.next) {
    if (outlet.judge.learns) return true;
  }
  return false;
}

const newTrack = (seat: Seat, watched?: Watched): Track => ({
  series: undefined,
  watched,
  seat,
  learned: undefined,
});

export function createRegistry(scope: () => Scope): Registry {
  const agents = new Map<AgentId, Map<SubjectKey, Watched>>();
  const shareds = new Map<SubjectKey, Shared>();
  /** By metric, rules and places. */
  const seats = new Map<string, Seat>();

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
      machine: undefined,
      place: addRoom(place, zeros(CELL).concat(compiled.judge.first)),
      isBlind: false,
      flap: undefined,
      alert: undefined,
    };
    // By name, not by which series came first. Here and below no array grows by pushing: it would keep
    // room for 17 where most subjects have three or ten.
    place.cells = place.cells
      .concat(created)
      .sort((a, b) => (a.compiled.rule.id < b.compiled.rule.id ? -1 : 1));
    return created;
  }

  /** In the order of the settings. */
  function fedBy(place: Watched, judged: RuleMetricName): Cell[] {
    return scope()
      .rulesOf(place.key)
      .filter(({ judge }) => judge.metrics.includes(judged))
      .map((compiled) => cell(place, compiled));
  }

  const chainOf = (fed: readonly Cell[], judged: RuleMetricName): Outlet | undefined =>
    fed.reduceRight<Outlet | undefined>(
      (next, one) => createOutlet(one, one.compiled.judge.metrics.indexOf(judged), next),
      undefined,
    );

  const nameOf = (fed: readonly Cell[]): string =>
    fed.map(({ compiled, place }) => `${compiled.rule.id}@${place}`).join();

  function seatOf(plan: Plan, place: number, fed: readonly Cell[]): Seat {
    const name = `${plan.metric}@${place} ${nameOf(fed)}`;
    const known = seats.get(name);
    if (known !== undefined) return known;
    const created = { plan, place, outlet: chainOf(fed, plan.judged) };
    seats.set(name, created);
    return created;
  }

  /** Callers hear it: a figure of a link that voice depends on. */
  function hears(place: Watched, { voice }: Plan): boolean {
    if (voice === undefined || place.kind !== 'link') return false;
    place.voice ??= createVoice(place, voiceOutlet(place));
    return true;
  }

  const voiceOutlet = (place: Watched): Outlet | undefined =>
    chainOf(fedBy(place, 'path_mos'), 'path_mos');

  function createTrack(place: Watched, plan: Plan): Track {
    const fed = fedBy(place, plan.judged);
    const isHeard = hears(place, plan);
    if (plan.role === 'plain' && fed.length === 0 && !isHeard) return ignored(plan);
    const own = addRoom(place, numbersOfSeries(plan.role === 'counter'));
    const track = newTrack(seatOf(plan, own, fed), place);
    if (isLearning(track.seat)) track.learned = createLearned(plan.metric);
    return track;
  }

  function track(place: Watched, metric: MetricName): Track {
    let { tracks } = place;
    const { cursor } = place;
    const guess = tracks[cursor];
    if (guess?.seat.plan.metric === metric) {
      place.cursor = cursor + 1 === tracks.length ? 0 : cursor + 1;
      return guess;
    }
    let index = tracks.findIndex(({ seat }) => seat.plan.metric === metric);
    if (index < 0) {
      index = tracks.length;
      tracks = tracks.concat(createTrack(place, planOf(metric)));
      place.tracks = tracks;
    }
    place.cursor = (index + 1) % tracks.length;
    return tracks[index] as Track;
  }

  function trackOf(place: Watched, series: Series): Track {
    const found = track(place, series.metric);
    if (found.watched === undefined) return found;
    found.series = series;
    place.marks[found.seat.place + STATED] = series.every ?? NOT_STATED;
    return found;
  }

  function* all(): Generator<Watched> {
    for (const subjects of agents.values()) yield* subjects.values();
  }

  return {
    agents,
    watched,
    track,
    trackOf,
    cell,
    relink() {
      // They hold the judges of the rules that were.
      seats.clear();
      for (const place of all()) {
        // The ignored ones may have rules now.
        place.tracks = place.tracks.filter(({ seat }) => seat.plan.role !== 'ignored');
        place.cursor = 0;
        // What it remembers may be gone.
        place.next = undefined;
        if (place.voice) place.voice.outlet = voiceOutlet(place);
        for (const one of place.tracks) {
          const { plan, place: own } = one.seat;
          one.seat = seatOf(plan, own, fedBy(place, plan.judged));
          const isNeeded = isLearning(one.seat);
          one.learned = isNeeded ? (one.learned ?? createLearned(plan.metric)) : undefined;
        }
      }
    },
    remove(place) {
      agents.get(place.agent)?.delete(place.key);
      const { shared } = place;
      shared.views = shared.views.filter((view) => view !== place);
      if (shared.views.length === 0) shareds.delete(place.key);
    },
    all,
  };
}
