import { readdirSync, readFileSync } from 'node:fs';
import { type DurationMs, durationMs } from '../protocol/model/units.ts';

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which `share` (0..1) of the numbers lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** `count` different loopback addresses, none of them 127.0.0.1. */
export const loopbackAddresses = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `127.1.${i >> 8}.${i & 255}`);

/** CPU seconds of this process: all threads, and all but the main one. */
export function cpuSeconds(): { readonly all: number; readonly besideMain: number } {
  const tasks = readdirSync('/proc/self/task').filter((task) => task !== String(process.pid));
  let nanoseconds = 0;
  for (const task of tasks) {
    try {
      nanoseconds += Number(
        readFileSync(`/proc/self/task/${task}/schedstat`, 'utf8').split(' ')[0],
      );
    } catch {
      // A thread that ended meanwhile.
    }
  }
  const { user, system } = process.cpuUsage();
  return { all: (user + system) / 1e6, besideMain: nanoseconds / 1e9 };
}

/** Keeps the main thread busy 7 of 10 ms until stopped. */
export function startLoad(): () => void {
  let isStopped = false;
  const burn = (): void => {
    if (isStopped) return;
    const until = performance.now() + 7;
    while (performance.now() < until);
    setTimeout(burn, 3);
  };
  burn();
  return () => {
    isStopped = true;
  };
}

/**
 * Starts one round for each address, spread evenly over `spreadMs`, by the clock and not by counting
 * timers: a late timer starts what it owes.
 */
export async function spreadRounds<T>(
  addresses: readonly string[],
  spreadMs: number,
  start: (address: string) => Promise<T>,
): Promise<T[]> {
  const rounds: Promise<T>[] = [];
  const startedAt = performance.now();
  while (rounds.length < addresses.length) {
    const owed = Math.ceil(((performance.now() - startedAt) / spreadMs) * addresses.length);
    while (rounds.length < Math.min(owed, addresses.length)) {
      rounds.push(start(addresses[rounds.length] as string));
    }
    await sleep(1);
  }
  return Promise.all(rounds);
}

export interface EchoShape {
  readonly targets: number;
  readonly count: number;
  readonly spacing: DurationMs;
  readonly spreadMs: number;
  readonly repeats: number;
}

/** Both send 10,000 echoes a second. */
export const SHAPES: readonly EchoShape[] = [
  { targets: 1_000, count: 5, spacing: durationMs(100), spreadMs: 100, repeats: 6 },
  { targets: 10_000, count: 1, spacing: durationMs(1_000), spreadMs: 1_000, repeats: 3 },
];
