import { type EpochMs, epochMs, minutes } from '../../protocol/model/units.ts';
import type { AlertBook, FiringAlert } from '../correlate/alert-book.ts';
import type { Turn } from './holding.ts';
import { FLOOD_CAUSE } from './impact.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IncidentRecord } from './incident-record.ts';
import type { People } from './people.ts';

/** Design 6.14: more tickets in a minute than this, and one speaks for all. */
const MOST_A_MINUTE = 20;
const MINUTE = minutes(1);
/** So long without a further trouble, and the next one speaks for itself again. */
const OVER_AFTER = minutes(5);

export interface FloodState {
  readonly openings: readonly EpochMs[];
  readonly incident?: string;
  readonly lastAt: EpochMs;
}

export interface FloodDeps {
  readonly book: AlertBook;
  readonly incidents: IncidentBook;
  /** Which alerts the flood's incident speaks for. */
  readonly homes: People;
}

/** Too many troubles at once for anybody to read a ticket each. */
export interface Flood {
  /** An incident was opened: counts it, and gathers all of the minute once they are too many. */
  opened(turn: Turn): void;
  /** The incident that speaks for a trouble that would open now; undefined = it speaks for itself. */
  speaker(now: EpochMs): IncidentRecord | undefined;
  /** The trouble is told by the flood's incident. */
  absorb(firing: FiringAlert, now: EpochMs): void;
  snapshot(): FloodState;
}

export function createFlood({ book, incidents, homes }: FloodDeps, state?: FloodState): Flood {
  let openings: readonly EpochMs[] = state?.openings ?? [];
  let speakerId = state?.incident;
  let lastAt = state?.lastAt ?? epochMs(0);

  function speaker(now: EpochMs): IncidentRecord | undefined {
    const incident = incidents.get(speakerId);
    const isOpen = incident?.state === 'open' || incident?.state === 'acknowledged';
    if (isOpen && now - lastAt <= OVER_AFTER) return incident;
    speakerId = undefined;
    return undefined;
  }

  /** Those that a person has taken speak for themselves. */
  function ofTheMinute(now: EpochMs): IncidentRecord[] {
    return incidents
      .all()
      .filter((one) => one.state === 'open' && now - one.openedAt < MINUTE)
      .filter((one) => one.takenOver === undefined && !homes.isApart(one.root.key))
      .sort((a, b) => a.serial - b.serial);
  }

  function opened(turn: Turn): void {
    const { now } = turn.at;
    openings = [...openings.filter((at) => now - at < MINUTE), now];
    if (openings.length <= MOST_A_MINUTE || speaker(now) !== undefined) return;
    const [first, ...others] = ofTheMinute(now);
    if (first === undefined || others.length === 0) return;
    speakerId = first.id;
    lastAt = now;
    homes.join(first.live, first.id);
    for (const other of others) gather(other, first, turn);
    tell(first, others.length + 1);
  }

  function gather(from: IncidentRecord, into: IncidentRecord, turn: Turn): void {
    const members = [...from.live].flatMap((key) => book.get(key) ?? []);
    homes.join(from.live, into.id);
    const text = `more than ${MOST_A_MINUTE} troubles within a minute: one ticket speaks for all`;
    incidents.merge(from, into, turn.at.now, { kind: 'explained-by', alert: into.root.key, text });
    for (const member of members) {
      delete member.incident;
      turn.dirty.add(member);
    }
  }

  function tell(incident: IncidentRecord, count: number): void {
    const name = `${count} and more`;
    const text = `${count} troubles opened within a minute; they are listed here and no ticket is opened for each`;
    const verdict = { cause: FLOOD_CAUSE, confidence: 0.5, text, flood: name };
    const root = book.get(incident.root.key);
    if (root !== undefined) root.verdict = verdict;
    incidents.judgeAnew(incident, verdict);
  }

  return {
    opened,
    speaker,
    absorb(firing, now) {
      lastAt = now;
      const incident = speaker(now);
      if (incident !== undefined) homes.join([firing.alert.key], incident.id);
    },
    snapshot: () => ({
      openings,
      lastAt,
      ...(speakerId === undefined ? {} : { incident: speakerId }),
    }),
  };
}
