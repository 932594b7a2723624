import type { LinkKind } from '../../protocol/model/inventory.ts';
import {
  type AgentId,
  deviceOf,
  idOf,
  kindOf,
  type SiteId,
  type SubjectKey,
  subjectKey,
} from '../../protocol/model/subject.ts';
import type { EngineSettings, Rule, Selector } from '../settings.ts';
import { agentSilentJudge } from './agent-silent.ts';
import { baselineJudge } from './baseline.ts';
import { burnRateJudge } from './burn-rate.ts';
import { dropJudge } from './drop.ts';
import { expressionJudge } from './expression.ts';
import { forecastJudge } from './forecast.ts';
import { interfaceDownJudge } from './interface-down.ts';
import { lossJudge } from './loss.ts';
import { profileJudge } from './profile.ts';
import { snmpSilentJudge } from './snmp-silent.ts';
import { surgeJudge } from './surge.ts';
import { thresholdJudge } from './threshold.ts';
import { unreachableJudge } from './unreachable.ts';
import type { CompiledRule, Judge } from './watched.ts';

/** The settings as detection needs them: found by subject and rule. */
export interface Scope {
  readonly settings: EngineSettings;
  /** Enabled rules that apply to the subject, in the order of the settings. */
  rulesOf(subject: SubjectKey): readonly CompiledRule[];
  siteOf(subject: SubjectKey): SiteId | undefined;
  /** In the inventory, or (interfaces) of a device there. */
  has(subject: SubjectKey): boolean;
  /** False when the agent has a list of subjects and this is not among them. */
  isWatched(agent: AgentId, subject: SubjectKey): boolean;
}

/** A link that nobody described is taken for a WAN link: replay of foreign series. */
const FOREIGN_LINK: LinkKind = 'wan';

export function createScope(settings: EngineSettings): Scope {
  const { inventory } = settings;
  const compiled: readonly CompiledRule[] = settings.rules
    .filter((rule) => rule.enabled)
    .map((rule) => ({ rule, judge: judgeFor(rule) }));
  const linkKinds = new Map(inventory.links.map((link) => [link.id, link.kind]));
  const sites = new Map<SubjectKey, SiteId>();
  for (const { id } of inventory.sites) sites.set(subjectKey('site', id), id);
  for (const { id, site } of inventory.devices) sites.set(subjectKey('device', id), site);
  for (const { id, site } of inventory.links) sites.set(subjectKey('link', id), site);
  for (const { id, site } of inventory.agents) sites.set(subjectKey('agent', id), site);
  const watches = new Map(
    settings.watches.map(({ agent, subjects }) => [agent, new Set(subjects)] as const),
  );

  const holderOf = (subject: SubjectKey): SubjectKey => {
    const device = kindOf(subject) === 'interface' ? deviceOf(subject) : undefined;
    return device === undefined ? subject : subjectKey('device', device);
  };
  const siteOf = (subject: SubjectKey): SiteId | undefined => sites.get(holderOf(subject));

  const applies = ({ on, where }: Rule, subject: SubjectKey): boolean =>
    on.includes(kindOf(subject)) && (where === undefined || matches(where, subject));

  function matches(
    { subjects, sites: within, linkKinds: kinds, except }: Selector,
    subject: SubjectKey,
  ): boolean {
    if (subjects && !subjects.includes(subject)) return false;
    const site = siteOf(subject);
    if (within && (site === undefined || !within.includes(site))) return false;
    if (kinds && !isLinkOf(subject, kinds)) return false;
    return !except?.some((other) => matches(other, subject));
  }

  const isLinkOf = (subject: SubjectKey, kinds: readonly LinkKind[]): boolean =>
    kindOf(subject) === 'link' && kinds.includes(linkKinds.get(idOf(subject)) ?? FOREIGN_LINK);

  return {
    settings,
    rulesOf: (subject) => compiled.filter(({ rule }) => applies(rule, subject)),
    siteOf,
    has: (subject) => sites.has(holderOf(subject)),
    isWatched: (agent, subject) =>
      kindOf(subject) === 'agent' || (watches.get(agent)?.has(holderOf(subject)) ?? true),
  };
}

function judgeFor({ detector, clearAfter }: Rule): Judge {
  switch (detector.kind) {
    case 'unreachable':
      return unreachableJudge(detector);
    case 'baseline':
      return baselineJudge(detector, clearAfter);
    case 'threshold':
      return detector.beyondChance === undefined
        ? thresholdJudge(detector)
        : lossJudge({ ...detector, beyondChance: detector.beyondChance });
    case 'expression':
      return expressionJudge(detector);
    case 'drop':
      return dropJudge(detector);
    case 'surge':
      return surgeJudge(detector);
    case 'profile':
      return profileJudge(detector);
    case 'forecast':
      return forecastJudge(detector);
    case 'burn-rate':
      return burnRateJudge(detector);
    case 'interface-down':
      return interfaceDownJudge();
    case 'snmp-silent':
      return snmpSilentJudge(detector);
    case 'agent-silent':
      return agentSilentJudge(detector);
  }
}
