import type { Link, MaintenanceWindow } from '../../protocol/model/inventory.ts';
import {
  deviceOf,
  idOf,
  kindOf,
  type SiteId,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import { deviceSubject, linkSubject, type Topology } from './topology.ts';

/** Announced work (design 6.12): it holds for its subjects and for everything behind them. */
export interface Maintenance {
  /** The window in force at `now` that covers the subject; the one that ends last. */
  covering(subject: SubjectKey, now: EpochMs): MaintenanceWindow | undefined;
}

const NONE: readonly MaintenanceWindow[] = [];

export function createMaintenance(
  topology: Topology,
  windows: readonly MaintenanceWindow[] = NONE,
): Maintenance {
  const reaches = new Map<MaintenanceWindow, (subject: SubjectKey) => boolean>();

  function reachOf(window: MaintenanceWindow): (subject: SubjectKey) => boolean {
    const known = reaches.get(window);
    if (known !== undefined) return known;
    const made = createReach(topology, window);
    reaches.set(window, made);
    return made;
  }

  return {
    covering(subject, now) {
      let last: MaintenanceWindow | undefined;
      for (const window of windows) {
        const isInForce = window.from <= now && now < window.until;
        if (!isInForce || (last !== undefined && last.until >= window.until)) continue;
        if (reachOf(window)(subject)) last = window;
      }
      return last;
    },
  };
}

/** Whether the work takes the subject down: itself, what it is part of, or all that leads to it. */
function createReach(topology: Topology, window: MaintenanceWindow) {
  const named = new Set(window.subjects.map(topology.canonical));
  const sites = new Map<SiteId, boolean>();
  const hasSite = (site: SiteId | undefined): boolean =>
    site !== undefined && named.has(subjectKey('site', site));
  const isNamedDevice = (id: string): boolean =>
    named.has(deviceSubject(id)) || hasSite(topology.device(id)?.site);
  const isNamedLink = (link: Link): boolean =>
    named.has(linkSubject(link)) ||
    hasSite(link.site) ||
    hasSite(link.peer) ||
    link.ends.some((end) => isNamedDevice(end.device));

  function isSiteDown(site: SiteId): boolean {
    const known = sites.get(site);
    if (known !== undefined) return known;
    const gateways = topology.gatewaysOf(site);
    const isDown =
      hasSite(site) ||
      (gateways.length > 0 && gateways.every((device) => isNamedDevice(device.id))) ||
      topology.graph.cutBetween(topology.graph.core, site, isNamedLink) !== undefined;
    sites.set(site, isDown);
    return isDown;
  }

  function isDeviceDown(id: string): boolean {
    const site = topology.device(id)?.site;
    const ways = topology.waysInto(id);
    return (
      isNamedDevice(id) ||
      (ways.length > 0 && ways.every((way) => way.some(isNamedDevice))) ||
      (site !== undefined && isSiteDown(site))
    );
  }

  function isLinkDown(link: Link): boolean {
    const under = link.underlays.flatMap((id) => topology.link(id) ?? []);
    return (
      isNamedLink(link) ||
      isSiteDown(link.site) ||
      (under.length > 0 && under.every((one) => isLinkDown(one)))
    );
  }

  return (subject: SubjectKey): boolean => {
    if (named.has(topology.canonical(subject))) return true;
    const link = topology.link(idOf(subject));
    switch (kindOf(subject)) {
      case 'site':
        return isSiteDown(idOf(subject));
      case 'agent':
        return isSiteDown(topology.siteOf(subject) ?? '');
      case 'link':
        return link !== undefined && isLinkDown(link);
      case 'interface':
        return (
          isDeviceDown(deviceOf(subject) ?? '') ||
          topology.linksEndingOn(subject).some((one) => isLinkDown(one))
        );
      case 'device':
        return isDeviceDown(idOf(subject));
      default:
        return false;
    }
  };
}
