import type { DeviceId } from '../../protocol/model/subject.ts';
import { idOf, kindOf } from '../../protocol/model/subject.ts';
import type { EngineSettings } from '../settings.ts';

/** Longest chain of devices that is followed; also the guard against loops. */
const MAX_HOPS = 8;

export interface Parents {
  /** See `Topology.waysInto`. */
  waysInto(device: DeviceId): readonly (readonly DeviceId[])[];
  /** Others hang on it. */
  isInFront(device: DeviceId): boolean;
}

/**
 * What devices hang on: the inventory's `behind`, widened by redundancy groups (any member suffices)
 * and, when they are trusted, by learned edges inside a site.
 */
export function createParents(settings: EngineSettings): Parents {
  const parents = parentsOf(settings);
  const known = new Map<DeviceId, readonly (readonly DeviceId[])[]>();
  const inFront = new Set([...parents.values()].flat());

  /** The parent and, as long as there is only one way on, what it hangs on. */
  function chainFrom(parent: DeviceId, below: DeviceId): DeviceId[] {
    const chain = [parent];
    let next = parents.get(parent);
    while (next?.length === 1 && chain.length < MAX_HOPS) {
      const [above] = next as [DeviceId];
      if (above === below || chain.includes(above)) break;
      chain.push(above);
      next = parents.get(above);
    }
    return chain;
  }

  function waysInto(device: DeviceId): readonly (readonly DeviceId[])[] {
    const found = known.get(device);
    if (found !== undefined) return found;
    const ways = (parents.get(device) ?? []).map((parent) => chainFrom(parent, device));
    known.set(device, ways);
    return ways;
  }

  return { waysInto, isInFront: (device) => inFront.has(device) };
}

/** Neighbourhoods that were seen between devices of one site. */
function learnedParents({ inventory, trustLearned }: EngineSettings): Map<DeviceId, DeviceId[]> {
  const learned = new Map<DeviceId, DeviceId[]>();
  if (trustLearned !== true) return learned;
  const siteOf = new Map(inventory.devices.map((device) => [device.id, device.site]));
  for (const { from, to } of inventory.learned ?? []) {
    const [above, below] = [idOf(from), idOf(to)];
    const site = siteOf.get(above);
    const isInside = kindOf(from) === 'device' && kindOf(to) === 'device' && site !== undefined;
    if (!isInside || site !== siteOf.get(below)) continue;
    learned.set(below, [...(learned.get(below) ?? []), above]);
  }
  return learned;
}

function parentsOf(settings: EngineSettings): Map<DeviceId, readonly DeviceId[]> {
  const { inventory } = settings;
  const learned = learnedParents(settings);
  const groupMates = new Map<DeviceId, readonly DeviceId[]>();
  for (const { members } of inventory.redundancy ?? []) {
    const ids = members.filter((member) => kindOf(member) === 'device').map(idOf);
    for (const id of ids) groupMates.set(id, ids);
  }
  const parents = new Map<DeviceId, readonly DeviceId[]>();
  for (const { id, behind } of inventory.devices) {
    const own = [...(behind === undefined ? [] : [behind]), ...(learned.get(id) ?? [])];
    const all = own.flatMap((parent) => groupMates.get(parent) ?? [parent]);
    const others = [...new Set(all)].filter((parent) => parent !== id);
    if (others.length > 0) parents.set(id, others);
  }
  return parents;
}
