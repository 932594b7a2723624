import type { Inventory } from '../../protocol/model/inventory.ts';
import { type SeriesKey, seriesKey } from '../../protocol/model/sample.ts';
import { type AgentId, type LinkId, subjectKey } from '../../protocol/model/subject.ts';
import { type EpochMs, minutes } from '../../protocol/model/units.ts';
import type { AgentWatch } from '../../rules/settings.ts';
import type { SamplePoint } from '../ports/show.ts';

export interface LinkFigure {
  readonly rttMs?: number;
  readonly lossRatio?: number;
  readonly jitterMs?: number;
  readonly measuredAt?: EpochMs;
}

export interface LinkFigures {
  configure(inventory: Inventory, watches: readonly AgentWatch[]): void;
  of(link: LinkId): LinkFigure;
  /** Links whose shown figures changed. */
  refresh(now: EpochMs): readonly LinkId[];
}

/** Figures older than this are not shown: an old number looks exactly like a fresh one. */
const FRESH_FOR = minutes(1);
/** `measuredAt` alone is published in steps; the figures at once. */
const MEASURED_STEP_MS = 15_000;

/** One way to measure a link: an agent and a probe. */
interface Vantage {
  readonly agent: AgentId;
  readonly probe: 'stamp' | 'icmp';
  readonly loss: SeriesKey;
  /** Named once loss has been heard: half of all ways are probes that nobody sends. */
  others: { readonly rtt: SeriesKey; readonly jitter: SeriesKey } | undefined;
}

const NONE: LinkFigure = {};

/** Newest loss, RTT and jitter of each link, by the first vantage that has fresh ones; STAMP before ICMP. */
export function createLinkFigures(
  latest: (series: SeriesKey) => SamplePoint | undefined,
): LinkFigures {
  let vantages = new Map<LinkId, readonly Vantage[]>();
  let shown = new Map<LinkId, LinkFigure>();

  return {
    configure(inventory, watches) {
      const watchers = new Map<string, AgentId[]>();
      for (const watch of watches)
        for (const subject of watch.subjects)
          watchers.set(subject, [...(watchers.get(subject) ?? []), watch.agent]);
      vantages = new Map(
        inventory.links.map((link) => {
          const agents = watchers.get(subjectKey('link', link.id)) ?? [];
          return [link.id, agents.flatMap((agent) => vantagesOf(agent, link.id))];
        }),
      );
      shown = new Map();
    },
    of: (link) => shown.get(link) ?? NONE,
    refresh(now) {
      const changed: LinkId[] = [];
      for (const [link, list] of vantages) {
        const figure = read(link, list, now);
        if (isSame(shown.get(link) ?? NONE, figure)) continue;
        shown.set(link, figure);
        changed.push(link);
      }
      return changed;
    },
  };

  function read(link: LinkId, list: readonly Vantage[], now: EpochMs): LinkFigure {
    for (const vantage of list) {
      const loss = fresh(vantage.loss, now);
      if (loss === undefined) continue;
      vantage.others ??= othersOf(vantage, link);
      const isLost = loss.value >= 1;
      const rtt = isLost ? undefined : fresh(vantage.others.rtt, now);
      const jitter = isLost ? undefined : fresh(vantage.others.jitter, now);
      return {
        lossRatio: round(loss.value, 1000),
        ...(rtt && { rttMs: round(rtt.value, 10) }),
        ...(jitter && { jitterMs: round(jitter.value, 10) }),
        measuredAt: loss.at,
      };
    }
    return NONE;
  }

  function fresh(series: SeriesKey, now: EpochMs): SamplePoint | undefined {
    const point = latest(series);
    return point === undefined || now - point.at > FRESH_FOR ? undefined : point;
  }
}

const vantagesOf = (agent: AgentId, link: LinkId): Vantage[] =>
  (['stamp', 'icmp'] as const).map((probe) => ({
    agent,
    probe,
    loss: seriesKey(agent, `${probe}_loss_ratio`, subjectKey('link', link)),
    others: undefined,
  }));

const othersOf = ({ agent, probe }: Vantage, link: LinkId) => ({
  rtt: seriesKey(agent, `${probe}_rtt_ms`, subjectKey('link', link)),
  jitter: seriesKey(agent, `${probe}_jitter_ms`, subjectKey('link', link)),
});

const round = (value: number, steps: number): number => Math.round(value * steps) / steps;

function isSame(a: LinkFigure, b: LinkFigure): boolean {
  return (
    a.rttMs === b.rttMs &&
    a.lossRatio === b.lossRatio &&
    a.jitterMs === b.jitterMs &&
    Math.abs((a.measuredAt ?? 0) - (b.measuredAt ?? 0)) < MEASURED_STEP_MS
  );
}
