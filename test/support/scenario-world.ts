import type { Inventory, Link } from '../../protocol/model/inventory.ts';

/** What goes through a link, or how a port does, at a moment. */
export interface LinkState {
  isCut: boolean;
  loss: number;
  delayMs: number;
  isSaturated: boolean;
}

export interface DeviceState {
  isDead: boolean;
  hasSnmp: boolean;
  bootedAt: number;
  /** Ports whose counters started anew, and when. */
  cleared: number;
  downPorts: Set<string>;
  errorsPerSecond: Map<string, number>;
}

export interface Way {
  readonly isUp: boolean;
  readonly loss: number;
  readonly rttMs: number;
}

const DEAD: Way = { isUp: false, loss: 1, rttMs: 0 };
const LAN_MS = 1;
const WAN_MS = 10;

/** The network as it is: what is broken, and what an echo meets on its way. */
export function createWorld(inventory: Inventory) {
  const links = new Map<string, LinkState>(
    inventory.links.map((link) => [
      link.id,
      { isCut: false, loss: 0, delayMs: 0, isSaturated: false },
    ]),
  );
  const devices = new Map<string, DeviceState>(
    inventory.devices.map((device) => [
      device.id,
      {
        isDead: false,
        hasSnmp: true,
        bootedAt: -86_400_000,
        cleared: -86_400_000,
        downPorts: new Set(),
        errorsPerSecond: new Map(),
      },
    ]),
  );
  const stopped = new Set<string>();
  /** They measure, and what they send does not arrive. */
  const unheard = new Set<string>();
  const collector = { isRunning: true, isCutOff: false };

  function the<T>(map: ReadonlyMap<string, T>, id: string): T {
    const found = map.get(id);
    if (found === undefined) throw new Error(`the story's network has no ${id}`);
    return found;
  }
  const linkOf = (id: string): Link => {
    const link = inventory.links.find((one) => one.id === id);
    if (link === undefined) throw new Error(`the story's network has no link ${id}`);
    return link;
  };
  const siteOfAgent = (agent: string): string =>
    inventory.agents.find((one) => one.id === agent)?.site ?? '';

  function carries(link: Link): boolean {
    if (link.kind === 'overlay') return link.underlays.map(linkOf).some(carries);
    if (the(links, link.id).isCut) return false;
    return link.ends.every((end) => {
      const device = the(devices, end.device);
      return !device.isDead && !device.downPorts.has(end.interface ?? '');
    });
  }

  function along(link: Link): Way {
    if (!carries(link)) return DEAD;
    if (link.kind === 'overlay') {
      const under = link.underlays.map(linkOf).find(carries);
      return under === undefined ? DEAD : along(under);
    }
    const { loss, delayMs, isSaturated } = the(links, link.id);
    const lost = isSaturated ? Math.max(loss, 0.15) : loss;
    return { isUp: true, loss: lost, rttMs: WAN_MS + delayMs + (isSaturated ? 180 : 0) };
  }

  /** The circuit that a site's traffic takes now: the first that works. */
  function uplink(site: string): Way | undefined {
    const circuits = inventory.links.filter((l) => l.site === site && l.kind !== 'overlay');
    if (circuits.length === 0) return { isUp: true, loss: 0, rttMs: 0 };
    const working = circuits.find(carries);
    return working && along(working);
  }

  function toDevice(agent: string, id: string): Way {
    const device = inventory.devices.find((one) => one.id === id);
    if (device === undefined) return DEAD;
    for (let hop: typeof device | undefined = device; hop !== undefined; ) {
      if (the(devices, hop.id).isDead) return DEAD;
      const next: string | undefined = hop.behind;
      hop = inventory.devices.find((one) => one.id === next);
    }
    const from = siteOfAgent(agent);
    if (from === device.site) return { isUp: true, loss: 0, rttMs: LAN_MS };
    const ways = [uplink(from), uplink(device.site)];
    if (ways.some((way) => way === undefined)) return DEAD;
    const [a, b] = ways as [Way, Way];
    return { isUp: true, loss: 1 - (1 - a.loss) * (1 - b.loss), rttMs: a.rttMs + b.rttMs + LAN_MS };
  }

  return {
    link: (id: string) => the(links, id),
    device: (id: string) => the(devices, id),
    stopped,
    unheard,
    collector,
    isUplinkOf: (device: string, port: string): Link | undefined =>
      inventory.links.find((link) =>
        link.ends.some((end) => end.device === device && end.interface === port),
      ),
    carries,
    /** What an echo of the agent to the subject meets. */
    way(agent: string, subject: string): Way {
      const [kind, id = ''] = subject.split(':');
      if (kind !== 'link') return toDevice(agent, id);
      return along(linkOf(id));
    },
    /** Whether what the agent sends arrives at the collector, which sits in the hub. */
    isHeard(agent: string): boolean {
      if (stopped.has(agent) || unheard.has(agent) || collector.isCutOff || !collector.isRunning)
        return false;
      return uplink(siteOfAgent(agent)) !== undefined;
    },
  };
}

export type World = ReturnType<typeof createWorld>;
