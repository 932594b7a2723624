import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../cli/incidents.ts';

const INCIDENT = {
  id: 'inc-hq-1',
  priority: 2,
  state: 'open',
  title: 'Circuit lyon-mpls down',
  root: { alert: 'link-unreachable|link:lyon-mpls|a1', cause: 'circuit down', confidence: 0.8 },
  symptoms: [],
  because: [{ kind: 'cleared', text: 'a reason' }],
};

let server: Server;
let url = '';
let asked: { method: string; path: string; body: unknown }[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: INCIDENT };
let said = '';

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
}

beforeEach(async () => {
  asked = [];
  answer = { status: 200, body: INCIDENT };
  said = '';
  const note = (text: string | Uint8Array) => {
    said += String(text);
    return true;
  };
  vi.spyOn(process.stderr, 'write').mockImplementation(note);
  vi.spyOn(process.stdout, 'write').mockImplementation(note);
  vi.spyOn(console, 'log').mockImplementation((text: string) => void note(`${text}\n`));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void note(`${text}\n`));
  server = createServer(async (request, response) => {
    const { method = '', url: path = '' } = request;
    asked.push({ method, path, body: await bodyOf(request) });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});

const vedette = (...argv: string[]): Promise<number> => run([...argv, '--server', url]);

describe('vedette incidents', () => {
  test('lists what is open, one line each', async () => {
    answer = { status: 200, body: { incidents: [INCIDENT] } };
    expect(await vedette('list')).toBe(0);
    expect(said).toBe('P2 open  Circuit lyon-mpls down  (inc-hq-1)\n');
    expect(asked).toMatchObject([{ method: 'GET', path: '/api/v1/incidents?state=open' }]);
  });

  test('says what a person decided, with who and why', async () => {
    expect(
      await vedette(
        'merge',
        'inc-hq-1',
        '--into',
        'inc-hq-2',
        '--by',
        'ana',
        '--note',
        'same duct',
      ),
    ).toBe(0);
    expect(asked).toEqual([
      {
        method: 'POST',
        path: '/api/v1/incidents/inc-hq-1/merge',
        body: { by: 'ana', note: 'same duct', into: 'inc-hq-2' },
      },
    ]);
  });

  test('"not the cause" without an alert means the suspected root', async () => {
    expect(await vedette('not-the-cause', 'inc-hq-1', '--by', 'ana')).toBe(0);
    expect(asked.map(({ method, body }) => [method, body])).toEqual([
      ['GET', undefined],
      ['POST', { by: 'ana', alert: 'link-unreachable|link:lyon-mpls|a1' }],
    ]);
  });

  test('tells why the server refused, and ends with 1', async () => {
    answer = { status: 409, body: { detail: 'The incident is over.' } };
    expect(await vedette('close', 'inc-hq-1')).toBe(1);
    expect(said).toContain('vedette incidents: The incident is over.');
  });

  test('an id cannot lead to another address of the API', async () => {
    await vedette('show', '../../maintenance?x');
    expect(asked[0]?.path).toBe('/api/v1/incidents/..%2F..%2Fmaintenance%3Fx');
  });

  test('tells apart wrong use and a server that is not there', async () => {
    expect(await vedette('merge', 'inc-hq-1')).toBe(2);
    expect(await vedette('aknowledge', 'inc-hq-1')).toBe(2);
    expect(said).toContain('did you mean "acknowledge"?');
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect(await vedette('list')).toBe(69);
    expect(said).toContain('Is the server running?');
  });
});
