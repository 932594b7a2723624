import type { Alert } from '../../protocol/model/alert.ts';
import { idOf, kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, seconds } from '../../protocol/model/units.ts';
import type { AlertBook } from '../correlate/alert-book.ts';
import { linkSubject, type Topology } from '../correlate/topology.ts';
import type { IncidentRecord } from './incident-record.ts';

/** So soon a router or site that was blamed for its circuits is seen to answer. */
const MISTAKE_SHOWS_IN = seconds(60);
/** What comes back with a circuit is seen to do so within a round, and its clearing. */
const CLEARS_WITH = seconds(15);

/** What answers so soon after it failed had not failed by itself; later what is left failed besides. */
export const isMistake = ({ root, rootClearedAt }: IncidentRecord, now: EpochMs): boolean =>
  (rootClearedAt ?? now) < root.evidence.onsetAt + MISTAKE_SHOWS_IN;

export interface MistakeDeps {
  readonly book: AlertBook;
  readonly topology: () => Topology;
}

/**
 * Whether a device was blamed although it had only been cut off by this circuit of its own: then the
 * ticket goes on under the circuit's name.
 */
export function createMistakes({ book, topology }: MistakeDeps) {
  /** It was only seen from outside: the circuit may be what was taken for the device's end. */
  const isCircuitOf = (circuit: SubjectKey, { subject, agent }: Alert): boolean =>
    kindOf(circuit) === 'link' &&
    kindOf(subject) === 'device' &&
    topology().siteOfAgent(agent) !== topology().siteOf(subject) &&
    topology()
      .linksEndingAt(idOf(subject))
      .some((link) => linkSubject(link) === circuit);

  /** It answered again when a circuit elsewhere did so that had failed before it. */
  function hasOnlyBeenCutOff({ root, rootClearedAt }: IncidentRecord): boolean {
    if (rootClearedAt === undefined) return false;
    const own = topology().linksEndingAt(idOf(root.subject));
    const region = topology().graph.around(topology().siteOf(root.subject) ?? '');
    return region
      .filter((link) => !own.includes(link))
      .flatMap((link) => book.clearedOn(linkSubject(link)))
      .some(
        ({ alert, clearedAt, family }) =>
          family === 'unreachable' &&
          alert.evidence.onsetAt < root.evidence.onsetAt &&
          Math.abs(clearedAt - rootClearedAt) <= CLEARS_WITH,
      );
  }

  return (incident: IncidentRecord, circuit: SubjectKey, now: EpochMs): boolean =>
    isCircuitOf(circuit, incident.root) &&
    (isMistake(incident, now) || hasOnlyBeenCutOff(incident));
}
