import { type AgentId, idOf, type SiteId, type SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, epochMs, seconds } from '../../protocol/model/units.ts';
import type { Timing } from '../settings.ts';
import type { AlertBook, FiringAlert, SilenceVerdict } from './alert-book.ts';
import type { Answers } from './answers.ts';
import { deviceSubject, linkSubject, type Topology } from './topology.ts';

/** A probe that would tell more: this agent, at this subject. */
export interface Question {
  readonly agent: AgentId;
  readonly subject: SubjectKey;
}

export type SilenceFinding =
  | { readonly kind: 'wait'; readonly until: EpochMs; readonly ask: readonly Question[] }
  | ({ readonly kind: 'open' } & SilenceVerdict);

export interface SilenceDeps {
  readonly book: AlertBook;
  readonly answers: Answers;
  readonly topology: () => Topology;
  readonly timing: () => Timing;
}

/**
 * What an agent's silence means (design 6.7), asked only of silences that no failed circuit explains:
 *
 *   the site answers another agent      ─▶ agent stopped
 *   others look, and it does not answer ─▶ site or circuit down
 *   nobody else can look                ─▶ unmonitored
 *   many agents at once                 ─▶ collector cut off
 */
export interface Silence {
  isSilent(agent: AgentId): boolean;
  judge(firing: FiringAlert, now: EpochMs): SilenceFinding;
  /** Silences that no circuit explains, when they are so many that the collector is to blame. */
  collectorBlindness(isSettled: (firing: FiringAlert) => boolean): readonly FiringAlert[];
}

const QUESTIONS = 3;
/** Agents are heard every 5 s at least: what cuts off the collector silences them within a little more. */
const SILENCED_WITHIN = seconds(7);

/** Whether so many were last heard of at about the same time. */
function areAtOnce(silences: readonly FiringAlert[], least: number): boolean {
  const heard = silences.map(({ alert }) => alert.evidence.onsetAt).sort((a, b) => a - b);
  return heard.some(
    (at, n) =>
      (heard[n + Math.ceil(least) - 1] ?? Number.POSITIVE_INFINITY) <= at + SILENCED_WITHIN,
  );
}

export const COLLECTOR_ROW = 'collector-cut-off';

export function createSilence({ book, answers, topology, timing }: SilenceDeps): Silence {
  const { isSilent } = book;

  /** What others may see of the site: its circuits first, they are asked first. */
  function windowsInto(site: SiteId): readonly SubjectKey[] {
    const links = [...topology().uplinksOf(site), ...topology().linksTowards(site)];
    const devices = topology().devicesAt(site);
    return [...links.map(linkSubject), ...devices.map((device) => deviceSubject(device.id))];
  }

  function observers(subjects: readonly SubjectKey[], silent: AgentId): readonly Question[] {
    return subjects.flatMap((subject) =>
      (topology().watchersOf(subject) ?? [])
        .filter((agent) => agent !== silent && !isSilent(agent))
        .map((agent) => ({ agent, subject })),
    );
  }

  function isSeenDown(questions: readonly Question[]): boolean {
    return questions.some(({ agent, subject }) =>
      book.on(subject).some((f) => f.alert.agent === agent && book.familyOf(f) === 'unreachable'),
    );
  }

  function judge(firing: FiringAlert, now: EpochMs): SilenceFinding {
    const silent = idOf(firing.alert.subject);
    const site = topology().siteOfAgent(silent);
    const windows = site === undefined ? [] : windowsInto(site);
    // An answer from before the first missed heartbeat proves nothing: the agent was heard then too.
    const { onsetAt } = firing.alert.evidence;
    const missedAt = epochMs(onsetAt + (firing.alert.firedAt - onsetAt) / 2);
    const answered = windows.find((s) => answers.isAnsweredAfter(s, missedAt, silent));
    if (answered !== undefined) {
      const text = `${answered} still answers another agent, so the agent itself has stopped`;
      return { kind: 'open', cause: 'agent stopped', confidence: 0.9, text };
    }
    const questions = observers(windows, silent);
    const until = epochMs(firing.heldFrom + timing().holdDown);
    const hasOthers = questions.length > 0 || topology().agentCount > 1;
    if (hasOthers && now < until) {
      return { kind: 'wait', until, ask: questions.slice(0, QUESTIONS) };
    }
    return { kind: 'open', ...concluded(questions) };
  }

  function concluded(questions: readonly Question[]): SilenceVerdict {
    if (questions.length === 0) {
      const text = 'no other agent looks at this site, so nobody can tell circuit from agent';
      return { cause: 'unmonitored', confidence: 0.5, text };
    }
    if (isSeenDown(questions)) {
      const text = 'another agent cannot reach the site either';
      return { cause: 'site or circuit down', confidence: 0.7, text };
    }
    const text = 'another agent watches the site and reports no trouble there';
    return { cause: 'agent stopped', confidence: 0.6, text };
  }

  function collectorBlindness(isSettled: (firing: FiringAlert) => boolean): readonly FiringAlert[] {
    const unexplained = book
      .ofFamily('agent-silent')
      .filter((f) => f.explanation === undefined || f.explanation.row === COLLECTOR_ROW)
      .filter((f) => !isSettled(f))
      .sort((a, b) => a.serial - b.serial);
    const least = Math.max(2, timing().collectorBlindShare * topology().agentCount);
    const isBlindAlready = unexplained.some((f) => f.explanation?.row === COLLECTOR_ROW);
    const isBlind = isBlindAlready ? unexplained.length >= least : areAtOnce(unexplained, least);
    return isBlind ? unexplained : [];
  }

  return { isSilent, judge, collectorBlindness };
}
