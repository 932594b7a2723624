import type { Alert, Evidence } from '../../protocol/model/alert.ts';
import type { Health, TrendFact } from '../../protocol/model/fact.ts';
import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import type { Series } from '../../protocol/model/sample.ts';
import {
  type AgentId,
  kindOf,
  type SubjectKey,
  type SubjectKind,
} from '../../protocol/model/subject.ts';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';
import type { AlertMachine, Verdict } from './alert-state.ts';
import type { Learned } from './baseline-series.ts';
import type { DeviceClock } from './device-clock.ts';
import type { Flap } from './flapping.ts';
import { createMarks, type Marks } from './marks.ts';
import type { Plan } from './plans.ts';
import type { Voice } from './voice.ts';

/** A sample on its way to the rules. One object, used again for each sample. */
export interface Feed {
  at: EpochMs;
  value: number;
  /** How often a sample of this series is due; 0 = not known yet. */
  every: DurationMs;
  /** After this long without a sample nothing is known any more. */
  patience: DurationMs;
  /** Time since the sample before of this series; 0 = it is the first. A rate is the mean over it. */
  span: DurationMs;
  /** What is learned of this series, where a rule needs it. */
  learned: Learned | undefined;
  watched: Watched;
}

/** Evidence without what the engine adds. */
export interface Finding {
  readonly metric?: RuleMetricName;
  readonly onsetAt: EpochMs;
  readonly observed?: number;
  readonly expected?: number;
  readonly usual?: NonNullable<Evidence['usual']>;
  /** How sure the detector is, 0..1. */
  readonly sureness?: number;
  readonly learningSince?: EpochMs;
  readonly text: string;
}

/**
 * One detector with its settings. What it knows of a subject are numbers among the marks of the subject,
 * from the place `base` on, which it is told each time.
 */
export interface Judge {
  /** Metrics it is fed with; `input` is the place in this list. */
  readonly metrics: readonly RuleMetricName[];
  /** It reads `feed.learned`. */
  readonly learns: boolean;
  /** Names the form of the state where an older release kept another; a state of another form is not restored. */
  readonly form: string | undefined;
  /** The numbers from `base` on as they are before the first sample. */
  readonly first: readonly number[];
  observe(base: number, input: number, feed: Feed): Verdict;
  /** Why it is breached. */
  finding(base: number, watched: Watched, at: EpochMs): Finding;
  /** Why it is normal again, in plain words. */
  cleared(base: number, watched: Watched): string;
  /** What is only written down; asked after each sample, tells each finding once. */
  readonly trend: (() => TrendFact | undefined) | undefined;
  /** What it knows as plain JSON, for snapshots; null = nothing. */
  save(base: number, watched: Watched): unknown;
  /** Into numbers that are as `first`. */
  load(base: number, watched: Watched, state: unknown): void;
}

interface JudgeOf<S> {
  readonly metrics: readonly RuleMetricName[];
  readonly learns?: boolean;
  readonly form?: string;
  readonly first: readonly number[];
  observe(base: number, input: number, feed: Feed): Verdict;
  finding(base: number, watched: Watched, at: EpochMs): Finding;
  cleared(base: number, watched: Watched): string;
  trend?(): TrendFact | undefined;
  save(base: number, watched: Watched): S;
  load(base: number, watched: Watched, state: S): void;
}

/**
 * Makes a judge of one with typed state: the engine only ever loads what `save` gave. All judges have the
 * same fields in the same order, or looking up the one to call would take longer than some calls.
 */
export const defineJudge = <S>(judge: JudgeOf<S>): Judge => ({
  metrics: judge.metrics,
  learns: judge.learns === true,
  form: judge.form,
  first: judge.first,
  observe: judge.observe,
  finding: judge.finding,
  cleared: judge.cleared,
  trend: judge.trend,
  save: judge.save,
  load: (base, watched, state) => judge.load(base, watched, state as S),
});

export interface CompiledRule {
  readonly rule: Rule;
  readonly judge: Judge;
}

/** One rule on one subject as one agent sees it. */
export interface Cell {
  compiled: CompiledRule;
  readonly watched: Watched;
  /** Undefined while at rest, as nearly all are nearly always. */
  machine: AlertMachine | undefined;
  /** Where its numbers are in the marks of the subject: its times, then what its judge keeps. */
  place: number;
  isBlind: boolean;
  /** While its state has changed of late. */
  flap: Flap | undefined;
  /** While firing. */
  alert: Alert | undefined;
}

/** A rule that a series feeds, and as which of its inputs. A chain: most series have one. */
export interface Outlet {
  readonly judge: Judge;
  readonly input: number;
  /** Of the cell. */
  readonly place: number;
  readonly next: Outlet | undefined;
}

export const createOutlet = (cell: Cell, input: number, next?: Outlet): Outlet => ({
  judge: cell.compiled.judge,
  input,
  place: cell.place,
  next,
});

/** The cell whose numbers are there. */
export const cellAt = ({ cells }: Watched, place: number): Cell =>
  cells.find((cell) => cell.place === place) as Cell;

/** What is too large for the numbers of a subject, or is made too seldom. Its place, from 1 on. */
export function addBulk(watched: Watched, bulk: unknown): number {
  // Exact room, as with the marks.
  watched.bulk = [...watched.bulk, bulk];
  return watched.bulk.length;
}

export function setBulk(watched: Watched, place: number, bulk: unknown): void {
  watched.bulk = watched.bulk.with(place - 1, bulk);
}

/** @param place as `addBulk` gave it; undefined for 0 */
export const bulkAt = <T>({ bulk }: Watched, place: number): T | undefined =>
  bulk[place - 1] as T | undefined;

/**
 * What is to be done with the samples of a series. Shared by all subjects whose numbers lie alike, which
 * are nearly all of a kind: so it is always near at hand.
 */
export interface Seat {
  readonly plan: Plan;
  /** Where the numbers of the series are in the marks of the subject. */
  readonly place: number;
  readonly outlet: Outlet | undefined;
}

/** A series. Small enough to wait for the memory once. */
export interface Track {
  /** As its newest sample named it. No part of what is decided. */
  series: Series | undefined;
  /** Undefined of what no rule of any subject asks for. */
  readonly watched: Watched | undefined;
  seat: Seat;
  learned: Learned | undefined;
}

/** Facts of a port that its counters are judged by. */
export interface Port {
  speedBps: number;
  discontinuityTicks: number;
  /** When `discontinuityTicks` was last seen to change; 0 = never. */
  discontinuityAt: EpochMs;
  /** Bits per second received and sent, of the newest poll; 0 = not known. */
  inBps: number;
  outBps: number;
}

/** One subject as one agent sees it. */
export interface Watched {
  readonly agent: AgentId;
  readonly key: SubjectKey;
  readonly kind: SubjectKind;
  /** Numbers of the subject, its series and its rules. */
  marks: Marks;
  /** Few, and mostly asked for in the order of the last round: see `cursor`. */
  tracks: readonly Track[];
  cells: readonly Cell[];
  /** Rings and profiles; see `addBulk`. */
  bulk: readonly unknown[];
  readonly shared: Shared;
  port: Port | undefined;
  clock: DeviceClock | undefined;
  /** Of links. */
  voice: Voice | undefined;
  /** The device of a port, as the same agent sees it. */
  device: Watched | undefined;
  isFresh: boolean;
  isGood: boolean;
  answeredSlot: number;
  /** Where the next series is looked for first. No part of what is decided, nor the next two. */
  cursor: number;
  turn: number;
  /** The subject that came after it in the last batch. */
  next: Watched | undefined;
}

/** A subject as all agents of this engine see it. */
export interface Shared {
  readonly key: SubjectKey;
  views: readonly Watched[];
  health: Health;
}

export const createShared = (key: SubjectKey): Shared => ({ key, views: [], health: 'unknown' });

const NO_BULK: readonly unknown[] = [];

export function createWatched(agent: AgentId, shared: Shared): Watched {
  // What every sample needs stands first, so that it lies side by side.
  const watched: Watched = {
    marks: createMarks(),
    tracks: [],
    cursor: 0,
    turn: 0,
    next: undefined,
    device: undefined,
    isFresh: false,
    voice: undefined,
    port: undefined,
    kind: kindOf(shared.key),
    isGood: false,
    answeredSlot: -1,
    agent,
    key: shared.key,
    cells: [],
    bulk: NO_BULK,
    shared,
    clock: undefined,
  };
  shared.views = shared.views.concat(watched).sort((a, b) => (a.agent < b.agent ? -1 : 1));
  return watched;
}
