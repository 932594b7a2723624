import type { Config } from './schema.ts';

type Agent = Config['agents'][number];

/** The agents that watch a site: its own, else those of the hub sites. */
export function agentsBySite(config: Config): (site: string) => readonly Agent[] {
  const hubs = new Set(config.sites.filter((site) => site.hub).map((site) => site.id));
  const central = config.agents.filter((agent) => hubs.has(agent.site));
  const own = Map.groupBy(config.agents, (agent) => agent.site);
  return (site) => own.get(site) ?? central;
}

/** Devices that end a link beyond the site: their counters are read more often. */
export const wanDevices = (config: Config): ReadonlySet<string> =>
  new Set(
    config.links
      .filter((link) => link.kind !== 'lan')
      .flatMap((link) => link.ends.map((end) => end.device)),
  );
