import type { Fact } from '../protocol/model/fact.ts';
import type { Inventory } from '../protocol/model/inventory.ts';
import { durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import { createShow } from '../server/show/show.ts';
import { createStatusModel } from '../server/show/status-model.ts';

export interface LivePage {
  readonly url: string;
  /** Links whose figures changed so far. */
  changes(): number;
  close(): Promise<void>;
}

const ROUND_MS = 1_000;

/** The people's side of the server over so many sites, a link each, whose figures change every second. */
export async function startLivePage(sites: number, pageRoot: string): Promise<LivePage> {
  const ids = Array.from({ length: sites }, (_, n) => `site-${n}`);
  const inventory: Inventory = {
    sites: ids.map((id, n) => ({ id, name: `Site ${n}`, hub: n === 0, users: 10 + (n % 90) })),
    devices: [],
    links: ids.map((id) => ({
      id: `${id}-wan`,
      name: `${id} WAN`,
      kind: 'wan',
      site: id,
      ends: [],
      underlays: [],
    })),
    agents: [{ id: 'hub-a1', site: 'site-0' }],
  };
  let round = 0;
  const now = (): EpochMs => epochMs(Date.now());
  const model = createStatusModel({
    version: 'bench',
    inventory,
    watches: [{ agent: 'hub-a1', subjects: inventory.links.map((link) => `link:${link.id}`) }],
    latest: (series) => {
      if (!series.includes('stamp_')) return undefined;
      const isRtt = series.includes('_rtt_');
      return { at: now(), value: isRtt ? 10 + ((series.length + round) % 50) : 0 };
    },
    tickets: () => [],
  });
  const at = now();
  model.heard('hub-a1', { at });
  model.apply(
    inventory.links.map(
      (link): Fact => ({
        kind: 'subject.changed',
        at,
        subject: `link:${link.id}`,
        health: 'up',
        because: 'answers',
      }),
    ),
    at,
  );
  const rounds = setInterval(() => {
    round += 1;
    model.heard('hub-a1', { at: now() });
  }, ROUND_MS);
  const app = await createShow({
    version: 'bench',
    status: model,
    incidents: { incidents: () => [], incident: () => undefined, factsOf: () => [] },
    deliveries: { tickets: () => [], deliveries: () => [] },
    trends: { trends: () => [] },
    samples: {
      find: () => ({ series: [], hasMore: false }),
      range: async () => undefined,
    },
    commands: { command: async () => ({ kind: 'refused', why: 'a bench' }) },
    readiness: () => [],
    figures: () => [],
    now,
    acknowledgeFor: durationMs(1),
    hosts: [],
    pageRoot,
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    changes: () => round * sites,
    async close() {
      clearInterval(rounds);
      await app.close();
    },
  };
}
