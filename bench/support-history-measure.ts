import { cpuSecondsOf } from '../lab/prometheus.ts';
import type { EpochMs } from '../protocol/model/units.ts';

/** What is measured on either side. */
export interface HistoryFigures {
  readonly samples: number;
  /** CPU-seconds of the process, all threads, for a million samples. */
  readonly cpuPerMillion: number;
  readonly bytesPerSample: number;
  readonly diskNote: string;
  /** Growth of the resident memory since the start, bytes for each series. */
  readonly residentPerSeries: number;
  /** Bytes. */
  readonly residentPeak: number;
  /** 95th percentile, one series over 24 h, by HTTP. */
  readonly queryMs: number;
}

/** One query: the round trip of a link over a day. */
export interface Picked {
  readonly link: string;
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Samples in it. */
  readonly points: number;
}

export function p95(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.NaN;
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Blocks are written, chunks are sealed in the background: waits until it rests for two seconds. */
export async function settled(pid: number): Promise<void> {
  for (let n = 0; n < 60; n++) {
    const before = cpuSecondsOf(pid);
    await pause(2000);
    if (cpuSecondsOf(pid) - before < 0.1) return;
  }
  throw new Error('the process does not come to rest');
}
