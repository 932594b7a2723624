import { afterEach, describe, expect, test } from 'vitest';
import { busyMorning } from '../support/fake-scenes.ts';
import { createFakeShow, type FakeShow, type FakeShowOptions } from '../support/fake-show.ts';

const OPEN: FakeShow[] = [];
const HOST = { host: 'localhost:8080' };
const ID = 'inc-7f3a-20417';

async function show(options: FakeShowOptions = {}): Promise<FakeShow> {
  const made = await createFakeShow({
    incidents: busyMorning(Date.now()),
    pageRoot: '/nonexistent',
    ...options,
  });
  OPEN.push(made);
  return made;
}

afterEach(async () => {
  for (const made of OPEN.splice(0)) await made.close();
});

const get = (made: FakeShow, url: string, headers: Record<string, string> = {}) =>
  made.app.inject({ method: 'GET', url, headers: { ...HOST, ...headers } });

const post = (made: FakeShow, url: string, payload: object, headers: Record<string, string> = {}) =>
  made.app.inject({ method: 'POST', url, payload, headers: { ...HOST, ...headers } });

describe('reading', () => {
  test('the status holds every site, link, agent and open incident', async () => {
    const answer = await get(await show(), '/api/v1/status');
    const status = answer.json();
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(status.sites).toHaveLength(12);
    expect(status.links).toHaveLength(24);
    expect(status.agents).toHaveLength(12);
    expect(status.incidents.map((one: { id: string }) => one.id)).toContain(ID);
    expect(status.links.find((link: { id: string }) => link.id === 'porto-mpls')).toMatchObject({
      health: 'up',
      rttMs: expect.any(Number),
      lossRatio: 0,
    });
  });

  test('incidents come in pages that lose none, also when all opened in the same millisecond', async () => {
    const [first] = busyMorning(1_700_000_000_000);
    const storm = Array.from({ length: 7 }, (_, n) => ({ ...first!, id: `inc-storm-${n}` }));
    const made = await show({ incidents: storm });
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page += 1) {
      const body = (await get(made, `/api/v1/incidents?limit=2${cursor}`)).json();
      seen.push(...body.incidents.map((one: { id: string }) => one.id));
      if (body.nextCursor === undefined) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(seen.toSorted()).toEqual(storm.map((one) => one.id));
  });

  test('an incident has its time line in plain sentences, its tickets and the limit it broke', async () => {
    const incident = (await get(await show(), `/api/v1/incidents/${ID}`)).json();
    const kinds = incident.timeline.map((entry: { kind: string }) => entry.kind);
    expect(kinds).toEqual(expect.arrayContaining(['onset', 'alert.fired', 'incident.opened']));
    expect(incident.tickets[0]).toMatchObject({ state: 'open', number: 'INC-20417' });
    expect(incident.evidence).toMatchObject({ expected: 1, observed: 1 });
  });

  test('a range has the samples between its two ends', async () => {
    const to = Date.now();
    const series = encodeURIComponent('porto-a1|stamp_rtt_ms|link:porto-mpls');
    const answer = await get(
      await show(),
      `/api/v1/range?series=${series}&from=${to - 60_000}&to=${to}`,
    );
    const range = answer.json();
    expect(range.at.length).toBeGreaterThanOrEqual(11);
    expect(range.value).toHaveLength(range.at.length);
    expect(range.metric).toBe('stamp_rtt_ms');
  });

  test('deliveries show no message body', async () => {
    const body = (await get(await show(), '/api/v1/deliveries')).json();
    expect(body.deliveries.length).toBeGreaterThan(0);
    expect(body.deliveries[0]).not.toHaveProperty('message');
  });

  test.each([
    ['/api/v1/incidents/none', 404, 'not-found'],
    ['/api/v1/nothing', 404, 'not-found'],
    ['/api/v1/incidents?state=closed', 400, 'malformed'],
    ['/api/v1/incidents?limit=0', 400, 'malformed'],
    ['/api/v1/incidents?limit=9999', 400, 'malformed'],
    ['/api/v1/incidents?stat=all', 400, 'malformed'],
    ['/api/v1/incidents?cursor=rubbish', 400, 'malformed'],
    [`/api/v1/incidents/${'x'.repeat(99)}`, 404, 'not-found'],
    ['/api/v1/incidents/%2e%2e%2f', 400, 'malformed'],
    ['/api/v1/range?series=a&from=1&to=2', 400, 'malformed'],
    ['/api/v1/range?series=a%7Cicmp_rtt_ms%7Clink:x&from=2&to=1', 400, 'malformed'],
    ['/api/v1/range?series=a%7Cicmp_rtt_ms%7Clink:x&from=1&to=999999999999', 400, 'malformed'],
    ['/api/v1/range?series=a%7Cno_metric%7Clink:x&from=1&to=2', 400, 'malformed'],
  ])('%s is answered with %i %s as problem+json', async (url, status, code) => {
    const answer = await get(await show(), url);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json()).toMatchObject({ status, code, detail: expect.any(String) });
  });
});

describe('writing', () => {
  test('acknowledging goes through the engine and answers with the incident as it is then', async () => {
    const made = await show();
    const url = `/api/v1/incidents/${ID}/acknowledge`;
    const answer = await post(made, url, { by: 'Mira', note: 'on the phone', for: '2h' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      state: 'acknowledged',
      acknowledged: { by: 'Mira', note: 'on the phone' },
    });
    expect(made.commands).toMatchObject([{ kind: 'acknowledge', incident: ID, by: 'Mira' }]);
    const [command] = made.commands;
    if (command?.kind !== 'acknowledge') throw new Error('no acknowledgement');
    expect(command.until - Date.now()).toBeGreaterThan(7_190_000);
    expect(
      (await post(made, `/api/v1/incidents/${ID}/unacknowledge`, { by: 'Mira' })).json(),
    ).toMatchObject({
      state: 'open',
    });
  });

  test('a closed incident cannot be closed again', async () => {
    const made = await show();
    const url = `/api/v1/incidents/${ID}/close`;
    expect((await post(made, url, { by: 'Mira' })).json()).toMatchObject({ state: 'closed' });
    expect((await post(made, url, { by: 'Mira' })).json()).toMatchObject({ code: 'conflict' });
    expect(made.commands).toHaveLength(1);
  });

  test('a command that could not be logged is a 503 with Retry-After, one refused a 409', async () => {
    const made = await show();
    const url = `/api/v1/incidents/${ID}/acknowledge`;
    made.refuseWith({ kind: 'busy', retryAfter: 2_500 as never });
    const busy = await post(made, url, { by: 'Mira' });
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '3']);
    made.refuseWith({ kind: 'refused', why: 'too late' });
    expect((await post(made, url, { by: 'Mira' })).json()).toMatchObject({ detail: 'too late' });
  });

  test.each([
    ['nobody', {}],
    ['an empty name', { by: '' }],
    ['a number for a name', { by: 7 }],
    ['a line break in the name', { by: 'a\nb' }],
    ['a long name', { by: 'x'.repeat(65) }],
    ['a long note', { by: 'Mira', note: 'x'.repeat(2_001) }],
    ['an unknown field', { by: 'Mira', reason: 'x' }],
    ['a time without unit', { by: 'Mira', for: '5' }],
    ['more than thirty days', { by: 'Mira', for: '31d' }],
    ['a list', []],
  ])('%s is refused and reaches no engine', async (_what, body) => {
    const made = await show();
    const answer = await post(made, `/api/v1/incidents/${ID}/acknowledge`, body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().code).toBe('malformed');
    expect(made.commands).toHaveLength(0);
  });

  test('an oversized body, broken JSON and another media type are refused', async () => {
    const made = await show();
    const url = `/api/v1/incidents/${ID}/acknowledge`;
    expect((await post(made, url, { by: 'x'.repeat(20_000) })).statusCode).toBe(413);
    const raw = (payload: string, type: string) =>
      made.app.inject({
        method: 'POST',
        url,
        payload,
        headers: { ...HOST, 'content-type': type },
      });
    expect((await raw('{"by":', 'application/json')).json().code).toBe('malformed');
    expect((await raw('by=Mira', 'application/x-www-form-urlencoded')).json().code).toBe(
      'malformed',
    );
    expect((await raw('{"by":"M"}', 'text/plain')).json().code).toBe('malformed');
    expect((await raw('{"__proto__":{"by":"M"}}', 'application/json')).statusCode).toBe(400);
    expect(made.commands).toHaveLength(0);
  });
});

describe('other web sites', () => {
  const url = `/api/v1/incidents/${ID}/acknowledge`;

  test.each([
    [{ origin: 'http://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://localhost:9999' }],
    [{ origin: 'http://localhost:8080.evil.example' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:8080' }],
  ])('a write with %o is forbidden', async (headers) => {
    const made = await show();
    const answer = await post(made, url, { by: 'Mira' }, headers as Record<string, string>);
    expect(answer.statusCode).toBe(403);
    expect(answer.json().code).toBe('forbidden-origin');
    expect(made.commands).toHaveLength(0);
  });

  test('our own page and a command line may write', async () => {
    const made = await show();
    const own = { origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' };
    expect((await post(made, url, { by: 'Mira' }, own)).statusCode).toBe(200);
    expect((await post(made, url, { by: 'Mira' })).statusCode).toBe(200);
  });

  test.each([
    'evil.example',
    'localhost.evil.example',
    '192.0.2.1',
    '127.0.0.1.evil.example',
    'a b',
  ])('the Host %j is not answered (DNS rebinding)', async (host) => {
    const answer = await get(await show(), '/api/v1/status', { host });
    expect(answer.statusCode).toBe(403);
  });

  test.each(['localhost', '127.0.0.1:8080', '127.9.9.9', '[::1]:8080', 'LOCALHOST:1'])(
    'the Host %j is answered',
    async (host) => {
      expect((await get(await show(), '/healthz', { host })).statusCode).toBe(200);
    },
  );

  test('a foreign page cannot open streams, a followed link opens the page', async () => {
    const made = await show();
    const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    for (const url of ['/api/v1/stream', '/%61pi/v1/stream', '/api/v1/%73tatus']) {
      expect((await get(made, url, foreign)).statusCode).toBe(403);
    }
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await get(made, `/incidents/${ID}`, link)).headers['location']).toBe(
      `/#/incidents/${ID}`,
    );
  });
});

describe('around it', () => {
  test('an address that cannot be decoded is told so, with the headers of every answer', async () => {
    const answer = await get(await show(), '/%zz');
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.headers['x-frame-options']).toBe('DENY');
  });

  test('every answer forbids inline code, framing and sniffing', async () => {
    const made = await show();
    for (const url of ['/', '/api/v1/status', '/nothing', '/healthz']) {
      const { headers } = await get(made, url);
      expect(headers['content-security-policy']).toMatch(
        /default-src 'none'.*frame-ancestors 'none'/,
      );
      expect(headers['content-security-policy']).not.toMatch(/unsafe/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('without a built page one plain page says how to build it', async () => {
    const answer = await get(await show(), '/');
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain('npm run build');
  });

  test('/readyz gives its reasons', async () => {
    const answer = await get(await show(), '/readyz');
    expect(answer.json()).toEqual({
      status: 'ready',
      reasons: [{ name: 'store', isReady: true, detail: 'open' }],
    });
  });

  test('/metrics is OpenMetrics with our prefix only', async () => {
    const accept = 'application/openmetrics-text; version=1.0.0';
    const answer = await get(await show(), '/metrics', { accept });
    expect(answer.headers['content-type']).toMatch(/^application\/openmetrics-text/);
    expect(answer.body).toMatch(/^vedette_build_info\{version="0.1.0",node="v\d+/m);
    expect(answer.body).toMatch(/^vedette_incidents_open 3$/m);
    expect(answer.body).toMatch(/^vedette_show_skipped_messages_total 0$/m);
    expect(answer.body).toMatch(/^# TYPE vedette_show_skipped_messages counter$/m);
    expect(answer.body.trimEnd().endsWith('# EOF')).toBe(true);
    const foreign = answer.body.split('\n').filter((line) => !/^(#|vedette_|$)/.test(line));
    expect(foreign).toEqual([]);
  });

  test('the OpenAPI description names every route, and the documentation loads nothing from outside', async () => {
    const made = await show();
    const { paths } = (await get(made, '/openapi.json')).json();
    expect(Object.keys(paths).toSorted()).toEqual([
      '/api/v1/changes',
      '/api/v1/deliveries',
      '/api/v1/forecasts',
      '/api/v1/incidents',
      '/api/v1/incidents/{id}',
      '/api/v1/incidents/{id}/acknowledge',
      '/api/v1/incidents/{id}/close',
      '/api/v1/incidents/{id}/merge',
      '/api/v1/incidents/{id}/not-the-cause',
      '/api/v1/incidents/{id}/split',
      '/api/v1/incidents/{id}/take-over',
      '/api/v1/incidents/{id}/unacknowledge',
      '/api/v1/maintenance',
      '/api/v1/maintenance/{id}/end',
      '/api/v1/range',
      '/api/v1/series',
      '/api/v1/status',
      '/api/v1/stream',
      '/healthz',
      '/metrics',
      '/readyz',
    ]);
    const docs = await get(made, '/docs');
    const page = docs.statusCode === 302 ? await get(made, String(docs.headers['location'])) : docs;
    expect(page.statusCode).toBe(200);
    expect(page.body).not.toMatch(/(src|href)="https?:/);
  });
});
