import type { Incident } from '../../protocol/model/incident.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { IncidentRecords } from '../ports/show.ts';

export interface Page {
  readonly incidents: readonly Incident[];
  readonly nextCursor?: string;
}

interface Cursor {
  readonly openedAt: EpochMs;
  readonly id: string;
}

/**
 * One page, newest first. The cursor is `openedAt.id`: a storm opens many incidents in the same
 * millisecond, so a time alone would skip some of them. Undefined for a cursor that is not ours.
 */
export function pageOf(
  records: IncidentRecords,
  query: { state: 'open' | 'all'; limit: number; cursor?: string },
): Page | undefined {
  const cursor = query.cursor === undefined ? undefined : parseCursor(query.cursor);
  if (query.cursor !== undefined && cursor === undefined) return undefined;
  for (let wanted = query.limit + 1; ; wanted *= 2) {
    const found = records.incidents({
      state: query.state,
      limit: wanted,
      ...(cursor && { before: epochMs(cursor.openedAt + 1) }),
    });
    const rest = cursor === undefined ? found : after(found, cursor);
    if (rest.length > query.limit || found.length < wanted) return cut(rest, query.limit);
  }
}

/** What follows the cursor; if its incident left the list (it resolved), all that is older. */
function after(found: readonly Incident[], cursor: Cursor): readonly Incident[] {
  const index = found.findIndex((incident) => incident.id === cursor.id);
  return index >= 0
    ? found.slice(index + 1)
    : found.filter((incident) => incident.openedAt < cursor.openedAt);
}

function cut(rest: readonly Incident[], limit: number): Page {
  const incidents = rest.slice(0, limit);
  const last = incidents.at(-1);
  if (rest.length <= limit || last === undefined) return { incidents };
  return { incidents, nextCursor: `${last.openedAt}.${last.id}` };
}

function parseCursor(text: string): Cursor | undefined {
  const match = /^(\d{1,15})\.(.{1,128})$/.exec(text);
  const [, at, id] = match ?? [];
  return at === undefined || id === undefined ? undefined : { openedAt: epochMs(Number(at)), id };
}
