import type { Inventory } from '../protocol/model/inventory.ts';
import {
  type AgentId,
  deviceOf,
  idOf,
  kindOf,
  type SubjectKey,
} from '../protocol/model/subject.ts';
import type { EngineSettings } from './settings.ts';

const OUTAGES: ReadonlySet<string> = new Set(['unreachable', 'interface-down']);

/**
 * The settings by which one agent's late samples are judged: rules for outages only, and of the
 * inventory what the agent watches with the sites and links around it, so that a thousand agents
 * that come back together do not each cost a whole network.
 */
export function outageSettingsOf(settings: EngineSettings, agent: AgentId): EngineSettings {
  const rules = settings.rules.filter(({ detector }) => OUTAGES.has(detector.kind));
  const own = settings.watches.find((watch) => watch.agent === agent);
  if (own === undefined) return { ...settings, rules };
  const inventory = around(settings.inventory, agent, own.subjects as readonly SubjectKey[]);
  return { ...settings, rules, inventory, watches: [own] };
}

function around(inventory: Inventory, agent: AgentId, subjects: readonly SubjectKey[]): Inventory {
  const place = inventory.agents.find(({ id }) => id === agent);
  const watchedLinks = new Set(subjects.filter((s) => kindOf(s) === 'link').map(idOf));
  const watchedDevices = new Set(subjects.flatMap((subject) => deviceOf(subject) ?? []));
  const links = inventory.links.filter(
    ({ id, ends }) => watchedLinks.has(id) || ends.some(({ device }) => watchedDevices.has(device)),
  );
  const under = new Set(links.flatMap((link) => link.underlays));
  const carriers = inventory.links.filter((link) => under.has(link.id) && !links.includes(link));
  const allLinks = [...links, ...carriers];
  const ends = new Set(allLinks.flatMap((link) => link.ends.map(({ device }) => device)));
  const sites = new Set([
    ...allLinks.flatMap(({ site, peer }) => (peer === undefined ? [site] : [site, peer])),
    ...inventory.devices.flatMap(({ id, site }) => (watchedDevices.has(id) ? [site] : [])),
    ...(place === undefined ? [] : [place.site]),
  ]);
  const { redundancy, learned, services } = inventory;
  return {
    sites: inventory.sites.filter(({ id }) => sites.has(id)),
    devices: inventory.devices.filter(({ id }) => watchedDevices.has(id) || ends.has(id)),
    links: allLinks,
    agents: place === undefined ? [] : [place],
    ...(redundancy === undefined ? {} : { redundancy }),
    ...(learned === undefined ? {} : { learned }),
    ...(services === undefined ? {} : { services }),
  };
}
