import { METRICS } from '../protocol/model/metrics.ts';
import { type Sample, type Series, type SeriesKey, seriesKey } from '../protocol/model/sample.ts';
import { epochMs } from '../protocol/model/units.ts';
import type { HistoryFile, SeriesSamples } from '../server/ports/history.ts';
import { openMetricsReader, type WholeReader } from './history-lines.ts';
import { type LineReader, ndjsonReader, type ReplayInput } from './replay-lines.ts';
import { inputsOf, ReplayInputError } from './replay-source.ts';

export interface ImportOptions {
  /** The present, epoch ms: samples of a time to come are refused. */
  readonly now: number;
  /** Samples held in memory at a time. */
  readonly atOnce?: number;
  readonly onProgress?: (tally: ImportTally) => void;
}

export interface ImportTally {
  /** Samples read. */
  readonly read: number;
  /** Of them, those that were not on record or differed. */
  readonly written: number;
  /** Lines that are no samples (heartbeats, ticks, commands of a recording). */
  readonly passedOver: number;
  readonly series: number;
}

const AT_ONCE = 2_000_000;
/** A machine's clock may be wrong by so much. */
const AHEAD_MS = 300_000;

/**
 * Puts recordings into a history. What is on record already is not written again, so a second
 * import changes nothing. @throws ReplayInputError with file and line; what came before it is in
 */
export async function importFiles(
  files: readonly string[],
  history: HistoryFile,
  { now, atOnce = AT_ONCE, onProgress }: ImportOptions,
): Promise<ImportTally> {
  const pending = new Map<SeriesKey, PendingSeries>();
  const known = new WeakMap<Series, PendingSeries>();
  const all = new Set<SeriesKey>();
  let held = 0;
  let read = 0;
  let written = 0;
  let passedOver = 0;

  const tally = (): ImportTally => ({ read, written, passedOver, series: all.size });

  function pendingOf(series: Series): PendingSeries {
    const fast = known.get(series);
    if (fast !== undefined) return fast;
    const key = seriesKey(series.agent, series.metric, series.subject);
    const found = pending.get(key) ?? { key, series, at: [], value: [] };
    pending.set(key, found);
    known.set(series, found);
    all.add(key);
    return found;
  }

  function take({ series, at, value }: Sample): void {
    const column = pendingOf(series);
    column.at.push(at);
    column.value.push(value);
    held += 1;
    read += 1;
  }

  function flush(): void {
    for (const column of pending.values()) {
      if (column.at.length > 0) written += writeNew(history, column);
      column.at = [];
      column.value = [];
    }
    held = 0;
    onProgress?.(tally());
  }

  for (const file of files) {
    for await (const inputs of readFile(file, now)) {
      for (const input of inputs) {
        if (input.kind === 'sample') take(input.sample);
        else passedOver += 1;
      }
      if (held >= atOnce) flush();
    }
  }
  flush();
  return tally();
}

interface PendingSeries {
  readonly key: SeriesKey;
  readonly series: Series;
  at: number[];
  value: (number | bigint)[];
}

/** One file, NDJSON or OpenMetrics by its first line. */
async function* readFile(file: string, now: number): AsyncGenerator<ReplayInput[]> {
  let whole: WholeReader | undefined;
  yield* inputsOf(file, {
    ndjson: () => checked(ndjsonReader({ agentFor: noAgent }), now),
    csv() {
      whole = openMetricsReader();
      return checked(whole.read, now);
    },
  });
  try {
    whole?.end();
  } catch (cause) {
    throw new ReplayInputError(`${file}: ${(cause as Error).message}`, { cause });
  }
}

function noAgent(): never {
  throw new Error('"agent" is missing: whose sample is it?');
}

/** What replay takes and a history must not. */
function checked(read: LineReader, now: number): LineReader {
  return (line) => {
    const inputs = read(line);
    for (const input of inputs) if (input.kind === 'sample') checkSample(input.sample, now);
    return inputs;
  };
}

function checkSample({ at, value, series }: Sample, now: number): void {
  const bits = series.bits ?? 64;
  if (typeof value === 'bigint' && value >= 1n << BigInt(bits)) {
    throw new Error(`the counter ${value} does not fit ${bits} bits`);
  }
  if (at > now + AHEAD_MS) {
    throw new Error(`the sample is of a time to come: ${new Date(at).toISOString()}`);
  }
  if (!Number.isInteger(at)) throw new Error(`the time ${at} is not a whole millisecond`);
}

/** Writes what is not on record yet; returns how many samples that was. */
function writeNew(history: HistoryFile, { key, series, at, value }: PendingSeries): number {
  // Of one time the last one said.
  const latest = new Map(at.map((time, i) => [time, value[i]!]));
  const times = [...latest.keys()].sort((a, b) => a - b);
  const stored = history.samples(key, epochMs(times[0]!), epochMs(times.at(-1)!));
  const isKnown = stored === undefined ? () => false : knownIn(stored, series);
  const fresh = times.filter((time) => !isKnown(time, latest.get(time)!));
  if (fresh.length === 0) return 0;
  const { metric, subject, agent, bits, every } = series;
  const isCounter = METRICS[metric].kind === 'counter';
  const values = fresh.map((time) => latest.get(time)!);
  history.write(
    {
      metric,
      subject,
      agent,
      // A recording need not name the width; what is on record knows better.
      ...(isCounter ? { bits: bits ?? history.series(key)?.bits ?? 64 } : {}),
      ...(every === undefined ? {} : { every }),
    },
    {
      at: Float64Array.from(fresh),
      value: isCounter
        ? BigUint64Array.from(values as bigint[])
        : Float64Array.from(values as number[]),
    },
  );
  return fresh.length;
}

/** Whether a sample is on record; gauges to the resolution of their metric. */
function knownIn({ at, value }: SeriesSamples, { metric }: Series) {
  const half = METRICS[metric].resolution * 0.500001;
  let next = 0;
  return (time: number, wanted: number | bigint): boolean => {
    while (next < at.length && at[next]! < time) next += 1;
    if (next >= at.length || at[next] !== time) return false;
    const stored = value[next]!;
    if (typeof stored === 'bigint' || typeof wanted === 'bigint') return stored === wanted;
    return Math.abs(stored - wanted) <= half;
  };
}
