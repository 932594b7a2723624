import { deviceOf, idOf, kindOf, type SubjectKey } from '../protocol/model/subject.ts';
import { isTimeZone } from '../protocol/model/zoned-time.ts';
import { checkTwins, type Findings, findLoops } from './cross.ts';
import { neverComes } from './daylight.ts';
import type { Config } from './schema.ts';
import type { NeedText } from './schema-services.ts';
import { costOf, daysOf } from './services.ts';

/** Finds out whether a subject exists. Interfaces are learned by the agents: their device must. */
export interface Subjects {
  check(findings: Findings, pointer: string, subject: string): void;
}

/** The ids of everything that may be a subject, collected once. */
export function createSubjects(config: Config): Subjects {
  const ids = (entries: readonly { readonly id: string }[]) =>
    new Set(entries.map((entry) => entry.id));
  const known: Readonly<Record<string, ReadonlySet<string>>> = {
    site: ids(config.sites),
    device: ids(config.devices),
    link: ids(config.links),
    agent: ids(config.agents),
    service: ids(config.services),
    group: ids(config.redundancy),
  };
  return {
    check(findings, pointer, subject) {
      if (subject === '') return;
      const key = subject as SubjectKey;
      const kind = kindOf(key) === 'interface' ? 'device' : subject.slice(0, subject.indexOf(':'));
      const id = kindOf(key) === 'interface' ? (deviceOf(key) ?? '') : idOf(key);
      const of = known[kind];
      if (of !== undefined) findings.isUnknown(pointer, kind, id, of);
    },
  };
}

/** Services, redundancy and learned edges against the rest. */
export function checkServices(findings: Findings): void {
  const { config } = findings;
  const subjects = createSubjects(config);
  for (const section of ['services', 'redundancy'] as const) {
    checkTwins(findings, `/${section}`, config[section]);
  }
  for (const [n, service] of config.services.entries()) {
    const at = `/services/${n}`;
    checkNeeds(findings, subjects, `${at}/needs`, service.needs);
    if (countSubjects(service.needs) === 0) {
      findings.error(`${at}/needs`, 'it needs nothing, so it could never fail: name what it needs');
    }
    checkHours(findings, at, service);
  }
  checkLoops(findings);
  checkCurrencies(findings);
  for (const [n, edge] of config.learned.entries()) {
    subjects.check(findings, `/learned/${n}/from`, edge.from);
    subjects.check(findings, `/learned/${n}/to`, edge.to);
    if (edge.from === edge.to && edge.to !== '') {
      findings.error(`/learned/${n}/to`, 'an edge cannot end where it begins');
    }
  }
}

const partsOf = (need: NeedText): readonly NeedText[] => {
  if (typeof need === 'string') return [];
  if ('all' in need) return need.all;
  return 'any' in need ? need.any : need.of;
};

const countSubjects = (need: NeedText): number =>
  typeof need === 'string' ? 1 : partsOf(need).reduce((sum, part) => sum + countSubjects(part), 0);

function checkNeeds(findings: Findings, subjects: Subjects, at: string, need: NeedText): void {
  if (typeof need === 'string') {
    subjects.check(findings, at, need);
    return;
  }
  const word = 'all' in need ? 'all' : 'any' in need ? 'any' : 'of';
  const parts = partsOf(need);
  for (const [n, part] of parts.entries())
    checkNeeds(findings, subjects, `${at}/${word}/${n}`, part);
  if (!('atLeast' in need)) return;
  if (need.atLeast > parts.length) {
    findings.error(`${at}/atLeast`, `${need.atLeast} of ${parts.length} can never be reached`);
  } else if (need.atLeast === parts.length) {
    findings.warn(`${at}/atLeast`, `${need.atLeast} of ${parts.length} is all of them: write all`);
  }
}

function servicesIn(need: NeedText): string[] {
  if (typeof need !== 'string') return partsOf(need).flatMap(servicesIn);
  return need.startsWith('service:') ? [need.slice(8)] : [];
}

function checkLoops(findings: Findings): void {
  const { services } = findings.config;
  const needed = new Map(services.map((service) => [service.id, servicesIn(service.needs)]));
  const next = (id: string) => (needed.get(id) ?? []).filter((other) => needed.has(other));
  for (const loop of findLoops([...needed.keys()], next)) {
    const n = services.findIndex((service) => service.id === loop[0]);
    findings.error(`/services/${n}/needs`, `services need each other: ${loop.join(' → ')}`);
  }
}

function checkHours(findings: Findings, at: string, { hours }: Config['services'][number]): void {
  if (hours === undefined) return;
  if (!isTimeZone(hours.timeZone)) {
    if (hours.timeZone === '') return;
    findings.error(`${at}/hours/timeZone`, `there is no time zone "${hours.timeZone}"`);
    return;
  }
  if (hours.weekly.length === 0) {
    findings.error(`${at}/hours/weekly`, 'never used: leave hours out for round the clock');
  }
  for (const [n, span] of hours.weekly.entries()) {
    checkSpan(findings, `${at}/hours/weekly/${n}`, hours.timeZone, span);
  }
}

type Hours = NonNullable<Config['services'][number]['hours']>;

function checkSpan(
  findings: Findings,
  at: string,
  zone: string,
  { days, from, to }: Hours['weekly'][number],
): void {
  if (from === to || from === '24:00') {
    findings.error(`${at}/to`, `from ${from} to ${to} is no time at all`);
  }
  for (const [word, clock] of Object.entries({ from, to })) {
    const gap = neverComes(zone, clock, daysOf(days));
    if (gap === undefined) continue;
    findings.warn(`${at}/${word}`, `${clock} does not come on ${gap}: it counts as later`);
  }
}

/** Costs of several services are added up in one ticket: one currency, and a real one. */
function checkCurrencies(findings: Findings): void {
  const real = new Set(Intl.supportedValuesOf('currency'));
  let first: { readonly id: string; readonly currency: string } | undefined;
  for (const [n, service] of findings.config.services.entries()) {
    const currency = costOf(service)?.currency;
    if (!currency) continue;
    const at = `/services/${n}/costPerHour`;
    if (!real.has(currency)) {
      findings.isUnknown(at, 'currency', currency, real);
    } else if (first !== undefined && first.currency !== currency) {
      findings.error(
        at,
        `in ${currency}, while "${first.id}" is in ${first.currency}: costs are added up, so write one currency`,
      );
    } else first ??= { id: service.id, currency };
  }
}
