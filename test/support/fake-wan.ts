import type { Inventory, Link, Site } from '../../protocol/model/inventory.ts';
import type { SeriesKey } from '../../protocol/model/sample.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { AgentWatch } from '../../rules/settings.ts';
import type { SamplePoint } from '../../server/ports/show.ts';

/** A believable WAN for the page: names, circuits and figures that move, all from one seed. */
export interface FakeWan {
  readonly inventory: Inventory;
  readonly watches: readonly AgentWatch[];
  latest(series: SeriesKey, now: EpochMs): SamplePoint | undefined;
  range(series: SeriesKey, from: EpochMs, to: EpochMs): readonly SamplePoint[];
  /** From `from` until `to` the link behaves so. */
  trouble(link: string, effect: Trouble): void;
}

interface Trouble {
  readonly from: number;
  readonly to: number;
  readonly loss?: number;
  readonly addedMs?: number;
}

const TOWNS: readonly (readonly [string, number])[] = [
  ['Hamburg', 420],
  ['Lyon', 84],
  ['Porto', 52],
  ['Gdansk', 61],
  ['Leipzig', 118],
  ['Malmö', 37],
  ['Trieste', 45],
  ['Ghent', 29],
  ['Bilbao', 73],
  ['Cork', 22],
  ['Brno', 66],
  ['Turku', 31],
];
const PROVIDERS = ['Northlink', 'Telvia', 'Corriente', 'Balticom'] as const;
const ROUND_MS = 5_000;

/** Twelve sites by default; more get numbered names. */
export function createFakeWan(siteCount = TOWNS.length): FakeWan {
  const sites = Array.from({ length: siteCount }, (_, n) => site(n));
  const links = sites.flatMap((one, n) => linksOf(one, n, sites[0]?.id ?? ''));
  const troubles = new Map<string, Trouble[]>();
  const inventory: Inventory = {
    sites,
    links,
    devices: sites.flatMap((one) => [
      { id: `${one.id}-r1`, name: `${one.name} router`, site: one.id, address: '192.0.2.1' },
      {
        id: `${one.id}-sw1`,
        name: `${one.name} switch`,
        site: one.id,
        address: '192.0.2.2',
        behind: `${one.id}-r1`,
      },
    ]),
    agents: sites.map((one) => ({ id: `${one.id}-a1`, site: one.id })),
  };

  return {
    inventory,
    watches: sites.map((one) => ({
      agent: `${one.id}-a1`,
      subjects: [
        `device:${one.id}-r1`,
        `device:${one.id}-sw1`,
        ...links.filter((link) => link.site === one.id).map((link) => `link:${link.id}`),
      ],
    })),
    latest(series, now) {
      const at = Math.floor(now / ROUND_MS) * ROUND_MS;
      return point(series, at);
    },
    range(series, from, to) {
      const points: SamplePoint[] = [];
      for (let at = Math.ceil(from / ROUND_MS) * ROUND_MS; at <= to; at += ROUND_MS) {
        const found = point(series, at);
        if (found !== undefined) points.push(found);
      }
      return points;
    },
    trouble(link, effect) {
      troubles.set(link, [...(troubles.get(link) ?? []), effect]);
    },
  };

  function point(series: SeriesKey, at: number): SamplePoint | undefined {
    const [, metric = '', subject = ''] = series.split('|');
    const link = subject.replace('link:', '');
    if (!metric.startsWith('stamp_')) return undefined;
    const active = (troubles.get(link) ?? []).filter((t) => at >= t.from && at < t.to);
    const loss = lossOf(active, link, at);
    if (metric === 'stamp_loss_ratio') return { at: epochMs(at), value: loss };
    if (loss >= 1) return undefined;
    const base = 6 + (hash(link) % 40);
    const noise = noiseOf(link, at);
    const added = active.reduce((sum, t) => sum + (t.addedMs ?? 0), 0);
    if (metric === 'stamp_jitter_ms')
      return { at: epochMs(at), value: 0.3 + noise * 0.8 + added * 0.08 };
    const slow = Math.sin(at / 900_000 + hash(link)) * base * 0.06;
    return { at: epochMs(at), value: base + slow + noise * 2.2 + added * (0.85 + noise * 0.3) };
  }

  function lossOf(active: readonly Trouble[], link: string, at: number): number {
    const loss = active.reduce((worst, t) => Math.max(worst, t.loss ?? 0), 0);
    if (loss > 0 && loss < 1)
      return Math.min(1, Math.round((loss + noiseOf(link, at) * 0.2) * 5) / 5);
    return loss;
  }
}

function site(n: number): Site {
  const [town, users] = TOWNS[n % TOWNS.length] ?? ['Nowhere', 1];
  const round = Math.floor(n / TOWNS.length);
  const name = round === 0 ? town : `${town} ${round + 1}`;
  return { id: slug(name), name, hub: n === 0, users: users + round };
}

function linksOf(one: Site, n: number, hub: string): Link[] {
  const provider = PROVIDERS[n % PROVIDERS.length] ?? 'Northlink';
  const second = PROVIDERS[(n + 1) % PROVIDERS.length] ?? 'Telvia';
  const ends = [{ device: `${one.id}-r1`, interface: 'ge-0/0/0' }];
  const make = (kind: 'wan' | 'internet', who: string, word: string): Link => ({
    id: `${one.id}-${word.toLowerCase()}`,
    name: `${one.name} ${word}`,
    kind,
    site: one.id,
    ...(one.id === hub ? {} : { peer: hub }),
    provider: who,
    circuit: `${who.slice(0, 2).toUpperCase()}-${40_000 + n * 17}`,
    ends,
    underlays: [],
  });
  return [make('wan', provider, 'MPLS'), make('internet', second, 'DIA')];
}

const slug = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[^a-zA-Z0-9]+/g, '')
    .toLowerCase();

function hash(text: string): number {
  let value = 2_166_136_261;
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 16_777_619);
  return value >>> 0;
}

/** 0..1, the same for the same link and round. */
const noiseOf = (link: string, at: number): number => (hash(`${link}${at}`) % 1000) / 1000;
