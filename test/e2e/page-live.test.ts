import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import type { FakeIncident } from '../support/fake-incidents.ts';
import { busyMorning } from '../support/fake-scenes.ts';
import { createFakeShow, type FakeShow } from '../support/fake-show.ts';
import { needs } from '../support/needs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LYON = 'inc-7f3a-20417';
const GHENT: FakeIncident = {
  ...(busyMorning(Date.now())[0] as FakeIncident),
  id: 'inc-new-1',
  title: 'Ghent MPLS: circuit down',
  subject: 'link:ghent-mpls',
  site: 'ghent',
  agent: 'ghent-a1',
};

needs('chromium')('the live page', () => {
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

  async function start(incidents = busyMorning(Date.now())): Promise<[FakeShow, string]> {
    const show = await createFakeShow({ incidents, silent: ['cork-a1'] });
    shows.push(show);
    return [show, await show.listen()];
  }

  /** A tab that fails the test on any error that the page reports, a broken policy included. */
  async function visit(url: string): Promise<Page> {
    const page = await browser.context.newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) throw new Error(message.text());
    });
    await page.goto(url);
    return page;
  }

  test('shows open incidents, worst first, with cause, people, ticket and symptoms folded', async () => {
    const [, url] = await start();
    const page = await visit(url);
    await page.getByRole('heading', { name: '3 open incidents' }).waitFor();
    const rows = await page.locator('.incident').allInnerTexts();
    expect(rows.map((row) => row.match(/Critical|Major|Minor/)?.[0])).toEqual([
      'Critical',
      'Major',
      'Minor',
    ]);
    expect(rows[0]).toMatch(/circuit down/);
    expect(rows[0]).toMatch(/84\u00a0people/);
    expect(rows[0]).toMatch(/INC-20417/);
    expect(await page.locator('.symptoms').count()).toBe(0);
    await page.getByRole('button', { name: '3 symptoms' }).click();
    expect(await page.locator('.symptoms li').count()).toBe(3);
    expect(await page.title()).toBe('(3!) Vedette');
    await page.close();
  });

  test('a new incident appears, a resolved one moves down, without a reload', async () => {
    const [show, url] = await start([]);
    const page = await visit(url);
    await page.getByRole('heading', { name: 'No incident is open' }).waitFor();
    show.open({ ...GHENT, openedAt: Date.now() });
    await page.locator('.incident', { hasText: 'Ghent MPLS' }).waitFor({ timeout: 5_000 });
    await page.locator('.tile.is-down', { hasText: 'Ghent' }).waitFor();
    show.resolve(GHENT.id);
    await page.locator('.resolved', { hasText: 'Ghent MPLS' }).waitFor({ timeout: 5_000 });
    expect(await page.locator('.incident').count()).toBe(0);
    await page.close();
  });

  test('all is quiet when everything is up', async () => {
    const show = await createFakeShow();
    shows.push(show);
    const page = await visit(await show.listen());
    await page.getByRole('heading', { name: 'All quiet' }).waitFor();
    expect(await page.locator('.headline p').innerText()).toMatch(/^12.sites, 24.links, no fault/);
    await page.close();
  });

  test('acknowledging by keyboard reaches the engine with name, reason and time', async () => {
    const [show, url] = await start();
    const page = await visit(url);
    await page.locator('.incident').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('a');
    await page.getByLabel('Your name').fill('Mira');
    await page.locator('select[name=for]').selectOption('2h');
    await page.getByLabel('Reason').fill('provider called');
    await page.keyboard.press('Enter');
    await page.locator('.incident .taken', { hasText: 'Mira has it: provider called' }).waitFor();
    expect(show.commands).toMatchObject([
      { kind: 'acknowledge', incident: LYON, by: 'Mira', note: 'provider called' },
    ]);
    const [command] = show.commands;
    expect(command?.kind === 'acknowledge' && command.until - Date.now()).toBeGreaterThan(
      7_000_000,
    );
    await page.close();
  });

  test('a refused command is said aloud and changes nothing', async () => {
    const [show, url] = await start();
    show.refuseWith({ kind: 'refused', why: 'It resolved in the meantime.' });
    const page = await visit(`${url}/#/incidents/${LYON}`);
    await page.getByRole('button', { name: 'Close…' }).click();
    await page.getByLabel('Your name').fill('Mira');
    await page.getByRole('button', { name: 'Close incident' }).click();
    await page.locator('.refusal', { hasText: 'It resolved in the meantime.' }).waitFor();
    await page.close();
  });

  test('an incident shows root with evidence for and against, time line, advice and graph', async () => {
    const [, url] = await start();
    const page = await visit(`${url}/incidents/${LYON}`);
    await page.getByRole('heading', { name: /^Lyon MPLS: circuit down/ }).waitFor();
    await page.locator('.timeline .is-incident-opened').waitFor();
    expect(await page.locator('.is-against li').innerText()).toContain('no trap of the router');
    expect(await page.locator('.is-advice li').count()).toBe(3);
    await page.locator('.canvas canvas').waitFor();
    await page.locator('figcaption', { hasText: /\d+.samples broke the limit of 100.%/ }).waitFor();
    const drawn = await page.locator('.canvas canvas').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const pixels = (canvas as HTMLCanvasElement)
        .getContext('2d')
        ?.getImageData(0, 0, width, height);
      // --down of the light palette: the samples that broke the rule.
      let red = 0;
      for (let n = 0; n < (pixels?.data.length ?? 0); n += 4)
        if (pixels?.data[n] === 0x7e && pixels.data[n + 1] === 0x04) red += 1;
      return red;
    });
    expect(drawn).toBeGreaterThan(500);
    await page.goto(`${url}/#/incidents/none`);
    await page.getByRole('heading', { name: 'No incident has this id' }).waitFor();
    await page.close();
  });

  test('many tabs share one stream', async () => {
    const [show, url] = await start();
    const pages = await Promise.all(Array.from({ length: 8 }, () => visit(url)));
    for (const page of pages) await page.locator('.incident').first().waitFor();
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^vedette_show_streams 1$/m);
    for (const page of pages) await page.close();
    await expect
      .poll(
        async () =>
          (await show.app.inject({ url: '/metrics', headers: { host: 'localhost' } })).body,
        {
          timeout: 20_000,
        },
      )
      .toMatch(/^vedette_show_streams 0$/m);
  });

  test('without a shared worker the page opens a stream itself', async () => {
    const [, url] = await start();
    const page = await browser.context.newPage();
    await page.addInitScript('delete window.SharedWorker');
    await page.goto(url);
    await page.locator('.incident').first().waitFor();
    await page.close();
  });

  test('without server-sent events it asks again and again', async () => {
    const [, url] = await start();
    const page = await browser.context.newPage();
    await page.addInitScript('delete window.SharedWorker; delete window.EventSource');
    await page.goto(url);
    await page.locator('.incident').first().waitFor();
    await page.close();
  });

  test('when the stream stops everything turns grey, loudly, and heals by itself', async () => {
    const [show, url] = await start();
    const page = await visit(url);
    await page.locator('.incident').first().waitFor();
    const port = Number(new URL(url).port);
    await show.close();
    const banner = page.getByRole('alert');
    await banner.waitFor({ timeout: 15_000 });
    expect(await banner.innerText()).toMatch(/No updates for \d+.s/);
    expect(
      await page.locator('.page.is-stale main').evaluate((main) => getComputedStyle(main).filter),
    ).toBe('grayscale(1)');
    const again = await createFakeShow({ incidents: [{ ...GHENT, openedAt: Date.now() }] });
    shows.push(again);
    await again.listen(port);
    await page.locator('.incident', { hasText: 'Ghent MPLS' }).waitFor({ timeout: 15_000 });
    await banner.waitFor({ state: 'detached' });
    expect(await page.locator('.incident').count()).toBe(1);
    await page.close();
  });
});
