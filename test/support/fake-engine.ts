import type { Fact } from '../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../protocol/model/incident.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { Engine, Instant } from '../../rules/contract.ts';
import { DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import type { EngineFactory } from '../../server/pipeline/core.ts';
import { fakeIncident } from './fake-incidents.ts';

interface State {
  samples: number;
  ticks: number;
  forgiven: number;
  checksum: number;
  readonly open: Record<SubjectKey, Incident>;
}

/**
 * An engine with a memory: a round that is wholly lost opens an incident on its subject, an answer
 * resolves it. It counts what it saw, so that a lost or repeated input shows.
 */
export function createFakeEngine(): { factory: EngineFactory; state(): State } {
  let current: State = fresh();
  const factory: EngineFactory = (_settings, snapshot) => {
    current = snapshot === undefined ? fresh() : (structuredClone(snapshot) as State);
    return engineOf(current);
  };
  return { factory, state: () => current };
}

const fresh = (): State => ({ samples: 0, ticks: 0, forgiven: 0, checksum: 0, open: {} });

function engineOf(state: State): Engine {
  function judge(subject: SubjectKey, isLost: boolean, at: Instant): Fact[] {
    const open = state.open[subject];
    if (isLost && open === undefined) {
      const view = incidentOn(subject, at);
      state.open[subject] = view;
      return [fact('incident.opened', view, at)];
    }
    if (isLost || open === undefined) return [];
    delete state.open[subject];
    return [fact('incident.resolved', { ...open, state: 'resolved', resolvedAt: at.now }, at)];
  }

  return {
    configure: (_settings: EngineSettings) => [],
    observe(batch, at) {
      return batch.samples.flatMap(({ series, value }, index) => {
        state.samples++;
        state.checksum = (state.checksum * 31 + Number(value) * 1000 + index) % 1_000_003;
        if (series.metric !== 'icmp_loss_ratio') return [];
        return judge(series.subject, value === 1, at);
      });
    },
    heard: () => [],
    quietUntil: () => epochMs(0),
    tick() {
      state.ticks++;
      return [];
    },
    apply(command, at) {
      if (command.kind === 'server-started') {
        state.forgiven++;
        return [];
      }
      if (!('incident' in command)) return [];
      const found = Object.values(state.open).find((one) => one.id === command.incident);
      if (found === undefined || command.kind !== 'acknowledge') return [];
      const { by, until } = command;
      const view: Incident = {
        ...found,
        state: 'acknowledged',
        acknowledged: { by, at: at.now, until },
      };
      state.open[found.subject] = view;
      return [fact('incident.acknowledged', view, at)];
    },
    snapshot: () => structuredClone(state),
    snapshotText: () => [JSON.stringify(state)],
  };
}

function incidentOn(subject: SubjectKey, { now, position }: Instant): Incident {
  const id: IncidentId = `TEST-${position}-${subject.replace(':', '-')}`;
  return fakeIncident({
    id,
    title: `${subject} does not answer`,
    subject,
    site: 'lyon',
    agent: 'agent-1',
    rule: 'unreachable',
    cause: 'unreachable',
    severity: 'critical',
    priority: 1,
    users: 10,
    confidence: 0.9,
    openedAt: now,
    metric: 'stamp_loss_ratio',
    limit: 1,
    observed: 1,
    text: 'all echoes lost',
    advice: [],
  });
}

const fact = (
  kind: 'incident.opened' | 'incident.resolved' | 'incident.acknowledged',
  view: Incident,
  at: Instant,
): Fact => ({ kind, at: at.now, incident: view.id, view, because: [], material: true });

/** Settings for an engine that needs none. */
export const FAKE_SETTINGS: EngineSettings = {
  installation: 'TEST',
  inventory: { sites: [], devices: [], links: [], agents: [{ id: 'agent-1', site: 'lyon' }] },
  rules: [],
  timing: DEFAULT_TIMING,
  watches: [],
};
