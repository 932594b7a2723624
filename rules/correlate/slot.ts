import type { AgentId, SiteId, SubjectKey } from '../../protocol/model/subject.ts';
import type { Family } from './family.ts';

/** An alert that would explain another one: these kinds of trouble on this subject. */
export interface Suspect {
  readonly subject: SubjectKey;
  readonly families: readonly Family[];
  /** Only as seen by an agent in the subject's own site: what is seen from outside proves less. */
  readonly insideOnly?: true;
  /** Only when it fired first: two alerts of equal standing must not explain each other. */
  readonly olderOnly?: true;
}

export type Groups = readonly (readonly Suspect[])[];

/**
 * One way in which an alert can be explained: every group must hold a firing suspect (all uplinks
 * of a redundant site, all underlays of a tunnel; usually there is one group). The first suspect
 * of a group is what a probe can ask about.
 */
export interface Slot {
  readonly row: string;
  readonly groups: Groups;
  /**
   * Whether the alert waits for the suspects to be probed: until they answer, only for a time (an
   * answer does not refute packet loss), or not at all (a later finding takes over instead).
   */
  readonly waits: 'answer' | 'time' | 'no';
  /** For people: how the suspect explains the alert. */
  readonly text: string;
  /**
   * When the suspects must have begun: together with the alert (one element failed and took all with
   * it), or not all together (each failed by itself). Absent = it does not matter.
   */
  readonly onsets?: 'together' | 'apart';
}

/** The alert to be explained, placed in the topology. */
export interface Effect {
  readonly subject: SubjectKey;
  readonly family: Family;
  readonly observer: AgentId;
  readonly observerSite: SiteId | undefined;
  readonly site: SiteId | undefined;
}
