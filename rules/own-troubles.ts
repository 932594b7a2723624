import type { AlertKey } from '../protocol/model/alert.ts';
import type { Command } from '../protocol/model/command.ts';
import type { AlertFact } from '../protocol/model/fact.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { Instant } from './contract.ts';
import type { Rule } from './settings.ts';

type OwnCommand = Extract<Command, { kind: 'own-trouble' | 'own-trouble-over' }>;

/** Vedette itself, as a service that people rely on. */
const SUBJECT = 'service:vedette';
const OBSERVER = 'vedette';

/** What goes wrong with Vedette itself, told like trouble in the network; the id is the rule's. */
const TROUBLES: Readonly<
  Record<OwnCommand['trouble'], Pick<Rule, 'severity' | 'disturbance' | 'cause' | 'advice'>>
> = {
  'history-stopped': {
    // Everything of today works; what is not kept now is missing from graphs and proofs for ever.
    severity: 'critical',
    disturbance: 'degradation',
    cause: 'history stopped',
    advice: [
      'Detection and tickets go on. Samples wait in memory and in the input log until the history can be written again.',
      'See what fills the disk (df -h), and make room or shorten server.history.raw; it goes on by itself within half a minute.',
      'vedette doctor says how much it needs; docs/runbook.md has the steps.',
    ],
  },
};

/** Cause and advice of Vedette's own troubles; undefined for the rules of the settings. */
export const ownTroubleOf = (rule: string): Pick<Rule, 'cause' | 'advice'> | undefined =>
  Object.hasOwn(TROUBLES, rule) ? TROUBLES[rule as OwnCommand['trouble']] : undefined;

export const isOwnTrouble = (command: Command): command is OwnCommand =>
  command.kind === 'own-trouble' || command.kind === 'own-trouble-over';

export type OwnTroublesState = readonly OwnCommand['trouble'][];

/** Which of its own troubles the shell has told, as alerts: what comes again changes nothing. */
export function createOwnTroubles(state: OwnTroublesState = []) {
  const firing = new Set(state);

  function fired({ trouble, since, text }: OwnCommand & { kind: 'own-trouble' }, now: EpochMs) {
    const { severity, disturbance } = TROUBLES[trouble];
    return {
      key: keyOf(trouble),
      rule: trouble,
      subject: SUBJECT,
      agent: OBSERVER,
      severity,
      disturbance,
      firedAt: now,
      evidence: { onsetAt: epochMs(Math.min(since, now)), text },
    } as const;
  }

  return {
    apply(command: OwnCommand, { now: at }: Instant): AlertFact[] {
      const { trouble } = command;
      const isKnown = Object.hasOwn(TROUBLES, trouble);
      if (!isKnown || firing.has(trouble) === (command.kind === 'own-trouble')) return [];
      if (command.kind === 'own-trouble') {
        firing.add(trouble);
        return [{ kind: 'alert.fired', at, alert: fired(command, at) }];
      }
      firing.delete(trouble);
      const because = { kind: 'cleared', text: command.text } as const;
      return [{ kind: 'alert.resolved', at, alert: keyOf(trouble), subject: SUBJECT, because }];
    },
    snapshot: (): OwnTroublesState => [...firing],
  };
}

const keyOf = (trouble: OwnCommand['trouble']): AlertKey => `${trouble}|${SUBJECT}|${OBSERVER}`;
