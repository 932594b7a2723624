import { checkTwins, type Findings, findLoops } from './cross.ts';
import { agentsBySite } from './places.ts';
import { createReflectors, type Reflectors, splitAddress } from './reflectors.ts';
import type { Config } from './schema.ts';
import { parseDuration } from './words.ts';

type Link = Config['links'][number];
type Probe = Link['probes'][number];

const ids = (entries: readonly { readonly id: string }[]): ReadonlySet<string> =>
  new Set(entries.map((entry) => entry.id));

/** Sites, devices, links, agents and credentials against each other. */
export function checkInventory(findings: Findings): void {
  const { config } = findings;
  for (const section of ['sites', 'devices', 'links', 'agents'] as const) {
    checkTwins(findings, `/${section}`, config[section]);
  }
  const sites = ids(config.sites);
  for (const [n, agent] of config.agents.entries()) {
    findings.isUnknown(`/agents/${n}/site`, 'site', agent.site, sites);
  }
  checkDevices(findings, sites);
  checkLinks(findings, sites);
  checkCredentials(findings);
  checkIntervals(findings);
}

function checkDevices(findings: Findings, sites: ReadonlySet<string>): void {
  const { config } = findings;
  const devices = new Map(config.devices.map((device) => [device.id, device]));
  const known = ids(config.devices);
  const credentials = new Set(Object.keys(config.credentials));
  const agentsOf = agentsBySite(config);
  for (const [n, device] of config.devices.entries()) {
    const at = `/devices/${n}`;
    const isLost = findings.isUnknown(`${at}/site`, 'site', device.site, sites);
    if (!isLost) checkReachable(findings, at, device, agentsOf(device.site).length);
    if (device.snmp !== undefined) {
      const pointer = `${at}/snmp/credential`;
      findings.isUnknown(pointer, 'credential', device.snmp.credential, credentials);
    }
    if (device.behind === undefined) continue;
    if (findings.isUnknown(`${at}/behind`, 'device', device.behind, known)) continue;
    const upstream = devices.get(device.behind);
    const areKnown = sites.has(device.site) && sites.has(upstream?.site ?? '');
    if (upstream !== undefined && areKnown && upstream.site !== device.site) {
      findings.error(
        `${at}/behind`,
        `"${device.behind}" is at site "${upstream.site}": a device lies behind one of its own site`,
      );
    }
  }
  const upstreamOf = (id: string): string[] => {
    const behind = devices.get(id)?.behind;
    return behind === undefined || !devices.has(behind) ? [] : [behind];
  };
  for (const loop of findLoops([...devices.keys()], upstreamOf)) {
    const n = config.devices.findIndex((device) => device.id === loop[0]);
    findings.error(`/devices/${n}/behind`, `devices lie behind each other: ${loop.join(' → ')}`);
  }
}

function checkReachable(
  findings: Findings,
  at: string,
  device: Config['devices'][number],
  agents: number,
): void {
  const isWatched = device.icmp || device.snmp !== undefined;
  if (!isWatched) {
    findings.warn(at, 'neither pinged nor asked by SNMP: nothing watches this device');
  } else if (device.site !== '' && agents === 0) {
    findings.error(
      `${at}/site`,
      `no agent can reach this device: none is at site "${device.site}" and none is at a hub site`,
    );
  }
}

function checkLinks(findings: Findings, sites: ReadonlySet<string>): void {
  const { config } = findings;
  const devices = ids(config.devices);
  const links = new Map(config.links.map((link) => [link.id, link]));
  const known = ids(config.links);
  const agents = ids(config.agents);
  const reflectors = createReflectors(config);
  for (const [n, link] of config.links.entries()) {
    const at = `/links/${n}`;
    checkSites(findings, at, link, sites);
    for (const [m, end] of link.ends.entries()) {
      findings.isUnknown(`${at}/ends/${m}/device`, 'device', end.device, devices);
    }
    checkUnderlays(findings, at, link, known);
    for (const [m, probe] of link.probes.entries()) {
      const pointer = `${at}/probes/${m}`;
      if (findings.isUnknown(`${pointer}/from`, 'agent', probe.from, agents)) continue;
      checkProbe(findings, pointer, link, probe, reflectors);
    }
    if (link.probes.length === 0 && link.ends.length === 0) {
      findings.warn(at, 'neither probes nor ends: nothing watches this link');
    }
  }
  const carriers = (id: string): string[] =>
    (links.get(id)?.underlays ?? []).filter((other) => links.has(other));
  for (const loop of findLoops([...links.keys()], carriers)) {
    const n = config.links.findIndex((link) => link.id === loop[0]);
    findings.error(`/links/${n}/underlays`, `links carry each other: ${loop.join(' → ')}`);
  }
}

function checkSites(
  findings: Findings,
  at: string,
  { site, peer }: Link,
  sites: ReadonlySet<string>,
): void {
  findings.isUnknown(`${at}/site`, 'site', site, sites);
  if (peer === undefined) return;
  findings.isUnknown(`${at}/peer`, 'site', peer, sites);
  if (peer === site) findings.error(`${at}/peer`, 'a link cannot end where it begins');
}

function checkUnderlays(
  findings: Findings,
  at: string,
  link: Link,
  links: ReadonlySet<string>,
): void {
  if (link.underlays.length > 0 && link.kind !== 'overlay') {
    findings.error(
      `${at}/underlays`,
      `only a link of kind overlay has underlays, not ${link.kind}`,
    );
  }
  for (const [m, id] of link.underlays.entries()) {
    findings.isUnknown(`${at}/underlays/${m}`, 'link', id, links);
  }
}

function checkProbe(
  findings: Findings,
  at: string,
  link: Link,
  probe: Probe,
  reflectors: Reflectors,
): void {
  if (!('stamp' in probe) || probe.stamp === '') return;
  if (splitAddress(probe.stamp).port > 65_535) {
    findings.error(`${at}/stamp`, 'expected a port, 1 to 65535');
    return;
  }
  const reflector = reflectors.match(link, probe);
  if (reflector === undefined) {
    findings.warn(
      `${at}/stamp`,
      `no agent declares a reflector at ${probe.stamp}: fine if a router answers STAMP there`,
    );
  } else if (reflector.id === probe.from) {
    findings.error(`${at}/stamp`, `agent "${probe.from}" would probe its own reflector`);
  } else if (reflectors.peerAddress(probe) === undefined) {
    findings.error(
      `${at}/from`,
      `the reflector of "${reflector.id}" answers listed peers only, and the address of agent "${probe.from}" is not known: give the probe a source, or the agent an address`,
    );
  }
}

function checkCredentials(findings: Findings): void {
  const { config } = findings;
  const used = new Set(config.devices.map((device) => device.snmp?.credential));
  for (const [name, credential] of Object.entries(config.credentials)) {
    const at = `/credentials/${name}`;
    if (credential.version === '3' && credential.privacy && !credential.auth) {
      findings.error(`${at}/privacy`, 'privacy needs auth as well (RFC 3414)');
    }
    if (credential.version === '2c' && credential.community === 'public') {
      findings.warn(`${at}/community`, 'the community "public" is known to everybody');
    }
    if (!used.has(name)) findings.warn(at, 'no device uses this credential');
  }
}

function checkIntervals(findings: Findings): void {
  const { icmp, stamp, snmp } = findings.config.intervals;
  for (const [name, round] of Object.entries({ icmp, stamp })) {
    const at = `/intervals/${name}`;
    if (parseDuration(round.every) < 500) findings.error(`${at}/every`, 'expected 500ms or more');
    if (parseDuration(round.timeout) > parseDuration(round.every)) {
      findings.error(`${at}/timeout`, `longer than a round (${round.every})`);
    }
  }
  for (const name of ['wan', 'other', 'slow'] as const) {
    if (parseDuration(snmp[name]) < 1000) {
      findings.error(`/intervals/snmp/${name}`, 'expected 1s or more');
    }
    if (parseDuration(snmp.timeout) >= parseDuration(snmp[name])) {
      findings.error('/intervals/snmp/timeout', `not shorter than ${name} (${snmp[name]})`);
    }
  }
}
