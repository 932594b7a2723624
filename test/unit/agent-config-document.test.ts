import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sealCredentials, unsealCredentials } from '../../agent/adapters/lowdb/credential-seal.ts';
import { openDocumentFile } from '../../agent/adapters/lowdb/document-file.ts';
import type { AgentConfig } from '../../protocol/wire/agent-config.ts';
import { createFakeLog } from '../support/agent-fakes.ts';

const config: AgentConfig = {
  v: 1,
  revision: 'r1',
  agent: 'branch-1',
  site: 'lyon',
  targets: [],
  credentials: { lan: { version: '2c', community: 'very-secret-community' } },
  confirm: [{ id: 'c1', target: 'x', until: 1 }],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-document-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, 'agent.json');
const open = (secret = 'token', log = createFakeLog()) =>
  openDocumentFile({ path: path(), secret, log });

async function write(): Promise<void> {
  const store = await open();
  Object.assign(store.document, { agent: 'branch-1', config, etag: '"r1"' });
  store.document.interfaces['r1'] = [{ id: 'ge0', ifIndex: 1, name: 'ge0' }];
  store.touch();
  await store.flush();
}

describe('agent.json', () => {
  test('comes back as it was, except for confirmations of the moment', async () => {
    await write();
    const { document } = await open();
    expect(document.config).toEqual({ ...config, confirm: [] });
    expect(document).toMatchObject({ agent: 'branch-1', etag: '"r1"' });
    expect(document.interfaces).toEqual({ r1: [{ id: 'ge0', ifIndex: 1, name: 'ge0' }] });
  });

  test('is readable by its owner only and holds no secret', async () => {
    writeFileSync(path(), '{"v":1,"interfaces":{}}', { mode: 0o644 });
    await write();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readFileSync(path(), 'utf8')).not.toContain('very-secret');
    expect(readFileSync(path(), 'utf8')).toContain('"name": "ge0"');
  });

  test('with another key the credentials are gone, the rest stays, and the server is asked anew', async () => {
    await write();
    const log = createFakeLog();
    const { document } = await open('another token', log);
    expect(document.config).toMatchObject({ agent: 'branch-1', credentials: {} });
    expect(document.etag).toBeUndefined();
    expect(log.lines[0]?.sentence).toContain('another key');
  });

  test.each([
    ['half a document', '{"v":1,"inter'],
    ['nothing', ''],
    ['another thing', '[]'],
    ['null', 'null'],
    ['binary', '\u0000\u0001\u0002'],
    ['a later version', '{"v":2}'],
    ['interfaces of the wrong kind', '{"v":1,"interfaces":null}'],
  ])('%s is moved aside with a message, not fatal', async (_, text) => {
    writeFileSync(path(), text);
    const log = createFakeLog();
    const store = await open('token', log);
    expect(store.document).toEqual({ interfaces: {} });
    expect(log.lines[0]).toMatchObject({ level: 'error' });
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^agent\.json\.damaged-\d+$/)]);
  });

  test('many changes are one write, and a flush without changes is none', async () => {
    const store = await open();
    await store.flush();
    expect(readdirSync(folder)).toEqual([]);
    for (let i = 0; i < 100; i++) {
      store.document.interfaces[`r${i}`] = [];
      store.touch();
    }
    await store.flush();
    expect(Object.keys((await open()).document.interfaces)).toHaveLength(100);
  });
});

describe('sealed credentials', () => {
  test('open with the same secret only, and differ each time', () => {
    const one = sealCredentials(config.credentials, 'key');
    const two = sealCredentials(config.credentials, 'key');
    expect(one.sealed).not.toBe(two.sealed);
    expect(unsealCredentials(one, 'key')).toEqual(config.credentials);
    expect(unsealCredentials(one, 'other')).toBeUndefined();
  });

  test('any change to them is noticed', () => {
    const sealed = sealCredentials(config.credentials, 'key');
    for (const field of ['salt', 'nonce', 'tag', 'sealed'] as const) {
      const bytes = Buffer.from(sealed[field], 'base64');
      bytes[0] = (bytes[0] as number) ^ 1;
      const changed = { ...sealed, [field]: bytes.toString('base64') };
      expect(unsealCredentials(changed, 'key')).toBeUndefined();
      expect(unsealCredentials({ ...sealed, [field]: '' }, 'key')).toBeUndefined();
      expect(unsealCredentials({ ...sealed, [field]: 7 as never }, 'key')).toBeUndefined();
    }
  });

  test('a shortened tag is no tag', () => {
    const sealed = sealCredentials(config.credentials, 'key');
    const tag = Buffer.from(sealed.tag, 'base64').subarray(0, 4).toString('base64');
    expect(unsealCredentials({ ...sealed, tag }, 'key')).toBeUndefined();
  });
});
