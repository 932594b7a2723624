import type { Link } from '../../protocol/model/inventory.ts';
import type { AgentId, DeviceId, SiteId, SubjectKey } from '../../protocol/model/subject.ts';
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
  /** Instead of groups: no way of the graph is left, judged anew each time. */
  readonly way?: Way;
  /** Besides the groups: no other circuit of this device may work. */
  readonly edge?: DeviceId;
  /** Besides the groups: one of these circuits works badly and stands on the way, as the ways are now. */
  readonly front?: Front;
  /**
   * Whether the alert waits for the suspects to be probed: until they answer, only for a time (an
   * answer does not refute packet loss), or not at all (a later finding takes over instead).
   */
  readonly waits: 'answer' | 'time' | 'no';
  /** For people: how the suspect explains the alert. */
  readonly text: string;
  /**
   * When the suspects must have begun: together with the alert (one element failed and took all with
   * it), at the very same moment, or not all together (each failed by itself). Absent = it does not
   * matter.
   */
  readonly onsets?: 'together' | 'at-once' | 'apart';
}

/** The effect's side of the network: it is cut off when no circuit leads to any of `to`. */
export interface Way {
  /** Undefined = the hubs, where the collector is. */
  readonly from: SiteId | undefined;
  readonly to: readonly SiteId[];
  /** The circuit that is itself to be explained. */
  readonly not?: Link;
  /** The device to be explained: of its own circuits only dead devices at the other end count. */
  readonly edge?: SubjectKey;
}

/** What is reached over circuits that may work badly. */
export interface Front {
  readonly from: SiteId | undefined;
  readonly to: readonly SiteId[];
  /** The circuit that is itself to be explained. */
  readonly not?: Link;
  /** The circuits of shortest ways. */
  readonly usual: readonly Link[];
  /** Those of all other ways. */
  readonly round: readonly Link[];
}

export const linksInFront = ({ front }: Slot): readonly Link[] =>
  front === undefined ? [] : [...front.usual, ...front.round];

/** The alert to be explained, placed in the topology. */
export interface Effect {
  readonly subject: SubjectKey;
  readonly family: Family;
  readonly observer: AgentId;
  readonly observerSite: SiteId | undefined;
  readonly site: SiteId | undefined;
}
