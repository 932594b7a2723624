import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import { createBusyShow, createFakeShow, type FakeShow } from '../support/fake-show.ts';
import { needs } from '../support/needs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VIEWS = [
  '#/now',
  '#/sites',
  '#/sites/lyon',
  '#/changes',
  '#/incidents/inc-7f3a-20417',
  '#/incidents/inc-7f3a-20398',
  '#/agents',
];

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

needs('chromium')('the page fits everybody', () => {
  let show: FakeShow;
  let url = '';

  beforeAll(async () => {
    execFileSync(process.execPath, ['tools/build-page.mjs'], { cwd: ROOT });
    show = await createBusyShow();
    url = await show.listen();
  });
  afterAll(async () => {
    await show?.close();
  });

  async function withBrowser(
    options: Parameters<typeof openBrowser>[0],
    body: (browser: TestBrowser) => Promise<void>,
  ): Promise<void> {
    const browser = await openBrowser(options);
    try {
      await body(browser);
    } finally {
      await browser.close();
    }
  }

  async function open(browser: TestBrowser, hash: string, base = url): Promise<Page> {
    const page = await browser.context.newPage();
    await page.goto(`${base}/${hash}`);
    await page.locator('h1').first().waitFor();
    await page.locator('.card, .incident').first().waitFor();
    if (hash.includes('incidents')) await page.locator('.timeline .is-incident-opened').waitFor();
    return page;
  }

  /** axe-core's findings of at least serious impact, in words; run in its own world, past the policy. */
  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(axe.source);
    const found = (await page.evaluate(
      'axe.run().then((result) => result.violations)',
    )) as Violation[];
    return found
      .filter((one) => one.impact === 'serious' || one.impact === 'critical')
      .map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`)}`);
  }

  test.each(['light', 'dark'] as const)(
    'no serious accessibility fault in the %s theme',
    async (theme) => {
      await withBrowser({ theme }, async (browser) => {
        for (const hash of VIEWS) {
          const page = await open(browser, hash);
          expect(await violations(page), hash).toEqual([]);
          await page.close();
        }
        const page = await open(browser, '#/now');
        await page.keyboard.press('?');
        await page.getByRole('dialog').waitFor();
        expect(await violations(page)).toEqual([]);
        await page.close();
        const site = await open(browser, '#/sites/porto');
        await site.getByRole('button', { name: 'Graphs of Porto MPLS' }).click();
        await site.locator('.canvas canvas').waitFor();
        expect(await violations(site), 'a graph').toEqual([]);
        const incident = await open(browser, '#/incidents/inc-7f3a-20417');
        await incident.getByRole('button', { name: 'Merge into…' }).click();
        await incident.getByRole('dialog').waitFor();
        expect(await violations(incident), 'a decision').toEqual([]);
      });
    },
  );

  test('nothing sticks out at 360 px, and the incident list can be used there', async () => {
    await withBrowser({ width: 360, height: 740 }, async (browser) => {
      for (const hash of VIEWS) {
        const page = await open(browser, hash);
        const [wide, room] = await page.evaluate(() => [
          document.documentElement.scrollWidth,
          innerWidth,
        ]);
        expect(wide, hash).toBeLessThanOrEqual(room ?? 0);
        await page.close();
      }
      const page = await open(browser, '#/now');
      await page.getByRole('button', { name: 'Acknowledge' }).first().click();
      await page.getByLabel('Your name').waitFor();
    });
  });

  test('every state has a word and a shape of its own, so that colour is not needed', async () => {
    await withBrowser({}, async (browser) => {
      const page = await open(browser, '#/sites');
      const seen = await page
        .locator('.site')
        .evaluateAll((cards) =>
          cards.map((card) => [
            card.querySelector('.state')?.textContent,
            card.querySelector('.shape')?.innerHTML,
          ]),
        );
      const shapes = new Map(seen as [string, string][]);
      expect([...shapes.keys()].toSorted()).toEqual(['Degraded', 'Down', 'Unknown', 'Up']);
      expect(new Set(shapes.values()).size).toBe(4);
    });
  });

  test('the first load stays under 80 kB, compressed, and comes from this server alone', async () => {
    await withBrowser({}, async (browser) => {
      const page = await browser.context.newPage();
      const sizes: number[] = [];
      const foreign: string[] = [];
      page.on('response', async (answer) => {
        if (!answer.url().startsWith(url)) foreign.push(answer.url());
        if (answer.url().includes('/api/')) return;
        sizes.push((await answer.request().sizes()).responseBodySize);
      });
      await page.goto(url);
      await page.locator('.incident').first().waitFor();
      await page.waitForLoadState('load');
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(foreign).toEqual([]);
      expect(total).toBeGreaterThan(10_000);
      expect(total).toBeLessThan(80_000);
    });
  });

  test('of 2,000 sites only what is on the screen exists, and the last can be reached', async () => {
    const many = await createFakeShow({ sites: 2_000 });
    const base = await many.listen();
    try {
      await withBrowser({}, async (browser) => {
        const page = await open(browser, '#/sites', base);
        expect(await page.locator('.windowed > li').count()).toBeLessThan(80);
        expect(await page.locator('.windowed > li').first().getAttribute('aria-setsize')).toBe(
          '2000',
        );
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        await page.locator('.windowed > li[aria-posinset="2000"]').waitFor();
        await page.evaluate(() => scrollTo(0, 0));
        await page.keyboard.press('/');
        await page.keyboard.type('Turku 16');
        await page.locator('.headline', { hasText: /^Sites and links\s*\d+ of 2,000/ }).waitFor();
        expect(await page.evaluate(() => location.hash)).toBe('#/sites?q=Turku+16');
      });
    } finally {
      await many.close();
    }
  });
});
