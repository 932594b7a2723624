import { afterEach, describe, expect, test } from 'vitest';
import { busyMorning, trendsAt } from '../support/fake-scenes.ts';
import { createFakeShow, type FakeShow } from '../support/fake-show.ts';

const HOST = { host: 'localhost:8080' };
const LYON = 'inc-7f3a-20417';
const LEIPZIG = 'inc-7f3a-20421';
const ROOT = 'link-unreachable|link:lyon-mpls|lyon-a1';
const SYMPTOM = 'snmp-silent|device:lyon-sw1|lyon-a1';

let made: FakeShow;
afterEach(() => made.close());

async function start(): Promise<void> {
  const time = Date.now();
  made = await createFakeShow({
    incidents: busyMorning(time),
    trends: trendsAt(time),
    pageRoot: '/nonexistent',
  });
}

const post = (path: string, payload: object) =>
  made.app.inject({ method: 'POST', url: `/api/v1/incidents/${path}`, payload, headers: HOST });
const get = (url: string) => made.app.inject({ method: 'GET', url, headers: HOST });

describe('what a person decides', () => {
  test.each([
    ['take-over', {}, { kind: 'take-over' }],
    ['merge', { into: LEIPZIG }, { kind: 'merge', into: LEIPZIG }],
    ['split', { alert: SYMPTOM }, { kind: 'split', alert: SYMPTOM }],
    ['split', { alert: ROOT }, { kind: 'split', alert: ROOT }],
    ['not-the-cause', { alert: ROOT }, { kind: 'not-the-cause', alert: ROOT }],
  ])('%s with %o reaches the engine as a command', async (verb, body, command) => {
    await start();
    const answer = await post(`${LYON}/${verb}`, { by: 'Mira', note: 'why', ...body });
    expect(answer.statusCode).toBe(200);
    expect(made.commands).toMatchObject([{ ...command, incident: LYON, by: 'Mira', note: 'why' }]);
  });

  test.each([
    [`${LYON}/merge`, { into: LYON }, 409, 'cannot become part of itself'],
    [`${LYON}/merge`, { into: 'none' }, 409, 'not known'],
    [`${LYON}/split`, { alert: 'rule|link:none|agent' }, 409, 'not part of this incident'],
    [`${LEIPZIG}/not-the-cause`, { alert: ROOT }, 409, 'another one by now: packet loss'],
    ['inc-7f3a-20398/split', { alert: 'rtt-high|link:bilbao-mpls|bilbao-a1' }, 409, 'only alert'],
    ['none/take-over', {}, 404, 'No incident has this id'],
    [`${LYON}/merge`, {}, 400, 'into'],
    [`${LYON}/split`, { alert: 7 }, 400, 'alert'],
    [`${LYON}/take-over`, { by: '' }, 400, 'by'],
    [`${LYON}/not-the-cause`, { alert: ROOT, force: true }, 400, 'force'],
    [`${LYON}/merge`, { into: '../etc' }, 400, 'into'],
    [`${LYON}/split`, { alert: 'x'.repeat(401) }, 400, 'alert'],
  ])('%s with %o is refused with %i and says why', async (path, body, status, why) => {
    await start();
    const answer = await post(path, { by: 'Mira', ...body });
    expect(answer.statusCode).toBe(status);
    expect(answer.json().detail).toContain(why);
    expect(made.commands).toEqual([]);
  });

  test('nothing is merged into what has ended', async () => {
    await start();
    made.resolve(LEIPZIG);
    const answer = await post(`${LYON}/merge`, { by: 'Mira', into: LEIPZIG });
    expect(answer.json().detail).toContain('is resolved');
  });

  test('a merged incident is told by the one that absorbed it', async () => {
    await start();
    await post(`${LEIPZIG}/merge`, { by: 'Mira', into: LYON });
    const detail = (await get(`/api/v1/incidents/${LYON}`)).json();
    expect(detail.absorbed).toMatchObject([
      { id: LEIPZIG, title: 'Leipzig DIA: 23 % packet loss' },
    ]);
    expect(detail.timeline.at(-1)).toMatchObject({ kind: 'incident.merged' });
    expect((await get(`/api/v1/incidents/${LEIPZIG}`)).json().mergedInto).toBe(LYON);
  });
});

describe('alerts, changes and forecasts', () => {
  test('an incident tells the alerts behind it with their evidence, the root first', async () => {
    await start();
    const { alerts } = (await get(`/api/v1/incidents/${LYON}`)).json();
    expect(alerts).toMatchObject([
      { key: ROOT, firedAt: expect.any(Number), evidence: { metric: 'stamp_loss_ratio' } },
    ]);
  });

  test('the change log and the forecasts can be asked for one subject', async () => {
    await start();
    const changes = (await get('/api/v1/changes?subject=link:porto-mpls')).json().changes;
    expect(changes).toMatchObject([{ before: 18, after: 41 }]);
    expect((await get('/api/v1/changes?subject=link:none')).json().changes).toEqual([]);
    const { forecasts } = (await get('/api/v1/forecasts')).json();
    expect(forecasts).toMatchObject([{ metric: 'if_in_utilisation_ratio', limit: 0.8 }]);
  });

  test.each(['/api/v1/changes?subject=porto', '/api/v1/changes?limit=0', '/api/v1/forecasts?a=1'])(
    '%s is malformed',
    async (url) => {
      await start();
      expect((await get(url)).statusCode).toBe(400);
    },
  );
});
