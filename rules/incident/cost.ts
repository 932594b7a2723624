import type { HitService, IncidentId, Money } from '../../protocol/model/incident.ts';
import type { Service } from '../../protocol/model/inventory.ts';
import { type DurationMs, durationMs, type EpochMs } from '../../protocol/model/units.ts';
import { openTime } from './hours.ts';

/** What one incident did to one service so far. */
interface Line {
  /** Time without the service, in its service hours, up to `countedUntil`. */
  downFor: DurationMs;
  countedUntil: EpochMs;
  isDown: boolean;
}

export type LedgerState = readonly (readonly [
  IncidentId,
  readonly (readonly [string, Readonly<Line>])[],
])[];

/** What an incident costs the business. */
export interface Toll {
  readonly costPerHour?: Money;
  readonly costSoFar?: Money;
}

/**
 * Books how long each incident kept services down in their service hours. Only "down" costs: how
 * much a slow service loses is not known, and a made-up share would only look exact. Two incidents
 * that take a service down together are each booked the whole of it.
 */
export interface Ledger {
  /** Books up to `now`, then goes on with the services that are down from now on. */
  book(incident: IncidentId, down: ReadonlySet<string>, hit: Iterable<string>, now: EpochMs): void;
  /** Services that the incident has hit so far, with the time booked. */
  linesOf(incident: IncidentId): ReadonlyMap<string, DurationMs>;
  incidentsOf(service: string): readonly IncidentId[];
  /** A merged incident leaves its bookings to the one that absorbed it. */
  absorb(from: IncidentId, into: IncidentId): void;
  keepOnly(isKnown: (incident: IncidentId) => boolean): void;
  state(): LedgerState;
}

export function createLedger(
  serviceOf: (id: string) => Service | undefined,
  state?: LedgerState,
): Ledger {
  const incidents = new Map<IncidentId, Map<string, Line>>(
    (state ?? []).map(([id, lines]) => [
      id,
      new Map(lines.map(([service, line]) => [service, { ...line }])),
    ]),
  );

  function advance(line: Line, service: string, now: EpochMs): void {
    if (now <= line.countedUntil) return;
    const { hours } = serviceOf(service) ?? {};
    if (line.isDown)
      line.downFor = durationMs(line.downFor + openTime(hours, line.countedUntil, now));
    line.countedUntil = now;
  }

  return {
    book(incident, down, hit, now) {
      const lines = incidents.get(incident) ?? new Map<string, Line>();
      for (const service of hit) {
        if (!lines.has(service)) {
          lines.set(service, { downFor: durationMs(0), countedUntil: now, isDown: false });
        }
      }
      if (lines.size > 0) incidents.set(incident, lines);
      for (const [service, line] of lines) {
        advance(line, service, now);
        line.isDown = down.has(service);
      }
    },
    linesOf: (incident) =>
      new Map([...(incidents.get(incident) ?? [])].map(([id, { downFor }]) => [id, downFor])),
    incidentsOf: (service) =>
      [...incidents].filter(([, lines]) => lines.has(service)).map(([id]) => id),
    absorb(from, into) {
      const lines = incidents.get(from);
      if (lines === undefined) return;
      const target = incidents.get(into) ?? new Map<string, Line>();
      incidents.set(into, target);
      for (const [service, line] of lines) {
        const known = target.get(service);
        // The same hours: the longer booking holds the shorter one.
        if (known === undefined) target.set(service, { ...line });
        else known.downFor = durationMs(Math.max(known.downFor, line.downFor));
        line.isDown = false;
      }
    },
    keepOnly(isKnown) {
      for (const id of incidents.keys()) if (!isKnown(id)) incidents.delete(id);
    },
    state: () => [...incidents].map(([id, lines]) => [id, [...lines]] as const),
  };
}

const HOUR_MS = 3_600_000;
const cents = (amount: number): number => Math.round(amount * 100) / 100;

/** Sums what the services cost. The configuration holds one currency; others would not add up. */
export function tollOf(services: readonly HitService[]): Toll {
  const currency = services.find((service) => service.costPerHour !== undefined)?.costPerHour
    ?.currency;
  if (currency === undefined) return {};
  const priced = services.filter((service) => service.costPerHour?.currency === currency);
  const sum = (amountOf: (service: HitService, perHour: number) => number): Money => {
    const amounts = priced.map((service) => amountOf(service, service.costPerHour?.amount ?? 0));
    return { amount: cents(amounts.reduce((all, one) => all + one, 0)), currency };
  };
  return {
    costPerHour: sum(({ state, isOpen }, perHour) => (state === 'down' && isOpen ? perHour : 0)),
    costSoFar: sum(({ downFor }, perHour) => (perHour * downFor) / HOUR_MS),
  };
}
