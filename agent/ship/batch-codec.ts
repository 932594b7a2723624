import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { MetricName } from '../../protocol/model/metrics.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import type { DictionaryEntry, InterfaceEntry, SampleBatch } from '../../protocol/wire/batch.ts';
import { BATCH_LIMITS, WIRE_VERSION } from '../../protocol/wire/limits.ts';
import type { PollReport } from '../poll/report.ts';
import type { PollSample } from '../poll/snmp/snmp-samples.ts';
import type { BatchPlace, EncodedBatch } from '../ports/spool.ts';
import type { SeriesDictionary } from './series-dictionary.ts';

type CounterColumn = SampleBatch['counters'][number];

/** Offsets in a batch are bounded; what is older than this relative to its batch cannot be written. */
const MAX_OFFSET = 604_800_000;

/**
 * Writes reports as one batch of the wire, in its place. Columns count from the oldest sample.
 * Throws nothing for any reports that `createIntake` puts together.
 */
export function encodeBatch(
  agent: string,
  place: BatchPlace,
  reports: readonly PollReport[],
  dictionary: SeriesDictionary,
): EncodedBatch {
  const samples = reports.flatMap((report) => report.samples);
  const at = samples.reduce(
    (oldest, sample) => Math.min(oldest, sample.at),
    Number.MAX_SAFE_INTEGER,
  );
  const added: DictionaryEntry[] = [];
  const gauges: SampleBatch['gauges'] = { series: [], at: [], value: [] };
  const counters: OpenCounters = { columns: [], bySeries: new Map() };
  for (const sample of samples) {
    const series = dictionary.indexOf(sample);
    if (dictionary.isNewTo(place.lane, series)) {
      added.push(dictionary.entry(series) as DictionaryEntry);
    }
    const offset = Math.min(sample.at - at, MAX_OFFSET);
    if (typeof sample.value === 'bigint') addCounter(counters, series, offset, sample.value);
    else addGauge(gauges, series, offset, sample.value);
  }
  const interfaces = latestInterfaces(reports);
  const batch: SampleBatch = {
    v: WIRE_VERSION,
    agent,
    spool: place.spool,
    lane: place.lane,
    sequence: place.sequence,
    at,
    dictionary: added,
    ...(interfaces.length > 0 && { interfaces }),
    gauges,
    counters: counters.columns,
  };
  const bytes = Buffer.from(JSON.stringify(batch));
  return {
    body: zstdCompressSync(bytes),
    samples: samples.length,
    at: epochMs(at),
    entries: dictionary.takeNew(),
  };
}

function addGauge(
  gauges: SampleBatch['gauges'],
  series: number,
  offset: number,
  value: number,
): void {
  gauges.series.push(series);
  gauges.at.push(offset);
  gauges.value.push(value);
}

interface OpenCounters {
  readonly columns: CounterColumn[];
  readonly bySeries: Map<number, { column: CounterColumn; last: bigint }>;
}

function addCounter(open: OpenCounters, series: number, offset: number, value: bigint): void {
  const known = open.bySeries.get(series);
  const delta = known === undefined ? 0 : Number(value - known.last);
  // A step that a JSON number cannot hold exactly begins a new column, whose base is exact.
  if (known === undefined || !Number.isSafeInteger(delta)) {
    const column = { series, at: [offset], base: String(value), delta: [] };
    open.columns.push(column);
    open.bySeries.set(series, { column, last: value });
    return;
  }
  known.column.at.push(offset);
  known.column.delta.push(delta);
  known.last = value;
}

/** One entry per interface, the newest. */
function latestInterfaces(reports: readonly PollReport[]): InterfaceEntry[] {
  const bySubject = new Map<string, InterfaceEntry>();
  for (const { interfaces = [] } of reports) {
    for (const entry of interfaces) bySubject.set(entry.subject, entry);
  }
  return [...bySubject.values()];
}

/**
 * Reads a batch back from the spool, for writing it again under another spool id. Samples whose
 * index `entryOf` does not know are left out.
 */
export function decodeBatch(
  body: Uint8Array,
  entryOf: (index: number) => DictionaryEntry | undefined,
): { readonly agent: string; readonly report: PollReport } {
  const bytes = zstdDecompressSync(body, { maxOutputLength: 2 * BATCH_LIMITS.bodyBytes });
  const batch = JSON.parse(bytes.toString('utf8')) as SampleBatch;
  const own = new Map(batch.dictionary.map((entry) => [entry.index, entry]));
  const samples: PollSample[] = [];
  const add = (index: number, offset: number, value: number | bigint): void => {
    const entry = entryOf(index) ?? own.get(index);
    if (entry !== undefined) samples.push(sampleOf(entry, batch.at + offset, value));
  };
  const { series, at, value } = batch.gauges;
  for (const [i, index] of series.entries()) add(index, at[i] ?? 0, value[i] ?? 0);
  for (const column of batch.counters) {
    let total = BigInt(column.base);
    for (const [i, offset] of column.at.entries()) {
      if (i > 0) total += BigInt(column.delta[i - 1] ?? 0);
      add(column.series, offset, total);
    }
  }
  const report = { samples, ...(batch.interfaces && { interfaces: batch.interfaces }) };
  return { agent: batch.agent, report };
}

const sampleOf = (entry: DictionaryEntry, at: number, value: number | bigint): PollSample => ({
  metric: entry.metric as MetricName,
  subject: entry.subject as SubjectKey,
  at: epochMs(at),
  value,
  ...(entry.bits !== undefined && { bits: entry.bits }),
  ...(entry.every !== undefined && { every: durationMs(entry.every) }),
});
