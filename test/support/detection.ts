import type { Alert } from '../../protocol/model/alert.ts';
import type { AlertFact, HealthFact, TrendFact } from '../../protocol/model/fact.ts';
import type { Inventory, LinkKind } from '../../protocol/model/inventory.ts';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { ObservedBatch, Sample } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { SiteEngine } from '../../rules/contract.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import { createSiteEngine, type OnDerived } from '../../rules/site-engine.ts';

export type SiteFact = AlertFact | HealthFact | TrendFact;

/** Second 0 of every story. */
export const START = 1_700_000_000_000;
export const AGENT = 'lyon-agent';
export const LINK: SubjectKey = 'link:lyon-mpls';
export const DEVICE: SubjectKey = 'device:lyon-r1';
export const PORT: SubjectKey = 'interface:lyon-r1/wan0';

export const at = (second: number): EpochMs => epochMs(START + Math.round(second * 1000));
/** Seconds of a story that an instant stands for. */
export const secondOf = (instant: number): number => (instant - START) / 1000;

export const inventory = (linkKind: LinkKind = 'wan'): Inventory => ({
  sites: [{ id: 'lyon', name: 'Lyon', hub: false, users: 140 }],
  devices: [{ id: 'lyon-r1', name: 'Lyon router', site: 'lyon', address: '192.0.2.1' }],
  links: [
    {
      id: 'lyon-mpls',
      name: 'Lyon MPLS',
      kind: linkKind,
      site: 'lyon',
      ends: [{ device: 'lyon-r1', interface: 'wan0' }],
      underlays: [],
    },
  ],
  agents: [
    { id: AGENT, site: 'lyon' },
    { id: 'lyon-agent-2', site: 'lyon' },
  ],
});

export const settings = (changes: Partial<EngineSettings> = {}): EngineSettings => ({
  installation: 'test',
  inventory: inventory(),
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
  watches: [],
  ...changes,
});

export interface SampleOptions {
  readonly subject?: SubjectKey;
  readonly agent?: string;
  /** Seconds; absent = the series does not say. */
  readonly every?: number;
  readonly bits?: 32 | 64;
}

export const sample = (
  second: number,
  metric: MetricName,
  value: number | bigint,
  { subject = LINK, agent = AGENT, every, bits }: SampleOptions = {},
): Sample => ({
  series: {
    metric,
    subject,
    agent,
    ...(every !== undefined && { every: durationMs(every * 1000) }),
    ...(bits !== undefined && { bits }),
  },
  at: at(second),
  value,
});

export const batch = (samples: readonly Sample[], agent = AGENT): ObservedBatch => ({
  agent,
  lane: 'live',
  samples,
});

/** A site engine with a clock that a story moves; ticks every second like the shell. */
export interface Desk {
  readonly engine: SiteEngine;
  readonly facts: SiteFact[];
  /** Judges samples at this second, after the ticks up to it. */
  see(second: number, ...samples: readonly Sample[]): void;
  heard(second: number, agent?: string): void;
  /** The agent, which else sends a heartbeat every four seconds, is dead or cut off from now on. */
  mute(): void;
  /** Ticks up to and including this second. */
  until(second: number): void;
  /** "fired@30 link-loss" and so on, in order. */
  alerts(): string[];
  fired(rule: string): Alert[];
  /** "up@0", of one subject. */
  health(subject: SubjectKey): string[];
}

export function desk(given: EngineSettings = settings(), onDerived?: OnDerived): Desk {
  const engine = createSiteEngine(given, undefined, onDerived);
  const facts: SiteFact[] = [];
  let second = 0;
  let position = 0;
  let isAlive = true;
  const instant = (when: number) => ({ now: at(when), position: position++ });
  const until = (when: number): void => {
    for (; second <= when; second++) {
      if (isAlive && second % 4 === 0) facts.push(...engine.heard(AGENT, instant(second)));
      facts.push(...engine.tick(instant(second)));
    }
  };
  return {
    engine,
    facts,
    until,
    see(when, ...samples) {
      until(Math.ceil(when) - 1);
      const agent = samples[0]?.series.agent ?? AGENT;
      facts.push(...engine.observe(batch(samples, agent), instant(when)));
    },
    heard(when, agent = AGENT) {
      until(Math.ceil(when) - 1);
      facts.push(...engine.heard(agent, instant(when)));
    },
    mute() {
      isAlive = false;
    },
    alerts: () => facts.flatMap(alertLine),
    fired: (rule) =>
      facts.flatMap((fact) =>
        fact.kind === 'alert.fired' && fact.alert.rule === rule ? [fact.alert] : [],
      ),
    health: (subject) =>
      facts.flatMap((fact) =>
        fact.kind === 'subject.changed' && fact.subject === subject
          ? [`${fact.health}@${secondOf(fact.at)}`]
          : [],
      ),
  };
}

function alertLine(fact: SiteFact): string[] {
  const second = secondOf(fact.at);
  switch (fact.kind) {
    case 'alert.fired':
      return [`fired@${second} ${fact.alert.rule}`];
    case 'alert.resolved':
      return [`resolved@${second} ${fact.alert.split('|')[0]}`];
    case 'alert.blind':
      return [
        `${fact.since === undefined ? 'seen' : 'blind'}@${second} ${fact.alert.split('|')[0]}`,
      ];
    default:
      return [];
  }
}
