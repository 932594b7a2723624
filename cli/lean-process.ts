import { enableCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { makeFolder } from '../agent/adapters/file-spool/folder.ts';

/**
 * How V8 and malloc keep an agent small. Measured with 500 targets at 5 s rounds, resident after
 * 40 s: 166 MB without any of this, 117 MB with the compile cache, 94 MB with all.
 * Young objects die young here, so a tiny nursery is enough (-13 MB); maglev alone is as fast as
 * with turbofan for so little work, and its compiler's pages stay on disk (-10 MB); one thread
 * collects garbage, and one arena serves malloc.
 */
const AGENT_FLAGS = [
  '--max-semi-space-size=1',
  '--no-opt',
  '--single-threaded-gc',
  '--optimize-for-size',
  '--v8-pool-size=0',
];

/**
 * A nursery that fits the cache of the processor: with V8's own 32 MB every batch pushes out of it what
 * the rules know. 2,000 series at 30 s, 12 to 14 hours each, five runs: 5.5 to 5.9 CPU-s per million
 * samples without, 4.3 to 4.8 with 8 MB, 4.2 to 5.0 with 4, 4.8 to 5.6 with 2, 5.6 to 6.0 with 1. And
 * where the nursery is larger than what the heap may still grow by, V8 marks the whole heap again and again.
 */
export const SERVER_FLAGS: readonly string[] = ['--max-semi-space-size=8'];

const MARK = 'VEDETTE_FLAGGED';

/**
 * Replaces this process by the same one with lean flags (same pid, same standard streams), once, and
 * only when it is the command itself. Flags like these cannot be set in a running process. Sources
 * without types are kept under `state`, or the stripper alone would be another 20 MB. Returns where
 * the system cannot do it; the agent then is only larger.
 */
export function becomeLean(state: string): void {
  const cache = process.env['NODE_COMPILE_CACHE'] ?? cacheFolder(state);
  if (cache === undefined) return;
  restart('agent', AGENT_FLAGS, { MALLOC_ARENA_MAX: '1', NODE_COMPILE_CACHE: cache });
  enableCompileCache(cache);
}

function restart(
  verb: string,
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): void {
  const isCommand = process.argv[2] === verb && process.env[MARK] !== verb;
  if (!isCommand || process.platform === 'win32' || process.execve === undefined) return;
  try {
    process.execve(
      process.execPath,
      // Of two values the later holds: who gives one by hand means it.
      [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)],
      { ...env, ...process.env, [MARK]: verb },
    );
  } catch {
    // In a worker, or under a permission model: go on as we are.
  }
}

/** The same for the server, by `SERVER_FLAGS`. */
export function keepNurserySmall(): void {
  restart('server', SERVER_FLAGS, {});
}

/** Undefined where the state folder cannot be used: whoever starts the agent says so. */
function cacheFolder(state: string): string | undefined {
  const folder = resolve(state, 'cache');
  try {
    makeFolder(folder);
    return folder;
  } catch {
    return undefined;
  }
}
