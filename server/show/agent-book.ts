import type { AgentPlace } from '../../protocol/model/inventory.ts';
import type { AgentId } from '../../protocol/model/subject.ts';
import { type DurationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { Heartbeat } from '../../protocol/wire/batch.ts';
import type { AgentView } from '../../protocol/wire/views.ts';

export interface AgentHeard {
  readonly at: EpochMs;
  /** The agent's clock when it sent; absent when it did not say. */
  readonly sentAt?: EpochMs;
  readonly heartbeat?: Heartbeat;
}

export interface AgentBook {
  configure(places: readonly AgentPlace[]): void;
  heard(agent: AgentId, heard: AgentHeard): void;
  isSilent(agent: AgentId): boolean;
  /** Views that differ from those of the last call. */
  refresh(now: EpochMs): readonly AgentView[];
  /** Agents that fell silent or spoke again since the last call. */
  takeTurned(): readonly AgentId[];
}

interface Entry {
  readonly place: AgentPlace;
  heard?: AgentHeard;
  heartbeat?: Heartbeat;
  state: AgentView['state'];
  /** Something arrived since the last look. */
  isStirred: boolean;
  /** What was shown last, to tell whether a new view differs. */
  shown: string;
}

/** Last-seen times are shown in steps, or every heartbeat of every agent would be a change. */
const SEEN_STEP_MS = 5_000;

export function createAgentBook(silentAfter: DurationMs): AgentBook {
  let entries = new Map<AgentId, Entry>();
  let turned: AgentId[] = [];

  return {
    configure(places) {
      const kept = entries;
      entries = new Map();
      for (const place of places) {
        const old = kept.get(place.id);
        entries.set(place.id, {
          ...(old ?? { state: 'never-seen' }),
          place,
          isStirred: true,
          shown: '',
        });
      }
    },
    heard(agent, heard) {
      const entry = entries.get(agent);
      if (entry === undefined) return;
      // Late records (a replay) must not make an agent look older than it is.
      if (entry.heard === undefined || heard.at >= entry.heard.at) entry.heard = heard;
      if (heard.heartbeat !== undefined) entry.heartbeat = heard.heartbeat;
      entry.isStirred = true;
    },
    isSilent: (agent) => entries.get(agent)?.state !== 'live',
    refresh(now) {
      const changed: AgentView[] = [];
      for (const entry of entries.values()) {
        const state = stateOf(entry, now, silentAfter);
        if (state === entry.state && !entry.isStirred) continue;
        if (state !== entry.state) turned.push(entry.place.id);
        entry.state = state;
        entry.isStirred = false;
        const view = viewOf(entry);
        const shown = JSON.stringify(view);
        if (shown !== entry.shown) changed.push(view);
        entry.shown = shown;
      }
      return changed;
    },
    takeTurned() {
      const list = turned;
      turned = [];
      return list;
    },
  };
}

function stateOf(entry: Entry, now: EpochMs, silentAfter: DurationMs): AgentView['state'] {
  if (entry.heard === undefined) return 'never-seen';
  return now - entry.heard.at > silentAfter ? 'silent' : 'live';
}

function viewOf({ place, heard, heartbeat, state }: Entry): AgentView {
  const skew = heard?.sentAt === undefined ? undefined : Math.round(heard.sentAt - heard.at);
  return {
    id: place.id,
    site: place.site,
    state,
    ...(heard && { lastSeenAt: epochMs(Math.floor(heard.at / SEEN_STEP_MS) * SEEN_STEP_MS) }),
    // Under a tenth of a second is transit time, not a clock.
    ...(skew !== undefined && { clockSkewMs: Math.round(skew / 100) * 100 || 0 }),
    ...(heartbeat && {
      version: heartbeat.version,
      lagMs: Math.round(heartbeat.lagMs),
      spoolSamples: heartbeat.spoolSamples,
      dropped: heartbeat.dropped,
    }),
    engines: heartbeat?.engines ?? [],
  };
}
