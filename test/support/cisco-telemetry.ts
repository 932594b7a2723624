import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { MetricName } from '../../protocol/model/metrics.ts';
import { ID_PATTERN, subjectKey } from '../../protocol/model/subject.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../../rules/packs/default.ts';
import type { EngineSettings } from '../../rules/settings.ts';

/**
 * Streamed telemetry of routers, as it is recorded in wide CSV files, made into a recording that
 * `vedette replay` reads. One folder is one run, one file (`NAME.csv`, `NAME.csv.gz`) one router, one
 * row one reading: epoch seconds, then a column per leaf.
 *
 * Columns are known by the leaf of their YANG path, which stands at the end of the column's name after
 * keys and colons, with `/` or `__` between its parts: see LEAVES. What a leaf counts in several
 * places (address families, instances) is added up. All other columns are passed over. So are rates,
 * octets and drops of ports: this says what a control plane and its ports say of themselves; loads
 * belong to rules that know a daily rhythm, and a recording of minutes holds none.
 *
 * All routers of a run are devices of one site, seen by one agent; nothing says which is at fault.
 */
export const LEAVES: readonly (readonly [RegExp, MetricName])[] = [
  // Cisco-IOS-XR-pfi-im-cmd-oper, interfaces/interface-summary
  [/^interface-counts(\/|__)up-interface-count$/, 'device_ports_up'],
  [/^interface-counts(\/|__)admin-down-interface-count$/, 'device_ports_admin_down'],
  // Cisco-IOS-XR-ipv4-bgp-oper, bgp/instances/…/default-vrf/process-info
  [/^(global(\/|__))?established-neighbors-count-total$/, 'bgp_peers_established'],
  [/^(vrf(\/|__))?path-count$/, 'bgp_path_count'],
  // Cisco-IOS-XR-ip-bfd-oper, bfd/summary
  [/^session-state(\/|__)up-count$/, 'bfd_sessions_up'],
  // Cisco-IOS-XR-ip-rib-ipv4-oper, rib/…/protocol/bgp/as/information
  [/^active-routes-count$/, 'route_count'],
];

/** Where more is better: the fraction of such a count is a missing one. */
const MORE_IS_BAD: readonly MetricName[] = ['device_ports_admin_down'];

export const TELEMETRY_AGENT = 'telemetry';
export const TELEMETRY_SITE = 'network';

/** A reading of one router: what was counted, and when it can have been known. */
export interface Reading {
  readonly metric: MetricName;
  readonly at: number;
  readonly receivedAt: number;
  readonly value: number;
}

const leafOf = (column: string): string => column.slice(column.lastIndexOf(':') + 1);

export const metricOf = (column: string): MetricName | undefined =>
  LEAVES.find(([pattern]) => pattern.test(leafOf(column)))?.[1];

/** Interpolation by floating point leaves dust; more than that is a fraction. */
const DUST = 1e-6;
const MAX_AT = 8.64e15;

/** Reads the rows of one router, in their order. */
export interface RowReader {
  /** The readings that became known with this row. Rows that are none give none. */
  read(line: string): Reading[];
  /** What was still waiting when the file ended. */
  end(): Reading[];
}

/** The columns of each metric. */
function columnsOf(header: string): Map<MetricName, number[]> {
  const columns = new Map<MetricName, number[]>();
  for (const [index, column] of header.trimEnd().split(',').entries()) {
    const metric = index === 0 ? undefined : metricOf(column);
    if (metric === undefined) continue;
    const known = columns.get(metric);
    if (known === undefined) columns.set(metric, [index]);
    else known.push(index);
  }
  return columns;
}

/** The sum of the cells; undefined when one of them is no count. */
function sumOf(cells: readonly string[], indices: readonly number[]): number | undefined {
  let sum = 0;
  for (const index of indices) {
    const text = cells[index]?.trim() ?? '';
    const value = text === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < 0) return undefined;
    sum += value;
  }
  return sum;
}

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) <= DUST;

/** The worse of the whole numbers beside a fraction, or the next reading where that is worse still. */
function worseOf(metric: MetricName, fraction: number, next: number): number {
  if (MORE_IS_BAD.includes(metric)) return Math.max(Math.ceil(fraction), Math.floor(next + DUST));
  return Math.min(Math.floor(fraction), Math.ceil(next - DUST));
}

/**
 * Sessions, ports and routes are whole. Where a recording was put onto a grid by interpolation, a count
 * with a fraction lies between the reading before and the one after it: something had changed or was
 * about to, and this could be known only with the next row. So it is handed in with the next row, as
 * the worse number that it can have been.
 */
export function rowReader(header: string): RowReader {
  const columns = columnsOf(header);
  let lastAt = Number.NEGATIVE_INFINITY;
  let apart = 0;
  let waiting = new Map<MetricName, { readonly at: number; readonly fraction: number }>();

  function settled(metric: MetricName, value: number, receivedAt: number): Reading[] {
    const before = waiting.get(metric);
    if (before === undefined) return [];
    const worse = worseOf(metric, before.fraction, value);
    return [{ metric, at: before.at, receivedAt, value: worse }];
  }

  function read(line: string): Reading[] {
    const cells = line.trimEnd().split(',');
    const at = Math.round(Number(cells[0] || Number.NaN) * 1000);
    if (!(at > lastAt) || at > MAX_AT) return [];
    apart = Number.isFinite(lastAt) ? at - lastAt : 0;
    lastAt = at;
    const readings: Reading[] = [];
    const next: typeof waiting = new Map();
    for (const [metric, indices] of columns) {
      const value = sumOf(cells, indices);
      if (value === undefined) continue;
      readings.push(...settled(metric, value, at));
      if (isWhole(value)) {
        readings.push({ metric, at, receivedAt: at, value: Math.round(value) });
      } else next.set(metric, { at, fraction: value });
    }
    waiting = next;
    return readings;
  }

  return {
    read,
    end: () =>
      [...waiting].flatMap(([metric, { fraction }]) => settled(metric, fraction, lastAt + apart)),
  };
}

/** What is known of the network: its routers, all in one place. */
export const telemetrySettings = (run: string, routers: readonly string[]): EngineSettings => ({
  installation: TELEMETRY_AGENT,
  inventory: {
    sites: [{ id: TELEMETRY_SITE, name: run, hub: false, users: 0 }],
    devices: routers.map((id) => ({ id, name: id, site: TELEMETRY_SITE, address: '' })),
    links: [],
    agents: [],
  },
  rules: DEFAULT_RULES,
  timing: DEFAULT_TIMING,
  watches: [],
});

const ROUTER_FILE = /\.csv(\.gz)?$/;

/** The id of the router that a file is of; characters that no id may have become dashes. */
export function routerOf(file: string): string {
  const name = basename(file)
    .replace(ROUTER_FILE, '')
    .replace(/[^a-zA-Z0-9_.-]/g, '-');
  const id = name.slice(0, 64);
  return new RegExp(ID_PATTERN).test(id) ? id : `r${id}`.slice(0, 64);
}

async function readingsOf(file: string): Promise<Reading[]> {
  const bytes = createReadStream(file);
  const input = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  bytes.on('error', (error) => input.destroy(error));
  const readings: Reading[] = [];
  let reader: RowReader | undefined;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (reader === undefined) reader = rowReader(line);
    else readings.push(...reader.read(line));
  }
  return [...readings, ...(reader?.end() ?? [])];
}

/** The recording of a run: its settings, then every reading in the order in which it became known. */
export async function recordingOf(runFolder: string): Promise<string[]> {
  const files = (await readdir(runFolder)).filter((file) => ROUTER_FILE.test(file)).sort();
  const all: { readonly router: string; readonly reading: Reading }[] = [];
  for (const file of files) {
    const router = routerOf(file);
    for (const reading of await readingsOf(join(runFolder, file))) all.push({ router, reading });
  }
  // Stable: readings that became known together stay in the order of the files.
  all.sort((a, b) => a.reading.receivedAt - b.reading.receivedAt);
  const first = all[0]?.reading.receivedAt ?? 0;
  const settings = telemetrySettings(basename(runFolder), files.map(routerOf));
  return [
    JSON.stringify({ at: first, config: settings }),
    ...all.map(({ router, reading }) => lineOf(router, reading)),
  ];
}

const lineOf = (router: string, { metric, at, receivedAt, value }: Reading): string =>
  JSON.stringify({
    at,
    metric,
    subject: subjectKey('device', router),
    agent: TELEMETRY_AGENT,
    ...(receivedAt === at ? {} : { receivedAt }),
    value,
  });
