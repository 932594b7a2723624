import http from 'node:http';
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
  readonly asked: Asked;
}

export interface Asked {
  /** 95th percentile, one series over 24 h, by HTTP until the last byte is here, ms. */
  readonly p95Ms: number;
  /** Half of them took at most this, ms. */
  readonly p50Ms: number;
  /** CPU of the server for one query, all threads, on average, ms. */
  readonly cpuMs: number;
}

/** Asked before anything is measured: a server that has run for a while has compiled what it needs. */
export const WARM_QUERIES = 50;

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
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  let cpuBefore = 0;
  for (const [n, { url, check }] of questions.entries()) {
    if (n === WARM_QUERIES) cpuBefore = cpuSecondsOf(pid);
    const started = performance.now();
    const body = await get(url, agent);
    if (n >= WARM_QUERIES) times.push(performance.now() - started);
    check(body.toString());
  }
  const cpuMs = ((cpuSecondsOf(pid) - cpuBefore) * 1000) / times.length;
  agent.destroy();
  return { p95Ms: quantile(times, 0.95), p50Ms: quantile(times, 0.5), cpuMs };
}

const get = (url: string, agent: http.Agent): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => void parts.push(part));
      response.once('end', () => {
        const body = Buffer.concat(parts);
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${url}: ${response.statusCode} ${body.toString()}`));
      });
    });
    request.once('error', reject);
  });

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
