import type { InterfaceAttributes } from '../../protocol/model/sample.ts';
import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import type { Heartbeat } from '../../protocol/wire/batch.ts';

/** When an agent was last heard, and what it said of itself. Shown to people, never judged. */
export interface Heard {
  readonly at: EpochMs;
  readonly sentAt?: EpochMs;
  readonly heartbeat?: Heartbeat;
}

/** What the inputs said that only people want to know; kept over restarts by the snapshot. */
export interface Known {
  heard(agent: AgentId, heard: Heard): void;
  learned(interfaces: readonly InterfaceAttributes[]): void;
  agents(): readonly (readonly [AgentId, Heard])[];
  interfaces(): readonly InterfaceAttributes[];
  snapshot(): KnownSnapshot;
}

export interface KnownSnapshot {
  readonly agents: readonly (readonly [AgentId, Heard])[];
  readonly interfaces: readonly InterfaceAttributes[];
}

const MAX_INTERFACES = 200_000;

export function createKnown(snapshot: KnownSnapshot = { agents: [], interfaces: [] }): Known {
  const agents = new Map<AgentId, Heard>(snapshot.agents);
  const interfaces = new Map<SubjectKey, InterfaceAttributes>(
    snapshot.interfaces.map((one) => [one.subject, one]),
  );
  return {
    heard(agent, heard) {
      const heartbeat = heard.heartbeat ?? agents.get(agent)?.heartbeat;
      agents.set(agent, { ...heard, ...(heartbeat === undefined ? {} : { heartbeat }) });
    },
    learned(list) {
      for (const one of list) {
        if (interfaces.size < MAX_INTERFACES || interfaces.has(one.subject)) {
          interfaces.set(one.subject, one);
        }
      }
    },
    agents: () => [...agents],
    interfaces: () => [...interfaces.values()],
    snapshot: () => ({ agents: [...agents], interfaces: [...interfaces.values()] }),
  };
}
