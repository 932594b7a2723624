import { createTicketBook, type TicketLine } from '../../cli/replay-facts.ts';
import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { Sample } from '../../protocol/model/sample.ts';
import { subjectKey } from '../../protocol/model/subject.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { createEngine } from '../../rules/engine.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import { TELEMETRY_AGENT, telemetrySettings } from './cisco-telemetry.ts';

const START = 1_700_000_000;
/** Sessions over each of the links that join a leaf with a spine. */
const SESSIONS = 2;
const PATHS = 100;

interface Trouble {
  readonly from: number;
  readonly until: number;
  /** Links (`leaf|spine`) that carry no session meanwhile. */
  readonly hits: (link: string) => boolean;
  /** Whose port was shut down by hand; its own port is down as the other end's is. */
  readonly shutAt?: string;
  readonly isPortDown?: boolean;
}

export interface FabricOptions {
  readonly leaves: number;
  readonly spines: number;
  /** Seconds between the readings of a router; the routers are out of phase. */
  readonly every?: number;
  /** Only these metrics are delivered. */
  readonly metrics?: readonly MetricName[];
  readonly settings?: (plain: EngineSettings) => EngineSettings;
}

export interface Seen {
  readonly tickets: readonly TicketLine[];
  /** By seconds of the story: "leaf1 30..95". */
  readonly lines: readonly string[];
  readonly facts: readonly Fact[];
  /** The newest view of each incident. */
  readonly incidents: readonly Incident[];
}

/** A leaf and spine fabric whose routers count ports, sessions and paths; told as a story. */
export function fabric({ leaves, spines, every = 5, metrics, settings }: FabricOptions) {
  const names = (kind: string, n: number): string[] =>
    Array.from({ length: n }, (_, i) => `${kind}${i + 1}`);
  const routers = [...names('leaf', leaves), ...names('spine', spines)];
  const links = names('leaf', leaves).flatMap((leaf) =>
    names('spine', spines).map((spine) => `${leaf}|${spine}`),
  );
  const troubles: Trouble[] = [];
  const isEnd = (router: string, link: string): boolean => link.split('|').includes(router);

  function countsOf(router: string, second: number): Record<string, number> {
    const own = links.filter((link) => isEnd(router, link));
    const now = troubles.filter(({ from, until }) => second >= from && second < until);
    const isLost = (link: string): boolean => now.some((one) => one.hits(link));
    const isDown = (link: string): boolean => now.some((one) => one.isPortDown && one.hits(link));
    const up = own.filter((link) => !isLost(link)).length;
    return {
      device_ports_up: own.filter((link) => !isDown(link)).length,
      device_ports_admin_down: 3 + now.filter((one) => one.shutAt === router).length,
      bgp_peers_established: up * SESSIONS,
      bgp_path_count: up * SESSIONS * PATHS,
      route_count: up === 0 ? 0 : PATHS,
    };
  }

  function samplesOf(router: string, second: number): Sample[] {
    return Object.entries(countsOf(router, second))
      .filter(([metric]) => metrics === undefined || metrics.includes(metric as MetricName))
      .map(([metric, value]) => ({
        series: {
          metric: metric as MetricName,
          subject: subjectKey('device', router),
          agent: TELEMETRY_AGENT,
        },
        at: epochMs((START + second) * 1000),
        value,
      }));
  }

  function run(seconds: number): Seen {
    const plain = telemetrySettings('fabric', routers);
    const engine = createEngine(settings === undefined ? plain : settings(plain));
    const book = createTicketBook(() => 'fabric');
    const facts: Fact[] = [];
    const tickets: TicketLine[] = [];
    let position = 0;
    for (let second = 0; second <= seconds; second++) {
      const at = () => ({ now: epochMs((START + second) * 1000), position: position++ });
      const told = [...engine.tick(at())];
      for (const [n, router] of routers.entries()) {
        if ((second + n) % every !== 0) continue;
        const samples = samplesOf(router, second);
        told.push(...engine.observe({ agent: TELEMETRY_AGENT, lane: 'live', samples }, at()));
      }
      facts.push(...told);
      tickets.push(...told.flatMap((fact) => book.take(fact) ?? []));
    }
    tickets.push(...book.rest());
    return { tickets, lines: tickets.map(lineOf), facts, incidents: viewsOf(facts) };
  }

  return {
    routers,
    /** All sessions of the router are reset and come back after `lasts` seconds. */
    clears(router: string, from: number, lasts = 40): void {
      troubles.push({ from, until: from + lasts, hits: (link) => isEnd(router, link) });
    },
    /** One link goes dark; `by` = the router on which an administrator shut the port down. */
    loses(link: string, from: number, until = Number.POSITIVE_INFINITY, by?: string): void {
      const hits = (one: string): boolean => one === link;
      const shut = by === undefined ? {} : { shutAt: by };
      troubles.push({ from, until, hits, isPortDown: true, ...shut });
    },
    run,
  };
}

function viewsOf(facts: readonly Fact[]): Incident[] {
  const views = new Map<string, Incident>();
  for (const fact of facts) if (isIncidentFact(fact)) views.set(fact.incident, fact.view);
  return [...views.values()];
}

const lineOf = ({ device, openedAt, resolvedAt }: TicketLine): string =>
  `${device} ${openedAt - START}..${resolvedAt === null ? 'open' : resolvedAt - START}`;
