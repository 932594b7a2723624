import type { Alert, RuleId } from '../../protocol/model/alert.ts';
import type { Health } from '../../protocol/model/fact.ts';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import { type DurationMs, epochMs } from '../../protocol/model/units.ts';
import { arrayText, type JsonText, objectText } from '../json-text.ts';
import type { AlertMachine } from './alert-state.ts';
import { type LearnedState, learnedState, restoreLearned } from './baseline-series.ts';
import type { DeviceClock } from './device-clock.ts';
import type { Flap } from './flapping.ts';
import {
  BITS,
  CELL,
  EVERY,
  everyOf,
  LAST_AT,
  lastAtOf,
  SEEN_AT,
  seenAt,
  setTimes,
  type Times,
  timesAt,
} from './marks.ts';
import { createPort } from './notes.ts';
import { packPlain, unpackPlain } from './plain.ts';
import { readingOf, setReading } from './rates.ts';
import { loadReach, type Reach, reachState } from './reach.ts';
import type { Registry } from './registry.ts';
import type { Scope } from './scope.ts';
import { isVoiceMinute, setVoiceMinute, type VoiceMinute, voiceMinute } from './voice.ts';
import type { Cell, Port, Shared, Track, Watched } from './watched.ts';

/** Everything as JSON; counters as decimal strings, since JSON numbers stop at 2^53. */
export interface RegistryState {
  readonly watched: readonly WatchedState[];
  readonly health: readonly (readonly [SubjectKey, Health])[];
}

interface WatchedState {
  readonly agent: AgentId;
  readonly subject: SubjectKey;
  readonly tracks: readonly TrackState[];
  readonly cells: readonly CellState[];
  readonly reach: Reach;
  readonly port?: Port;
  readonly clock?: DeviceClock;
  readonly voice?: VoiceMinute;
  readonly times: Times;
  readonly isFresh: boolean;
  readonly isGood: boolean;
  readonly answeredSlot: number;
}

/** `lastAt` counts back from the newest sample of the subject; older releases wrote the time itself. */
type TrackState = readonly [
  metric: MetricName,
  lastAt: number,
  every: DurationMs,
  ...more: [] | [value: string, bits: 0 | 32 | 64] | [learned: LearnedState],
];

/** How long before the newest sample of the subject it was fed, and its patience; fresh until their sum. */
type CellTimes = readonly [ago: number, patience: DurationMs];

interface CellState {
  readonly rule: RuleId;
  readonly form?: string;
  /** Packed; absent = as it is made. */
  readonly state?: unknown;
  /** Absent = at rest. */
  readonly machine?: AlertMachine;
  readonly times: Times | CellTimes;
  readonly isBlind?: boolean;
  readonly flap?: Flap;
  readonly alert?: Alert;
}

export const registryState = (registry: Registry): RegistryState => ({
  watched: [...watchedStates(registry)],
  health: [...healthOf(registry)],
});

/** As text in pieces; the registry must not change before the last one is taken. */
export const registryText = (registry: Registry): JsonText =>
  objectText({
    watched: arrayText(watchedStates(registry)),
    health: arrayText(healthOf(registry)),
  });

function* watchedStates(registry: Registry): Generator<WatchedState> {
  for (const place of registry.all()) yield watchedState(place);
}

/** Of each subject once, however many agents see it. */
function* healthOf(registry: Registry): Generator<readonly [SubjectKey, Health]> {
  const told = new Set<Shared>();
  for (const { key, shared } of registry.all()) {
    if (told.has(shared)) continue;
    if (shared.views.length > 1) told.add(shared);
    yield [key, shared.health];
  }
}

function watchedState(place: Watched): WatchedState {
  const { agent, key, port, clock, voice, isFresh, isGood, answeredSlot } = place;
  return {
    agent,
    subject: key,
    tracks: place.tracks
      .filter(({ seat }) => seat.plan.role !== 'ignored')
      .map((one) => trackState(place, one)),
    cells: place.cells.map(cellState),
    reach: reachState(place),
    ...(port && { port: { ...port } }),
    ...(clock && { clock: { ...clock } }),
    ...(voice && { voice: voiceMinute(voice, place.marks) }),
    times: timesAt(place.marks, 0),
    isFresh,
    isGood,
    answeredSlot,
  };
}

function trackState(place: Watched, track: Track): TrackState {
  const { seat, learned } = track;
  const { metric, role } = seat.plan;
  const lastAt = lastAtOf(place, seat) - seenAt(place);
  const every = everyOf(place, seat);
  if (learned !== undefined) {
    return [metric, lastAt, every, packPlain(learnedState(learned)) as LearnedState];
  }
  const reading = role === 'counter' ? readingOf(place, seat.place) : undefined;
  return reading === undefined
    ? [metric, lastAt, every]
    : [metric, lastAt, every, String(reading), place.marks[seat.place + BITS] as 0 | 32 | 64];
}

function cellState(cell: Cell): CellState {
  const { compiled, machine, isBlind, flap, alert, watched, place } = cell;
  const state = compiled.judge.save(place + CELL, watched);
  return {
    rule: compiled.rule.id,
    ...(compiled.judge.form !== undefined && { form: compiled.judge.form }),
    ...(state !== null && { state: packPlain(state) }),
    ...(machine && { machine: { ...machine } }),
    times: cellTimes(watched, place),
    ...(isBlind && { isBlind }),
    ...(flap && { flap: { ...flap } }),
    ...(alert && { alert }),
  };
}

/** Most rules heard last what the subject heard last, and are fresh for as long as that says. */
function cellTimes({ marks }: Watched, place: number): Times | CellTimes {
  const [lastAt, freshUntil, patience] = timesAt(marks, place);
  const ago = (marks[SEEN_AT] as number) - lastAt;
  return freshUntil === lastAt + patience ? [ago, patience] : [lastAt, freshUntil, patience];
}

function wholeTimes(times: Times | CellTimes, { marks }: Watched): Times {
  if (times.length === 3) return times;
  const [ago, patience] = times;
  const lastAt = epochMs((marks[SEEN_AT] as number) - ago);
  return [lastAt, epochMs(lastAt + patience), patience];
}

/**
 * Fills an empty registry. Returns the firing alerts whose rule the settings do not hold any more:
 * they are still to be resolved.
 */
export function restoreRegistry(
  registry: Registry,
  scope: Scope,
  given: RegistryState,
  adopt: (cell: Cell) => void,
): Alert[] {
  const orphans: Alert[] = [];
  const health = new Map(given.health);
  for (const one of given.watched) {
    const place = registry.watched(one.agent, one.subject);
    place.shared.health = health.get(one.subject) ?? 'unknown';
    restorePlace(place, one);
    const rules = new Map(scope.rulesOf(one.subject).map((c) => [c.rule.id, c]));
    for (const cellState of one.cells) {
      const compiled = rules.get(cellState.rule);
      if (compiled !== undefined) restoreCell(registry.cell(place, compiled), cellState, adopt);
      else if (cellState.alert !== undefined) orphans.push(cellState.alert);
    }
    for (const trackState of one.tracks) restoreTrack(registry, place, trackState);
    // The tracks have made it.
    if (place.voice && isVoiceMinute(one.voice)) {
      setVoiceMinute(place.voice, place.marks, one.voice);
    }
  }
  return orphans;
}

function restorePlace(place: Watched, state: WatchedState): void {
  loadReach(place, state.reach);
  place.port = state.port && { ...createPort(), ...state.port };
  place.clock = state.clock && { ...state.clock };
  setTimes(place.marks, 0, state.times);
  place.isFresh = state.isFresh;
  place.isGood = state.isGood;
  place.answeredSlot = state.answeredSlot;
}

function restoreCell(cell: Cell, state: CellState, adopt: (cell: Cell) => void): void {
  const { judge } = cell.compiled;
  if (state.form === judge.form && state.state !== undefined) {
    judge.load(cell.place + CELL, cell.watched, unpackPlain(state.state));
  }
  cell.machine =
    state.machine?.state === 'inactive' ? undefined : state.machine && { ...state.machine };
  setTimes(cell.watched.marks, cell.place, wholeTimes(state.times, cell.watched));
  cell.isBlind = state.isBlind === true;
  cell.flap = state.flap && { ...state.flap };
  cell.alert = state.alert;
  adopt(cell);
}

function restoreTrack(registry: Registry, place: Watched, state: TrackState): void {
  const [metric, lastAt, every, more, bits] = state;
  const track = registry.track(place, metric);
  const { marks } = place;
  const { place: own } = track.seat;
  marks[own + LAST_AT] = lastAt > 0 ? lastAt : seenAt(place) + lastAt;
  marks[own + EVERY] = every;
  if (typeof more === 'string' && bits !== undefined) {
    setReading(place, own, BigInt(more));
    marks[own + BITS] = bits;
  } else if (typeof more === 'object' && track.learned !== undefined) {
    track.learned = restoreLearned(metric, unpackPlain(more) as LearnedState);
  }
}
