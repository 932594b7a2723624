import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSetup } from '../../cli/setup.ts';
import type { MaintenanceWindow } from '../../protocol/model/inventory.ts';
import { openFileLog } from '../../server/adapters/file-log/file-log.ts';
import { exportLines, type RunningServer, startServer } from '../../server/main.ts';
import type { WindowView } from '../../server/ports/maintenance.ts';

let folder: string;
let server: RunningServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-maintenance-'));
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const CONFIG = {
  sites: [{ id: 'hub', hub: true }, { id: 'lyon' }],
  agents: [{ id: 'hub-a', site: 'hub' }],
  maintenance: [
    {
      id: 'night',
      subjects: ['site:hub'],
      cron: '0 2 * * *',
      timeZone: 'Europe/Paris',
      lasts: '1h',
    },
  ],
};

async function setupOf(content: object = CONFIG) {
  const file = join(folder, 'vedette.yaml');
  const state = join(folder, 'state');
  writeFileSync(file, JSON.stringify({ ...content, server: { state } }));
  const loaded = await loadSetup(file);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const { options } = loaded.setup;
  const free = { agents: { ...options.agents, port: 0 }, people: { ...options.people, port: 0 } };
  return { ...loaded.setup, options: { ...options, ...free } };
}

async function start(): Promise<RunningServer> {
  const log = pino({ level: 'silent' });
  server = await startServer({ setup: await setupOf(), version: '0.0.0', log });
  return server;
}

/** `vedette maintenance …` against the running server. */
const vedette = (...words: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const argv = ['cli/vedette.ts', 'maintenance', ...words, '--server', server?.peopleUrl ?? ''];
    execFile(process.execPath, argv, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
const listed = async (): Promise<WindowView[]> =>
  JSON.parse((await vedette('list', '--json')).out) as WindowView[];

test('work is announced, listed, survives a restart, and is ended', async () => {
  await start();
  const added = await vedette(
    'add',
    'New router',
    '--on',
    'site:lyon',
    '--for',
    '2h',
    '--by',
    'ana',
  );
  expect(added).toMatchObject({ code: 0, err: '' });
  expect(added.out).toMatch(/site:lyon {2}New router {2}\(mw-\w+, announced by ana\)/);
  const windows = await listed();
  const [mine] = windows.filter(({ source }) => source === 'person');
  expect(mine).toMatchObject({ name: 'New router', by: 'ana', subjects: ['site:lyon'] });
  expect((mine?.until ?? 0) - (mine?.from ?? 0)).toBe(7_200_000);
  // Five weeks of nights, one of which may be on now.
  expect(windows.length - 1).toBeGreaterThanOrEqual(34);
  expect(windows.length - 1).toBeLessThanOrEqual(37);

  await server?.stop();
  await start();
  expect((await listed()).map(({ id }) => id)).toContain(mine?.id);
  expect(await vedette('end', mine?.id ?? '')).toMatchObject({ code: 0 });
  expect((await listed()).map(({ id }) => id)).not.toContain(mine?.id);
  expect(JSON.parse(readFileSync(join(folder, 'state/maintenance.json'), 'utf8'))).toEqual([]);
  await server?.stop();
  server = undefined;

  // What was announced went through the input log, as every change of settings does.
  const known = await windowsInLog();
  expect(known.at(-1)?.some(({ id }) => id === mine?.id)).toBe(false);
  expect(known.some((some) => some.some(({ id }) => id === mine?.id))).toBe(true);
});

async function windowsInLog(): Promise<MaintenanceWindow[][]> {
  const log = await openFileLog({ folder: join(folder, 'state/log'), isReadOnly: true });
  const found: MaintenanceWindow[][] = [];
  for await (const line of exportLines(log.read(1), [], { withSettings: true })) {
    const { config } = JSON.parse(line) as { config?: { maintenance?: MaintenanceWindow[] } };
    if (config !== undefined) found.push(config.maintenance ?? []);
  }
  await log.close();
  return found;
}

test('a reload swaps the configured windows and keeps the announced ones', async () => {
  const running = await start();
  await vedette('add', 'New router', '--on', 'site:lyon', '--for', '2h');
  await running.reload(await setupOf({ ...CONFIG, maintenance: [] }));
  expect((await listed()).map(({ name }) => name)).toEqual(['New router']);
});

test.each([
  ['an unknown subject', ['add', 'x', '--on', 'site:lyno', '--for', '1h'], 1, /no site:lyno/],
  ['a subject that is none', ['add', 'x', '--on', 'lyon', '--for', '1h'], 1, /subjects/],
  [
    'an end before the start',
    ['add', 'x', '--on', 'site:lyon', '--until', '2020-01-01T00:00:00Z'],
    1,
    /ends before|over/,
  ],
  [
    'a time without a zone',
    ['add', 'x', '--on', 'site:lyon', '--until', '2099-01-01T00:00'],
    2,
    /with its zone/,
  ],
  ['no end', ['add', 'x', '--on', 'site:lyon'], 2, /--for or --until/],
  ['no subject', ['add', 'x', '--for', '1h'], 2, /--on/],
  ['half a year', ['add', 'x', '--on', 'site:lyon', '--for', '180d'], 1, /30 days/],
  ['an unknown window', ['end', 'mw-nothing'], 1, /No window/],
  ['a word that is no verb', ['ad'], 2, /did you mean "add"/],
])('%s is refused with a reason', async (_, words, code, expected) => {
  await start();
  const answer = await vedette(...words);
  expect(answer.code).toBe(code);
  expect(answer.err).toMatch(expected);
});

test('a window of the configuration cannot be ended, a broken file is not the end of the server', async () => {
  await start();
  const [night] = await listed();
  expect((await vedette('end', night?.id ?? '')).err).toMatch(/change it there/);
  await server?.stop();
  writeFileSync(join(folder, 'state/maintenance.json'), '[{"id":3}]');
  await start();
  expect((await listed()).every(({ source }) => source === 'configuration')).toBe(true);
});

test('a page of another web site cannot announce anything', async () => {
  const { peopleUrl } = await start();
  const response = await fetch(`${peopleUrl}/api/v1/maintenance`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' },
    body: JSON.stringify({ by: 'x', name: 'x', subjects: ['site:lyon'], until: Date.now() + 1e6 }),
  });
  expect(response.status).toBe(403);
});

test('a server that is not there is exit code 69', async () => {
  expect((await vedette('list', '--server', 'http://127.0.0.1:1')).code).toBe(69);
});
