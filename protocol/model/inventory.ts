import type { Level } from './incident.ts';
import type { AgentId, DeviceId, LinkId, SiteId, SubjectKey } from './subject.ts';
import type { EpochMs } from './units.ts';

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

/** What the last stretch to the site is made of: circuits of one kind and provider share trouble. */
export const LAST_MILES = ['fibre', 'copper', 'cable', 'radio', 'cellular', 'satellite'] as const;
export type LastMile = (typeof LAST_MILES)[number];

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
  /** The provider's point of presence that the circuit ends at; circuits of one fail together. */
  readonly pop?: string;
  readonly lastMile?: LastMile;
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

/** Members that do one job together: any one of them suffices. */
export interface RedundancyGroup {
  readonly id: string;
  readonly name: string;
  readonly members: readonly SubjectKey[];
}

/** What a service needs to work, as a formula over subjects. */
export type Need =
  | { readonly subject: SubjectKey }
  | { readonly all: readonly Need[] }
  | { readonly any: readonly Need[] }
  | { readonly atLeast: number; readonly of: readonly Need[] };

/** Weekly hours in a time zone (IANA name). Days: 1 = Monday … 7 = Sunday; times `HH:MM`, to 24:00. */
export interface ServiceHours {
  readonly timeZone: string;
  readonly weekly: readonly {
    readonly days: readonly number[];
    readonly from: string;
    readonly to: string;
  }[];
}

/** What the business uses, with what it needs and what its loss costs. */
export interface Service {
  readonly id: string;
  readonly name: string;
  readonly needs: Need;
  /** People who use it. */
  readonly users: number;
  readonly criticality: Level;
  /** Absent = round the clock. */
  readonly hours?: ServiceHours;
  /** Money lost in one hour without the service, in its service hours. */
  readonly costPerHour?: { readonly amount: number; readonly currency: string };
}

/** A neighbourhood that a probe saw (LLDP, CDP, ARP, routes); stands beside the inventory's own. */
export interface LearnedEdge {
  /** The one nearer to the hub. */
  readonly from: SubjectKey;
  readonly to: SubjectKey;
  readonly source: 'lldp' | 'cdp' | 'arp' | 'route';
  readonly seenAt: EpochMs;
  readonly evidence: string;
}

/** Work that was announced: nothing opens for the subjects and what is behind them. */
export interface MaintenanceWindow {
  readonly id: string;
  readonly name: string;
  readonly subjects: readonly SubjectKey[];
  readonly from: EpochMs;
  readonly until: EpochMs;
}

/** What exists. Ids are unique per kind and immutable. */
export interface Inventory {
  readonly sites: readonly Site[];
  readonly devices: readonly Device[];
  readonly links: readonly Link[];
  readonly agents: readonly AgentPlace[];
  /** The rest may be absent: older logs and small networks have none. */
  readonly redundancy?: readonly RedundancyGroup[];
  readonly services?: readonly Service[];
  readonly learned?: readonly LearnedEdge[];
}

export const EMPTY_INVENTORY: Inventory = { sites: [], devices: [], links: [], agents: [] };
