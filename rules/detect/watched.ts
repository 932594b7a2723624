import type { Alert, Evidence } from '../../protocol/model/alert.ts';
import type { Health, TrendFact } from '../../protocol/model/fact.ts';
import type { MetricName, RuleMetricName } from '../../protocol/model/metrics.ts';
import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Rule } from '../settings.ts';
import type { AlertMachine, Verdict } from './alert-state.ts';
import type { Learned } from './baseline-series.ts';
import type { DeviceClock } from './device-clock.ts';
import type { Flap } from './flapping.ts';
import type { ProbeReach, ReachProbe } from './reach.ts';
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

/** One detector with its settings. Its state belongs to a cell and is plain JSON. */
export interface Judge {
  /** Metrics it is fed with; `input` is the place in this list. */
  readonly metrics: readonly RuleMetricName[];
  /** It reads `feed.learned`. */
  readonly learns?: boolean;
  /** Names the form of the state where an older release kept another; a state of another form is not restored. */
  readonly form?: string;
  create(): unknown;
  observe(state: unknown, input: number, feed: Feed): Verdict;
  /** Why it is breached. */
  finding(state: unknown, watched: Watched, at: EpochMs): Finding;
  /** Why it is normal again, in plain words. */
  cleared(state: unknown, watched: Watched): string;
  /** What is only written down; asked after each sample, tells each finding once. */
  trend?(state: unknown, feed: Feed): TrendFact | undefined;
}

/** Makes a judge of one with typed state: the engine only ever hands back what `create` made. */
export const defineJudge = <S>(judge: {
  readonly metrics: readonly RuleMetricName[];
  readonly learns?: boolean;
  readonly form?: string;
  create(): S;
  observe(state: S, input: number, feed: Feed): Verdict;
  finding(state: S, watched: Watched, at: EpochMs): Finding;
  cleared(state: S, watched: Watched): string;
  trend?(state: S, feed: Feed): TrendFact | undefined;
}): Judge => judge as unknown as Judge;

export interface CompiledRule {
  readonly rule: Rule;
  readonly judge: Judge;
}

/** One rule on one subject as one agent sees it. */
export interface Cell {
  compiled: CompiledRule;
  readonly watched: Watched;
  state: unknown;
  readonly machine: AlertMachine;
  lastAt: EpochMs;
  freshUntil: EpochMs;
  patience: DurationMs;
  isBlind: boolean;
  /** While its state has changed of late. */
  flap: Flap | undefined;
  /** While firing. */
  alert: Alert | undefined;
}

/** A rule that a series feeds, and as which of its inputs. */
export interface Outlet {
  readonly cell: Cell;
  readonly input: number;
}

/** What a series does besides feeding rules. */
export type Role = 'plain' | 'loss' | 'burst' | 'snmp' | 'clock' | 'port' | 'counter' | 'ignored';

export interface Track {
  readonly metric: MetricName;
  readonly role: Role;
  /** Place in the order of one poll. */
  readonly rank: number;
  outlets: readonly Outlet[];
  lastAt: EpochMs;
  every: DurationMs;
  /** Of counters: what was read at `lastAt`. */
  counter: bigint | undefined;
  bits: 0 | 32 | 64;
  learned: Learned | undefined;
}

/** Facts of a port that its counters are judged by. */
export interface Port {
  speedBps: number;
  discontinuityTicks: number;
  /** When `discontinuityTicks` was last seen to change; 0 = never. */
  discontinuityAt: EpochMs;
}

/** One subject as one agent sees it. */
export interface Watched {
  readonly agent: AgentId;
  readonly key: SubjectKey;
  /** Few, and mostly asked for in the order of the last round: see `cursor`. */
  tracks: Track[];
  cells: Cell[];
  readonly reach: Partial<Record<ReachProbe, ProbeReach>>;
  readonly shared: Shared;
  port: Port | undefined;
  clock: DeviceClock | undefined;
  /** Of links. */
  voice: Voice | undefined;
  /** The device of a port, as the same agent sees it. */
  device: Watched | undefined;
  lastAt: EpochMs;
  freshUntil: EpochMs;
  patience: DurationMs;
  isFresh: boolean;
  isGood: boolean;
  answeredSlot: number;
  /** Where the next series is looked for first. No part of what is decided, nor the next three. */
  cursor: number;
  turn: number;
  lastKey: number;
  portsAt: number;
}

/** A subject as all agents of this engine see it. */
export interface Shared {
  readonly key: SubjectKey;
  readonly views: Watched[];
  health: Health;
}

export const createShared = (key: SubjectKey): Shared => ({ key, views: [], health: 'unknown' });

export function createWatched(agent: AgentId, shared: Shared): Watched {
  const watched: Watched = {
    agent,
    key: shared.key,
    tracks: [],
    cells: [],
    reach: {},
    shared,
    port: undefined,
    clock: undefined,
    voice: undefined,
    device: undefined,
    lastAt: epochMs(0),
    freshUntil: epochMs(0),
    patience: 0 as DurationMs,
    isFresh: false,
    isGood: false,
    answeredSlot: -1,
    cursor: 0,
    turn: 0,
    lastKey: 0,
    portsAt: 0,
  };
  shared.views.push(watched);
  shared.views.sort((a, b) => (a.agent < b.agent ? -1 : 1));
  return watched;
}
