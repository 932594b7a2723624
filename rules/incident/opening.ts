import type { EpochMs } from '../../protocol/model/units.ts';
import type { Instant } from '../contract.ts';
import type { AlertBook, FiringAlert } from '../correlate/alert-book.ts';
import type { ClearedTrouble } from '../correlate/early-sign.ts';
import { isOutage } from '../correlate/family.ts';
import type { Timing } from '../settings.ts';
import type { Holding } from './holding.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentRecord } from './incident-record.ts';
import type { People } from './people.ts';

/** The incident of a new root: one that a person keeps, one that is reopened, or a new one. */
export interface Opening {
  openFor(root: FiringAlert, at: Instant): IncidentRecord;
}

export interface OpeningDeps {
  readonly book: AlertBook;
  readonly incidents: IncidentBook;
  readonly holding: Holding;
  readonly people: People;
  /** What has cleared was a sign of this cause, which was found only now. */
  readonly isEarlySign: (cleared: ClearedTrouble, cause: FiringAlert) => boolean;
  readonly timing: () => Timing;
}

export function createOpening(deps: OpeningDeps): Opening {
  const { book, incidents, holding, people, timing } = deps;

  function openFor(root: FiringAlert, at: Instant): IncidentRecord {
    const family = book.familyOf(root);
    const { key, evidence, subject } = root.alert;
    const outlived = incidents.get(root.outlived);
    const within = timing().reopenWithin;
    holding.release(key);
    delete root.releaseAt;
    delete root.outlived;
    delete root.explainedUntil;
    const handled = incidents.inHandOf(subject, family);
    if (handled !== undefined) {
      incidents.takeOver(handled, root, family);
      return handled;
    }
    const isSame =
      outlived?.state === 'resolved' &&
      outlived.mergedInto === undefined &&
      outlived.root.subject === subject &&
      isOutage(outlived.family) === isOutage(family) &&
      at.now <= (outlived.resolvedAt ?? 0) + within;
    if (isSame) {
      incidents.reopen(outlived, root, family, at.now);
      return outlived;
    }
    const sign = earlySignOf(root, at.now);
    if (sign !== undefined) {
      incidents.reopen(sign, root, family, at.now, 'it was an early sign of what shows now');
      return sign;
    }
    return incidents.open(root, family, at, {
      kind: 'evidence',
      alert: key,
      text: `opened: ${evidence.text}`,
    });
  }

  /** The newest degradation that has just resolved and that this explains after the fact. */
  function earlySignOf(root: FiringAlert, now: EpochMs): IncidentRecord | undefined {
    if (people.hasPlaced(root)) return undefined;
    const within = timing().reopenWithin;
    return incidents.all().findLast((one) => {
      const { state, resolvedAt: clearedAt, mergedInto } = one;
      if (state !== 'resolved' || clearedAt === undefined || mergedInto !== undefined) return false;
      return now <= clearedAt + within && deps.isEarlySign({ ...one, clearedAt }, root);
    });
  }

  return { openFor };
}
