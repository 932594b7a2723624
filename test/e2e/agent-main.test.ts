import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/adapters/system/system.ts';
import { type AgentOptions, type RunningAgent, startAgent } from '../../agent/main.ts';
import type { EchoRequest } from '../../agent/ports/echo.ts';
import type { SnmpEngine } from '../../agent/ports/snmp.ts';
import type { AgentConfig } from '../../protocol/wire/agent-config.ts';
import { createFakeEchoEngine, createFakeLog } from '../support/agent-fakes.ts';
import { eventually, type FakeCollector, openFakeCollector } from '../support/fake-collector.ts';

const TOKEN = 'vdt_secret-token-of-the-agent';
const COMMUNITY = 'very-secret-community';

const config: AgentConfig = {
  v: 1,
  revision: 'r1',
  agent: 'branch-1',
  site: 'lyon',
  targets: [
    {
      id: 'r1-icmp',
      probe: 'icmp',
      subject: 'device:r1',
      address: '192.0.2.1',
      count: 5,
      every: 500,
      timeout: 100,
    },
    {
      id: 'r1-snmp',
      probe: 'snmp',
      subject: 'device:r1',
      address: '192.0.2.1',
      port: 161,
      credential: 'lan',
      every: 500,
      slowEvery: 5000,
      timeout: 200,
    },
  ],
  credentials: { lan: { version: '2c', community: COMMUNITY } },
  confirm: [],
};

let folder: string;
let collector: FakeCollector;
let agents: RunningAgent[];
let log: ReturnType<typeof createFakeLog>;
let rttOf: (elapsed: number, request: EchoRequest) => number;
const big = 2n ** 60n;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-agent-'));
  collector = await openFakeCollector(TOKEN);
  collector.config = { etag: '"r1"', value: config };
  agents = [];
  log = createFakeLog();
  rttOf = () => 2;
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await collector.close();
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

function createFakeSnmp(): SnmpEngine {
  let polls = 0;
  return {
    name: 'fake',
    open: () => ({
      async system() {
        polls += 1;
        const at = systemClock.now();
        return { kind: 'answered', value: { at, uptimeTicks: polls * 50, engineBoots: 1 } };
      },
      async interfaces(withNames) {
        const counters = { inOctets: { value: big + BigInt(polls), bits: 64 as const } };
        const row = { ifIndex: 1, name: 'ge0', operUp: true, adminUp: true, counters };
        return { kind: 'answered', value: [withNames ? { ...row, alias: 'uplink' } : row] };
      },
      async environment() {
        return { kind: 'answered', value: { cpuRatio: 0.25 } };
      },
      close() {},
    }),
    close() {},
  };
}

async function start(options: Partial<AgentOptions> = {}): Promise<RunningAgent> {
  const agent = await startAgent({
    server: collector.url,
    token: TOKEN,
    stateDir: folder,
    log,
    openEngines: async () => {
      const echo = createFakeEchoEngine(systemClock, (at, request) => rttOf(at, request));
      const openReflector = async () => ({ port: 1, close: async () => undefined });
      return { icmp: echo, stamp: echo, openReflector, snmp: createFakeSnmp() };
    },
    ...options,
  });
  agents.push(agent);
  return agent;
}
const stop = async (agent: RunningAgent) => {
  agents = agents.filter((other) => other !== agent);
  await agent.stop();
};
const says = (text: string) => log.lines.some((line) => JSON.stringify(line).includes(text));

describe('an agent', () => {
  test('polls what the server says and ships figures, exact counters and interfaces', async () => {
    const agent = await start();
    await eventually('three rounds', () => collector.values('icmp_rtt_ms').length >= 3);
    await eventually('counters', () => collector.values('if_in_octets_total').length >= 2);
    expect(agent.agent()).toBe('branch-1');
    expect(collector.values('icmp_loss_ratio')[0]).toMatchObject({
      subject: 'device:r1',
      value: 0,
    });
    const octets = collector.values('if_in_octets_total');
    expect(octets[0]?.subject).toBe('interface:r1/ge0');
    expect(typeof octets[0]?.value).toBe('bigint');
    expect((octets[0]?.value as bigint) > big).toBe(true);
    const interfaces = collector.batches.flatMap((batch) => batch.interfaces ?? []);
    expect(interfaces[0]).toMatchObject({
      subject: 'interface:r1/ge0',
      name: 'ge0',
      alias: 'uplink',
    });
    expect(collector.breaches).toEqual([]);
  });

  test('keeps uptime and counters of one poll in one batch', async () => {
    await start();
    await eventually('counters', () => collector.values('if_in_octets_total').length >= 3);
    const uptimes = new Set(collector.values('device_uptime_ticks').map((sample) => sample.at));
    for (const { at } of collector.values('if_in_octets_total')) expect(uptimes).toContain(at);
  });

  test('starts from its last configuration when the server is away, and backfills', async () => {
    const first = await start();
    await eventually('targets', () => first.figures().targets === 2);
    await stop(first);
    const { url } = collector;
    await collector.close();
    const agent = await start({ server: url });
    expect(agent.figures().targets).toBe(2);
    await eventually('data in the spool', () => agent.figures().spoolSamples > 20);
    await stop(agent);
    collector = await openFakeCollector(TOKEN);
    collector.config = { etag: '"r1"', value: config };
    const again = await start({ server: collector.url });
    await eventually('the spool is empty', () => again.figures().spoolSamples < 20);
    expect(collector.breaches).toEqual([]);
    const ats = collector.values('icmp_rtt_ms').map((sample) => sample.at);
    expect(new Set(ats).size).toBe(ats.length);
  });

  test('sends the dictionary again when the server has lost it, and loses nothing', async () => {
    const agent = await start();
    await eventually('data', () => collector.batches.length >= 2);
    collector.forgetDictionaries();
    const before = collector.batches.length;
    await eventually('more data', () => collector.batches.length > before + 1);
    expect(collector.dictionaries).toHaveLength(1);
    expect(collector.dictionaries[0]?.entries.length).toBeGreaterThan(8);
    expect(agent.figures().dropped).toBe(0);
    expect(collector.breaches).toEqual([]);
  });

  test('renews its spool when the server will not take the dictionary of former targets', async () => {
    const agent = await start();
    await eventually('data', () => collector.batches.length >= 1);
    const before = collector.batches[0]?.spool;
    collector.forgetDictionaries();
    collector.refuse('/v1/dictionary', 'foreign-subject');
    await eventually('another id', () => collector.batches.at(-1)?.spool !== before);
    expect(agent.figures().dropped).toBe(0);
    expect(collector.breaches).toEqual([]);
  });

  test.each(['cloned-agent', 'dictionary-conflict'] as const)(
    'takes a new spool id after %s and sends everything under it',
    async (code) => {
      await start();
      await eventually('data', () => collector.batches.length >= 1);
      const before = collector.batches[0]?.spool;
      collector.refuse('/v1/samples', code);
      await eventually('another id', () => collector.batches.at(-1)?.spool !== before);
      expect(collector.breaches).toEqual([]);
      const ats = collector.values('icmp_rtt_ms').map((sample) => sample.at);
      expect(Math.max(...ats.slice(1).map((at, i) => at - (ats[i] as number)))).toBeLessThan(1200);
    },
  );

  test.each([
    'malformed',
    'foreign-subject',
    'unknown-metric',
    'too-large',
    'from-the-future',
  ] as const)('sets a batch aside after %s, says so and goes on', async (code) => {
    collector.refuse('/v1/samples', code);
    const agent = await start();
    await eventually('data', () => collector.batches.length >= 2);
    expect(agent.figures().dropped).toBeGreaterThan(0);
    expect(says(code)).toBe(true);
    expect(readdirSync(join(folder, 'spool', 'refused'))).toHaveLength(2);
    expect(collector.breaches).toEqual([]);
  });

  test('falls back to gzip when the server does not know zstd', async () => {
    collector.refuse('/v1/samples', 'unsupported-encoding');
    await start();
    await eventually('data', () => collector.batches.length >= 2);
    const encodings = collector.requests
      .filter((request) => request.path === '/v1/samples')
      .map((request) => request.headers['content-encoding']);
    expect(encodings.slice(0, 3)).toEqual(['zstd', 'gzip', 'gzip']);
  });

  test('comes back when Retry-After says, not before', async () => {
    collector.refuse('/v1/samples', 'busy', { retryAfter: '2' });
    await start();
    await eventually('data', () => collector.batches.length >= 1);
    const sends = collector.requests.filter((request) => request.path === '/v1/samples');
    expect((sends[1]?.at as number) - (sends[0]?.at as number)).toBeGreaterThanOrEqual(1950);
  });

  test.each([{ status: 502 }, { status: 200 }, { status: 407 }])(
    "keeps everything when something else answers in the server's place (HTTP $status)",
    async (answer) => {
      collector.refuse('/v1/samples', answer, { times: 2 });
      const agent = await start();
      await eventually('the attempt', () =>
        collector.requests.some((request) => request.path === '/v1/samples'),
      );
      await eventually('spooled', () => agent.figures().spoolSamples > 0);
      expect(agent.figures().dropped).toBe(0);
    },
  );

  test('a revoked token is said loudly, and data waits', async () => {
    const agent = await start();
    await eventually('data', () => collector.batches.length >= 1);
    collector.refuse('/v1/samples', 'unauthenticated', { times: 1000 });
    await eventually('said', () =>
      log.lines.some((line) => line.level === 'error' && line.sentence.includes('does not accept')),
    );
    await eventually('waiting', () => agent.figures().spoolSamples > 20);
    expect(agent.figures().dropped).toBe(0);
  });

  test('the same gap again and again ends in a new spool id', async () => {
    await start();
    await eventually('data', () => collector.batches.length >= 1);
    const before = collector.batches[0]?.spool;
    collector.refuse('/v1/samples', 'sequence-gap', { times: 3, expected: 1 });
    await eventually('another id', () => collector.batches.at(-1)?.spool !== before, 15_000);
    expect(collector.breaches).toEqual([]);
  }, 20_000);

  test('sends heartbeats with lag, spool and engines, also when there is nothing to poll', async () => {
    collector.config = { etag: '"r2"', value: { ...config, targets: [] } };
    await start();
    await eventually('heartbeats', () => collector.heartbeats.length >= 2);
    expect(collector.heartbeats[0]).toMatchObject({
      agent: 'branch-1',
      engines: [{ probe: 'icmp', engine: 'fake' }, { probe: 'stamp' }, { probe: 'snmp' }],
    });
    const [first, second] = collector.requests.filter((one) => one.path === '/v1/heartbeat');
    expect((second?.at as number) - (first?.at as number)).toBeLessThan(5000);
  });

  test('a changed configuration leaves unchanged targets alone', async () => {
    const agent = await start();
    await eventually('data', () => collector.values('icmp_rtt_ms').length >= 2);
    collector.config = {
      etag: '"r2"',
      value: { ...config, revision: 'r2', targets: config.targets.slice(0, 1) },
    };
    await eventually('one target', () => agent.figures().targets === 1);
    const ats = () => collector.values('icmp_rtt_ms').map((sample) => sample.at);
    const before = ats().length;
    await eventually('more rounds', () => ats().length >= before + 3);
    for (const [i, at] of ats().slice(1).entries()) {
      expect(at - (ats()[i] as number)).toBeLessThan(900);
    }
  });

  test('a configuration that breaks the schema is refused by name and the old one stays', async () => {
    const agent = await start();
    await eventually('targets', () => agent.figures().targets === 2);
    const targets = [{ ...config.targets[0], every: 1 }];
    collector.config = { etag: '"bad"', value: { ...config, targets } };
    await eventually('said', () => says('config.targets[0].every'));
    expect(agent.figures().targets).toBe(2);
  });

  test('a confirmation that the server asks for is done once', async () => {
    await start();
    await eventually('data', () => collector.values('icmp_rtt_ms').length >= 1);
    const confirm = [{ id: 'c1', target: 'r1-icmp', until: Date.now() + 60_000 }];
    collector.config = { etag: '"r2"', value: { ...config, confirm } };
    await eventually('confirmed', () => collector.values('icmp_confirm_loss_ratio').length === 1);
    collector.config = { etag: '"r3"', value: { ...config, revision: 'r3', confirm } };
    const before = collector.values('icmp_rtt_ms').length;
    await eventually('more', () => collector.values('icmp_rtt_ms').length > before + 3);
    expect(collector.values('icmp_confirm_loss_ratio')).toHaveLength(1);
  });

  test('an outage is shipped at once, not with the round', async () => {
    const slow = { ...config.targets[0], every: 5000, timeout: 1000 };
    collector.config = { etag: '"r2"', value: { ...config, targets: [slow] } };
    await start();
    await eventually('a first round', () => collector.values('icmp_rtt_ms').length >= 1, 12_000);
    rttOf = () => Number.NaN;
    const from = performance.now();
    await eventually('known', () => collector.values('icmp_confirm_loss_ratio').length >= 1);
    expect(performance.now() - from).toBeLessThan(2900);
    expect(collector.values('icmp_confirm_loss_ratio')[0]?.value).toBe(1);
  }, 20_000);

  test('leaves no secret in agent.json, in the spool or in the log', async () => {
    collector.refuse('/v1/samples', 'malformed');
    collector.refuse('/v1/heartbeat', 'unauthenticated');
    const agent = await start();
    await eventually('data', () => collector.batches.length >= 2);
    await stop(agent);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files.map((entry) => entry.name)).toContain('agent.json');
    for (const entry of files) {
      const text = readFileSync(join(entry.parentPath, entry.name), 'latin1');
      expect(text).not.toContain(COMMUNITY);
      expect(text).not.toContain(TOKEN);
    }
    expect(JSON.stringify(log.lines)).not.toContain(TOKEN);
    expect(JSON.stringify(log.lines)).not.toContain(COMMUNITY);
    expect(statSync(join(folder, 'agent.json')).mode & 0o777).toBe(0o600);
  });

  test('flushes what it has when it stops', async () => {
    const agent = await start();
    await eventually('data', () => collector.batches.length >= 1);
    await stop(agent);
    const shipped = collector.values('icmp_rtt_ms').length;
    expect(shipped).toBeGreaterThan(0);
    const again = await start();
    expect(again.figures().spoolSamples).toBe(0);
  });

  test('gives up spooled data of another agent when the token changes hands', async () => {
    collector.refuse('/v1/samples', 'busy', { times: 1000, retryAfter: '1' });
    const first = await start();
    await eventually('spooled data', () => first.figures().spoolSamples > 0);
    await stop(first);
    await collector.close();
    collector = await openFakeCollector(TOKEN);
    collector.config = { etag: '"r2"', value: { ...config, agent: 'branch-2' } };
    const agent = await start();
    await eventually('renamed', () => agent.agent() === 'branch-2');
    await eventually('data', () => collector.batches.some((batch) => batch.agent === 'branch-2'));
    expect(agent.figures().dropped).toBeGreaterThan(0);
    const after = collector.batches.findIndex((batch) => batch.agent === 'branch-2');
    expect(collector.batches.slice(after).every((batch) => batch.agent === 'branch-2')).toBe(true);
    expect(collector.breaches).toEqual([]);
  });

  test.each([
    ['http://192.0.2.1:8080', /in clear/],
    ['http://example.org', /in clear/],
    ['ftp://127.0.0.1', /https/],
    ['https://user:pass@127.0.0.1', /must not carry/],
    ['not a url', /no URL/],
  ])('refuses to send its token to %s', async (server, why) => {
    await expect(start({ server })).rejects.toMatchObject({
      code: 'BAD_SERVER_URL',
      message: expect.stringMatching(why),
    });
  });

  test('refuses a folder where another agent works', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
  });
});
