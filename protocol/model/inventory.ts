import type { AgentId, DeviceId, LinkId, SiteId } from './subject.ts';

export interface Site {
  readonly id: SiteId;
  readonly name: string;
  /** Hub sites carry others' traffic; trouble there has a higher impact. */
  readonly hub: boolean;
  /** People who work there, for the impact. */
  readonly users: number;
}

export interface Device {
  readonly id: DeviceId;
  readonly name: string;
  readonly site: SiteId;
  readonly address: string;
  /** Device that this one is reached through, inside its site; absent = the site's edge. */
  readonly behind?: DeviceId;
}

export type LinkKind = 'lan' | 'wan' | 'internet' | 'overlay';

/** A circuit (or tunnel) that serves a site. */
export interface Link {
  readonly id: LinkId;
  readonly name: string;
  readonly kind: LinkKind;
  /** The site that lives behind this link, seen from the hub. */
  readonly site: SiteId;
  /** The site at the other end, normally a hub. */
  readonly peer?: SiteId;
  readonly ends: readonly LinkEnd[];
  readonly provider?: string;
  /** The provider's own name of the circuit, which the resolver reads out on the telephone. */
  readonly circuit?: string;
  /** Overlay only: the links that carry it. */
  readonly underlays: readonly LinkId[];
}

export interface LinkEnd {
  readonly device: DeviceId;
  /** ifName on that device. */
  readonly interface?: string;
}

export interface AgentPlace {
  readonly id: AgentId;
  readonly site: SiteId;
}

/** What exists. Ids are unique per kind and immutable. */
export interface Inventory {
  readonly sites: readonly Site[];
  readonly devices: readonly Device[];
  readonly links: readonly Link[];
  readonly agents: readonly AgentPlace[];
}

export const EMPTY_INVENTORY: Inventory = { sites: [], devices: [], links: [], agents: [] };
