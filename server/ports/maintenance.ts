import type { MaintenanceWindow } from '../../protocol/model/inventory.ts';
import type { EpochMs } from '../../protocol/model/units.ts';

/** A window that a person announced while the server runs. */
export interface AnnouncedWindow extends MaintenanceWindow {
  readonly by: string;
  readonly announcedAt: EpochMs;
}

/** Where announced windows are kept. Small: it is read and written whole. */
export interface AnnouncedWindows {
  /** @throws Error with the place in its message when what is kept cannot be read. */
  load(): readonly AnnouncedWindow[];
  /** Returns once it is on the disk. */
  save(windows: readonly AnnouncedWindow[]): void;
}

/** A window as people see it; configured ones are changed in the configuration only. */
export interface WindowView extends MaintenanceWindow {
  readonly source: 'configuration' | 'person';
  readonly by?: string;
}

export type Announcement = Pick<MaintenanceWindow, 'name' | 'subjects' | 'from' | 'until'> & {
  readonly by: string;
};

export type MaintenanceOutcome =
  | { readonly kind: 'done'; readonly window: WindowView }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly why: string };

/** Announced work, as people list, add and end it. */
export interface MaintenanceDesk {
  /** Windows that are not over, in the order of their beginning. */
  list(): readonly WindowView[];
  /** Resolves once it is in force. */
  add(announcement: Announcement): Promise<MaintenanceOutcome>;
  /** Ends a window now, or takes it back before it begins. */
  end(id: string, by: string): Promise<MaintenanceOutcome>;
}
