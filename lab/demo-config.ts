import type { LabWan } from './wan.ts';
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
    devices: wan.sites.map(({ plan }) => ({
      id: `${plan.id}-rtr`,
      name: `${plan.name} router`,
      site: plan.id,
      address: plan.address,
      icmp: plan.hub,
      snmp: { credential: 'lab', port: wan.snmpPort },
    })),
    links: branches.map(({ plan, wanPort }, n) => ({
      id: plan.circuit?.id,
      name: `${plan.name} ${plan.circuit?.kind === 'wan' ? 'MPLS' : 'Internet'}`,
      kind: plan.circuit?.kind,
      site: plan.id,
      peer: hub.plan.id,
      provider: plan.circuit?.provider,
      circuit: plan.circuit?.reference,
      ends: [
        { device: `${plan.id}-rtr`, interface: wanPort.name },
        { device: `${hub.plan.id}-rtr`, interface: hub.device.interfaces[n]?.name },
      ],
      probes: [{ from: DEMO_AGENT, stamp: `${plan.address}:${wan.stampPort}` }],
    })),
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
