import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpuSecondsOf } from '../lab/prometheus.ts';
import type { EpochMs } from '../protocol/model/units.ts';
import type { FromAsker, ToAsker } from './support-history-asker.ts';

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
  readonly asked: Asked;
}

export interface Asked {
  /** 95th percentile, one series over 24 h, by HTTP until the last byte is here, ms. */
  readonly p95Ms: number;
  /** Half of them took at most this, ms. */
  readonly p50Ms: number;
  /** CPU of the server for one query, all threads, on average, ms. */
  readonly cpuMs: number;
  /** 95th percentile of the first ones, when nothing was warm, and of those until it was, ms. */
  readonly coldP95Ms: number;
  readonly warmingP95Ms: number;
}

const ASKER = new URL('./support-history-asker.ts', import.meta.url).pathname;

/**
 * Asked before anything is measured: a server runs for weeks. V8 compiles until about the thousandth
 * query, and the links of 20,000 series lie in 125 bundles, each opened when it is first asked for.
 */
export const WARM_QUERIES = 1000;
/** What those take who come first is told beside it. */
export const FIRST_QUERIES = 250;

/**
 * Asks either side in the same way: one question after the other over one connection that stays open,
 * timed until the last byte has come. What the client makes of the text is not the server's time.
 * @param pid of the server
 * @param check throws when the text is not the answer
 */
export async function askAll(
  pid: number,
  questions: readonly { readonly url: string; readonly check: (text: string) => void }[],
): Promise<Asked> {
  const asker = fork(ASKER, { execArgv: process.execArgv });
  const ended = once(asker, 'exit').then(() => {
    throw new Error('the asker ended without an answer');
  });
  const answered = once(asker, 'message') as Promise<[FromAsker]>;
  const message: ToAsker = { urls: questions.map(({ url }) => url), warm: WARM_QUERIES, pid };
  asker.send(message);
  const [{ times, bodies, cpu }] = await Promise.race([answered, ended]);
  for (const [n, { check }] of questions.slice(WARM_QUERIES).entries()) check(bodies[n]!);
  const measured = times.slice(WARM_QUERIES);
  return {
    p95Ms: quantile(measured, 0.95),
    p50Ms: quantile(measured, 0.5),
    cpuMs: (cpu * 1000) / measured.length,
    coldP95Ms: quantile(times.slice(0, FIRST_QUERIES), 0.95),
    warmingP95Ms: quantile(times.slice(FIRST_QUERIES, WARM_QUERIES), 0.95),
  };
}

/** One query: the round trip of a link over a day. */
export interface Picked {
  readonly link: string;
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Samples in it. */
  readonly points: number;
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
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
