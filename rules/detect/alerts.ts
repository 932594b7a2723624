import type { AlertKey } from '../../protocol/model/alert.ts';
import type { RuleMetricName } from '../../protocol/model/metrics.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import { type EpochMs, elapsed, epochMs } from '../../protocol/model/units.ts';
import {
  type AlertStep,
  advance,
  createAlertMachine,
  restartRuns,
  type Verdict,
} from './alert-state.ts';
import { HIGH, isWarm, LOW, learnedSince, MIDDLE, usually } from './baseline-series.ts';
import { createFlap, flapReason, noteChange, turnFlap } from './flapping.ts';
import { tellHealth } from './health.ts';
import { CELL, CELL_FRESH_UNTIL, CELL_IS_ACTIVE, CELL_LAST_AT, CELL_PATIENCE } from './marks.ts';
import type { Scope } from './scope.ts';
import type { Sink } from './sink.ts';
import {
  type Cell,
  cellAt,
  type Feed,
  type Finding,
  type Outlet,
  type Watched,
} from './watched.ts';

/** The life of alerts: verdicts become facts. */
export interface Alerts {
  /** One sample (or clock reading) for one rule. True while the alert is not at rest. */
  judge(outlet: Outlet, feed: Feed, now: EpochMs): boolean;
  /** What has not fired yet must be proved anew. */
  restart(first: Outlet | undefined, watched: Watched): void;
  /** Says of every alert whose data stopped that it is blind. Returns when to look again. */
  findBlind(now: EpochMs): EpochMs;
  /** The rule or the subject is gone. */
  withdraw(cell: Cell, text: string, now: EpochMs): void;
  /** Takes up a rule as it was when the snapshot was taken. */
  adopt(cell: Cell): void;
}

const alertKeyOf = (cell: Cell): AlertKey =>
  `${cell.compiled.rule.id}|${cell.watched.key}|${cell.watched.agent}`;

/** On its way to clear, by what was seen last. One that flaps stays an alert while all is well. */
function isFading({ alert, machine, isBlind }: Cell): boolean {
  if (alert === undefined || isBlind) return false;
  return machine?.state !== 'firing' || machine.isFading;
}

/** What is usual there, also for alerts of fixed limits: whoever reads one wants to know. */
function usualOf(
  { tracks }: Watched,
  metric: RuleMetricName | undefined,
  at: EpochMs,
): Partial<Finding> {
  const learned = tracks.find(({ seat }) => seat.plan.metric === metric)?.learned;
  if (learned === undefined || !isWarm(learned, at)) return {};
  const of = (share: number): number => usually(learned, share);
  return {
    usual: { low: of(LOW), middle: of(MIDDLE), high: of(HIGH) },
    learningSince: learnedSince(learned),
  };
}

export const FOREVER = epochMs(8.64e15);

export function createAlerts(scope: () => Scope, sink: Sink): Alerts {
  /** Pending and firing: few, whatever the number of series. */
  const active = new Set<Cell>();

  function judge({ judge: by, input, place }: Outlet, feed: Feed, now: EpochMs): boolean {
    const { at, patience, watched } = feed;
    const verdict = by.observe(place + CELL, input, feed);
    if (by.trend !== undefined) {
      const trend = by.trend();
      if (trend !== undefined) sink.push(at, trend);
    }
    const { marks } = watched;
    marks[place + CELL_LAST_AT] = at;
    marks[place + CELL_PATIENCE] = patience;
    const until = at + patience;
    if (until > (marks[place + CELL_FRESH_UNTIL] as number))
      marks[place + CELL_FRESH_UNTIL] = until;
    if ((verdict === 'normal' || verdict === 'unknown') && marks[place + CELL_IS_ACTIVE] === 0)
      return false;
    const cell = cellAt(watched, place);
    step(cell, verdict, at, now);
    noteActive(cell);
    return true;
  }

  function noteActive({ machine, flap, watched, place }: Cell): void {
    const isActive = machine !== undefined || flap !== undefined;
    watched.marks[place + CELL_IS_ACTIVE] = Number(isActive);
  }

  function step(cell: Cell, verdict: Verdict, at: EpochMs, now: EpochMs): void {
    const wasFading = isFading(cell);
    if (cell.isBlind) see(cell, at, now);
    const wasFlapping = cell.flap?.isFlapping === true;
    if (cell.flap !== undefined) cell.flap = turnFlap(cell.flap, at);
    const moved = move(cell, verdict, at);
    if (moved !== undefined) change(cell, moved, at, now);
    else if (wasFlapping && cell.flap?.isFlapping !== true) endFlapping(cell, at, now);
    if (isFading(cell) !== wasFading) tellFading(cell, at, now);
    if (cell.machine === undefined && cell.alert === undefined) active.delete(cell);
    else active.add(cell);
  }

  function tellFading(cell: Cell, at: EpochMs, now: EpochMs): void {
    if (cell.alert === undefined) return;
    const since = isFading(cell) ? { since: at } : {};
    const { key, subject } = cell.alert;
    sink.push(at, { kind: 'alert.fading', at: now, alert: key, subject, ...since });
  }

  function move(cell: Cell, verdict: Verdict, at: EpochMs): AlertStep {
    const machine = cell.machine ?? createAlertMachine();
    const moved = advance(machine, verdict, at, cell.compiled.rule);
    cell.machine = machine.state === 'inactive' ? undefined : machine;
    return moved;
  }

  /** Fired or resolved. While it flaps, the alert stays and people hear nothing of it. */
  function change(cell: Cell, step: 'fired' | 'resolved', at: EpochMs, now: EpochMs): void {
    const begins = noteFlap(cell, at);
    if (step === 'fired' && cell.alert === undefined) fire(cell, at, now);
    else if (step === 'resolved' && cell.flap?.isFlapping !== true) {
      const text = cell.compiled.judge.cleared(cell.place + CELL, cell.watched);
      resolve(cell, { kind: 'cleared', text }, at, now);
    } else tellHealth(cell.watched.shared, sink, at, now);
    if (!begins || cell.alert === undefined || cell.flap === undefined) return;
    const { key: alert, subject } = cell.alert;
    const because = flapReason(cell.flap, at);
    sink.push(at, { kind: 'alert.flapping', at: now, alert, subject, because });
  }

  /**
   * Silence of an agent hides all that it watches: that must end with the first word from it. And a
   * count that drops, recovers and drops again has each time lost another of the many that it counts.
   */
  function noteFlap(cell: Cell, at: EpochMs): boolean {
    const { kind } = cell.compiled.rule.detector;
    if (kind === 'agent-silent' || kind === 'drop') return false;
    cell.flap ??= createFlap(at);
    return noteChange(cell.flap);
  }

  /** It has been quiet for long enough: as it is now, it is. */
  function endFlapping(cell: Cell, at: EpochMs, now: EpochMs): void {
    if (cell.machine?.state === 'firing' || cell.alert === undefined) return;
    const text = cell.compiled.judge.cleared(cell.place + CELL, cell.watched);
    resolve(cell, { kind: 'cleared', text: `${text}, and has been steady for a while` }, at, now);
  }

  function fire(cell: Cell, at: EpochMs, now: EpochMs): void {
    const { watched } = cell;
    const { rule, judge: by } = cell.compiled;
    const finding = by.finding(cell.place + CELL, watched, at);
    const site = scope().siteOf(watched.key);
    const { metric } = finding;
    cell.alert = {
      key: alertKeyOf(cell),
      rule: rule.id,
      subject: watched.key,
      agent: watched.agent,
      ...(site !== undefined && { site }),
      severity: rule.severity,
      disturbance: rule.disturbance,
      firedAt: now,
      evidence: {
        // A fixed limit is measured, not guessed.
        sureness: 1,
        ...usualOf(watched, metric, at),
        ...finding,
        ...(metric !== undefined && { series: seriesKey(watched.agent, metric, watched.key) }),
        heldFor: elapsed(finding.onsetAt, at),
      },
    };
    sink.push(at, { kind: 'alert.fired', at: now, alert: cell.alert });
    tellHealth(watched.shared, sink, at, now);
  }

  function resolve(
    cell: Cell,
    because: { readonly kind: 'cleared' | 'configuration'; readonly text: string },
    when: EpochMs,
    now: EpochMs,
  ): void {
    const { key: subject, shared } = cell.watched;
    cell.alert = undefined;
    cell.isBlind = false;
    sink.push(when, { kind: 'alert.resolved', at: now, alert: alertKeyOf(cell), subject, because });
    tellHealth(shared, sink, when, now);
  }

  function see(cell: Cell, when: EpochMs, now: EpochMs): void {
    cell.isBlind = false;
    if (cell.alert === undefined) return;
    const { key: alert, subject } = cell.alert;
    sink.push(when, { kind: 'alert.blind', at: now, alert, subject });
    tellHealth(cell.watched.shared, sink, when, now);
  }

  function blind(cell: Cell, now: EpochMs): void {
    cell.isBlind = true;
    if (cell.machine !== undefined) restartRuns(cell.machine);
    if (cell.alert === undefined) return;
    const { key: alert, subject } = cell.alert;
    const lastAt = cell.watched.marks[cell.place + CELL_LAST_AT] as EpochMs;
    sink.push(now, { kind: 'alert.blind', at: now, alert, subject, since: lastAt });
    tellHealth(cell.watched.shared, sink, now, now);
  }

  function findBlind(now: EpochMs): EpochMs {
    let next = FOREVER;
    const stale: Cell[] = [];
    for (const cell of active) {
      if (cell.isBlind) continue;
      const freshUntil = cell.watched.marks[cell.place + CELL_FRESH_UNTIL] as EpochMs;
      if (now > freshUntil) stale.push(cell);
      else if (freshUntil < next) next = freshUntil;
    }
    // The order of the set is the order of trouble, which a snapshot does not keep.
    stale.sort((a, b) => (alertKeyOf(a) < alertKeyOf(b) ? -1 : 1));
    for (const cell of stale) blind(cell, now);
    return next;
  }

  function restart(first: Outlet | undefined, watched: Watched): void {
    for (let outlet = first; outlet !== undefined; outlet = outlet.next) {
      if (watched.marks[outlet.place + CELL_IS_ACTIVE] === 0) continue;
      const { machine } = cellAt(watched, outlet.place);
      if (machine?.state === 'pending') restartRuns(machine);
    }
  }

  return {
    judge,
    restart,
    findBlind,
    withdraw(cell, text, now) {
      active.delete(cell);
      if (cell.alert !== undefined) resolve(cell, { kind: 'configuration', text }, now, now);
    },
    adopt(cell) {
      noteActive(cell);
      if (cell.machine !== undefined || cell.alert !== undefined) active.add(cell);
    },
  };
}
