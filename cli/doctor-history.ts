import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { serverOptions } from '../config/map.ts';
import { problemText } from '../config/problem.ts';
import type { DurationMs } from '../protocol/model/units.ts';
import { noRoomIn } from '../server/adapters/disk-reserve/disk-reserve.ts';
import { openHistoryStore } from '../server/adapters/sqlite/history-store.ts';
import { DEFAULT_KEEPING, predictUse } from '../server/main.ts';
import type { HistoryUsage } from '../server/ports/history.ts';
import type { Check } from './doctor-checks.ts';

const NAME = 'history';
/** In this many days the disk must not be full. */
const AHEAD_DAYS = 30;

/** Disk that the history of a server takes now and will take, beside a running server too. */
export async function checkHistory(file: string): Promise<Check> {
  const loaded = await loadConfig(file, process.env);
  if (!loaded.ok) {
    const text = loaded.problems.map(problemText).join('; ');
    return { name: NAME, state: 'fail', text, fix: 'vedette config check names every problem' };
  }
  const { stateDir, history = DEFAULT_KEEPING } = serverOptions(loaded.config, process.env);
  const folder = history.folder ?? stateDir;
  const stopped = stoppedIn(folder);
  if (stopped !== undefined) return stopped;
  const path = join(folder, 'history.db');
  if (!existsSync(path)) return { name: NAME, state: 'ok', text: `nothing in ${folder} yet` };
  try {
    const store = openHistoryStore(path, true);
    const usage = store.usage();
    store.close();
    const { bavail, bsize } = statfsSync(folder);
    return judgeHistory(usage, history, statSync(path).size, bavail * bsize);
  } catch (cause) {
    const text = `${path} cannot be read: ${(cause as Error).message}`;
    return { name: NAME, state: 'fail', text, fix: 'see docs/runbook.md: the history is damaged' };
  }
}

/** A server that runs here has stopped keeping samples, or would. */
function stoppedIn(folder: string): Check | undefined {
  const because = existsSync(folder) ? noRoomIn(folder) : undefined;
  if (because === undefined) return undefined;
  const text = `STOPPED, samples are judged but not kept: ${because}`;
  const fix = `make room in ${folder}: it goes on by itself within half a minute`;
  return { name: NAME, state: 'fail', text, fix };
}

/**
 * @param taken bytes of the file now
 * @param free bytes that the disk still has
 */
export function judgeHistory(
  usage: HistoryUsage,
  keeping: { readonly rawFor: DurationMs; readonly rollupFor: DurationMs },
  taken: number,
  free: number,
): Check {
  const expected = predictUse(usage, keeping);
  const now = `${size(taken)} for ${usage.series} series, ${size(free)} free`;
  if (expected === undefined) {
    return { name: NAME, state: 'ok', text: `${now}; too young for a prediction` };
  }
  const perSample = (usage.chunkBytes / Math.max(1, usage.chunkSamples)).toFixed(2);
  const { bytesPerDay, finalBytes } = expected;
  const text = `${now}; ${size(bytesPerDay)} a day (${perSample} bytes a sample), in the end ${size(finalBytes)}`;
  const missing = finalBytes - taken - free;
  if (missing <= 0) return { name: NAME, state: 'ok', text };
  const days = Math.floor(free / Math.max(1, bytesPerDay));
  const fix = `make room for ${size(missing)}, or shorten server.history.raw or .rollup`;
  const state = days < AHEAD_DAYS ? 'fail' : 'warn';
  return { name: NAME, state, text: `${text}; the disk is full in ${days} days`, fix };
}

function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}
