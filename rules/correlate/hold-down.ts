import type { SubjectKey } from '../../protocol/model/subject.ts';
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  minutes,
  seconds,
} from '../../protocol/model/units.ts';
import type { Timing } from '../settings.ts';
import type { AlertBook, FiringAlert } from './alert-book.ts';
import type { Answers } from './answers.ts';
import { type Explainer, lookBackOf } from './explain.ts';
import type { Family } from './family.ts';
import type { Question, Silence } from './silence.ts';
import type { Slot } from './slot.ts';
import type { Topology } from './topology.ts';

/** Ten packets 100 ms apart, the wait for the last one, and the way here. */
const BURST_LASTS = seconds(2);

/** Longest default interval of what is polled by SNMP: so long an alert may wait to be looked at. */
const POLLED: Partial<Record<Family, DurationMs>> = {
  'interface-down': seconds(60),
  'snmp-silent': seconds(60),
  errors: seconds(60),
  utilisation: seconds(60),
  discards: seconds(60),
  resources: minutes(5),
};

/** Whether an alert without a firing cause may open an incident now. `until` null = not before data. */
export type Finding =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'wait';
      readonly until: EpochMs | null;
      readonly ask: readonly Question[];
      readonly text: string;
    };

export interface HoldDownDeps {
  readonly book: AlertBook;
  readonly answers: Answers;
  readonly explainer: Explainer;
  readonly silence: Silence;
  readonly topology: () => Topology;
  readonly timing: () => Timing;
}

const OPEN: Finding = { kind: 'open' };
const waiting = (until: EpochMs | null, text: string, ask: readonly Question[] = []): Finding => ({
  kind: 'wait',
  until,
  ask,
  text,
});

/** Design 6.3: never blame a child before its upstream was looked at; never storm on the way back. */
export interface HoldDown {
  judge(firing: FiringAlert, now: EpochMs): Finding;
  /** Until when an alert may echo a cause that has cleared: look-back of its rule and clearing. */
  echoUntil(firing: FiringAlert, clearedAt: EpochMs): EpochMs;
}

export function createHoldDown(deps: HoldDownDeps): HoldDown {
  const { book, answers, explainer, silence, topology, timing } = deps;

  function echoUntil(firing: FiringAlert, clearedAt: EpochMs): EpochMs {
    const rule = book.ruleOf(firing);
    const probed = timing().holdDown + (POLLED[book.familyOf(firing)] ?? 0);
    // Twice the window: one more lost packet in its tail prolongs it.
    return epochMs(clearedAt + probed + 2 * lookBackOf(rule) + (rule?.clearAfter ?? 0));
  }

  /** Agents that can be asked about the subject; the child's own observer first. */
  function askable(subject: SubjectKey, firing: FiringAlert): readonly Question[] {
    const agents = (topology().watchersOf(subject) ?? []).filter((a) => !silence.isSilent(a));
    const own = agents.filter((agent) => agent === firing.alert.agent);
    return [...own, ...agents].slice(0, 1).map((agent) => ({ agent, subject }));
  }

  /**
   * Rounds are dated by their last answered packet: one sent after the child failed is proof. An
   * outage may begin with mere loss, long before; what counts is the burst that made it one.
   */
  function failedAt({ alert }: FiringAlert): EpochMs {
    const { onsetAt } = alert.evidence;
    if (alert.disturbance !== 'outage') return onsetAt;
    return epochMs(Math.max(onsetAt, alert.firedAt - BURST_LASTS));
  }

  /** The questions that could still confirm the slot; empty = it can no longer explain the alert. */
  function openQuestions(firing: FiringAlert, slot: Slot): readonly Question[] {
    if (slot.waits === 'no') return [];
    const since = failedAt(firing);
    const questions: Question[] = [];
    for (const group of slot.groups) {
      if (explainer.isFiring(firing, group)) continue;
      const subject = group[0]?.subject;
      if (subject === undefined) return [];
      const asked = askable(subject, firing);
      const isRefuted = slot.waits === 'answer' && answers.isAnsweredAfter(subject, since);
      if (asked.length === 0 || isRefuted) return [];
      questions.push(...asked);
    }
    return questions;
  }

  /** Missing data neither open nor close (design 6.1). */
  function isUnseen(firing: FiringAlert): boolean {
    if (firing.blindSince !== undefined) return true;
    return book.familyOf(firing) !== 'agent-silent' && silence.isSilent(firing.alert.agent);
  }

  /** Until when the alert may be an echo of a cause that has cleared. */
  function releaseOf(firing: FiringAlert): number {
    const until = explainer.explainedUntil(firing);
    const echo = until === undefined ? 0 : echoUntil(firing, until);
    return Math.max(firing.releaseAt ?? 0, echo);
  }

  function judge(firing: FiringAlert, now: EpochMs): Finding {
    if (isUnseen(firing)) return waiting(null, 'nobody can see whether the trouble goes on');
    const release = releaseOf(firing);
    if (now < release) {
      const text = 'what explained it has just cleared; it opens only if it outlasts that';
      return waiting(epochMs(release), text);
    }
    if (firing.releaseAt !== undefined) return OPEN;
    return upstreamFinding(firing, now);
  }

  function upstreamFinding(firing: FiringAlert, now: EpochMs): Finding {
    const slots = book.slotsOf(firing);
    const probed = epochMs(firing.heldFrom + timing().holdDown);
    const ask = slots.filter((s) => s.waits === 'answer').flatMap((s) => openQuestions(firing, s));
    if (ask.length > 0 && now < probed) {
      return waiting(probed, 'its upstream has not been probed since the trouble began', ask);
    }
    // A bad circuit shows by itself, in a window as long as this alert's own: nobody need be asked.
    const shown = epochMs(probed + lookBackOf(book.ruleOf(firing)));
    const mayShow = slots.some((s) => s.waits === 'time' && openQuestions(firing, s).length > 0);
    if (!mayShow || now >= shown) return OPEN;
    return waiting(shown, 'what it is reached through may turn out to be bad as well');
  }

  return { judge, echoUntil };
}
