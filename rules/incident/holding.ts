import type { AlertKey, Reason } from '../../protocol/model/alert.ts';
import type { Fact } from '../../protocol/model/fact.ts';
import { type EpochMs, epochMs, later } from '../../protocol/model/units.ts';
import type { Instant } from '../contract.ts';
import type { AlertBook, FiringAlert } from '../correlate/alert-book.ts';
import type { Finding } from '../correlate/hold-down.ts';
import type { Question } from '../correlate/silence.ts';
import type { Timing } from '../settings.ts';

/** One input on its way through correlation. */
export interface Turn {
  readonly at: Instant;
  /** Suppressions and confirm requests, in the order in which they were decided. */
  readonly facts: Fact[];
  /** Alerts whose place must be looked at anew. */
  readonly dirty: Set<FiringAlert>;
}

export interface HoldingState {
  readonly held: readonly (readonly [AlertKey, EpochMs | null])[];
  readonly asked: readonly (readonly [string, EpochMs])[];
}

/** Alerts that wait, until when, and the probes that were asked for them. */
export interface Holding {
  /** Holds the alert, says why once, and asks the agents that could tell more. */
  hold(firing: FiringAlert, finding: Finding & { kind: 'wait' }, turn: Turn): void;
  holdUntil(key: AlertKey, until: EpochMs): void;
  release(key: AlertKey): void;
  /** Says why the alert opens nothing; the same reason is said once. */
  suppress(firing: FiringAlert, because: Reason, turn: Turn): void;
  /** Requests probes; none is asked for again before its time is over. */
  ask(questions: readonly Question[], until: EpochMs, turn: Turn): void;
  /** Held alerts whose time has come at `now`. */
  dueAt(now: EpochMs): readonly FiringAlert[];
  heldAlerts(): readonly FiringAlert[];
  /** Earliest time at which `dueAt` has something; undefined = nothing is held with an end. */
  nextDueAt(): EpochMs | undefined;
  /** Questions are remembered until their time is over. */
  hasAsked(): boolean;
  forgetAsked(now: EpochMs): void;
  snapshot(): HoldingState;
}

export interface HoldingDeps {
  readonly book: AlertBook;
  readonly timing: () => Timing;
}

function reasonOf({ until, text, window }: Finding & { kind: 'wait' }, since: EpochMs): Reason {
  if (until === null) return { kind: 'no-data', since, text };
  return window === undefined
    ? { kind: 'held-down', until, text }
    : { kind: 'maintenance', window, until, text };
}

export function createHolding({ book, timing }: HoldingDeps, state?: HoldingState): Holding {
  const held = new Map<AlertKey, EpochMs | null>(state?.held);
  const asked = new Map<string, EpochMs>(state?.asked);

  function suppress(firing: FiringAlert, because: Reason, turn: Turn): void {
    const told = because.kind === 'explained-by' ? `explained-by ${because.alert}` : because.kind;
    if (firing.told === told) return;
    firing.told = told;
    const { key, subject } = firing.alert;
    turn.facts.push({ kind: 'alert.suppressed', at: turn.at.now, alert: key, subject, because });
  }

  function ask(questions: readonly Question[], until: EpochMs, turn: Turn): void {
    for (const { agent, subject } of questions) {
      const name = `${agent}|${subject}`;
      if ((asked.get(name) ?? 0) > turn.at.now) continue;
      asked.set(name, until);
      turn.facts.push({ kind: 'confirm.requested', at: turn.at.now, agent, subject, until });
    }
  }

  function hold(firing: FiringAlert, finding: Finding & { kind: 'wait' }, turn: Turn): void {
    const { until } = finding;
    held.set(firing.alert.key, until);
    const since = firing.blindSince ?? turn.at.now;
    const because = reasonOf(finding, since);
    suppress(firing, because, turn);
    ask(finding.ask, until ?? later(turn.at.now, timing().holdDown), turn);
  }

  function dueAt(now: EpochMs): FiringAlert[] {
    const due: FiringAlert[] = [];
    for (const [key, until] of held) {
      const firing = until !== null && until <= now ? book.get(key) : undefined;
      if (firing !== undefined) due.push(firing);
    }
    return due;
  }

  function nextDueAt(): EpochMs | undefined {
    let next: number | undefined;
    for (const until of held.values()) {
      if (until !== null && (next === undefined || until < next)) next = until;
    }
    return next === undefined ? undefined : epochMs(next);
  }

  return {
    hold,
    holdUntil: (key, until) => held.set(key, until),
    release: (key) => held.delete(key),
    suppress,
    ask,
    dueAt,
    heldAlerts: () => [...held.keys()].flatMap((key) => book.get(key) ?? []),
    nextDueAt,
    hasAsked: () => asked.size > 0,
    forgetAsked(now) {
      for (const [name, until] of asked) if (until <= now) asked.delete(name);
    },
    snapshot: () => ({ held: [...held], asked: [...asked] }),
  };
}
