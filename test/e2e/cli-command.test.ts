import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSink } from '../../lab/sink.ts';

const COMMAND = path.resolve('cli/vedette.ts');
const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vedette-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function vedette(args: string[], env: Record<string, string> = {}): SpawnSyncReturns<string> {
  const clean = { PATH: process.env['PATH'] ?? '', HOME: folder, ...env };
  const options = { cwd: folder, env: clean, encoding: 'utf8', timeout: 30_000 } as const;
  return spawnSync(process.execPath, [COMMAND, ...args], options);
}

/** Like `vedette`, while this process goes on (a sink must answer). */
function vedetteAsync(args: string[], env: Record<string, string>) {
  const clean = { PATH: process.env['PATH'] ?? '', HOME: folder, ...env };
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: clean });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

test('help names every verb, on stdout and with 0; without a verb it is wrong usage', () => {
  const help = vedette(['--help']);
  expect(help.status).toBe(0);
  for (const verb of ['demo', 'server', 'agent', 'config', 'token', 'tickets', 'replay']) {
    expect(help.stdout).toContain(`\n  ${verb} `);
  }
  const none = vedette([]);
  expect([none.status, none.stdout]).toEqual([2, '']);
  expect(none.stderr).toContain('vedette VERB');
});

test('a verb that does not exist is answered with the nearest one', () => {
  const result = vedette(['srever']);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('there is no verb "srever"; did you mean "server"?');
  expect(vedette(['constructor']).status).toBe(2);
});

test('version --json is for programs', () => {
  const { status, stdout } = vedette(['version', '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ name: 'vedette', wire: 1, node: expect.any(String) });
  expect(vedette(['--version']).stdout).toMatch(/^vedette \d/);
});

test('an option that does not exist is wrong usage, not a stack trace', () => {
  const result = vedette(['version', '--jsno']);
  expect(result.status).toBe(2);
  expect(result.stderr).toMatch(/Unknown option '--jsno'[\s\S]*See vedette version --help/);
  expect(result.stderr).not.toContain('at ');
});

test('a reader that leaves early ends the command without a word', async () => {
  const line = `${process.execPath} ${COMMAND} config schema | head -c 10; echo "$\{PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.trim().at(-1)).toBe('0');
});

test('config init writes a good file once, and check, print and schema agree with it', () => {
  expect(vedette(['config', 'init']).status).toBe(0);
  const written = readFileSync(path.join(folder, 'vedette.yaml'), 'utf8');
  const again = vedette(['config', 'init']);
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('already there')]);
  expect(readFileSync(path.join(folder, 'vedette.yaml'), 'utf8')).toBe(written);
  expect(vedette(['config', 'check']).status).toBe(0);
  expect(vedette(['config', 'print']).stdout).toContain('id: hub-a # vedette.yaml:');
  expect(vedette(['config', 'print', '--rules']).stdout).toContain('- id: link-unreachable');
  expect(JSON.parse(vedette(['config', 'schema']).stdout)).toMatchObject({ type: 'object' });
  expect(vedette(['config', 'chek']).status).toBe(2);
});

test('a bad configuration is 78, with the place on stderr or as JSON on stdout', () => {
  writeFileSync(path.join(folder, 'bad.yaml'), 'servr: {}\n');
  const words = vedette(['config', 'check', '--config', 'bad.yaml']);
  expect([words.status, words.stdout]).toEqual([78, '']);
  expect(words.stderr).toContain('bad.yaml:1:1: unknown key "servr"; did you mean "server"?');
  const json = vedette(['config', 'check', '--config', 'bad.yaml', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    problems: [{ at: { source: 'bad.yaml', line: 1, column: 1 } }],
  });
  expect(vedette(['config', 'check']).status).toBe(78);
});

test('tickets test sends a signed message and explains every answer', async () => {
  const sink = await startSink({ secret: SECRET });
  const destination = (secrets: string) =>
    `tickets: { destinations: [{ id: desk, url: '${sink.url}', secrets: [${secrets}] }] }`;
  writeFileSync(path.join(folder, 'vedette.yaml'), destination('{ env: HOOK }'));
  try {
    const good = await vedetteAsync(['tickets', 'test', 'desk'], { HOOK: SECRET });
    expect(good).toMatchObject({ status: 0, stdout: expect.stringContaining('desk: taken (200') });
    expect(sink.messages().map(({ message }) => message.type)).toEqual(['test']);
    expect(sink.tickets()).toEqual([]);
    const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const wrong = await vedetteAsync(['tickets', 'test', 'desk'], { HOOK: other });
    expect(wrong).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('the receiver has another secret'),
    });
  } finally {
    await sink.close();
  }
  const dead = await vedetteAsync(['tickets', 'test', 'desk', '--json'], { HOOK: SECRET });
  expect(dead.status).toBe(1);
  expect(JSON.parse(dead.stdout)).toMatchObject({ kind: 'later', destination: 'desk' });
  expect(vedette(['tickets', 'test', 'dsk'], { HOOK: SECRET })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('did you mean "desk"?'),
  });
  expect(vedette(['tickets', 'test', 'desk']).status).toBe(78);
});

test('tickets status says 69 when no server answers', () => {
  const result = vedette(['tickets', 'status', '--server', 'http://127.0.0.1:9']);
  expect(result.status).toBe(69);
  expect(result.stderr).toContain('Is the server running?');
});
