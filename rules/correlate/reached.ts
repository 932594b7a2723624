import type { AgentId, SiteId, SubjectKey } from '../../protocol/model/subject.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { Answers } from './answers.ts';
import { deviceSubject, type Topology } from './topology.ts';

/** The device of a site that an agent reached last, and when it reached the next last of the others. */
interface Reached {
  readonly revision: number;
  readonly last: SubjectKey | undefined;
  readonly at: number;
  readonly otherAt: number;
}

/**
 * Whether the agent reached any other device of the site later than `since`. Every device of a site
 * that is cut off asks it at once, so one walk over the site serves all of them.
 */
export function createReached(answers: Answers, topology: () => Topology) {
  const walks = new Map<string, Reached>();
  let place = topology();

  function walk(site: SiteId, agent: AgentId): Reached {
    let last: SubjectKey | undefined;
    let [at, otherAt] = [-1, -1];
    for (const { id } of topology().devicesAt(site)) {
      const subject = deviceSubject(id);
      const answered = answers.lastBy(agent, subject) ?? -1;
      if (answered > at) [last, otherAt, at] = [subject, at, answered];
      else if (answered > otherAt) otherAt = answered;
    }
    return { revision: answers.revision(), last, at, otherAt };
  }

  return (site: SiteId, agent: AgentId, except: SubjectKey, since: EpochMs): boolean => {
    if (place !== topology()) walks.clear();
    place = topology();
    const name = `${site}|${agent}`;
    let found = walks.get(name);
    if (found?.revision !== answers.revision()) {
      found = walk(site, agent);
      walks.set(name, found);
    }
    return (found.last === except ? found.otherAt : found.at) > since;
  };
}
