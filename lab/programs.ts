import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** The `vedette` command of this checkout. */
const VEDETTE = new URL('../cli/vedette.ts', import.meta.url).pathname;
const KEPT_LINES = 15;
const HARD_AFTER_MS = 25_000;

/** A running process of ours, with the last lines of what it said. */
export interface Program {
  readonly name: string;
  readonly child: ChildProcess;
  readonly isRunning: () => boolean;
  readonly tail: () => string;
  /** Waits until it is gone; kills hard after 25 s. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Keeps the last lines of a child's output and knows how to end it. */
export function follow(name: string, child: ChildProcess): Program {
  const lines: string[] = [];
  const keep = (chunk: Buffer): void => {
    lines.push(...chunk.toString().split('\n').filter(Boolean));
    lines.splice(0, Math.max(0, lines.length - KEPT_LINES));
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    name,
    child,
    isRunning,
    tail: () => lines.join('\n'),
    async end(signal = 'SIGTERM') {
      if (!isRunning()) return;
      await new Promise<void>((resolve) => {
        const hard = setTimeout(() => child.kill('SIGKILL'), HARD_AFTER_MS);
        child.once('exit', () => {
          clearTimeout(hard);
          resolve();
        });
        child.kill(signal);
      });
    },
  };
}

/** Starts `vedette ARGS` with the Node that runs us. */
export function startVedette(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Program {
  const child = spawn(process.execPath, [VEDETTE, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return follow(name, child);
}

/** Arguments that start `vedette` inside another program, such as `ip netns exec`. */
export const vedetteCommand = (args: readonly string[]): [string, string[]] => [
  process.execPath,
  [VEDETTE, ...args],
];

/** Waits until the server answers /readyz; throws with its last words when it ended or took too long. */
export async function waitReady(server: Program, url: string, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if (!server.isRunning()) throw new Error(`${server.name} ended:\n${server.tail()}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error(`${server.name} is not ready:\n${server.tail()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A new token for an agent, made the way an administrator does it. */
export function createToken(
  agent: string,
  config: string,
  env: Record<string, string> = {},
): string {
  const out = execFileSync(
    process.execPath,
    [VEDETTE, 'token', 'create', agent, '--config', config],
    {
      encoding: 'utf8',
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return out.trim().split('\n').at(-1) ?? '';
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** The first free TCP port from `from` on; throws when the next fifty are taken. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + 50; port++) if (await isFree(port)) return port;
  throw new Error(`no free port between ${from} and ${from + 49}; choose another one`);
}
