import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { freePort, type Program, startVedette, waitReady } from '../../lab/programs.ts';

let folder: string;
let file: string;
let page: string;
let server: Program | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-signals-'));
  file = join(folder, 'vedette.yaml');
  const agents = await freePort(27_081);
  const people = await freePort(agents + 1);
  page = `http://127.0.0.1:${people}`;
  const listeners = { agents: { port: agents }, people: { port: people } };
  const content = {
    server: { ...listeners, state: join(folder, 'state') },
    sites: [{ id: 'lyon' }],
  };
  writeFileSync(file, stringify(content));
});
afterEach(async () => {
  await server?.end('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function started(): Promise<Program> {
  server = startVedette('server', ['server', '--config', file]);
  await waitReady(server, page);
  return server;
}

const exitOf = (program: Program): Promise<number | null> =>
  new Promise((resolve) => program.child.once('exit', resolve));

const sites = async (): Promise<string[]> => {
  const answer = await fetch(`${page}/api/v1/status`);
  const { sites: list } = (await answer.json()) as { sites: { id: string }[] };
  return list.map(({ id }) => id);
};

test('a hang-up swaps a good configuration, and keeps the old one for a bad one', async () => {
  const program = await started();
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, good.replace('lyon', 'lyon\n    nonsense: 1'));
  program.child.kill('SIGHUP');
  await expect.poll(() => program.tail(), { timeout: 5000 }).toMatch('the old one stays');
  expect(program.tail()).toMatch(/vedette\.yaml:\d+:\d+/);
  expect(await sites()).toEqual(['lyon']);
  writeFileSync(file, good.replace('- id: lyon', '- id: lyon\n  - id: nice'));
  program.child.kill('SIGHUP');
  await expect.poll(() => program.tail(), { timeout: 5000 }).toMatch('is in force');
  expect(await sites()).toEqual(['lyon', 'nice']);
  program.child.kill('SIGUSR2');
  await expect.poll(() => program.tail(), { timeout: 5000 }).toMatch('"level":"debug"');
});

test.runIf(process.platform === 'linux')(
  'it runs with a small nursery, as the same process',
  async () => {
    const { child } = await started();
    const words = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0');
    expect(words).toContain('--max-semi-space-size=8');
  },
);

test('a termination drains and ends with 0', async () => {
  const program = await started();
  const exit = exitOf(program);
  program.child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(program.tail()).toMatch('stopped');
});

test('a bad configuration ends with 78, with file, line and column', async () => {
  writeFileSync(file, 'server: { nonsense: 1 }\n');
  server = startVedette('server', ['server', '--config', file]);
  expect(await exitOf(server)).toBe(78);
  expect(server.tail()).toMatch(/vedette\.yaml:1:\d+/);
});

test('a second server on the same folder ends with 1 and says why', async () => {
  await started();
  const second = startVedette('second', ['server', '--config', file]);
  expect(await exitOf(second)).toBe(1);
  expect(second.tail()).toMatch('another vedette server uses this state folder');
});
