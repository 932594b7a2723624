import type {
  Inventory,
  MaintenanceWindow,
  Need,
  Service,
  ServiceHours,
} from '../protocol/model/inventory.ts';
import type { SubjectKey } from '../protocol/model/subject.ts';
import { epochMs } from '../protocol/model/units.ts';
import type { Config } from './schema.ts';
import { COST_PATTERN, DAYS, type NeedText } from './schema-services.ts';

type ServiceText = Config['services'][number];

/** Services, redundancy groups and learned edges as the engine knows them; absent when there are none. */
export function businessOf(config: Config): Pick<Inventory, 'redundancy' | 'services' | 'learned'> {
  const redundancy = config.redundancy.map(({ id, name, members }) => ({
    id,
    name: name ?? id,
    members: members as SubjectKey[],
  }));
  const groups = new Map(redundancy.map((group) => [group.id, group.members]));
  const services = config.services.map((service) => serviceOf(service, groups));
  const learned = config.learned.map((edge) => ({
    ...edge,
    from: edge.from as SubjectKey,
    to: edge.to as SubjectKey,
    seenAt: epochMs(Date.parse(edge.seenAt)),
  }));
  return {
    ...(redundancy.length > 0 && { redundancy }),
    ...(services.length > 0 && { services }),
    ...(learned.length > 0 && { learned }),
  };
}

type Groups = ReadonlyMap<string, readonly SubjectKey[]>;

function serviceOf(service: ServiceText, groups: Groups): Service {
  const { id, name = id, needs, users, criticality, hours } = service;
  const costPerHour = costOf(service);
  return {
    id,
    name,
    needs: needOf(needs, groups),
    users,
    criticality,
    ...(hours && { hours: hoursOf(hours) }),
    ...(costPerHour && { costPerHour }),
  };
}

/** A group is any one of its members. */
function needOf(need: NeedText, groups: Groups): Need {
  const each = (needs: readonly NeedText[]) => needs.map((one) => needOf(one, groups));
  if (typeof need === 'string') {
    if (!need.startsWith('group:')) return { subject: need as SubjectKey };
    return { any: (groups.get(need.slice(6)) ?? []).map((subject) => ({ subject })) };
  }
  if ('all' in need) return { all: each(need.all) };
  return 'any' in need ? { any: each(need.any) } : { atLeast: need.atLeast, of: each(need.of) };
}

/** Windows that are written with their instants: the only ones that need no clock. */
export function singleWindows(config: Config): MaintenanceWindow[] {
  return config.maintenance.flatMap((entry) => {
    if (!('from' in entry)) return [];
    const { id, name = id, subjects, from, until } = entry;
    const [begin, end] = [from, until].map((text) => epochMs(Date.parse(text)));
    if (begin === undefined || end === undefined) return [];
    return [{ id, name, subjects: subjects as SubjectKey[], from: begin, until: end }];
  });
}

/** "mon-fri" to 1..5; "sat-mon" goes over the end of the week. */
export function daysOf(texts: readonly string[]): number[] {
  const days = texts.flatMap((text) => {
    const [first = '', last = first] = text.split('-');
    const from = DAYS.indexOf(first as (typeof DAYS)[number]);
    const span = (DAYS.indexOf(last as (typeof DAYS)[number]) - from + 7) % 7;
    return Array.from({ length: span + 1 }, (_, n) => ((from + n) % 7) + 1);
  });
  return [...new Set(days)].sort((a, b) => a - b);
}

const hoursOf = ({ timeZone, weekly }: NonNullable<ServiceText['hours']>): ServiceHours => ({
  timeZone,
  weekly: weekly.map(({ days, from, to }) => ({ days: daysOf(days), from, to })),
});

/** "38 EUR" or a section; undefined for what the schema refused. */
export function costOf({ costPerHour }: ServiceText): Service['costPerHour'] {
  if (typeof costPerHour !== 'string') return costPerHour;
  if (!new RegExp(COST_PATTERN).test(costPerHour)) return undefined;
  const [amount = '0', currency = ''] = costPerHour.split(' ');
  return { amount: Number(amount), currency };
}
