import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { checkHistory } from '../../cli/doctor-history.ts';
import { loadSetup } from '../../cli/setup.ts';
import type { TicketMessage } from '../../protocol/wire/ticket-payload.ts';
import { openDatabase } from '../../server/adapters/sqlite/database.ts';
import { startServer } from '../../server/main.ts';
import { needs } from '../support/needs.ts';

const WITHIN = { timeout: 20_000, interval: 100 };

needs('root')('a history on a disk of its own', () => {
  test('a full disk is one ticket and a loud page, over a restart too; detection goes on; with room again the ticket resolves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-stopped-'));
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]);
    const messages: TicketMessage[] = [];
    const sink = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        messages.push(JSON.parse(Buffer.concat(chunks).toString()) as TicketMessage);
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    process.env['VEDETTE_TEST_SECRET'] = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
    const file = join(folder, 'vedette.yaml');
    writeFileSync(file, JSON.stringify(configOf(folder, disk, sink)));
    const start = async () => {
      const loaded = await loadSetup(file);
      if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
      const { agents, people } = loaded.setup.options;
      // Any free port; a configuration cannot ask for that.
      const free = { agents: { ...agents, port: 0 }, people: { ...people, port: 0 } };
      const setup = { ...loaded.setup, options: { ...loaded.setup.options, ...free } };
      return startServer({ setup, version: '0.0.0', log: pino({ level: 'silent' }) });
    };
    const own = async () =>
      ((await (await fetch(`${server.peopleUrl}/api/v1/status`)).json()) as { own: object[] }).own;
    const about = (subject: string) =>
      messages.filter(({ data }) => data.subject === subject).map(({ type }) => type);
    let server = await start();
    try {
      expect(await own()).toEqual([]);
      expect((await checkHistory(file)).state).toBe('ok');
      writeFileSync(join(disk, 'filler'), Buffer.alloc(15 * 1024 * 1024));
      await expect.poll(() => about('service:vedette'), WITHIN).toEqual(['incident.opened']);
      expect(messages[0]?.data.title).toBe('History stopped on vedette');
      expect(await own()).toMatchObject([{ id: 'history' }]);
      expect(await checkHistory(file)).toMatchObject({ state: 'fail' });

      const db = openDatabase(join(folder, 'state', 'state.db'));
      const { token } = db.tokens.create('agent-1', Date.now() as never);
      db.close();
      await lose(server.agentsUrl, token);
      await expect.poll(() => about('link:lyon-mpls'), WITHIN).toEqual(['incident.opened']);

      await server.stop();
      server = await start();
      await expect.poll(own, WITHIN).toMatchObject([{ id: 'history' }]);
      rmSync(join(disk, 'filler'));
      const both = ['incident.opened', 'incident.resolved'];
      await expect.poll(() => about('service:vedette'), WITHIN).toEqual(both);
      await expect.poll(own, WITHIN).toEqual([]);
      expect((await checkHistory(file)).state).toBe('ok');
    } finally {
      await server.stop();
      sink.closeAllConnections();
      sink.close();
      execFileSync('umount', [disk]);
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

const configOf = (folder: string, disk: string, sink: http.Server) => ({
  server: {
    agents: { port: 1 },
    people: { port: 2 },
    state: join(folder, 'state'),
    history: { state: disk },
  },
  sites: [
    { id: 'hub', hub: true, users: 5 },
    { id: 'lyon', users: 40 },
  ],
  links: [
    {
      id: 'lyon-mpls',
      kind: 'wan',
      site: 'lyon',
      peer: 'hub',
      probes: [{ from: 'agent-1', icmp: '192.0.2.1' }],
    },
  ],
  agents: [{ id: 'agent-1', site: 'hub' }],
  timing: { holdDown: '1s' },
  tickets: {
    destinations: [
      {
        id: 'desk',
        url: `http://127.0.0.1:${(sink.address() as AddressInfo).port}`,
        secrets: [{ env: 'VEDETTE_TEST_SECRET' }],
        openAfter: { P1: '0s', P2: '0s', P3: '0s', P4: '0s', P5: '0s' },
      },
    ],
  },
});

/** A link that is well, then gone. */
async function lose(agentsUrl: string, token: string): Promise<void> {
  for (const loss of [0, 1]) {
    const response = await fetch(`${agentsUrl}/v1/samples`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({
        v: 1,
        agent: 'agent-1',
        spool: '0123456789abcdef',
        lane: 'live',
        sequence: loss + 1,
        at: Date.now(),
        dictionary:
          loss === 1
            ? []
            : [
                { index: 0, metric: 'icmp_loss_ratio', subject: 'link:lyon-mpls', every: 5000 },
                { index: 1, metric: 'icmp_confirm_loss_ratio', subject: 'link:lyon-mpls' },
              ],
        gauges: { series: [0, 1], at: [0, 0], value: [loss, loss] },
        counters: [],
      }),
    });
    expect(response.status).toBe(200);
  }
}
