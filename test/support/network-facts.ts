import type { Alert, AlertKey } from '../../protocol/model/alert.ts';
import type { Command } from '../../protocol/model/command.ts';
import type { AlertFact, Fact, HealthFact, IncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import { idOf, kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, epochMs, hours, minutes, seconds } from '../../protocol/model/units.ts';
import type { NetworkEngine } from '../../rules/contract.ts';
import { createNetworkEngine } from '../../rules/network-engine.ts';
import type { Detector, EngineSettings, Rule, Timing } from '../../rules/settings.ts';
import type { HubAndBranches } from './hub-and-branches.ts';

export const T0 = Date.UTC(2026, 0, 5, 9, 0, 0);

const TIMING: Timing = {
  lateAfter: seconds(60),
  staleIntervals: 3,
  holdDown: seconds(15),
  reopenWithin: minutes(15),
  acknowledgeFor: hours(4),
  collectorBlindShare: 0.5,
};

const over = (metric: (Detector & { kind: 'threshold' })['metric']): Detector => ({
  kind: 'threshold',
  metric,
  over: minutes(1),
  band: { raiseAt: 1, clearAt: 0 },
});

const RULES: readonly (readonly [string, Detector, Rule['severity'], Rule['disturbance']])[] = [
  [
    'unreachable',
    { kind: 'unreachable', probe: 'icmp', missed: 3, outOf: 5 },
    'critical',
    'outage',
  ],
  ['loss', over('icmp_loss_ratio'), 'major', 'degradation'],
  ['latency', over('icmp_rtt_ms'), 'minor', 'degradation'],
  ['utilisation', over('if_in_utilisation_ratio'), 'minor', 'degradation'],
  ['errors', over('if_in_errors_per_s'), 'minor', 'degradation'],
  ['cpu', over('device_cpu_ratio'), 'minor', 'degradation'],
  ['interface-down', { kind: 'interface-down' }, 'major', 'outage'],
  ['snmp-silent', { kind: 'snmp-silent', after: minutes(2) }, 'minor', 'outage'],
  ['agent-silent', { kind: 'agent-silent', after: seconds(12) }, 'major', 'outage'],
];

export const settingsFor = (network: HubAndBranches): EngineSettings => ({
  installation: 'test',
  ...network,
  timing: TIMING,
  rules: RULES.map(([id, detector, severity, disturbance]) => ({
    id,
    on: ['link', 'device', 'interface', 'agent'],
    detector,
    holdFor: durationMs(0),
    clearAfter: seconds(10),
    severity,
    disturbance,
    cause: id === 'utilisation' ? 'high utilisation' : id,
    reason: 'test',
    advice: [`look at ${id}`],
    enabled: true,
  })),
});

/** One thing that site engines report at a time of the story. */
export type Report =
  | {
      readonly fires: string;
      readonly on: SubjectKey;
      readonly by: string;
      readonly onset?: number;
    }
  | { readonly clears: string; readonly on: SubjectKey; readonly by: string; readonly gone?: true }
  | { readonly blind: string; readonly on: SubjectKey; readonly by: string; readonly back?: true }
  | { readonly answers: SubjectKey; readonly by: string };

export const fires = (rule: string, on: SubjectKey, by: string, onset?: number): Report =>
  onset === undefined ? { fires: rule, on, by } : { fires: rule, on, by, onset };
export const clears = (rule: string, on: SubjectKey, by: string): Report => ({
  clears: rule,
  on,
  by,
});
export const answers = (subject: SubjectKey, by: string): Report => ({ answers: subject, by });
export const silent = (agent: string, onset?: number): Report =>
  fires('agent-silent', `agent:${agent}`, agent, onset);
export const heard = (agent: string): Report => clears('agent-silent', `agent:${agent}`, agent);

const at = (second: number) => epochMs(T0 + second * 1000);

function factOf(report: Report, second: number, settings: EngineSettings): AlertFact | HealthFact {
  const now = at(second);
  if ('answers' in report) {
    return { kind: 'subject.answered', at: now, subject: report.answers, agent: report.by };
  }
  const rule = 'fires' in report ? report.fires : 'clears' in report ? report.clears : report.blind;
  const key: AlertKey = `${rule}|${report.on}|${report.by}`;
  if ('clears' in report) {
    const because = report.gone
      ? ({ kind: 'configuration', text: 'the rule was removed' } as const)
      : ({ kind: 'cleared', text: `${rule} has cleared` } as const);
    return { kind: 'alert.resolved', at: now, alert: key, subject: report.on, because };
  }
  if ('blind' in report) {
    const since = report.back ? {} : { since: at(second - 15) };
    return { kind: 'alert.blind', at: now, alert: key, subject: report.on, ...since };
  }
  const made = settings.rules.find((one) => one.id === rule);
  if (made === undefined) throw new Error(`no rule ${rule}`);
  const alert: Alert = {
    key,
    rule,
    subject: report.on,
    agent: report.by,
    severity: made.severity,
    disturbance: made.disturbance,
    firedAt: now,
    evidence: {
      onsetAt: at(report.onset ?? second - (rule === 'agent-silent' ? 12 : 1)),
      text: `${rule} on ${kindOf(report.on)} ${idOf(report.on)}`,
    },
  };
  return { kind: 'alert.fired', at: now, alert };
}

/** Drives a network engine with hand-written facts, second by second, ticking in between. */
export interface Told {
  /** Reports of one input at this second (from the start); ticks every second up to it first. */
  at(second: number, ...reports: readonly Report[]): Fact[];
  command(second: number, command: Command): Fact[];
  until(second: number): void;
  readonly facts: Fact[];
  /** The incidents as last told, by id, in the order of opening. */
  incidents(): Incident[];
  open(): Incident[];
  kinds(): string[];
  engine(): NetworkEngine;
  /** Swaps the engine for one made from its own snapshot, through JSON. */
  restart(): void;
  configure(settings: EngineSettings): void;
}

export function tell(network: HubAndBranches, adjust?: Partial<Timing>): Told {
  const plain = settingsFor(network);
  let settings: EngineSettings = { ...plain, timing: { ...plain.timing, ...adjust } };
  let engine = createNetworkEngine(settings);
  let clock = 0;
  let position = 0;
  const facts: Fact[] = [];
  const views = new Map<string, Incident>();

  function keep(more: readonly Fact[]): Fact[] {
    for (const fact of more) {
      facts.push(fact);
      if ('view' in fact) views.set((fact as IncidentFact).incident, fact.view);
    }
    return [...more];
  }
  const instant = () => {
    position += 1;
    return { now: at(clock), position };
  };
  function until(second: number): void {
    while (clock < second) {
      clock += 1;
      keep(engine.tick(instant()));
    }
  }
  return {
    at(second, ...reports) {
      until(second);
      return keep(
        engine.consume(
          reports.map((r) => factOf(r, second, settings)),
          instant(),
        ),
      );
    },
    command(second, command) {
      until(second);
      return keep(engine.apply(command, instant()));
    },
    until,
    facts,
    incidents: () => [...views.values()],
    open: () => [...views.values()].filter((v) => v.state === 'open' || v.state === 'acknowledged'),
    kinds: () => facts.filter((f) => f.kind.startsWith('incident.')).map((f) => f.kind),
    engine: () => engine,
    restart() {
      engine = createNetworkEngine(settings, JSON.parse(JSON.stringify(engine.snapshot())));
    },
    configure(next) {
      settings = next;
      keep(engine.configure(next, instant()));
    },
  };
}
