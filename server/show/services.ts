import type { ServiceFact } from '../../protocol/model/fact.ts';
import type { Inventory, Service } from '../../protocol/model/inventory.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import { isTimeZone } from '../../protocol/model/zoned-time.ts';
import type { ServiceView } from '../../protocol/wire/views.ts';
import { isOpen, nextChange } from '../../rules/incident/hours.ts';
import type { RevisedMap } from './revised-map.ts';

/** Services with their state, as the engine told it last; their hours turn without a fact. */
export interface Services {
  configure(inventory: Inventory): void;
  changed(fact: ServiceFact): void;
  /** Brings the views up to date. */
  refresh(now: EpochMs): void;
}

export function createServices(shown: RevisedMap<ServiceView>): Services {
  /** Newest fact of each; a service of which nothing was told is healthy. */
  const told = new Map<string, ServiceFact>();
  let services = new Map<string, Service>();
  const dirty = new Set<string>();
  let turnsAt = Number.POSITIVE_INFINITY;

  return {
    configure(inventory) {
      services = new Map((inventory.services ?? []).map((one) => [one.id, withKnownZone(one)]));
      for (const id of services.keys()) dirty.add(id);
    },
    changed(fact) {
      told.set(fact.service, fact);
      dirty.add(fact.service);
    },
    refresh(now) {
      if (now >= turnsAt) for (const id of services.keys()) dirty.add(id);
      if (dirty.size === 0) return;
      for (const id of dirty) {
        const service = services.get(id);
        if (service !== undefined) shown.set(id, viewOf(service, now));
      }
      dirty.clear();
      const turns = shown.values().map((view) => view.turnsAt ?? Number.POSITIVE_INFINITY);
      turnsAt = Math.min(Number.POSITIVE_INFINITY, ...turns);
    },
  };

  function viewOf(service: Service, now: EpochMs): ServiceView {
    const { needs: _, ...rest } = service;
    const fact = told.get(service.id);
    const next = nextChange(service.hours, now);
    return {
      ...rest,
      state: fact?.state ?? 'healthy',
      because: fact?.text ?? 'everything that it needs works',
      ...(fact && { since: fact.at }),
      isOpen: isOpen(service.hours, now),
      ...(next !== undefined && { turnsAt: next }),
    };
  }
}

/** Hours in a zone that this machine does not know (an older log): round the clock, as the engine does. */
function withKnownZone(service: Service): Service {
  if (service.hours === undefined || isTimeZone(service.hours.timeZone)) return service;
  const { hours: _, ...rest } = service;
  return rest;
}
