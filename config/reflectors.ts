import type { Config } from './schema.ts';

type Agent = Config['agents'][number];
type Link = Config['links'][number];
type StampProbe = Extract<Link['probes'][number], { stamp: string }>;

const ANY = new Set(['0.0.0.0', '::', '*']);

/** Who reflects whose STAMP packets. */
export interface Reflectors {
  /** The agent whose reflector a probe is aimed at; undefined = a foreign one, say a router's. */
  match(link: Link, probe: StampProbe): Agent | undefined;
  /** Where the packets of a probe come from, as its reflector sees it. */
  peerAddress(probe: StampProbe): string | undefined;
  /** Addresses that the reflector of an agent may answer: whoever probes it, and nobody else. */
  peersOf(agent: Agent): readonly string[];
}

/** "192.0.2.1:862" or "[2001:db8::1]:862". The text has passed the schema. */
export function splitAddress(text: string): { readonly address: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return {
    address: text.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(text.slice(colon + 1)),
  };
}

export function createReflectors(config: Config): Reflectors {
  const agents = new Map(config.agents.map((agent) => [agent.id, agent]));
  const exact = new Map<string, Agent>();
  const anywhere = new Map<string, Agent[]>();
  for (const agent of config.agents) {
    if (agent.reflector === undefined) continue;
    const { address, port } = agent.reflector;
    if (!ANY.has(address)) exact.set(`${address} ${port}`, agent);
    else anywhere.set(agent.site, [...(anywhere.get(agent.site) ?? []), agent]);
  }

  /** The same address and port, or all addresses of that port at either end of the link. */
  function match(link: Link, probe: StampProbe): Agent | undefined {
    const { address, port } = splitAddress(probe.stamp);
    const found = exact.get(`${address} ${port}`);
    if (found !== undefined) return found;
    return [link.site, link.peer ?? '']
      .flatMap((site) => anywhere.get(site) ?? [])
      .find((agent) => agent.reflector?.port === port && agent.id !== probe.from);
  }

  function peerAddress(probe: StampProbe): string | undefined {
    if (probe.source !== undefined) return probe.source;
    const sender = agents.get(probe.from);
    const own = sender?.address ?? sender?.reflector?.address;
    return own === undefined || ANY.has(own) ? undefined : own;
  }

  const peers = new Map<Agent, Set<string>>();
  const aimed = config.links.flatMap((link) =>
    link.probes.filter((probe) => 'stamp' in probe).map((probe) => ({ link, probe })),
  );
  for (const { link, probe } of aimed) {
    const reflector = match(link, probe);
    const address = peerAddress(probe);
    if (reflector === undefined || address === undefined) continue;
    peers.set(reflector, (peers.get(reflector) ?? new Set()).add(address));
  }
  return { match, peerAddress, peersOf: (agent) => [...(peers.get(agent) ?? [])].sort() };
}
