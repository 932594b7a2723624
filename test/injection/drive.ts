import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample, Series } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { type DurationMs, durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import { createEngine } from '../../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import type { Round } from './link-model.ts';

/** A Monday, 00:00 UTC. */
const START = Date.UTC(2026, 0, 5);
const AGENT = 'hub-a1';
/** Seconds. */
const HEARTBEAT = 5;

/** Those that rules judge; the others of a round would only cost time. */
const METRICS = [
  'icmp_loss_ratio',
  'icmp_rtt_ms',
  'icmp_jitter_ms',
  'icmp_confirm_loss_ratio',
] as const satisfies readonly MetricName[];

export interface Opened {
  readonly link: number;
  /** Second of the run. */
  readonly at: number;
  readonly view: Incident;
}

/** The whole engine over many branches with one link each, in virtual time. */
export interface Bed {
  /** One round of all links at this second; the clock is moved there first. */
  round(second: number, roundOf: (link: number) => Round): void;
  /** Incidents in the order in which they opened. */
  readonly opened: readonly Opened[];
  openNow(): number;
  readonly samples: number;
}

export function createBed(links: number, everySeconds: number): Bed {
  const ids = Array.from({ length: links }, (_, n) => n);
  const settings: EngineSettings = {
    installation: 'injection',
    inventory: {
      sites: [
        { id: 'hub', name: 'Hub', hub: true, users: 0 },
        ...ids.map((n) => ({ id: `s${n}`, name: `Site ${n}`, hub: false, users: 20 })),
      ],
      devices: [],
      links: ids.map((n) => ({
        id: `l${n}`,
        name: `Link ${n}`,
        kind: 'wan' as const,
        // No peer: circuits that end at one place and fail together are one incident.
        site: `s${n}`,
        ends: [],
        underlays: [],
      })),
      agents: [{ id: AGENT, site: 'hub' }],
    },
    rules: DEFAULT_RULES,
    timing: DEFAULT_TIMING,
    watches: [{ agent: AGENT, subjects: ids.map((n) => `link:l${n}`) }],
  };
  const engine = createEngine(settings);
  const every: DurationMs = durationMs(everySeconds * 1000);
  const series: readonly (readonly Series[])[] = ids.map((n) =>
    METRICS.map((metric) => ({
      metric,
      subject: `link:l${n}` as SubjectKey,
      agent: AGENT,
      // Bursts come when there is doubt.
      ...(metric === 'icmp_confirm_loss_ratio' ? {} : { every }),
    })),
  );
  const opened: Opened[] = [];
  const open = new Set<string>();
  let position = 0;
  let clock = 0;
  let samples = 0;

  const at = (second: number): EpochMs => epochMs(START + second * 1000);
  const instant = (second: number) => ({ now: at(second), position: ++position });

  function take(facts: readonly Fact[], second: number): void {
    for (const fact of facts) {
      if (!isIncidentFact(fact)) continue;
      const { kind, incident, view } = fact;
      if (kind === 'incident.opened' || kind === 'incident.reopened') {
        opened.push({ link: Number(view.subject.replace('link:l', '')), at: second, view });
        open.add(incident);
      } else if (
        kind === 'incident.resolved' ||
        kind === 'incident.closed' ||
        kind === 'incident.merged'
      ) {
        open.delete(incident);
      }
    }
  }

  function batchOf(second: number, roundOf: (link: number) => Round): Sample[] {
    const batch: Sample[] = [];
    for (const n of ids) {
      const { loss, rttMs, jitterMs, confirm } = roundOf(n);
      const values = [loss, rttMs, jitterMs];
      // A round without an answer has no round trip.
      const count = loss < 1 ? values.length : 1;
      for (let m = 0; m < count; m++) {
        batch.push({
          series: series[n]?.[m] as Series,
          at: at(second),
          value: values[m] as number,
        });
      }
      if (confirm >= 0) {
        batch.push({ series: series[n]?.[3] as Series, at: at(second + 1), value: confirm });
      }
    }
    return batch;
  }

  return {
    opened,
    openNow: () => open.size,
    get samples() {
      return samples;
    },
    round(second, roundOf) {
      for (; clock <= second; clock++) {
        if (clock % HEARTBEAT === 0) take(engine.heard(AGENT, instant(clock)), clock);
        take(engine.tick(instant(clock)), clock);
      }
      const batch = batchOf(second, roundOf);
      samples += batch.length;
      take(engine.observe({ agent: AGENT, lane: 'live', samples: batch }, instant(second)), second);
    },
  };
}
