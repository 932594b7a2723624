import type { Series } from '../../protocol/model/sample.ts';
import type { DurationMs, EpochMs } from '../../protocol/model/units.ts';

/** Samples of one series, times ascending; counters as doubles (exact up to 2^53). */
export interface ForwardedSeries {
  readonly series: Series;
  readonly at: readonly EpochMs[];
  readonly value: readonly number[];
}

/** What became of one request; `answer` is in plain words, for the log. */
export type WriteOutcome =
  | { readonly kind: 'written' }
  | {
      /** Try again. `destination`: it does not answer or is busy; `request`: it fails on this one. */
      readonly kind: 'later';
      readonly scope: 'request' | 'destination';
      readonly answer: string;
      /** As the receiver asked (Retry-After). */
      readonly retryAfter?: DurationMs;
    }
  | {
      /** It will never be taken as it is. `isDivisible`: a part of it might (400, 413, 422). */
      readonly kind: 'refused';
      readonly isDivisible: boolean;
      readonly answer: string;
    };

/** Writes samples into one other time series store. Resolves for every outcome; never throws for an answer. */
export interface RemoteWriter {
  write(columns: readonly ForwardedSeries[], signal: AbortSignal): Promise<WriteOutcome>;
  close(): void;
}

/** The last input whose samples a destination has (taken or dropped); survives a restart. */
export interface ForwardMarks {
  read(): ReadonlyMap<string, number>;
  write(marks: ReadonlyMap<string, number>): Promise<void>;
}
