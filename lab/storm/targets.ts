import { type SubjectKey, subjectKey } from '../../protocol/model/subject.ts';
import type { StormCircuit, StormNetwork, StormNode } from './network.ts';

/** An address that an agent sends echoes to, and what it stands for. */
export interface EchoTarget {
  readonly agent: number;
  readonly subject: SubjectKey;
  /** A device, or a circuit or tunnel; exactly one is set. */
  readonly node?: number;
  readonly circuit?: number;
}

export interface Port {
  readonly name: string;
  readonly edge: number;
  readonly end: 0 | 1;
}

/** A device that an agent polls by SNMP. */
export interface PollTarget {
  readonly agent: number;
  readonly node: number;
  /** ms */
  readonly every: number;
  readonly ports: readonly Port[];
}

export interface Targets {
  readonly echo: readonly EchoTarget[];
  readonly polls: readonly PollTarget[];
}

const WAN_EVERY = 30_000;
const OTHER_EVERY = 60_000;

/**
 * Who watches what, as the configuration maps it: devices by the agent of their site, else by those
 * of the hubs; a circuit by the hub's agent at its near end (else the first hub's) and by the agent
 * behind it.
 */
export function targetsOf(network: StormNetwork): Targets {
  const hubs = network.agents.flatMap((agent, index) => (agent.isHub ? [index] : []));
  const echo: EchoTarget[] = [];
  const watchersOf = ({ site }: StormNode): readonly number[] => {
    const own = network.sites[site]?.agent;
    return own === undefined ? hubs : [own];
  };
  for (const [node, device] of network.nodes.entries()) {
    const subject = subjectKey('device', device.id);
    for (const agent of watchersOf(device)) echo.push({ agent, subject, node });
  }
  for (const [circuit, { link, near, far }] of network.circuits.entries()) {
    const subject = subjectKey('link', link.id);
    const nearAgent = network.sites[network.nodes[near]?.site ?? -1]?.agent;
    const isNearHub = nearAgent !== undefined && network.agents[nearAgent]?.isHub === true;
    const agent = isNearHub ? nearAgent : (hubs[0] as number);
    echo.push({ agent, subject, circuit });
    const behind = network.sites[network.nodes[far]?.site ?? -1]?.agent;
    if (behind !== undefined) echo.push({ agent: behind, subject, circuit });
  }
  return { echo, polls: pollsOf(network, watchersOf) };
}

/** Routers and switches speak SNMP; what is behind them answers echoes only. */
function pollsOf(
  network: StormNetwork,
  watchersOf: (device: StormNode) => readonly number[],
): PollTarget[] {
  const ports = portsByNode(network);
  return network.nodes.flatMap((device, node) => {
    const isWan = device.role === 'edge' || device.role === 'hub-router';
    const every = isWan ? WAN_EVERY : OTHER_EVERY;
    return device.role === 'leaf'
      ? []
      : watchersOf(device).map((agent) => ({ agent, node, every, ports: ports.get(node) ?? [] }));
  });
}

function portsByNode(network: StormNetwork): Map<number, Port[]> {
  const ports = new Map<number, Port[]>();
  const put = (node: number, port: Port): void => {
    const known = ports.get(node);
    if (known === undefined) ports.set(node, [port]);
    else known.push(port);
  };
  for (const { link, edge, near, far } of network.circuits) {
    if (edge === undefined) continue;
    put(near, { name: link.ends[0]?.interface ?? '', edge, end: 0 });
    put(far, { name: link.ends[1]?.interface ?? '', edge, end: 1 });
  }
  return ports;
}

/** The end of the circuit that answers an agent's echo: the other one than its own. */
export const isAtFarEnd = (network: StormNetwork, agent: number, circuit: StormCircuit): boolean =>
  network.agents[agent]?.site === network.nodes[circuit.far]?.site;
