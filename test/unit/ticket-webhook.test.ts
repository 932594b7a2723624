import http from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import { startSink } from '../../lab/sink.ts';
import { epochMs } from '../../protocol/model/units.ts';
import type { TicketMessage } from '../../protocol/wire/ticket-payload.ts';
import { isMetadataAddress, refusalOf } from '../../server/adapters/webhook/address.ts';
import { outcomeOf, resolvePointer } from '../../server/adapters/webhook/answer.ts';
import { parseSecret, signature } from '../../server/adapters/webhook/sign.ts';
import { createWebhookDelivery } from '../../server/adapters/webhook/webhook.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NEWER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const MESSAGE = {
  type: 'incident.opened',
  timestamp: '2026-01-05T09:14:30.000Z',
  data: { id: 'i-1', title: 'Lyon is cut off — “encore”', priority: 1, text: 'ça ne marche pas' },
} as TicketMessage;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const clock = { now: () => epochMs(Date.now()) };

function deliveryTo(url: string, extra: object = {}, timeoutMs = 2000) {
  const endpoints = [{ id: 'desk', url, secrets: [SECRET], ...extra }];
  const delivery = createWebhookDelivery({ endpoints, clock, timeoutMs });
  closers.push(delivery.close);
  return (id = 'msg_1', signal = new AbortController().signal) =>
    delivery.deliver('desk', id, MESSAGE, signal);
}

async function serverThat(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

describe('signing', () => {
  test('the published vector is met to the letter', () => {
    expect(
      signature(
        [parseSecret(SECRET)],
        'msg_p5jXN8AQM9LWM0D4loKWxJek',
        1614265330,
        '{"test": 2432232314}',
      ),
    ).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  test('the standardwebhooks package accepts any body that we sign, under each of our secrets', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, more) => {
        const body = JSON.stringify({ text, more });
        const now = Math.floor(Date.now() / 1000);
        const headers = {
          'webhook-id': 'msg_x',
          'webhook-timestamp': String(now),
          'webhook-signature': signature([NEWER, SECRET].map(parseSecret), 'msg_x', now, body),
        };
        for (const secret of [NEWER, SECRET]) {
          expect(new Webhook(secret).verify(body, headers)).toEqual({ text, more });
        }
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ['geheim', 'no prefix'],
    ['whsec_', 'nothing after the prefix'],
    ['whsec_!!!!', 'not base64'],
    ['whsec_c2hvcnQ=', 'too short'],
    [`whsec_${Buffer.alloc(65).toString('base64')}`, 'too long'],
  ])('the secret %s is refused without being repeated (%s)', (secret) => {
    expect(() => parseSecret(secret)).toThrow(/whsec_ followed by base64|24 to 64 bytes/);
    if (secret.length > 8) {
      expect(() => parseSecret(secret)).not.toThrow(secret.slice(6));
    }
  });
});

describe('addresses', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data',
    'https://169.254.170.2/',
    'http://0xA9FEA9FE/',
    'http://2852039166/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'https://100.100.100.200/',
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
    'ftp://127.0.0.1/',
    'not a url',
    'http://user:secret@127.0.0.1/',
    'http://desk.example.com/hook',
  ])('%s is never contacted', (url) => {
    expect(refusalOf(url, false)).toBeTypeOf('string');
  });

  test.each(['http://169.254.169.254/', 'http://[fe80::1]/'])(
    '%s is not contacted even where plain http is allowed',
    (url) => expect(refusalOf(url, true)).toMatch(/metadata/),
  );

  test.each([
    ['https://desk.example.com/hook', false],
    ['http://127.0.0.1:9/', false],
    ['http://[::1]:9/', false],
    ['http://localhost:9/', false],
    ['http://10.1.2.3/hook', true],
  ])('%s may be contacted (plain http allowed: %s)', (url, plainHttp) => {
    expect(refusalOf(url, plainHttp)).toBeUndefined();
  });

  test('a private address is fine: ticket systems live there', () => {
    expect(isMetadataAddress('10.0.0.5')).toBe(false);
  });
});

describe('delivery', () => {
  test('a message arrives signed, and the ticket number comes back', async () => {
    const sink = await startSink({ secret: SECRET });
    closers.push(sink.close);
    const deliver = deliveryTo(sink.url, {
      numberPointer: '/number',
      urlPointer: '/url',
    });
    const outcome = await deliver();
    expect(outcome).toMatchObject({
      kind: 'delivered',
      number: 'T-1001',
      url: `${sink.url}/T-1001`,
    });
    expect(sink.messages().map(({ message }) => message)).toEqual([MESSAGE]);
    await deliver();
    expect(sink.repeats()).toBe(1);
    expect(sink.tickets()).toHaveLength(1);
    expect(sink.rejected()).toEqual([]);
  });

  test('the sink takes a message under the older of two secrets, so a secret can change', async () => {
    const sink = await startSink({ secret: SECRET });
    closers.push(sink.close);
    const outcome = await deliveryTo(sink.url, { secrets: [NEWER, SECRET] })();
    expect(outcome.kind).toBe('delivered');
  });

  test('the sink refuses another secret, and that is a matter of credentials', async () => {
    const sink = await startSink({ secret: NEWER });
    closers.push(sink.close);
    expect(await deliveryTo(sink.url)()).toMatchObject({ kind: 'unauthorised' });
    expect(sink.rejected()).toEqual(['no signature matches']);
    expect(sink.messages()).toEqual([]);
  });

  test('the sink refuses a stale time stamp, a missing header and a body that was changed', async () => {
    const sink = await startSink({ secret: SECRET });
    closers.push(sink.close);
    const post = async (age: number, body: string, sent = body) => {
      const at = Math.floor(Date.now() / 1000) - age;
      const sign = signature([parseSecret(SECRET)], 'm', at, body);
      const headers = {
        'webhook-id': 'm',
        'webhook-timestamp': String(at),
        'webhook-signature': sign,
      };
      return (await fetch(sink.url, { method: 'POST', headers, body: sent })).status;
    };
    expect(await post(301, '{}')).toBe(401);
    expect(await post(-400, '{}')).toBe(401);
    expect(await post(0, '{"a":1}', '{"a":2}')).toBe(401);
    expect(await post(0, 'nonsense')).toBe(400);
    expect((await fetch(sink.url, { method: 'POST', body: '{}' })).status).toBe(401);
    expect((await fetch(sink.url, { method: 'PUT', body: '{}' })).status).toBe(405);
    expect(sink.messages()).toEqual([]);
  });

  test('a redirect is a failure and never followed', async () => {
    let visited = 0;
    const target = await serverThat((_request, response) => {
      visited++;
      response.end('{}');
    });
    const url = await serverThat((_request, response) => {
      response.writeHead(302, { location: target }).end();
    });
    expect(await deliveryTo(url)()).toMatchObject({ kind: 'later', scope: 'message' });
    expect(visited).toBe(0);
  });

  test('a receiver that never ends its answer is given up at the deadline', async () => {
    const url = await serverThat((_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    });
    expect(await deliveryTo(url, {}, 300)()).toMatchObject({
      kind: 'later',
      scope: 'destination',
      answer: 'no answer within 0.3 s',
    });
  });

  test('an endless answer is read to its bound and the message counts as taken', async () => {
    const url = await serverThat((_request, response) => {
      response.writeHead(200);
      const chunk = 'y'.repeat(32_768);
      const pump = () => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', pump);
      };
      pump();
    });
    expect((await deliveryTo(url)()).kind).toBe('delivered');
  });

  test('nobody listening is said in plain words', async () => {
    const url = await serverThat(() => {});
    await closers.pop()?.();
    expect(await deliveryTo(url)()).toMatchObject({
      kind: 'later',
      scope: 'destination',
      answer: 'nobody listens there (connection refused)',
    });
  });

  test('a destination that is not configured is refused, not thrown', async () => {
    const delivery = createWebhookDelivery({ endpoints: [], clock });
    closers.push(delivery.close);
    const outcome = await delivery.deliver('x', 'm', MESSAGE, new AbortController().signal);
    expect(outcome.kind).toBe('refused');
  });
});

describe('answers', () => {
  const at = epochMs(Date.parse('2026-01-05T09:00:00Z'));
  const answer = (status: number, retryAfter?: string, body = '') =>
    outcomeOf({ status, retryAfter, location: undefined, body }, {}, at);

  test.each([
    [200, 'delivered'],
    [204, 'delivered'],
    [301, 'later'],
    [400, 'refused'],
    [401, 'unauthorised'],
    [403, 'unauthorised'],
    [404, 'refused'],
    [408, 'later'],
    [410, 'gone'],
    [422, 'refused'],
    [429, 'later'],
    [500, 'later'],
    [503, 'later'],
  ])('%i means %s', (status, kind) => {
    expect(answer(status).kind).toBe(kind);
  });

  test.each([
    ['120', 120_000],
    ['Mon, 05 Jan 2026 09:01:00 GMT', 60_000],
    ['soon', undefined],
    ['-5', undefined],
    ['Mon, 05 Jan 2026 08:00:00 GMT', undefined],
  ])('Retry-After %s is %s ms', (header, ms) => {
    const outcome = answer(503, header);
    expect(outcome.kind === 'later' ? outcome.retryAfter : 'wrong').toBe(ms);
  });

  test('a hostile answer cannot put script or control characters on the page', () => {
    const pointers = { numberPointer: '/n', urlPointer: '/u' };
    const body = JSON.stringify({ n: 'T\u001b[31m-1\n\u202e', u: 'javascript:alert(1)' });
    const outcome = outcomeOf(
      { status: 200, retryAfter: undefined, location: undefined, body },
      pointers,
      at,
    );
    expect(outcome).toMatchObject({ kind: 'delivered', number: 'T [31m-1' });
    expect(outcome).not.toHaveProperty('url');
  });

  test('a JSON Pointer finds nested, escaped and listed values and nothing inherited', () => {
    const json = { result: [{ 'a/b': { '~': 7 } }] };
    expect(resolvePointer(json, '/result/0/a~1b/~0')).toBe(7);
    expect(resolvePointer(json, '/result/1/x')).toBeUndefined();
    expect(resolvePointer(json, '/constructor/name')).toBeUndefined();
    expect(resolvePointer(json, '/result/length')).toBe(1);
    expect(resolvePointer('text', '/x')).toBeUndefined();
  });
});
