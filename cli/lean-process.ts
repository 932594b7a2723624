import { realpathSync, statfsSync, statSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
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

const LEAN = {
  agent: { flags: AGENT_FLAGS, env: { MALLOC_ARENA_MAX: '1' } },
  server: { flags: SERVER_FLAGS, env: {} },
} as const;

/** Says to the next process how far it is. */
const MARK = 'VEDETTE_LEAN';

/** What the cache of one version takes, several times. On a full disk Node leaves an empty file of each source. */
const ROOM_BYTES = 64 * 1024 * 1024;

/**
 * Replaces this process by the same one with lean flags (same pid, same standard streams), and only
 * when it is the command itself: flags like these cannot be set in a running process. Twice: the first
 * loads all that the program will run and does nothing else, so that the second finds it without types
 * in `cache`: the stripper would be another 20 MB for as long as it runs. Returns in the second, and
 * where the system cannot do it; the program then is only larger.
 * @param cache where what is compiled may lie; unless NODE_COMPILE_CACHE says so
 */
export async function becomeLean(
  verb: keyof typeof LEAN,
  cache: () => string,
  load: () => Promise<unknown>,
): Promise<void> {
  if (process.argv[2] !== verb) return;
  const done = process.env[MARK];
  // Children are other programs.
  delete process.env[MARK];
  if (done === `${verb} runs`) return;
  if (done === `${verb} loads`) {
    await load();
    flushCompileCache();
    replace(verb, { [MARK]: `${verb} runs` });
    return;
  }
  const folder = process.env['NODE_COMPILE_CACHE'] || usable(cache);
  if (folder === undefined) {
    replace(verb, { [MARK]: `${verb} runs` });
    return;
  }
  replace(verb, { NODE_COMPILE_CACHE: folder, [MARK]: `${verb} loads` });
  enableCompileCache(folder);
}

/** Returns where it cannot be done. */
function replace(verb: keyof typeof LEAN, told: Readonly<Record<string, string>>): void {
  if (process.platform === 'win32' || process.execve === undefined) return;
  const { flags, env } = LEAN[verb];
  // Who gives one by hand means it.
  const given = `${process.execArgv.join(' ')} ${process.env['NODE_OPTIONS'] ?? ''}`;
  const missing = flags.filter((flag) => !given.includes(flag.split('=')[0]!));
  try {
    process.execve(
      process.execPath,
      [process.execPath, ...missing, ...process.execArgv, ...process.argv.slice(1)],
      { ...env, ...process.env, ...told },
    );
  } catch {
    // In a worker, or under a permission model: go on as we are.
  }
}

/**
 * The folder, if there is room in it and nobody else can write there: what lies in it is run. Without
 * it the program is only larger, so nothing is said; of a state folder, whoever opens it does.
 */
function usable(cache: () => string): string | undefined {
  try {
    const folder = cache();
    makeFolder(folder);
    const { uid, mode } = statSync(realpathSync(folder));
    const isOwn = process.getuid === undefined || (uid === process.getuid() && !(mode & 0o022));
    const { bavail, bsize } = statfsSync(folder);
    return isOwn && bavail * bsize > ROOM_BYTES ? folder : undefined;
  } catch {
    return undefined;
  }
}
