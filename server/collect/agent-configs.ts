import type { ConfirmFact, Fact } from '../../protocol/model/fact.ts';
import { type AgentId, deviceOf, type SubjectKey } from '../../protocol/model/subject.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { AgentConfig, ConfirmRequest } from '../../protocol/wire/agent-config.ts';

/** What each agent is told to do, the probes that the engine wants now included. */
export interface AgentConfigs {
  /** As it is now; undefined for an agent that is not configured. */
  current(agent: AgentId, now: EpochMs): AgentConfig | undefined;
  /** Revision only, for acknowledgements; empty when the agent is not configured. */
  revision(agent: AgentId, now: EpochMs): string;
  /** Resolves when the agent's configuration changes, when `signal` ends it, or at `release`. */
  changed(agent: AgentId, signal: AbortSignal): Promise<void>;
  /** Whether the agent may speak about a subject. */
  mayReport(agent: AgentId, subject: SubjectKey): boolean;
  replace(configs: ReadonlyMap<AgentId, AgentConfig>): void;
  /** Confirm requests among the facts of one input go to their agents. */
  tell(facts: readonly Fact[], position: number): void;
  /** Long polls that wait now. */
  waiting(): number;
  /** The server stops: nobody waits any longer. */
  release(): void;
}

interface Entry {
  config: AgentConfig;
  readonly subjects: Set<SubjectKey>;
  /** Devices whose interfaces the agent reads. */
  readonly devices: Set<string>;
  confirm: ConfirmRequest[];
  /** Grows with each change of `confirm`: the agent must see a new revision to ask. */
  turn: number;
}

/** As in the schema. */
const MAX_CONFIRM = 1024;

export function createAgentConfigs(initial: ReadonlyMap<AgentId, AgentConfig>): AgentConfigs {
  let entries = new Map<AgentId, Entry>();
  const waiting = new Map<AgentId, Set<() => void>>();
  replace(initial);

  function replace(configs: ReadonlyMap<AgentId, AgentConfig>): void {
    const before = entries;
    entries = new Map([...configs].map(([agent, config]) => [agent, entryOf(agent, config)]));
    for (const agent of new Set([...before.keys(), ...entries.keys()])) {
      const [old, fresh] = [before.get(agent), entries.get(agent)];
      if (fresh !== undefined && old !== undefined) fresh.turn = old.turn;
      if (old?.config.revision !== fresh?.config.revision) wake(agent);
    }
  }

  function wake(agent: AgentId): void {
    const list = waiting.get(agent);
    waiting.delete(agent);
    for (const resolve of list ?? []) resolve();
  }

  /** Drops what has expired; a request that is over is no news for the agent. */
  function confirmOf(entry: Entry, now: EpochMs): readonly ConfirmRequest[] {
    entry.confirm = entry.confirm.filter((request) => request.until > now);
    return entry.confirm;
  }

  const revisionOf = (entry: Entry, now: EpochMs): string =>
    confirmOf(entry, now).length === 0
      ? entry.config.revision
      : `${entry.config.revision}.c${entry.turn}`;

  function confirm(fact: ConfirmFact, id: string): void {
    const entry = entries.get(fact.agent);
    if (entry === undefined) return;
    const targets = entry.config.targets.filter(
      (target) => target.subject === fact.subject && target.probe !== 'snmp',
    );
    for (const [index, target] of targets.entries()) {
      if (entry.confirm.length >= MAX_CONFIRM) entry.confirm.shift();
      entry.confirm.push({ id: `${id}.${index}`, target: target.id, until: fact.until });
    }
    if (targets.length === 0) return;
    entry.turn++;
    wake(fact.agent);
  }

  return {
    current(agent, now) {
      const entry = entries.get(agent);
      if (entry === undefined) return undefined;
      const revision = revisionOf(entry, now);
      return { ...entry.config, revision, confirm: [...entry.confirm] };
    },
    revision(agent, now) {
      const entry = entries.get(agent);
      return entry === undefined ? '' : revisionOf(entry, now);
    },
    changed: (agent, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const list = waiting.get(agent) ?? new Set();
        waiting.set(agent, list.add(resolve));
        signal.addEventListener('abort', () => {
          list.delete(resolve);
          resolve();
        });
      }),
    mayReport(agent, subject) {
      if (subject === `agent:${agent}`) return true;
      const entry = entries.get(agent);
      if (entry === undefined) return false;
      if (entry.subjects.has(subject)) return true;
      return subject.startsWith('interface:') && entry.devices.has(deviceOf(subject) ?? '');
    },
    replace,
    tell(facts, position) {
      for (const [ordinal, fact] of facts.entries()) {
        if (fact.kind === 'confirm.requested') confirm(fact, `c${position}.${ordinal}`);
      }
    },
    waiting: () => [...waiting.values()].reduce((sum, list) => sum + list.size, 0),
    release() {
      for (const agent of [...waiting.keys()]) wake(agent);
    },
  };
}

function entryOf(agent: AgentId, config: AgentConfig): Entry {
  const subjects = new Set(config.targets.map((target) => target.subject as SubjectKey));
  subjects.add(`agent:${agent}`);
  const snmp = config.targets.filter((target) => target.probe === 'snmp');
  const devices = new Set(snmp.map((target) => deviceOf(target.subject as SubjectKey) ?? ''));
  return { config, subjects, devices, confirm: [...config.confirm], turn: 0 };
}
