import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import type { EpochMs } from '../../protocol/model/units.ts';

export type AnswersState = readonly (readonly [
  SubjectKey,
  readonly (readonly [AgentId, EpochMs])[],
])[];

/** When each agent last reached each subject, as far as site engines told. */
export interface Answers {
  note(subject: SubjectKey, agent: AgentId, at: EpochMs): void;
  /** True when any agent (but not `except`) reached the subject later than `since`. */
  isAnsweredAfter(subject: SubjectKey, since: EpochMs, except?: AgentId): boolean;
  /** When the agent reached the subject last. */
  lastBy(agent: AgentId, subject: SubjectKey): EpochMs | undefined;
  /** Another number after each answer: what was found out before need not be so any more. */
  revision(): number;
  snapshot(): AnswersState;
}

const NOBODY: ReadonlyMap<AgentId, EpochMs> = new Map();

export function createAnswers(state: AnswersState = []): Answers {
  const answers = new Map<SubjectKey, Map<AgentId, EpochMs>>(
    state.map(([subject, byAgent]) => [subject, new Map(byAgent)]),
  );

  /** The newest answer of each subject, whoever heard it: what most questions are about. */
  const newest = new Map<SubjectKey, { at: EpochMs; agent: AgentId }>();
  for (const [subject, byAgent] of answers) {
    for (const [agent, at] of byAgent) renew(subject, agent, at);
  }

  let revision = 0;

  function renew(subject: SubjectKey, agent: AgentId, at: EpochMs): void {
    const last = newest.get(subject);
    if (last === undefined) newest.set(subject, { at, agent });
    else if (last.at < at) {
      last.at = at;
      last.agent = agent;
    }
  }

  function note(subject: SubjectKey, agent: AgentId, at: EpochMs): void {
    revision += 1;
    renew(subject, agent, at);
    const byAgent = answers.get(subject);
    if (byAgent === undefined) answers.set(subject, new Map([[agent, at]]));
    else if ((byAgent.get(agent) ?? -1) < at) byAgent.set(agent, at);
  }

  return {
    note,
    lastBy: (agent, subject) => answers.get(subject)?.get(agent),
    revision: () => revision,
    isAnsweredAfter(subject, since, except) {
      const last = newest.get(subject);
      if (last === undefined || last.at <= since) return false;
      if (last.agent !== except) return true;
      for (const [agent, at] of answers.get(subject) ?? NOBODY) {
        if (at > since && agent !== except) return true;
      }
      return false;
    },
    snapshot: () => [...answers].map(([subject, byAgent]) => [subject, [...byAgent]] as const),
  };
}
