import type { Device, Inventory, Link, Site } from '../../protocol/model/inventory.ts';
import { deviceOf, idOf, kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import { assertNever } from '../../protocol/model/units.ts';

/** Names of subjects as a resolver knows them; ids alone say little at 3 a.m. */
export interface SubjectNames {
  site(id: string): Site | undefined;
  /** "link Lyon MPLS (Orange, circuit FT-1234)"; the bare key for what is not in the inventory. */
  describe(subject: SubjectKey): string;
}

const cache = new WeakMap<Inventory, SubjectNames>();

/** Index of an inventory, built once per inventory object. */
export function subjectNames(inventory: Inventory): SubjectNames {
  const known = cache.get(inventory);
  if (known !== undefined) return known;
  const made = index(inventory);
  cache.set(inventory, made);
  return made;
}

function index(inventory: Inventory): SubjectNames {
  const sites = new Map(inventory.sites.map((site) => [site.id, site]));
  const devices = new Map(inventory.devices.map((device) => [device.id, device]));
  const links = new Map(inventory.links.map((link) => [link.id, link]));
  return {
    site: (id) => sites.get(id),
    describe: (subject) => {
      const id = idOf(subject);
      const kind = kindOf(subject);
      switch (kind) {
        case 'site':
          return `site ${sites.get(id)?.name ?? id}`;
        case 'device':
          return deviceText(devices.get(id), id);
        case 'interface': {
          const device = deviceOf(subject) ?? id;
          return `interface ${id.slice(device.length + 1)} of ${deviceText(devices.get(device), device)}`;
        }
        case 'link':
          return linkText(links.get(id), id);
        case 'agent':
          return `agent ${id}`;
        case 'service':
          return `service ${id}`;
        default:
          return assertNever(kind);
      }
    },
  };
}

const deviceText = (device: Device | undefined, id: string): string =>
  device === undefined ? `device ${id}` : `device ${device.name} (${device.address})`;

function linkText(link: Link | undefined, id: string): string {
  if (link === undefined) return `link ${id}`;
  const who = [link.provider, link.circuit && `circuit ${link.circuit}`].filter(Boolean);
  return `link ${link.name}${who.length > 0 ? ` (${who.join(', ')})` : ''}`;
}
