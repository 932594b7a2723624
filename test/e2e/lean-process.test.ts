import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { follow, freePort, vedetteCommand } from '../../lab/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'vedette-lean-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What Node says of its compile cache: where each process begins, and each source without its types. */
const BEGIN = 'resolved path';
const STRIPPED = /Creating temporary file for cache of (\S+) \(StrippedTypeScript\)/g;

/** Starts and stops a program; what it said, by the processes it was one after the other. */
async function runOnce(args: readonly string[], started: string, env: Record<string, string>) {
  // Not by a pipe: what Node says of itself is lost where nobody reads fast enough.
  const log = join(folder, `${args[0]}.log`);
  const fd = openSync(log, 'w');
  const child = spawn(...vedetteCommand(args), {
    env: { ...process.env, ...env, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
    stdio: ['ignore', fd, fd],
  });
  closeSync(fd);
  const program = follow('lean', child);
  const said = (): string => readFileSync(log, 'utf8');
  let flags = '';
  try {
    await expect.poll(() => said().includes(started), { timeout: 60_000, interval: 50 }).toBe(true);
    // Of the process that was started: it has the number it had.
    flags = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
  } finally {
    await program.end();
  }
  const [, loading = '', ...running] = said().split(BEGIN);
  const strippedIn = (text: string): string[] =>
    [...text.matchAll(STRIPPED)].map(([, file]) => file!);
  return { loaded: strippedIn(loading), later: running.flatMap(strippedIn), flags };
}

describe.skipIf(process.platform !== 'linux')('the first start', () => {
  test('of an agent finds everything without types, its thread too', async () => {
    const state = join(folder, 'agent');
    const args = ['agent', '--server', 'http://127.0.0.1:9', '--state', state];
    const env = { VEDETTE_TOKEN: `vedette_${'a'.repeat(43)}` };
    const { loaded, later, flags } = await runOnce(args, 'agent started', env);
    expect(loaded.filter((file) => file.includes('/icmp/socket-worker.ts'))).toHaveLength(1);
    expect(loaded.length).toBeGreaterThan(80);
    expect(later).toEqual([]);
    expect(flags).toContain('--max-semi-space-size=1\0');
    expect(statSync(join(state, 'cache')).mode & 0o077).toBe(0);
  });

  test('of a server likewise, and nothing of it lies where others can write', async () => {
    const [agents, people] = [await freePort(18_481), await freePort(18_491)];
    const file = join(folder, 'vedette.yaml');
    const server = {
      agents: { port: agents },
      people: { port: people },
      state: join(folder, 'server'),
    };
    writeFileSync(file, JSON.stringify({ server, sites: [{ id: 'hub', hub: true }] }));
    const env = { XDG_CACHE_HOME: join(folder, 'cache') };
    const args = ['server', '--config', file];
    const { loaded, later, flags } = await runOnce(args, 'watching', env);
    expect(loaded.filter((name) => name.endsWith('/server/history-thread.ts'))).toHaveLength(1);
    expect(loaded.length).toBeGreaterThan(200);
    expect(later).toEqual([]);
    expect(flags).toContain('--max-semi-space-size=8\0');
    expect(statSync(join(folder, 'cache', 'vedette')).mode & 0o077).toBe(0);
  });

  test('of an agent runs nothing from a folder in which others can write', async () => {
    const state = join(folder, 'shared');
    mkdirSync(join(state, 'cache'), { recursive: true, mode: 0o700 });
    chmodSync(join(state, 'cache'), 0o777);
    const args = ['agent', '--server', 'http://127.0.0.1:9', '--state', state];
    const env = { VEDETTE_TOKEN: `vedette_${'a'.repeat(43)}` };
    const { loaded, later, flags } = await runOnce(args, 'agent started', env);
    expect([...loaded, ...later]).toEqual([]);
    expect(flags).toContain('--max-semi-space-size=1\0');
  });
});
