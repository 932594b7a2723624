import type { LabSite, LabWan } from './wan.ts';

export const FAULT_KINDS = [
  'circuit-cut',
  'packet-loss',
  'congestion',
  'delay',
  'interface-down',
  'snmp-stopped',
  'line-errors',
  'reboot',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  readonly site: string;
  /** What happens, for the person who watches the demo. */
  readonly text: string;
  /** Undoes it. */
  mend(): void;
}

const labels: Record<FaultKind, (site: LabSite) => string> = {
  'circuit-cut': (site) =>
    `an excavator cuts the ${site.plan.circuit?.provider} circuit to ${site.plan.name}`,
  'packet-loss': (site) => `the circuit to ${site.plan.name} loses 20 % of its packets`,
  congestion: (site) => `a backup fills the circuit to ${site.plan.name}`,
  delay: (site) => `traffic to ${site.plan.name} takes a detour of 90 ms each way`,
  'interface-down': (site) => `a LAN port of the router in ${site.plan.name} goes down`,
  'snmp-stopped': (site) => `the SNMP agent of the router in ${site.plan.name} stops answering`,
  'line-errors': (site) => `the line to ${site.plan.name} goes bad: errors and some loss`,
  reboot: (site) =>
    `the router in ${site.plan.name} restarts (counters begin at zero; no ticket should come)`,
};

function impair(site: LabSite, change: Partial<LabSite['usual']>): () => void {
  if (!site.path) throw new Error(`lab: ${site.plan.id} has no circuit to impair`);
  const { impairment } = site.path;
  Object.assign(impairment, change);
  return () => Object.assign(impairment, site.usual);
}

const inflict: Record<FaultKind, (site: LabSite) => () => void> = {
  'circuit-cut': (site) => {
    const mendPath = impair(site, { lossRatio: 1 });
    const behind = [site.device, ...site.switches];
    for (const device of behind) device.setSilent(true);
    return () => {
      mendPath();
      for (const device of behind) device.setSilent(false);
    };
  },
  'packet-loss': (site) => impair(site, { lossRatio: 0.2 }),
  congestion: (site) => {
    const mendPath = impair(site, {
      delayMs: site.usual.delayMs + 95,
      jitterMs: 25,
      lossRatio: 0.03,
    });
    site.wanPort.inBitsPerSecond = 0.985 * site.wanPort.bitsPerSecond;
    return () => {
      mendPath();
      site.wanPort.inBitsPerSecond = 0;
    };
  },
  delay: (site) => impair(site, { delayMs: site.usual.delayMs + 90 }),
  'interface-down': (site) => {
    const lan = site.device.interfaces.find((port) => port !== site.wanPort && port.isAdminUp);
    if (!lan) throw new Error(`lab: ${site.plan.id} has no LAN port`);
    lan.isUp = false;
    return () => {
      lan.isUp = true;
    };
  },
  'snmp-stopped': (site) => {
    site.device.setSilent(true);
    return () => site.device.setSilent(false);
  },
  'line-errors': (site) => {
    const mendPath = impair(site, { lossRatio: 0.12 });
    site.wanPort.inErrorsPerSecond = 40;
    return () => {
      mendPath();
      site.wanPort.inErrorsPerSecond = 0;
    };
  },
  reboot: (site) => {
    site.device.reboot(Date.now());
    return () => undefined;
  },
};

/** Breaks something now; `mend` repairs it. Throws on an unknown site. */
export function applyFault(wan: LabWan, kind: FaultKind, siteId: string): Fault {
  const site = wan.sites.find((candidate) => candidate.plan.id === siteId);
  if (!site) throw new Error(`lab: no site "${siteId}"`);
  const mend = inflict[kind](site);
  return { kind, site: siteId, text: labels[kind](site), mend };
}
