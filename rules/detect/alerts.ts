import type { AlertKey } from '../../protocol/model/alert.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import { type EpochMs, elapsed, epochMs } from '../../protocol/model/units.ts';
import { advance, restartRuns } from './alert-state.ts';
import { tellHealth } from './health.ts';
import type { Scope } from './scope.ts';
import type { Sink } from './sink.ts';
import type { Cell, Feed } from './watched.ts';

/** The life of alerts: verdicts become facts. */
export interface Alerts {
  /** One sample (or clock reading) for one rule. */
  judge(cell: Cell, input: number, feed: Feed, now: EpochMs): void;
  /** Says of every alert whose data stopped that it is blind. Returns when to look again. */
  findBlind(now: EpochMs): EpochMs;
  /** The rule or the subject is gone. */
  withdraw(cell: Cell, text: string, now: EpochMs): void;
  /** Takes up an alert that was pending or firing when the snapshot was taken. */
  adopt(cell: Cell): void;
}

const alertKeyOf = (cell: Cell): AlertKey =>
  `${cell.compiled.rule.id}|${cell.watched.key}|${cell.watched.agent}`;

export const FOREVER = epochMs(8.64e15);

export function createAlerts(scope: () => Scope, sink: Sink): Alerts {
  /** Pending and firing: few, whatever the number of series. */
  const active = new Set<Cell>();

  function judge(cell: Cell, input: number, feed: Feed, now: EpochMs): void {
    const { machine, compiled } = cell;
    const verdict = compiled.judge.observe(cell.state, input, feed);
    const trend = compiled.judge.trend?.(cell.state, feed);
    if (trend !== undefined) sink.push(feed.at, trend);
    cell.lastAt = feed.at;
    cell.patience = feed.patience;
    cell.freshUntil = epochMs(Math.max(cell.freshUntil, feed.at + feed.patience));
    if (machine.state === 'inactive' && verdict !== 'breached') return;
    if (cell.isBlind) see(cell, feed.at, now);
    const step = advance(machine, verdict, feed.at, compiled.rule);
    if (step === 'fired') fire(cell, feed.at, now);
    else if (step === 'resolved') {
      const text = compiled.judge.cleared(cell.state, cell.watched);
      resolve(cell, { kind: 'cleared', text }, feed.at, now);
    }
    if (machine.state === 'inactive') active.delete(cell);
    else active.add(cell);
  }

  function fire(cell: Cell, at: EpochMs, now: EpochMs): void {
    const { watched } = cell;
    const { rule, judge: by } = cell.compiled;
    const finding = by.finding(cell.state, watched, at);
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
    restartRuns(cell.machine);
    if (cell.alert === undefined) return;
    const { key: alert, subject } = cell.alert;
    sink.push(now, { kind: 'alert.blind', at: now, alert, subject, since: cell.lastAt });
    tellHealth(cell.watched.shared, sink, now, now);
  }

  function findBlind(now: EpochMs): EpochMs {
    let next = FOREVER;
    const stale: Cell[] = [];
    for (const cell of active) {
      if (cell.isBlind) continue;
      if (now > cell.freshUntil) stale.push(cell);
      else if (cell.freshUntil < next) next = cell.freshUntil;
    }
    // The order of the set is the order of trouble, which a snapshot does not keep.
    stale.sort((a, b) => (alertKeyOf(a) < alertKeyOf(b) ? -1 : 1));
    for (const cell of stale) blind(cell, now);
    return next;
  }

  return {
    judge,
    findBlind,
    withdraw(cell, text, now) {
      active.delete(cell);
      if (cell.alert !== undefined) resolve(cell, { kind: 'configuration', text }, now, now);
    },
    adopt: (cell) => void active.add(cell),
  };
}
