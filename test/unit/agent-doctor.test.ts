import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readToken, stateFolder } from '../../cli/agent.ts';
import { run } from '../../cli/doctor.ts';
import {
  checkDisk,
  checkNode,
  checkOpenFiles,
  checkPing,
  checkReceiveBuffer,
  checkStateFolder,
} from '../../cli/doctor-checks.ts';
import { checkServer, checkSkew, checkToken } from '../../cli/doctor-server.ts';
import { openFakeCollector } from '../support/fake-collector.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-doctor-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the doctor', () => {
  test.each([
    ['v26.10.0', 'ok'],
    ['v24.0.0', 'ok'],
    ['v20.20.0', 'fail'],
    ['garbage', 'fail'],
  ])('Node %s: %s', (version, state) => {
    expect(checkNode(version).state).toBe(state);
  });

  test.each([
    ['Max open files            1024                 4096                 files', 'warn'],
    ['Max open files            65536                65536                files', 'ok'],
    ['Max open files            unlimited            unlimited            files', 'ok'],
    [undefined, 'ok'],
  ])('open files %s: %s', (limits, state) => {
    expect(checkOpenFiles(limits).state).toBe(state);
  });

  test.each([
    ['212992', 'warn'],
    ['4194304', 'ok'],
    [undefined, 'ok'],
    ['nonsense', 'ok'],
  ])('receive buffer %s: %s', (text, state) => {
    expect(checkReceiveBuffer(text).state).toBe(state);
  });

  test('a state folder that is not there yet is fine where it can be made, and is not made', () => {
    const path = join(folder, 'a', 'b');
    expect(checkStateFolder(path)).toMatchObject({ state: 'ok' });
    expect(checkDisk(path).state).not.toBe('fail');
    expect(existsSync(join(folder, 'a'))).toBe(false);
    expect(checkStateFolder('/dev/null/b').state).toBe('fail');
  });

  test('a missing ping names the package', () => {
    const check = checkPing('/nowhere');
    if (check.state === 'warn') expect(check.fix).toContain('iputils-ping');
    else expect(check.text).toContain('/ping');
  });

  test('the token is judged by what the server says of it', () => {
    expect(checkToken(200, 't').state).toBe('ok');
    expect(checkToken(401, 't')).toMatchObject({ state: 'fail', fix: expect.any(String) });
    expect(checkToken(404, 't').state).toBe('fail');
    expect(checkToken(503, 't').state).toBe('warn');
    expect(checkToken(200, undefined).state).toBe('warn');
  });

  test('clock skew: rounding is fine, a minute is a warning, ten minutes are a failure', () => {
    const at = Date.parse('2026-01-05T09:14:30.000Z');
    const date = (shift: number) => new Date(at + shift).toUTCString();
    expect(checkSkew(date(0), at).state).toBe('ok');
    expect(checkSkew(date(-60_000), at)).toMatchObject({
      state: 'warn',
      text: expect.stringContaining('ahead of'),
    });
    expect(checkSkew(date(600_000), at)).toMatchObject({
      state: 'fail',
      text: expect.stringContaining('behind'),
    });
    expect(checkSkew(null, at).state).toBe('warn');
    expect(checkSkew('yesterday', at).state).toBe('warn');
  });

  test('a server is tried for real: reached, token, clock', async () => {
    const collector = await openFakeCollector('good');
    collector.config = { etag: '"1"', value: {} };
    const states = async (token: string | undefined) =>
      (await checkServer(new URL(collector.url), token)).map((check) => check.state);
    expect(await states('good')).toEqual(['ok', 'ok', 'ok']);
    expect(await states('bad')).toEqual(['ok', 'fail', 'ok']);
    expect(await states(undefined)).toEqual(['ok', 'warn', 'ok']);
    await collector.close();
    const [gone] = await checkServer(new URL(collector.url), 'good');
    expect(gone).toMatchObject({ state: 'fail', fix: expect.stringContaining('port') });
  });

  test('wrong usage is exit code 2, a server over plain http too', async () => {
    expect(await run(['--nonsense'])).toBe(2);
    expect(await run(['--server', 'http://192.0.2.1'])).toBe(2);
    expect(await run(['--help'])).toBe(0);
  });
});

describe('where an agent finds its token and its folder', () => {
  test('the token: variable, then file, then systemd credential', () => {
    writeFileSync(join(folder, 'vedette-token'), 'from-systemd\n');
    writeFileSync(join(folder, 'file'), '  from-file \n');
    const all = {
      VEDETTE_TOKEN: 'from-variable',
      VEDETTE_TOKEN_FILE: join(folder, 'file'),
      CREDENTIALS_DIRECTORY: folder,
    };
    expect(readToken(all)).toEqual({ kind: 'token', token: 'from-variable' });
    const { VEDETTE_TOKEN: _, ...less } = all;
    expect(readToken(less)).toEqual({ kind: 'token', token: 'from-file' });
    expect(readToken({ CREDENTIALS_DIRECTORY: folder })).toEqual({
      kind: 'token',
      token: 'from-systemd',
    });
  });

  test('no token, an empty one or an unreadable file say what to do', () => {
    writeFileSync(join(folder, 'empty'), '\n');
    expect(readToken({})).toMatchObject({
      kind: 'missing',
      text: expect.stringContaining('VEDETTE_TOKEN'),
    });
    expect(readToken({ VEDETTE_TOKEN_FILE: join(folder, 'empty') }).kind).toBe('missing');
    expect(readToken({ VEDETTE_TOKEN_FILE: join(folder, 'gone') })).toMatchObject({
      kind: 'missing',
      text: expect.stringContaining('ENOENT'),
    });
  });

  test('the folder: systemd, then XDG, then home', () => {
    expect(stateFolder({ STATE_DIRECTORY: '/var/lib/vedette:/x', XDG_STATE_HOME: '/s' })).toBe(
      '/var/lib/vedette',
    );
    expect(stateFolder({ XDG_STATE_HOME: '/s' })).toBe('/s/vedette/agent');
    expect(stateFolder({})).toMatch(/\.local\/state\/vedette\/agent$/);
  });
});
