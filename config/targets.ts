import { createHash } from 'node:crypto';
import type { Target } from '../protocol/wire/agent-config.ts';
import { agentsBySite, wanDevices } from './places.ts';
import { splitAddress } from './reflectors.ts';
import type { Config } from './schema.ts';
import { parseDuration } from './words.ts';

type Device = Config['devices'][number];
type Link = Config['links'][number];
type Probe = Link['probes'][number];

/** Ids of targets have the bound of all ids: a long one keeps its beginning and gets a hash. */
function targetId(...parts: readonly (string | number)[]): string {
  const id = parts.join('.');
  if (id.length <= 64) return id;
  return `${id.slice(0, 51)}.${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

/**
 * What each agent polls. Devices are polled by the agents of their site, else by those of the hub
 * sites; paths by the agent that their probe names.
 */
export function targetsByAgent(config: Config): ReadonlyMap<string, Target[]> {
  const targets = new Map<string, Target[]>(config.agents.map((agent) => [agent.id, []]));
  const agentsOf = agentsBySite(config);
  const wan = wanDevices(config);
  for (const device of config.devices) {
    const own = deviceTargets(config, device, wan.has(device.id));
    for (const agent of agentsOf(device.site)) targets.get(agent.id)?.push(...own);
  }
  for (const link of config.links) {
    for (const [n, probe] of link.probes.entries()) {
      targets.get(probe.from)?.push(probeTarget(config, link, probe, n));
    }
  }
  return targets;
}

function deviceTargets(config: Config, device: Device, isWan: boolean): Target[] {
  const { icmp, snmp } = config.intervals;
  const subject = `device:${device.id}`;
  const { address } = device;
  const targets: Target[] = [];
  if (device.icmp) {
    const id = targetId('icmp', device.id);
    targets.push({ id, probe: 'icmp', subject, address, ...roundOf(icmp) });
  }
  if (device.snmp !== undefined) {
    targets.push({
      id: targetId('snmp', device.id),
      probe: 'snmp',
      subject,
      address,
      port: device.snmp.port,
      credential: device.snmp.credential,
      every: parseDuration(isWan ? snmp.wan : snmp.other),
      slowEvery: parseDuration(snmp.slow),
      timeout: parseDuration(snmp.timeout),
    });
  }
  return targets;
}

function probeTarget(config: Config, link: Link, probe: Probe, n: number): Target {
  const id = targetId('link', link.id, n);
  const subject = `link:${link.id}`;
  const { icmp, stamp } = config.intervals;
  if ('icmp' in probe) {
    return { id, probe: 'icmp', subject, address: probe.icmp, ...roundOf(icmp) };
  }
  const { source, dscp, clocksSynchronised } = probe;
  return {
    id,
    probe: 'stamp',
    subject,
    ...splitAddress(probe.stamp),
    ...(source === undefined ? {} : { source }),
    ...(dscp === undefined ? {} : { dscp }),
    ...roundOf(stamp),
    ...(clocksSynchronised ? { clocksSynchronised } : {}),
  };
}

const roundOf = (round: Config['intervals']['icmp']) => ({
  count: round.count,
  every: parseDuration(round.every),
  timeout: parseDuration(round.timeout),
});
