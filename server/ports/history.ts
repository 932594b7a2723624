import type { MetricName, RuleMetricName } from '../../protocol/model/metrics.ts';
import type { ObservedBatch, SeriesKey } from '../../protocol/model/sample.ts';
import type { AgentId, SubjectKey } from '../../protocol/model/subject.ts';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';
import type { SamplePoint } from './show.ts';

/** A series on record. Only what agents sent has one: derived figures are made when asked for. */
export interface StoredSeries {
  readonly key: SeriesKey;
  readonly agent: AgentId;
  readonly metric: MetricName;
  readonly subject: SubjectKey;
  /** Counters only. */
  readonly bits?: 32 | 64;
  readonly every?: DurationMs;
}

/** A stretch of time of which something could not be read, and why. */
export interface HistoryGap {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly because: string;
}

/** Samples of one series as they came, oldest first, no time twice. */
export interface SeriesSamples {
  readonly at: Float64Array;
  /** Counters are exact (BigUint64Array); gauges are multiples of their metric's resolution. */
  readonly value: Float64Array | BigUint64Array;
  readonly gaps: readonly HistoryGap[];
}

export interface SeriesQuery {
  /** Exact subject. */
  readonly subject?: SubjectKey;
  readonly metric?: RuleMetricName;
  readonly agent?: AgentId;
  /** At most so many, in the order of the keys. */
  readonly limit: number;
  /** Only series whose key comes after this one: the last key of the page before. */
  readonly after?: string;
}

export interface SeriesPage {
  /** Derived series are listed beside the counters they are made of. */
  readonly series: readonly SeriesKey[];
  readonly hasMore: boolean;
}

export interface RangeQuery {
  readonly series: SeriesKey;
  /** Both ends included. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Length of one bucket; absent: chosen from the length of the range. */
  readonly step?: DurationMs;
}

/** Thousands of samples lie in a typed array from the disk to the answer. */
export type Numbers = readonly number[] | Float64Array;

/** Columns of equal length, oldest first. */
export interface RangeColumns {
  /** `raw`: `value` alone, sample by sample. `buckets`: `value` is the mean, `at` the bucket's begin. */
  readonly form: 'raw' | 'buckets';
  readonly step?: DurationMs;
  readonly at: Numbers;
  readonly value: Numbers;
  readonly count?: readonly number[];
  readonly min?: readonly number[];
  readonly max?: readonly number[];
  readonly p50?: readonly number[];
  readonly p95?: readonly number[];
  /** Round-trip metrics: mean loss of the same probe in the bucket; null where none is on record. */
  readonly loss?: readonly (number | null)[];
  readonly gaps: readonly HistoryGap[];
}

/** What is on record, sealed or still in memory. */
export interface HistoryReader {
  find(query: SeriesQuery): SeriesPage;
  /** Undefined: no such series. */
  series(key: SeriesKey): StoredSeries | undefined;
  /** Every sample between two instants, both included. Undefined: no such series. */
  samples(key: SeriesKey, from: EpochMs, to: EpochMs): SeriesSamples | undefined;
  /** For graphs; derived figures too. Undefined: no such series. */
  range(query: RangeQuery): Promise<RangeColumns | undefined>;
}

/** A history in a folder, opened by a verb beside a running server or instead of it. */
export interface HistoryFile extends HistoryReader {
  /**
   * Adds samples of one series and commits; those of a time that is on record already replace them.
   * Only while no server runs on the folder. Times need not be in order.
   */
  write(series: Omit<StoredSeries, 'key'>, samples: Omit<SeriesSamples, 'gaps'>): void;
  close(): void;
}

/** The history of a running server. */
export interface History extends HistoryReader {
  /** Samples of a durable input, in log order; what was sealed before is left out by itself. */
  observed(batch: ObservedBatch, at: { readonly now: EpochMs; readonly position: number }): void;
  /** Newest sample of a gauge. */
  latest(series: SeriesKey): SamplePoint | undefined;
  /** Every input up to and including this position is sealed: the log may lose it. */
  sealedPosition(): number;
  state(): HistoryState;
  /** Resolves when nothing is on its way to the disk. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface HistoryState {
  /** Why nothing is sealed any more; undefined while all is well. */
  readonly stoppedBy: string | undefined;
  readonly stoppedAt: EpochMs | undefined;
  /** False until it was first seen, after the start, whether it can be written. */
  readonly isLookedAt: boolean;
  readonly series: number;
  /** Samples in memory, not sealed yet. */
  readonly waiting: number;
  readonly sealedSamples: number;
  readonly sealedBytes: number;
  /** Samples given up because nothing could be sealed for too long. */
  readonly lostSamples: number;
  /** Samples of a time to come, or older than raw samples are kept. */
  readonly refusedSamples: number;
  /** Samples that came again and were not counted twice. */
  readonly repeatedSamples: number;
  readonly corruptChunks: number;
  /** Samples taken since the start, repeats included. */
  readonly takenSamples: number;
}

/** One sealed blob as stored: up to 64 series of one agent over about two hours. */
export interface SealedChunk {
  readonly bundle: number;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly samples: number;
  readonly blob: Uint8Array;
}

/** A sealed blob on record; what is in it is asked for by its id. */
export interface StoredChunk extends Omit<SealedChunk, 'blob' | 'samples'> {
  /** Grows in the order of sealing: of two samples of one time the later sealed one holds. */
  readonly id: number;
}

/** One day of five-minute figures of a bundle. */
export interface StoredRollup {
  readonly bundle: number;
  /** Days since 1970 (UTC). */
  readonly day: number;
  readonly blob: Uint8Array;
}

/** A series with its number and the bundle it is sealed in. */
export interface NumberedSeries extends StoredSeries {
  readonly id: number;
  readonly bundle: number;
}

/** Everything that becomes durable with a chunk, in one transaction. */
export interface Seal {
  readonly chunk: SealedChunk;
  /** Series that were not on record before. */
  readonly newSeries: readonly NumberedSeries[];
  /** Newest input of which this bundle has everything. */
  readonly bundlePosition: number;
  /** Newest input of which all bundles have everything. */
  readonly sealedPosition: number;
  /** Samples of that time were given up. */
  readonly gap?: HistoryGap;
}

export interface HistoryUsage {
  readonly chunkBytes: number;
  readonly chunkSamples: number;
  readonly rollupBytes: number;
  readonly fileBytes: number;
  readonly firstAt: EpochMs | undefined;
  readonly lastAt: EpochMs | undefined;
  readonly series: number;
}

/** Where chunks live. Every call is synchronous; errors of the disk are thrown as `HistoryDiskError`. */
export interface HistoryStore {
  series(): readonly NumberedSeries[];
  /** Newest sealed input per bundle, and over all. */
  positions(): { readonly sealed: number; readonly bundles: ReadonlyMap<number, number> };
  seal(seal: Seal): void;
  /** Chunks of a bundle and of its late twin that touch the range, oldest sealed first. */
  chunks(bundle: number, from: EpochMs, to: EpochMs): readonly StoredChunk[];
  /** Undefined: it was deleted meanwhile. */
  blob(chunk: number): Uint8Array | undefined;
  /** So many bytes of the chunk's blob from there on, fewer when it ends before. */
  part(chunk: number, at: number, length: number): Uint8Array | undefined;
  /** What `work` reads is of one state, and cheaper: the file is locked once. It writes nothing. */
  together<T>(work: () => T): T;
  /** Stretches that touch the range in which samples of any series were given up. */
  gaps(from: EpochMs, to: EpochMs): readonly HistoryGap[];
  rollups(bundle: number, fromDay: number, toDay: number): readonly StoredRollup[];
  /** Days of bundles with chunks newer than their roll-up, oldest first. */
  rollupsDue(beforeDay: number, limit: number): readonly { bundle: number; day: number }[];
  saveRollup(rollup: StoredRollup): void;
  /** Deletes at most `limit` rows older than these; returns how many went. */
  prune(chunksBefore: EpochMs, rollupsBeforeDay: number, limit: number): number;
  usage(): HistoryUsage;
  close(): void;
}

/** Room on the disk that is given up when there is none left. */
export interface DiskReserve {
  /** Why no more history is to be written now; undefined while there is room. Never throws. */
  check(): string | undefined;
  release(): void;
}

/** The disk refused. `isFull`: for want of space; the transaction is rolled back. */
export class HistoryDiskError extends Error {
  readonly isFull: boolean;
  constructor(message: string, isFull: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isFull = isFull;
  }
}
