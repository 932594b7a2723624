import { METRICS } from '../protocol/model/metrics.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import { externalName, labelsOf } from '../server/adapters/remote-write/labels.ts';
import type { HistoryReader, SeriesSamples, StoredSeries } from '../server/ports/history.ts';
import { gapTeller, type Picking, pickSeries } from './history-pick.ts';

/** Text in pieces of some 10 kB to some MB. */
export type TextPieces = Generator<string>;

export interface ExportOptions {
  /** Samples held in memory at a time, about. */
  readonly atOnce?: number;
  readonly onGap: (text: string) => void;
}

const AT_ONCE = 1_000_000;
/** Shorter windows are read whatever they hold. */
const SHORTEST_MS = 1000;
const LINES_PER_PIECE = 2000;

/**
 * The lines that `vedette replay` reads, in order of time, and of one time in the order of the keys.
 * Read window by window: a window that holds too much is tried again shorter.
 */
export function* ndjsonOf(
  history: HistoryReader,
  picking: Picking,
  { atOnce = AT_ONCE, onGap }: ExportOptions,
): TextPieces {
  const all = pickSeries(history, picking);
  const heads = all.map(lineHead);
  const tellGaps = gapTeller(onGap);
  let length = picking.to - picking.from + 1;
  for (let from = picking.from; from <= picking.to; ) {
    const to = epochMs(Math.min(picking.to, from + length - 1));
    const parts = readWindow(history, all, from, to, length > SHORTEST_MS ? atOnce : Infinity);
    if (parts === undefined) {
      length = Math.max(SHORTEST_MS, Math.ceil(length / 8));
      continue;
    }
    for (const { samples } of parts) tellGaps(samples.gaps);
    yield* linesOf(parts, heads);
    const held = parts.reduce((sum, { samples }) => sum + samples.at.length, 0);
    if (held < atOnce / 4) length *= 2;
    from = epochMs(to + 1);
  }
}

interface Part {
  /** Index of the series. */
  readonly of: number;
  readonly samples: SeriesSamples;
}

/** Undefined: there is more than `atOnce`. */
function readWindow(
  history: HistoryReader,
  all: readonly StoredSeries[],
  from: EpochMs,
  to: EpochMs,
  atOnce: number,
): Part[] | undefined {
  const parts: Part[] = [];
  let held = 0;
  for (const [of, { key }] of all.entries()) {
    const samples = history.samples(key, from, to);
    if (samples === undefined) continue;
    held += samples.at.length;
    if (held > atOnce) return undefined;
    parts.push({ of, samples });
  }
  return parts;
}

function* linesOf(parts: readonly Part[], heads: readonly string[]): TextPieces {
  const count = parts.reduce((sum, { samples }) => sum + samples.at.length, 0);
  const at = new Float64Array(count);
  const part = new Uint32Array(count);
  const row = new Uint32Array(count);
  let next = 0;
  for (const [n, { samples }] of parts.entries()) {
    for (let i = 0; i < samples.at.length; i++) {
      at[next] = samples.at[i]!;
      part[next] = n;
      row[next++] = i;
    }
  }
  // Of one time in the order of the keys, which is the order in which they were put in.
  const order = new Uint32Array(count).map((_, n) => n).sort((a, b) => at[a]! - at[b]! || a - b);
  for (let begin = 0; begin < count; begin += LINES_PER_PIECE) {
    let text = '';
    for (const n of order.subarray(begin, begin + LINES_PER_PIECE)) {
      const { of, samples } = parts[part[n]!]!;
      text += `{"at":${at[n]}${heads[of]}${jsonValue(samples.value[row[n]!]!)}}\n`;
    }
    yield text;
  }
}

/** What stands between time and value in every line of a series; counters beyond 2^53 are texts. */
function lineHead({ metric, subject, agent, bits, every }: StoredSeries): string {
  const fields = JSON.stringify({
    metric,
    subject,
    agent,
    ...(bits === undefined ? {} : { bits }),
    ...(every === undefined ? {} : { every }),
  });
  return `,${fields.slice(1, -1)},"value":`;
}

const jsonValue = (value: number | bigint): string =>
  typeof value === 'bigint' && value > BigInt(Number.MAX_SAFE_INTEGER)
    ? `"${value}"`
    : String(value);

/**
 * OpenMetrics 1.0 with time stamps, family by family, series by series, as
 * `promtool tsdb create-blocks-from openmetrics` reads it. It has no place for the width of a counter
 * and for the interval: NDJSON keeps both.
 */
export function* openMetricsOf(
  history: HistoryReader,
  picking: Picking,
  { onGap }: ExportOptions,
): TextPieces {
  const tellGaps = gapTeller(onGap);
  const families = Map.groupBy(pickSeries(history, picking), ({ metric }) => metric);
  for (const [metric, members] of [...families].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const { kind, help } = METRICS[metric];
    const family = externalName(metric).replace(/_total$/, '');
    yield `# TYPE ${family} ${kind}\n# HELP ${family} ${escaped(help)}\n`;
    for (const series of members) {
      // A series at a time is little enough: a year at 30 s is a million samples, 16 MB.
      const samples = history.samples(series.key, picking.from, picking.to);
      if (samples === undefined) continue;
      tellGaps(samples.gaps);
      yield* exposition(series, samples);
    }
  }
  yield '# EOF\n';
}

function* exposition(series: StoredSeries, { at, value }: SeriesSamples): TextPieces {
  const [[, name], ...labels] = labelsOf(series) as [[string, string], ...[string, string][]];
  const head = `${name}{${labels.map(([label, text]) => `${label}="${escaped(text)}"`).join(',')}} `;
  for (let begin = 0; begin < at.length; begin += LINES_PER_PIECE) {
    let text = '';
    for (let i = begin; i < Math.min(at.length, begin + LINES_PER_PIECE); i++) {
      text += `${head}${value[i]} ${secondsText(at[i]!)}\n`;
    }
    yield text;
  }
}

/** Exact: no division, so no rounding. Times are whole milliseconds after 1970. */
function secondsText(at: number): string {
  const digits = String(at).padStart(4, '0');
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
