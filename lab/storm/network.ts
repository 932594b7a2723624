import type { AgentPlace, Device, Link, Site } from '../../protocol/model/inventory.ts';

/** How the WAN of a storm is laid out. */
export const SHAPES = ['hub-and-spoke', 'dual-hub', 'ring', 'sd-wan'] as const;
export type Shape = (typeof SHAPES)[number];

export type NodeRole = 'edge' | 'switch' | 'leaf' | 'hub-router' | 'hub-core';

/** A device as forwarding sees it; its place in `nodes` is its number. */
export interface StormNode {
  readonly id: string;
  readonly site: number;
  readonly role: NodeRole;
}

/**
 * A cable or circuit between two devices. Costs differ by direction, so that ways there and back may
 * too. `loss` is the usual share of echoes lost on it, there and back together, 0..1.
 */
export interface StormEdge {
  readonly a: number;
  readonly b: number;
  readonly costAb: number;
  readonly costBa: number;
  readonly loss: number;
  readonly delayMs: number;
  /** Place in `circuits`; absent = a cable inside a site. */
  readonly circuit?: number;
}

/** A circuit (an edge) or tunnel (over circuits) of the inventory. `far` is the end at its site. */
export interface StormCircuit {
  readonly link: Link;
  readonly edge?: number;
  readonly underlays: readonly number[];
  readonly near: number;
  readonly far: number;
}

export interface StormAgent {
  readonly id: string;
  readonly site: number;
  /** The device it is plugged into. */
  readonly at: number;
  readonly isHub: boolean;
}

export interface StormSite {
  readonly site: Site;
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly routers: readonly number[];
  readonly agent?: number;
}

/** The network as it really is; the inventory that the engine gets is a worse copy of it. */
export interface StormNetwork {
  readonly shape: Shape;
  readonly nodes: readonly StormNode[];
  readonly edges: readonly StormEdge[];
  readonly circuits: readonly StormCircuit[];
  readonly sites: readonly StormSite[];
  readonly agents: readonly StormAgent[];
  readonly devices: readonly Device[];
  /** The device that the collector is plugged into. */
  readonly collector: number;
}

export const agentPlaces = (network: StormNetwork): AgentPlace[] =>
  network.agents.map((agent) => ({
    id: agent.id,
    site: network.sites[agent.site]?.site.id ?? '',
  }));
