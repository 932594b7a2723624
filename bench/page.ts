import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { CDPSession } from 'playwright-core';
import type { Figure } from './figure.ts';
import { startLivePage } from './support-live-page.ts';

export const name = 'page';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ASSETS = join(ROOT, 'web/dist/assets');
const SITES = 2_000;
const WATCHED_S = 10;

/** How big is the first load, and how busy is a browser with 2,000 sites of which all change? */
export async function run(): Promise<Figure[]> {
  execFileSync(process.execPath, [join(ROOT, 'tools/build-page.mjs')], { cwd: ROOT });
  return [firstLoad(), ...(await liveLoad())];
}

/** Everything but the graph, which only an incident's own page loads. */
function firstLoad(): Figure {
  const files = readdirSync(ASSETS).filter((file) => /\.(js|css)$/.test(file));
  const first = files.filter((file) => !file.startsWith('chart-'));
  const bytes = [...first.map((file) => join(ASSETS, file)), join(ROOT, 'web/dist/index.html')]
    .map((path) => gzipSync(readFileSync(path), { level: 9 }).length)
    .reduce((sum, size) => sum + size, 0);
  const graph = files
    .filter((file) => file.startsWith('chart-'))
    .reduce((sum, file) => sum + statSync(join(ASSETS, `${file}.gz`)).size, 0);
  return {
    name: 'page, first load, gzip',
    figure: bytes / 1000,
    unit: 'kB',
    reference: 90.5,
    referenceName: 'React with the same parts',
    budget: 80,
    note: `the graph, when it is asked for, adds ${(graph / 1000).toFixed(1)} kB`,
  };
}

async function liveLoad(): Promise<Figure[]> {
  let chromium: typeof import('playwright-core').chromium;
  try {
    ({ chromium } = await import('playwright-core'));
  } catch {
    return [];
  }
  const live = await startLivePage(SITES, join(ROOT, 'web/dist'));
  const profile = await mkdtemp(join(tmpdir(), 'vedette-bench-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    viewport: { width: 1280, height: 900 },
  });
  try {
    const page = await context.newPage();
    await page.goto(`${live.url}/#/sites`);
    await page.locator('.site').first().waitFor();
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    // The first seconds are the start, not the work.
    await page.waitForTimeout(3_000);
    const before = await taskMs(session);
    const changesBefore = live.changes();
    await page.waitForTimeout(WATCHED_S * 1_000);
    const busy = ((await taskMs(session)) - before) / WATCHED_S;
    const changes = (live.changes() - changesBefore) / WATCHED_S;
    return [
      {
        name: `page, main thread, ${SITES} sites live`,
        figure: busy,
        unit: 'ms/s',
        reference: 634,
        referenceName: 'React, unwindowed, 2,000 changes a second',
        budget: 50,
        note: `${Math.round(changes)} changes a second`,
      },
    ];
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    await live.close();
  }
}

/** All work of the page's main thread so far: script, style, layout, paint. */
async function taskMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return (metrics.find((metric) => metric.name === 'TaskDuration')?.value ?? 0) * 1_000;
}
