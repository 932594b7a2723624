import { afterEach, expect, test } from 'vitest';
import { type Program, startVedette } from '../../lab/programs.ts';
import { until } from '../../lab/until.ts';
import type { IncidentView, StatusView } from '../../protocol/wire/views.ts';

let demo: Program | undefined;
afterEach(async () => {
  await demo?.end('SIGINT');
  demo = undefined;
});

const PORT = 18_480;
const page = async (path: string): Promise<Response> => fetch(`http://127.0.0.1:${PORT}${path}`);

test('the demo is watching at once, and a branch of several devices that is cut off becomes one ticket that closes itself', async () => {
  const output: string[] = [];
  demo = startVedette('demo', ['demo', '--port', String(PORT), '--seed', '7']);
  demo.child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const said = (pattern: RegExp, withinMs: number): Promise<string> =>
    until(`the demo says ${pattern}`, withinMs, () => pattern.exec(output.join(''))?.[0]);

  await said(/The page: http:\/\/localhost:\d+/, 20_000);
  const isWatching = await until('every circuit is measured', 20_000, async () => {
    const { links } = (await (await page('/api/v1/status')).json()) as StatusView;
    return (links.length > 0 && links.every((link) => link.health !== 'unknown')) || undefined;
  });
  expect(isWatching).toBe(true);

  await said(/excavator cuts/, 20_000);
  const opened = await said(/ticket T-\d+ opened: P\d Circuit .*/, 20_000);
  const number = /T-\d+/.exec(opened)?.[0];

  const incidents = async (): Promise<readonly IncidentView[]> =>
    ((await (await page('/api/v1/incidents?state=all')).json()) as { incidents: IncidentView[] })
      .incidents;
  const status = (await (await page('/api/v1/status')).json()) as StatusView;
  const [{ site }] = (await incidents()) as [IncidentView];
  const devices = status.sites.find(({ id }) => id === site)?.devices ?? [];
  expect(devices.length).toBeGreaterThan(2);
  await until('router and switches of the branch are symptoms of its circuit', 45_000, async () => {
    const [{ symptoms }] = (await incidents()) as [IncidentView];
    const seen = new Set(symptoms.map(({ subject }) => subject));
    return devices.every(({ id }) => seen.has(`device:${id}`)) || undefined;
  });

  await said(new RegExp(`ticket ${number} resolved`), 60_000);
  expect((await incidents()).map(({ title }) => title)).toHaveLength(1);
  const tickets = new Set(output.join('').match(/T-\d+/g));
  expect([...tickets]).toEqual([number]);
}, 150_000);
