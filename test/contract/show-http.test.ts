import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createFakeShow, type FakeShow, type FakeShowOptions } from '../support/fake-show.ts';

const OPEN: FakeShow[] = [];
const FOLDERS: string[] = [];

async function listening(options: FakeShowOptions = {}): Promise<[FakeShow, string]> {
  const show = await createFakeShow({ pageRoot: '/nonexistent', ...options });
  OPEN.push(show);
  return [show, await show.listen()];
}

afterEach(async () => {
  for (const show of OPEN.splice(0)) await show.close();
  for (const folder of FOLDERS.splice(0)) rmSync(folder, { recursive: true });
});

interface Listener {
  readonly answer: IncomingMessage;
  readonly text: () => string;
  /** Resolves when `pattern` has been read. */
  until(pattern: RegExp): Promise<string>;
}

/** A page's stream over a real socket. */
function listen(url: string, headers: Record<string, string> = {}): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/api/v1/stream`, { headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        answer.emit('read');
      });
      // A server that goes away is not a fault of the test.
      answer.on('error', () => undefined);
      resolve({
        answer,
        text: () => text,
        until: (pattern) =>
          new Promise((found, failed) => {
            const timer = setTimeout(() => failed(new Error(`never read ${pattern}`)), 5_000);
            const look = () => {
              if (!pattern.test(text)) return;
              clearTimeout(timer);
              answer.off('read', look);
              found(text);
            };
            answer.on('read', look);
            look();
          }),
      });
    });
    request.on('error', reject);
  });
}

describe('the stream over HTTP', () => {
  test('is not cached or buffered on the way and begins with the whole status', async () => {
    const [, url] = await listening();
    const one = await listen(url);
    expect(one.answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    const text = await one.until(/\n\n.*\n\n/s);
    const status = JSON.parse(/^data: (.+)$/m.exec(text)?.[1] ?? '');
    expect(status.sites).toHaveLength(12);
    one.answer.destroy();
  });

  test('is resumed from the last id with what changed since', async () => {
    const [show, url] = await listening();
    const first = await listen(url);
    const id = /^id: (.+)$/m.exec(await first.until(/^data: .+\n\n/m))?.[1] ?? '';
    first.answer.destroy();
    const now = Date.now() as never;
    show.model.apply(
      [
        {
          kind: 'subject.changed',
          at: now,
          subject: 'link:cork-dia',
          health: 'down',
          because: 'x',
        },
      ],
      now,
    );
    const again = await listen(url, { 'last-event-id': id });
    const text = await again.until(/^data: .+\n\n/m);
    expect(text).toMatch(/^event: change$/m);
    expect(text).not.toMatch(/^event: snapshot$/m);
    const change = JSON.parse(/^data: (.+)$/m.exec(text)?.[1] ?? '');
    expect(change.links).toEqual([expect.objectContaining({ id: 'cork-dia', health: 'down' })]);
    again.answer.destroy();
  });

  test('refuses more readers than it is made for', async () => {
    const [, url] = await listening({ maxStreams: 1 });
    const first = await listen(url);
    const second = await listen(url);
    expect(second.answer.statusCode).toBe(503);
    expect(second.answer.headers['retry-after']).toBe('10');
    expect(second.answer.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(await second.until(/}$/)).code).toBe('busy');
    first.answer.destroy();
  });

  test('ends when the server closes, and does not hold it up', async () => {
    const [show, url] = await listening();
    const one = await listen(url);
    const ended = new Promise((resolve) => one.answer.once('close', resolve));
    await show.close();
    await ended;
  });
});

describe('the files of the page', () => {
  function folder(): string {
    const root = mkdtempSync(join(tmpdir(), 'vedette-page-'));
    FOLDERS.push(root);
    mkdirSync(join(root, 'assets'));
    writeFileSync(join(root, 'index.html'), '<!doctype html><title>page</title>');
    writeFileSync(join(root, 'assets/index-abc.js'), 'plain()');
    writeFileSync(join(root, 'assets/index-abc.js.gz'), 'squeezed');
    writeFileSync(join(root, '.secret'), 'not for you');
    return root;
  }

  test('with a hash in the name never change, the start page is asked for each time', async () => {
    const [, url] = await listening({ pageRoot: folder() });
    const start = await fetch(url);
    expect(start.headers.get('cache-control')).toBe('no-cache');
    expect(start.headers.get('content-security-policy')).toContain("script-src 'self'");
    const asset = await fetch(`${url}/assets/index-abc.js`, {
      headers: { 'accept-encoding': 'br;q=0' },
    });
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await asset.text()).toBe('plain()');
  });

  test('are sent compressed to those who can read that', async () => {
    const [show] = await listening({ pageRoot: folder() });
    const answer = await show.app.inject({
      url: '/assets/index-abc.js',
      headers: { host: 'localhost', 'accept-encoding': 'gzip' },
    });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(answer.body).toBe('squeezed');
  });

  test.each([
    '/../package.json',
    '/%2e%2e/package.json',
    '/assets/..%2f..%2fpackage.json',
    '/.secret',
    '/assets/',
  ])('outside the folder, hidden ones and listings are not given: %s', async (path) => {
    const [show] = await listening({ pageRoot: folder() });
    const answer = await show.app.inject({ url: path, headers: { host: 'localhost' } });
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(answer.statusCode).toBeLessThan(500);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.body).not.toContain('not for you');
  });
});
