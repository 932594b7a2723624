import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSocketClient } from '../../agent/adapters/icmp/socket-client.ts';
import type { EchoRequest } from '../../agent/ports/echo.ts';
import { durationMs } from '../../protocol/model/units.ts';

const REQUEST: EchoRequest = {
  kind: 'icmp',
  address: '127.0.0.1',
  count: 1,
  spacing: durationMs(10),
  timeout: durationMs(10),
};

/** Threads that keep to the protocol without sockets, and fail in one way each. */
const PROGRAMS = {
  silent: `port.on('message', (m) => { if (m.say === 'close') port.close(); });`,
  'crashes-on-measure': `port.on('message', (m) => {
    if (m.say === 'measure') throw new Error('boom');
    if (m.say === 'close') port.close();
  });`,
  'crashes-on-reflect-again': `port.on('message', (m) => {
    if (m.say === 'measure') throw new Error('boom');
    if (m.say === 'reflect') port.postMessage(m.order.port === 0
      ? { say: 'reflecting', key: m.order.key, port: 8620 }
      : { say: 'not-reflecting', key: m.order.key, because: 'port ' + m.order.port + ' is taken' });
    if (m.say === 'close') port.close();
  });`,
  'ends-itself': `port.on('message', (m) => { if (m.say === 'measure') process.exit(3); port.close(); });`,
} as const;

const folder = mkdtempSync(join(tmpdir(), 'vedette-thread-'));
const programOf = (name: string): URL => pathToFileURL(join(folder, `${name}.mjs`));

beforeAll(() => {
  for (const [name, body] of Object.entries(PROGRAMS)) {
    writeFileSync(
      programOf(name),
      `import { workerData as port } from 'node:worker_threads';
       port.postMessage({ say: 'ready', modes: { v4: 'raw', v6: 97 }, wakeFd: -1 });
       ${body}`,
    );
  }
  writeFileSync(
    programOf('unable'),
    `import { workerData as port } from 'node:worker_threads';
     port.postMessage({ say: 'unable', because: 'not on this machine' });
     port.close();`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

async function open(name: string) {
  const troubles: string[] = [];
  const client = await openSocketClient({
    program: programOf(name),
    onTrouble: (text) => troubles.push(text),
  });
  const close = async (): Promise<void> => {
    await client.close('icmp');
    await client.close('stamp');
  };
  return { client, troubles, close };
}

describe('the socket thread', () => {
  test('that cannot run says why', async () => {
    await expect(openSocketClient({ program: programOf('unable') })).rejects.toThrow(
      'not on this machine',
    );
    await expect(openSocketClient({ program: programOf('missing') })).rejects.toThrow(/missing/);
  });

  test.each(['crashes-on-measure', 'ends-itself'])(
    'that %s leaves its rounds unsent, never lost, and is started again once',
    async (name) => {
      const { client, troubles, close } = await open(name);
      const first = await Promise.all([client.measure(REQUEST), client.measure(REQUEST)]);
      for (const round of first) {
        expect(round).toMatchObject({ sent: 0, unsent: { because: 'busy' } });
      }
      expect(client.failure).toBeUndefined();
      const again = await client.measure(REQUEST);
      expect(again.unsent?.because).toBe('busy');
      expect(client.failure).toMatch(/twice/);
      const refused = await client.measure(REQUEST);
      expect(refused).toMatchObject({ sent: 0, unsent: { because: 'busy' } });
      expect(troubles).toEqual([
        expect.stringMatching(/started again/),
        expect.stringMatching(/twice/),
      ]);
      await close();
    },
  );

  test('that is started again opens the reflectors on the ports that peers know', async () => {
    const { client, troubles, close } = await open('crashes-on-reflect-again');
    const reflector = await client.openReflector({ address: '127.0.0.1', port: 0, peers: [] });
    expect(reflector.port).toBe(8620);
    await client.measure(REQUEST);
    await expect.poll(() => troubles).toContain('the STAMP reflector is gone: port 8620 is taken');
    await close();
  });
});

describe('closing', () => {
  test('resolves the rounds of one kind as closed and leaves the others', async () => {
    const { client, close } = await open('silent');
    const icmp = client.measure(REQUEST);
    const stamp = client.measure({ ...REQUEST, kind: 'stamp' });
    await client.close('icmp');
    expect(await icmp).toMatchObject({ sent: 0, unsent: { because: 'closed' } });
    expect((await client.measure(REQUEST)).unsent?.because).toBe('closed');
    await close();
    expect((await stamp).unsent?.because).toBe('closed');
    await close();
  });

  test('ends a reflector that is still being opened', async () => {
    const { client, close } = await open('silent');
    const opening = client.openReflector({ address: '127.0.0.1', port: 0, peers: [] });
    await Promise.all([expect(opening).rejects.toThrow('closed'), close()]);
    await expect(client.openReflector({ address: '::1', port: 0, peers: [] })).rejects.toThrow(
      'closed',
    );
  });
});

test.each([
  { count: 0 },
  { count: 1.5 },
  { count: 1e9 },
  { count: Number.NaN },
  { spacing: durationMs(-1) },
  { spacing: durationMs(Number.NaN) },
  { timeout: durationMs(Number.POSITIVE_INFINITY) },
  { suspectAfter: durationMs(Number.NaN) },
  { port: 0 },
  { port: 70_000 },
  { dscp: 64 },
])('a request with %o is refused before it reaches the thread', async (nonsense) => {
  const { client, close } = await open('silent');
  await expect(client.measure({ ...REQUEST, ...nonsense })).rejects.toThrow(RangeError);
  await close();
});
