import { createSocket } from 'node:dgram';
import { createRandom, type Random } from './random.ts';
import { type LabDevice, type LabInterface, startLabDevice } from './snmp-device.ts';
import { type Impairment, type StampPath, startStampPath } from './stamp-path.ts';
import { LAB_COMMUNITY, type SitePlan, WAN_PLAN } from './wan-plan.ts';

export interface LabSite {
  readonly plan: SitePlan;
  readonly device: LabDevice;
  /** Behind the router, in the order of the plan's addresses. */
  readonly switches: readonly LabDevice[];
  /** The circuit as the hub sees it; absent at the hub. */
  readonly path?: StampPath;
  /** The router's port on the circuit; at the hub the first port. */
  readonly wanPort: LabInterface;
  readonly usual: Impairment;
}

export interface LabWan {
  readonly sites: readonly LabSite[];
  readonly snmpPort: number;
  readonly stampPort: number;
  close(): Promise<void>;
}

export interface LabOptions {
  readonly seed: number;
  readonly plan?: readonly SitePlan[];
}

/** What one lab has settled on: the same two ports at every site, which differ by address. */
interface Settled extends Required<LabOptions> {
  readonly snmpPort: number;
  readonly stampPort: number;
}

const port = (index: number, name: string, alias: string, mbit: number): LabInterface => ({
  index,
  name,
  alias,
  bitsPerSecond: mbit * 1e6,
  isAdminUp: true,
  isUp: true,
  inBitsPerSecond: 0,
  outBitsPerSecond: 0,
  inErrorsPerSecond: 0,
});

function portsOf(plan: SitePlan, all: readonly SitePlan[]): LabInterface[] {
  const lan = [
    port(11, 'GigabitEthernet0/1', 'office LAN', 1000),
    port(12, 'GigabitEthernet0/2', 'telephony', 1000),
    { ...port(13, 'GigabitEthernet0/3', 'spare', 1000), isAdminUp: false, isUp: false },
  ];
  if (plan.circuit) {
    const { bitsPerSecond, reference, provider } = plan.circuit;
    return [
      port(10, 'GigabitEthernet0/0', `${provider} ${reference}`, bitsPerSecond / 1e6),
      ...lan,
    ];
  }
  const circuits = all.flatMap((site) => (site.circuit ? [site] : []));
  return [
    ...circuits.map((site, n) => port(100 + n, `TenGigE0/0/${n}`, `to ${site.name}`, 10_000)),
    ...lan,
  ];
}

/** An access switch: a way up to the router and two ports to desks. */
const switchPorts = (): LabInterface[] => [
  port(1, 'GigabitEthernet1/0/1', 'to the router', 1000),
  port(2, 'GigabitEthernet1/0/2', 'desks', 1000),
  port(3, 'GigabitEthernet1/0/3', 'access points', 1000),
];

const startSwitches = (plan: SitePlan, options: Settled, nowMs: number): LabDevice[] =>
  plan.switches.map((address, n) =>
    startLabDevice(
      {
        address,
        port: options.snmpPort,
        community: LAB_COMMUNITY,
        name: `${plan.id}-sw${n + 1}`,
        descr: 'Vedette lab switch (simulated)',
        interfaces: switchPorts(),
      },
      nowMs,
    ),
  );

async function startSite(
  plan: SitePlan,
  options: Settled,
  random: Random,
  nowMs: number,
): Promise<LabSite> {
  const interfaces = portsOf(plan, options.plan);
  const device = startLabDevice(
    {
      address: plan.address,
      port: options.snmpPort,
      community: LAB_COMMUNITY,
      name: `${plan.id}-rtr`,
      descr: 'Vedette lab router (simulated)',
      interfaces,
    },
    nowMs,
  );
  const switches = startSwitches(plan, options, nowMs);
  const wanPort = interfaces[0];
  if (!wanPort) throw new Error(`lab: site ${plan.id} has no ports`);
  const usual: Impairment = {
    delayMs: plan.circuit?.delayMs ?? 0.2,
    jitterMs: plan.circuit?.jitterMs ?? 0.05,
    lossRatio: 0,
  };
  if (!plan.circuit) return { plan, device, switches, wanPort, usual };
  const at = { address: plan.address, port: options.stampPort };
  const path = await startStampPath(at, { ...usual }, random);
  return { plan, device, switches, path, wanPort, usual };
}

/** Traffic that looks alive: a slow swing and some noise around the usual load of each port. */
function moveTraffic(site: LabSite, random: Random, nowMs: number): void {
  const swing = 1 + 0.15 * Math.sin(nowMs / 97_000 + site.plan.users);
  for (const lan of site.device.interfaces) {
    const share = (site.plan.circuit?.load ?? 0.2) * swing * (0.9 + 0.2 * random.next());
    const rate = Math.min(lan.bitsPerSecond, site.wanPort.bitsPerSecond) * share;
    if (lan === site.wanPort && site.wanPort.inBitsPerSecond > 0.8 * lan.bitsPerSecond) continue;
    lan.inBitsPerSecond = rate;
    lan.outBitsPerSecond = 0.4 * rate;
  }
  for (const access of site.switches.flatMap(({ interfaces }) => interfaces)) {
    access.inBitsPerSecond = 1e6 * swing * (0.9 + 0.2 * random.next());
    access.outBitsPerSecond = 3 * access.inBitsPerSecond;
  }
}

const isFree = (port: number, address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, address, () => socket.close(() => resolve(true)));
  });

/** The first UDP port from `from` on that is free at every address. */
async function freeUdpPort(from: number, addresses: readonly string[]): Promise<number> {
  for (let port = from; port < from + 100; port++) {
    const free = await Promise.all(addresses.map((address) => isFree(port, address)));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`lab: no free UDP port between ${from} and ${from + 99}`);
}

/** Starts the simulated WAN: real SNMP agents and STAMP reflectors on loopback, in this process. */
export async function startWan(given: LabOptions): Promise<LabWan> {
  const plan = given.plan ?? WAN_PLAN;
  const addresses = plan.flatMap((site) => [site.address, ...site.switches]);
  // High ports, so that nobody needs root; the next ones if another lab runs on this machine.
  const snmpPort = await freeUdpPort(16_161, addresses);
  const stampPort = await freeUdpPort(18_862, addresses);
  const options: Settled = { seed: given.seed, plan, snmpPort, stampPort };
  const random = createRandom(options.seed);
  const sites: LabSite[] = [];
  for (const plan of options.plan) sites.push(await startSite(plan, options, random, Date.now()));
  const timer = setInterval(() => {
    for (const site of sites) {
      moveTraffic(site, random, Date.now());
      for (const device of [site.device, ...site.switches]) device.step(Date.now());
    }
  }, 1000);
  return {
    sites,
    snmpPort: options.snmpPort,
    stampPort: options.stampPort,
    async close() {
      clearInterval(timer);
      for (const site of sites) {
        await site.path?.close();
        for (const device of [site.device, ...site.switches]) await device.close();
      }
    },
  };
}
