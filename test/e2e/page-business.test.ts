import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import { createBusyShow, createFakeShow, type FakeShow } from '../support/fake-show.ts';
import { needs } from '../support/needs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LYON = 'inc-7f3a-20417';
const LEIPZIG = 'inc-7f3a-20421';
const BILBAO = 'inc-7f3a-20398';

needs('chromium')('what it means to the business, and who decides', () => {
  let browser: TestBrowser;
  const shows: FakeShow[] = [];

  beforeAll(async () => {
    execFileSync(process.execPath, ['tools/build-page.mjs'], { cwd: ROOT });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    for (const show of shows) await show.close();
  });

  async function busy(options: Parameters<typeof createBusyShow>[0] = {}) {
    const show = await createBusyShow(options);
    shows.push(show);
    return [show, await show.listen()] as const;
  }

  async function visit(url: string): Promise<Page> {
    const page = await browser.context.newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    await page.goto(url);
    return page;
  }

  /** Opens the dialog behind a button, fills in who and why, and sends it. */
  async function decide(page: Page, button: string, send: string, note = 'told so'): Promise<void> {
    await page.getByRole('button', { name: button }).first().click();
    await page.getByLabel('Your name').fill('Mira');
    await page.locator('input[name=note]').fill(note);
    await page.getByRole('dialog').getByRole('button', { name: send, exact: true }).click();
  }

  test('services stand below what burns, worst first, with cost while they are down, and change live', async () => {
    const [show, url] = await busy();
    const page = await visit(url);
    await page.locator('.service').first().waitFor();
    const rows = await page.locator('.service').allInnerTexts();
    expect(rows[0]).toMatch(/Card payments\s+Down for .*84\s*people\s+1,250\s*EUR an hour/s);
    expect(rows[1]).toMatch(/Telephony\s+At risk/s);
    expect(rows.slice(2).every((row) => row.includes('Healthy'))).toBe(true);
    expect(await page.locator('.headline p').innerText()).toMatch(
      /1.service down: 1,250.EUR an hour/,
    );
    const [incidents, services] = await Promise.all([
      page.locator('.incidents').boundingBox(),
      page.locator('.services').boundingBox(),
    ]);
    expect(services?.y).toBeGreaterThan((incidents?.y ?? 0) + (incidents?.height ?? 0) - 1);
    show.tell([
      {
        kind: 'service.changed',
        at: epochMs(Date.now()),
        service: 'card-payments',
        state: 'healthy',
        because: [],
        text: 'Card payments works again',
      },
    ]);
    await page.locator('.service.is-up', { hasText: 'Card payments' }).waitFor();
    expect(await page.locator('.service.is-down').count()).toBe(0);
    await page.close();
  });

  test('without services there is no board, and nothing speaks of money', async () => {
    const show = await createFakeShow();
    shows.push(show);
    const page = await visit(await show.listen());
    await page.getByRole('heading', { name: 'All quiet' }).waitFor();
    expect(await page.locator('.services').count()).toBe(0);
    await page.close();
  });

  test('an incident says who suffers, what an hour costs and what it has cost', async () => {
    const [, url] = await busy();
    const page = await visit(`${url}/#/incidents/${LYON}`);
    await page.locator('.hits li').waitFor();
    expect(await page.locator('.is-suffer').innerText()).toMatch(/Card payments\s+Down/);
    // Named once the status is there: the incident may be read before it.
    await page.locator('.is-suffer a', { hasText: /^Lyon$/ }).waitFor();
    const facts = await page.locator('.heading .facts').innerText();
    expect(facts).toMatch(/Costs an hour\s+1,250.EUR/);
    expect(facts).toMatch(/So far\s+\d+.EUR/);
    await page.close();
  });

  test('each decision says first what will happen, and reaches the engine with name and reason', async () => {
    const [show, url] = await busy();
    const page = await visit(`${url}/#/incidents/${LYON}`);
    await page.locator('.timeline .is-incident-opened').waitFor();
    await page.getByRole('button', { name: 'Take over…' }).click();
    expect(await page.getByRole('dialog').innerText()).toMatch(/INC-20417: close it/);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await decide(page, 'Take over…', 'Take over');
    await page.locator('.taken', { hasText: 'Mira works on it by hand' }).waitFor();
    await decide(page, 'Not the cause…', 'It is not the cause', 'we pulled the plug');
    await page.locator('.notice', { hasText: 'another cause is sought' }).waitFor();
    await decide(page, 'Split off snmp-silent', 'Split off');
    await page.locator('.notice', { hasText: 'Split off' }).waitFor();
    expect(show.commands).toMatchObject([
      { kind: 'take-over', incident: LYON, by: 'Mira', note: 'told so' },
      { kind: 'not-the-cause', alert: 'link-unreachable|link:lyon-mpls|lyon-a1' },
      { kind: 'split', alert: 'snmp-silent|device:lyon-sw1|lyon-a1' },
    ]);
    await page.close();
  });

  test('merged incidents link both ways', async () => {
    const [show, url] = await busy();
    const page = await visit(`${url}/#/incidents/${LEIPZIG}`);
    await page.getByRole('button', { name: 'Merge into…' }).click();
    await page.getByLabel('Becomes part of').selectOption(LYON);
    await page.getByLabel('Your name').fill('Mira');
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    await page.getByRole('heading', { name: /^Lyon MPLS/ }).waitFor();
    expect(show.commands).toMatchObject([{ kind: 'merge', incident: LEIPZIG, into: LYON }]);
    await page.locator('.absorbed a', { hasText: 'Leipzig DIA' }).click();
    await page.locator('.merged a', { hasText: 'Lyon MPLS' }).waitFor();
    expect(await page.locator('.actions').count()).toBe(0);
    await page.close();
  });

  test('a refusal says why in the dialog, and what was typed is kept', async () => {
    const [show, url] = await busy();
    show.refuseWith({ kind: 'refused', why: 'It resolved in the meantime.' });
    const page = await visit(`${url}/#/incidents/${LYON}`);
    await decide(page, 'Take over…', 'Take over');
    await page.getByRole('alert').filter({ hasText: 'It resolved in the meantime.' }).waitFor();
    expect(await page.locator('input[name=note]').inputValue()).toBe('told so');
    await page.close();
  });

  test('a graph of any time is read when it is asked for, with bands, marks and named gaps', async () => {
    const [, url] = await busy();
    const page = await visit(`${url}/#/incidents/${BILBAO}`);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.locator('.canvas canvas').waitFor();
    await page.getByRole('button', { name: '24 h' }).click();
    await page.locator('.gaps', { hasText: 'a damaged chunk was skipped' }).waitFor();
    expect(asked.some((one) => /range\?.*step=300000/.test(one))).toBe(true);
    expect(await page.locator('.key').innerText()).toMatch(/usual/);
    const label = await page.locator('.canvas').getAttribute('aria-label');
    expect(label).toMatch(/Round trip: Bilbao MPLS.* Median \d+.*ms, highest \d+/);
    await page.locator('.canvas .u-over').hover();
    await page.locator('.u-legend', { hasText: /Median\s*\d+.*ms/ }).waitFor();
    await page.close();
  });

  test('figures of a link are read only when somebody unfolds them, with its change log', async () => {
    const [, url] = await busy();
    const page = await visit(`${url}/#/sites/porto`);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByRole('button', { name: 'Graphs of Porto MPLS' }).waitFor();
    expect(asked.filter((one) => /range|series|changes/.test(one))).toEqual([]);
    await page.getByRole('button', { name: 'Graphs of Porto MPLS' }).click();
    await page.locator('.canvas canvas').waitFor();
    await page.locator('.trends', { hasText: /rose from 18.ms to 41.ms/ }).waitFor();
    await page.close();
  });

  test('changes, limits ahead and announced work have a page of their own and raise no alarm', async () => {
    const [, url] = await busy();
    const page = await visit(`${url}/#/changes`);
    await page.locator('.trends', { hasText: /Porto MPLS.*rose from 18.ms to 41.ms/ }).waitFor();
    await page.locator('.is-ahead', { hasText: /in 41.days/ }).waitFor();
    await page.locator('.windows .is-now', { hasText: 'New switch in Porto' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('no such thing');
    await page.getByText('Nothing in the log matches.').waitFor();
    await page.goto(`${url}/#/now`);
    await page.getByRole('heading', { name: '3 open incidents' }).waitFor();
    expect(await page.locator('main').innerText()).not.toMatch(/41.ms|41.days/);
    await page.close();
  });

  test('announced work shows where it holds', async () => {
    const [, url] = await busy();
    const page = await visit(url);
    await page.locator('.announced .is-now', { hasText: 'New switch in Porto' }).waitFor();
    await page.locator('.tile', { hasText: 'Porto' }).getByText('under maintenance').waitFor();
    await page.goto(`${url}/#/sites/porto`);
    await page.locator('.heading .under-work', { hasText: /maintenance until/ }).waitFor();
    await page.close();
  });

  test("the watcher's own trouble is louder than the network's, and goes when it is over", async () => {
    let isStopped = true;
    const own = () =>
      isStopped ? [{ id: 'history', text: 'The history has stopped: the disk is full.' }] : [];
    const [, url] = await busy({ own });
    const page = await visit(url);
    const banner = page.getByRole('alert').filter({ hasText: 'the disk is full' });
    await banner.waitFor();
    isStopped = false;
    await banner.waitFor({ state: 'detached' });
    await page.close();
  });
});
