import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Alert } from '../protocol/model/alert.ts';
import type { AlertFact, Fact } from '../protocol/model/fact.ts';
import type { Device, Inventory, Link, Site } from '../protocol/model/inventory.ts';
import { type SubjectKey, subjectKey } from '../protocol/model/subject.ts';
import { epochMs } from '../protocol/model/units.ts';
import { createNetworkEngine } from '../rules/network-engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../rules/packs/default.ts';
import type { EngineSettings } from '../rules/settings.ts';
import type { Figure } from './figure.ts';

export const name = 'correlate';

const SITES = 1_250;
const DEVICES = 40;
const HUBS = 10;
const CUT = 125;
const START = 1_700_000_000_000;
/** Agents hand in every 100 ms or so in a storm; alerts of one second come in so many inputs. */
const INPUTS = [100, 5_000] as const;

const branch = (n: number): string => `s${n}`;
const hubOf = (n: number): string => `hub${n % HUBS}`;

/** Ten hubs with 125 branches each, every branch with a router, 39 switches, a circuit, an agent. */
function network(): Inventory {
  const sites: Site[] = [];
  const devices: Device[] = [];
  const links: Link[] = [];
  for (let n = 0; n < HUBS; n++) {
    sites.push({ id: `hub${n}`, name: `hub${n}`, hub: true, users: 100 });
    devices.push({ id: `hub${n}-r`, name: `hub${n}-r`, site: `hub${n}`, address: '192.0.2.1' });
  }
  for (let n = 0; n < SITES; n++) {
    const site = branch(n);
    sites.push({ id: site, name: site, hub: false, users: 40 });
    for (let d = 0; d < DEVICES; d++) {
      const id = `${site}-d${d}`;
      const behind = d === 0 ? {} : { behind: `${site}-d0` };
      devices.push({ id, name: id, site, address: '192.0.2.2', ...behind });
    }
    links.push({
      id: `${site}-wan`,
      name: `${site}-wan`,
      kind: 'wan',
      site,
      peer: hubOf(n),
      ends: [{ device: `${hubOf(n)}-r` }, { device: `${site}-d0` }],
      provider: `carrier${n % 7}`,
      underlays: [],
    });
  }
  const agents = sites.map(({ id }) => ({ id: `a-${id}`, site: id }));
  return { sites, devices, links, agents };
}

function settingsOf(inventory: Inventory): EngineSettings {
  const bySite = new Map<string, string[]>(inventory.sites.map(({ id }) => [id, []]));
  for (const { id, site } of inventory.devices) {
    bySite.get(site)?.push(`device:${id}`);
    if (!site.startsWith('hub')) bySite.get(hubOf(Number(site.slice(1))))?.push(`device:${id}`);
  }
  for (const { id, peer } of inventory.links) bySite.get(peer ?? '')?.push(`link:${id}`);
  return {
    installation: 'bench',
    inventory,
    rules: DEFAULT_RULES,
    timing: DEFAULT_TIMING,
    watches: [...bySite].map(([site, subjects]) => ({ agent: `a-${site}`, subjects })),
  };
}

function fired(rule: string, subject: SubjectKey, agent: string, at: number): AlertFact {
  const alert: Alert = {
    key: `${rule}|${subject}|${agent}`,
    rule,
    subject,
    agent,
    severity: 'critical',
    disturbance: 'outage',
    firedAt: epochMs(at),
    evidence: { onsetAt: epochMs(at - 1_000), text: '10 of 10 echoes lost' },
  };
  return { kind: 'alert.fired', at: epochMs(at), alert };
}

/** The circuits of 125 branches are cut: 5,000 devices, 125 circuits and 125 agents, out of order. */
function storm(isOneHub: boolean): AlertFact[] {
  const facts: AlertFact[] = [];
  for (let k = 0; k < CUT; k++) {
    const n = isOneHub ? k * HUBS : k * HUBS + (k % HUBS);
    const agent = `a-${hubOf(n)}`;
    const at = START + ((k * 7_919) % 1_000);
    for (let d = 0; d < DEVICES; d++) {
      const subject = subjectKey('device', `${branch(n)}-d${d}`);
      facts.push(fired('device-unreachable', subject, agent, at + ((d * 31) % 200)));
    }
    facts.push(fired('link-unreachable', subjectKey('link', `${branch(n)}-wan`), agent, at + 150));
    const silent = `a-${branch(n)}`;
    facts.push(fired('agent-silent', subjectKey('agent', silent), silent, at + 12_000));
  }
  return facts.sort((a, b) => a.at - b.at);
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

interface Told {
  readonly seconds: number;
  readonly megabytes: number;
  readonly incidents: number;
}

function correlate(settings: EngineSettings, facts: readonly AlertFact[], inputs: number): Told {
  const before = heapUsed();
  const engine = createNetworkEngine(settings);
  let position = 0;
  let opened = 0;
  const count = (told: readonly Fact[]): void => {
    for (const fact of told) if (fact.kind === 'incident.opened') opened += 1;
  };
  const size = Math.ceil(facts.length / inputs);
  const began = process.cpuUsage();
  for (let from = 0; from < facts.length; from += size) {
    const part = facts.slice(from, from + size);
    const now = (part.at(-1) as AlertFact).at;
    position += 1;
    count(engine.consume(part, { now, position }));
    count(engine.tick({ now, position }));
  }
  for (let second = 13; second < 90; second++) {
    position += 1;
    count(engine.tick({ now: epochMs(START + second * 1_000), position }));
  }
  const { user, system } = process.cpuUsage(began);
  const megabytes = (heapUsed() - before) / 1e6;
  engine.tick({ now: epochMs(START + 90_000), position });
  return { seconds: (user + system) / 1e6, megabytes, incidents: opened };
}

/** How long 5,000 of 50,000 devices that fail within one second take to become incidents. */
export async function run(): Promise<Figure[]> {
  const inventory = network();
  const settings = settingsOf(inventory);
  const began = process.cpuUsage();
  createNetworkEngine(settings);
  const configured = process.cpuUsage(began);
  const figures: Figure[] = [
    {
      name: 'correlation, indexing 50,000 devices',
      figure: (configured.user + configured.system) / 1e6,
      unit: 's CPU',
    },
  ];
  for (const [what, isOneHub] of [
    ['125 circuits of ten hubs cut', false],
    ['125 circuits of one hub cut', true],
  ] as const) {
    for (const inputs of INPUTS) {
      const { seconds, megabytes, incidents } = correlate(settings, storm(isOneHub), inputs);
      figures.push({
        name: `correlation, ${what}: 5,250 alerts in ${inputs.toLocaleString('en')} inputs`,
        figure: seconds,
        unit: 's CPU',
        budget: 2,
        note: `${incidents} incidents opened, ${megabytes.toFixed(0)} MB held with the index`,
      });
    }
  }
  return figures;
}
