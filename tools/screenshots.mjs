// Takes the screenshots of the documents from the real demo: run `npm start` first, then this.
// usage: npm run screenshots [-- http://localhost:8080]
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const base = process.argv[2] ?? 'http://localhost:8080';
const folder = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
mkdirSync(folder, { recursive: true });

const { incidents } = await (await fetch(`${base}/api/v1/incidents?state=open`)).json();
const incident = incidents.find((one) => one.services?.length > 0) ?? incidents[0];
if (!incident) {
  console.error('screenshots: no incident is open; wait for the next fault of the demo');
  process.exit(1);
}
const quiet = ['--disable-quic', '--disable-background-networking', '--disable-component-update'];
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync', ...quiet],
});

const SHOTS = [
  ['now', '/', 'dark', 800],
  ['incident', `/#/incidents/${incident.id}`, 'light', 1000],
  ['sites', '/#/sites', 'light', 800],
];
for (const [name, path, colorScheme, height] of SHOTS) {
  const page = await browser.newPage({ viewport: { width: 1280, height }, colorScheme });
  await page.goto(`${base}${path}`);
  await page.waitForTimeout(3000);
  await page.screenshot({ path: `${folder}${name}.png` });
  await page.close();
}
await browser.close();
console.log(`screenshots: ${SHOTS.map(([name]) => name).join(', ')} are in docs/screenshots`);
