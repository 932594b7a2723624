import type { Alert } from '../../protocol/model/alert.ts';
import { type EpochMs, later, seconds } from '../../protocol/model/units.ts';
import type { AlertBook, FiringAlert } from './alert-book.ts';
import { type Family, isOutage, rankOf } from './family.ts';
import { slotsOf } from './slots-of.ts';
import type { Topology } from './topology.ts';

/** A trouble that has cleared: what was blamed for it then, and until when it was seen. */
export interface ClearedTrouble {
  readonly root: Alert;
  readonly family: Family;
  readonly clearedAt: EpochMs;
}

/** Ports are read every 30 to 60 s: so much later a cause may seem to begin than what it did. */
const PHASE = seconds(60);

/**
 * Whether a trouble that has cleared was an early sign of what fires now: a line that lost packets
 * and then failed, or loss that was over before the errors behind it were counted. On another
 * subject the cause must have begun while the sign still showed; of several causes that only
 * explain together, none alone makes it a sign.
 */
export function isEarlySign(
  { root, family, clearedAt }: ClearedTrouble,
  cause: FiringAlert,
  { book, topology }: { readonly book: AlertBook; readonly topology: Topology },
): boolean {
  const causeFamily = book.familyOf(cause);
  if (isOutage(family) || rankOf(causeFamily) >= rankOf(family)) return false;
  const subject = topology.canonical(cause.alert.subject);
  if (topology.canonical(root.subject) === subject) return true;
  if (cause.alert.evidence.onsetAt > later(clearedAt, PHASE)) return false;
  const slots = slotsOf(topology, {
    subject: root.subject,
    family,
    observer: root.agent,
    observerSite: topology.siteOfAgent(root.agent),
    site: topology.siteOf(root.subject) ?? root.site,
  });
  return slots.some(
    ({ groups: [group, ...others] }) =>
      others.length === 0 &&
      group?.some(
        (suspect) =>
          topology.canonical(suspect.subject) === subject && suspect.families.includes(causeFamily),
      ) === true,
  );
}
