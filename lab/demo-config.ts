import type { LabWan } from './wan.ts';
import type { SitePlan } from './wan-plan.ts';
import { LAB_COMMUNITY } from './wan-plan.ts';

export interface DemoConfigOptions {
  readonly agentsPort: number;
  readonly peoplePort: number;
  readonly state: string;
  readonly sinkUrl: string;
  /** Name of the environment variable that holds the sink's secret. */
  readonly secretEnv: string;
}

export const DEMO_AGENT = 'noc-agent';

/**
 * The configuration that watches the simulated WAN, in the form of vedette.yaml. Loopback always
 * answers ICMP, so a branch's reachability is told by STAMP and SNMP; the hub is pinged for real.
 */
export function demoConfig(wan: LabWan, options: DemoConfigOptions): object {
  const hub = wan.sites.find((site) => site.plan.hub);
  if (!hub) throw new Error('lab: the plan has no hub');
  const branches = wan.sites.flatMap((site) => (site.plan.circuit ? [site] : []));
  return {
    server: {
      agents: { port: options.agentsPort },
      people: { port: options.peoplePort },
      publicUrl: `http://localhost:${options.peoplePort}`,
      state: options.state,
    },
    sites: wan.sites.map(({ plan: { id, name, hub: isHub, users } }) => ({
      id,
      name,
      hub: isHub,
      users,
    })),
    devices: wan.sites.flatMap(({ plan }) => {
      const snmp = { credential: 'lab', port: wan.snmpPort };
      const { id, name, address, hub: icmp } = plan;
      const router = { id: `${id}-rtr`, name: `${name} router`, site: id, address, icmp, snmp };
      const switches = plan.switches.map((address, n) => ({
        id: `${id}-sw${n + 1}`,
        name: `${name} switch ${n + 1}`,
        site: id,
        behind: router.id,
        address,
        icmp: false,
        snmp,
      }));
      return [router, ...switches];
    }),
    links: branches.map(({ plan, wanPort }, n) => ({
      id: plan.circuit?.id,
      name: `${plan.name} ${plan.circuit?.kind === 'wan' ? 'MPLS' : 'Internet'}`,
      kind: plan.circuit?.kind,
      site: plan.id,
      peer: hub.plan.id,
      provider: plan.circuit?.provider,
      circuit: plan.circuit?.reference,
      pop: popOf(plan.circuit?.provider ?? ''),
      lastMile: plan.circuit?.kind === 'wan' ? 'fibre' : 'cable',
      ends: [
        { device: `${plan.id}-rtr`, interface: wanPort.name },
        { device: `${hub.plan.id}-rtr`, interface: hub.device.interfaces[n]?.name },
      ],
      probes: [{ from: DEMO_AGENT, stamp: `${plan.address}:${wan.stampPort}` }],
    })),
    maintenance: [
      {
        id: 'turin-firmware',
        name: 'Firmware night in Turin',
        subjects: ['site:turin'],
        cron: '30 2 * * *',
        timeZone: 'Europe/Rome',
        lasts: '1h',
      },
    ],
    services: demoServices(branches.map(({ plan }) => plan)),
    agents: [{ id: DEMO_AGENT, site: hub.plan.id }],
    credentials: { lab: { version: '2c', community: LAB_COMMUNITY } },
    intervals: { snmp: { wan: '10s', other: '10s', slow: '1m' } },
    rules: [
      // A demo has no five minutes to wait; the pack's own figures are for real networks.
      { id: 'snmp-silent', after: '20s' },
    ],
    tickets: {
      destinations: [
        {
          id: 'demo-desk',
          url: options.sinkUrl,
          secrets: [{ env: options.secretEnv }],
          openAfter: { P1: '2s', P2: '5s', P3: '10s', P4: '15s', P5: 'never' },
          numberPointer: '/number',
          urlPointer: '/url',
        },
      ],
    },
  };
}

/** Each provider has one point of presence in the simulated town of the hub. */
const popOf = (provider: string): string => `${provider.toUpperCase().slice(0, 3)}-PAR1`;

/** What the simulated company lives on; the tills are in the shops of two countries. */
function demoServices(branches: readonly SitePlan[]): object[] {
  const users = (ids: readonly string[]) =>
    branches.reduce((sum, plan) => sum + (ids.includes(plan.id) ? plan.users : 0), 0);
  const tills = ['lyon', 'bordeaux', 'lille', 'nantes'];
  const design = ['milan', 'turin', 'geneva'];
  const iberia = ['barcelona', 'madrid', 'porto'];
  return [
    {
      id: 'card-payments',
      name: 'Card payments in France',
      needs: { all: tills.map((id) => `site:${id}`) },
      users: users(tills),
      criticality: 'high',
      costPerHour: '2400 EUR',
    },
    {
      id: 'design-share',
      name: 'Drawings for the workshops',
      needs: { all: design.map((id) => `site:${id}`) },
      users: users(design),
      criticality: 'medium',
      hours: {
        timeZone: 'Europe/Rome',
        weekly: [{ days: ['mon-fri'], from: '07:30', to: '18:30' }],
      },
      costPerHour: '650 EUR',
    },
    {
      id: 'order-desk',
      name: 'Order desk for Iberia and Benelux',
      // One desk takes the calls of the other: with a single one left nothing is in reserve.
      needs: { atLeast: 2, of: [...iberia, 'brussels'].map((id) => `site:${id}`) },
      users: users([...iberia, 'brussels']),
      criticality: 'medium',
      costPerHour: '900 EUR',
    },
  ];
}
