import { idOf, kindOf, type SubjectKey } from '../protocol/model/subject.ts';
import type { Findings } from './cross.ts';
import { createSubjects } from './cross-services.ts';
import type { Config } from './schema.ts';

type Link = Config['links'][number];

/** Redundancy that is none: members that fall together. */
export function checkRedundancy(findings: Findings): void {
  const { config } = findings;
  const subjects = createSubjects(config);
  for (const [n, { members }] of config.redundancy.entries()) {
    const at = `/redundancy/${n}/members`;
    for (const [m, member] of members.entries()) {
      subjects.check(findings, `${at}/${m}`, member);
      if (members.indexOf(member) !== m && member !== '') {
        findings.error(`${at}/${m}`, `"${member}" is in this group already`);
      }
    }
    if (members.length < 2) {
      findings.error(at, `${members.length} of them is no redundancy: a group has two or more`);
    }
  }
  checkGroups(findings);
  checkUplinks(findings);
}

function checkGroups(findings: Findings): void {
  const { config } = findings;
  const links = new Map(config.links.map((link) => [link.id, link]));
  const devices = new Map(config.devices.map((device) => [device.id, device]));
  for (const [n, { members }] of config.redundancy.entries()) {
    if (members.length < 2) continue;
    const of = <T>(kind: string, map: ReadonlyMap<string, T>): T[] =>
      (members as SubjectKey[]).flatMap((member) =>
        kindOf(member) === kind ? (map.get(idOf(member)) ?? []) : [],
      );
    const circuits = of('link', links);
    const shared = circuits.length === members.length ? sharedPop(circuits) : undefined;
    if (shared !== undefined) {
      findings.warn(`/redundancy/${n}/members`, `no redundancy: all of them run over ${shared}`);
    }
    const boxes = of('device', devices);
    const behind = new Set(boxes.map((device) => device.behind));
    const [one] = behind;
    if (boxes.length === members.length && behind.size === 1 && one !== undefined) {
      findings.warn(
        `/redundancy/${n}/members`,
        `no redundancy: all of them are reached through device "${one}"`,
      );
    }
  }
}

/** A site with several circuits, every one of them over the same point of presence. */
function checkUplinks(findings: Findings): void {
  const carriers = findings.config.links
    .map((link, n) => ({ link, n }))
    .filter(({ link }) => link.kind === 'wan' || link.kind === 'internet');
  for (const [site, uplinks] of Map.groupBy(carriers, ({ link }) => link.site)) {
    const shared = uplinks.length > 1 ? sharedPop(uplinks.map(({ link }) => link)) : undefined;
    if (shared === undefined || site === '') continue;
    const names = uplinks.map(({ link }) => link.id).join(', ');
    findings.warn(
      `/links/${uplinks[1]?.n}/pop`,
      `no redundancy for site "${site}": ${names} all run over ${shared}`,
    );
  }
}

/** "Orange's point of presence LYO-2" when every circuit ends there. */
function sharedPop(circuits: readonly Link[]): string | undefined {
  const [first] = circuits;
  if (first?.pop === undefined) return undefined;
  const isSame = circuits.every(
    (link) => link.pop === first.pop && link.provider === first.provider,
  );
  const owner = first.provider === undefined ? 'the' : `${first.provider}'s`;
  return isSame ? `${owner} point of presence ${first.pop}` : undefined;
}
