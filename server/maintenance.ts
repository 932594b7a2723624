import type { Inventory, MaintenanceWindow } from '../protocol/model/inventory.ts';
import { deviceOf, idOf, kindOf, type SubjectKey } from '../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { EngineSettings } from '../rules/settings.ts';
import type {
  AnnouncedWindow,
  AnnouncedWindows,
  Announcement,
  MaintenanceDesk,
  MaintenanceOutcome,
  WindowView,
} from './ports/maintenance.ts';

/** Windows of the configuration as of now, and what is wrong with its calendars. */
export type ConfiguredWindows = (now: EpochMs) => {
  readonly windows: readonly MaintenanceWindow[];
  readonly problems: readonly string[];
};

export interface MaintenanceOptions {
  readonly store: AnnouncedWindows;
  /** Asked anew each time: a reload changes it. */
  readonly configured: () => ConfiguredWindows | undefined;
  readonly inventory: () => Inventory;
  /** Brings the windows of now into force. */
  readonly apply: () => Promise<void>;
  readonly now: () => EpochMs;
  readonly log: {
    warn(fields: object, sentence: string): void;
    error(fields: object, sentence: string): void;
  };
}

export interface Maintenance extends MaintenanceDesk {
  /** The settings with every window that is not over. */
  into(settings: EngineSettings): EngineSettings;
}

/** Announced ones in force or to come; a script must not fill the settings of the engine. */
const MAX_ANNOUNCED = 1000;
const MAX_LENGTH_MS = 30 * 86_400_000;

/** Announced work: of the configuration, and of people. */
export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { store, now, log } = options;
  let announced = load();

  function load(): readonly AnnouncedWindow[] {
    try {
      return store.load();
    } catch (err) {
      // Without them the network is watched, only too loudly; without a server it is not.
      log.error({ err }, 'announced maintenance cannot be read: none of it is in force');
      return [];
    }
  }

  const current = (at: EpochMs) => announced.filter((window) => window.until > at);

  function configured(at: EpochMs): readonly MaintenanceWindow[] {
    const found = options.configured()?.(at);
    for (const problem of found?.problems ?? []) {
      log.warn({ problem }, 'a maintenance calendar cannot be read; its last good text counts');
    }
    return found?.windows ?? [];
  }

  function list(): WindowView[] {
    const at = now();
    const views: WindowView[] = [
      ...configured(at).map((window): WindowView => ({ ...window, source: 'configuration' })),
      ...current(at).map(viewOf),
    ];
    return views.sort((a, b) => a.from - b.from || (a.id < b.id ? -1 : 1));
  }

  /** On the disk first: what was promised to a person survives a crash. */
  async function keep(windows: readonly AnnouncedWindow[]): Promise<void> {
    store.save(windows);
    announced = windows;
    await options.apply();
  }

  async function add(announcement: Announcement): Promise<MaintenanceOutcome> {
    const at = now();
    const why = objection(announcement, at, options.inventory());
    if (why !== undefined) return { kind: 'refused', why };
    const kept = current(at);
    if (kept.length >= MAX_ANNOUNCED) {
      return { kind: 'refused', why: `There are ${MAX_ANNOUNCED} announced windows already.` };
    }
    const window: AnnouncedWindow = { ...announcement, id: newId(at, kept), announcedAt: at };
    await keep([...kept, window]);
    return { kind: 'done', window: viewOf(window) };
  }

  function newId(at: EpochMs, kept: readonly AnnouncedWindow[]): string {
    const base = `mw-${Math.floor(at / 1000).toString(36)}`;
    const taken = new Set(kept.map(({ id }) => id));
    let id = base;
    for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
    return id;
  }

  async function end(id: string, _by: string): Promise<MaintenanceOutcome> {
    const at = now();
    const kept = current(at);
    const window = kept.find((one) => one.id === id);
    if (window === undefined) {
      const isConfigured = configured(at).some((one) => one.id === id);
      return isConfigured
        ? { kind: 'refused', why: 'It is written in the configuration: change it there.' }
        : { kind: 'unknown' };
    }
    await keep(kept.filter((one) => one !== window));
    return { kind: 'done', window: viewOf({ ...window, until: epochMs(at) }) };
  }

  return {
    list,
    add,
    end,
    into(settings) {
      const at = now();
      const windows = [...configured(at), ...current(at).map(bare)];
      const { maintenance: _, ...rest } = settings;
      return windows.length === 0 ? rest : { ...rest, maintenance: windows };
    },
  };
}

const bare = ({ id, name, subjects, from, until }: AnnouncedWindow): MaintenanceWindow => ({
  id,
  name,
  subjects,
  from,
  until,
});

const viewOf = (window: AnnouncedWindow): WindowView => ({
  ...bare(window),
  source: 'person',
  by: window.by,
});

/** Why a window cannot be announced; undefined when it can. */
function objection(
  { subjects, from, until }: Announcement,
  now: EpochMs,
  inventory: Inventory,
): string | undefined {
  if (until <= from) return 'It ends before it begins.';
  if (until <= now) return 'It is over already.';
  if (until - from > MAX_LENGTH_MS) return 'A window lasts 30 days at most.';
  const unknown = subjects.find((subject) => !exists(subject, inventory));
  return unknown === undefined ? undefined : `There is no ${unknown} in the inventory.`;
}

function exists(subject: SubjectKey, inventory: Inventory): boolean {
  const id = kindOf(subject) === 'interface' ? deviceOf(subject) : idOf(subject);
  const { sites, devices, links, agents } = inventory;
  const of = {
    site: sites,
    device: devices,
    interface: devices,
    link: links,
    agent: agents,
    // Nothing fires on a service: work is done on what it needs.
    service: [],
  };
  return of[kindOf(subject)].some((one) => one.id === id);
}
