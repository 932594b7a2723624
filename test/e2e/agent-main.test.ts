import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { big, COMMUNITY, config, TOKEN, test } from '../support/agent-scene.ts';
import { eventually, openFakeCollector } from '../support/fake-collector.ts';

describe.concurrent('an agent', () => {
  test('polls what the server says and ships figures, exact counters and interfaces', async ({
    scene,
  }) => {
    const agent = await scene.start();
    await eventually('three rounds', () => scene.collector.values('icmp_rtt_ms').length >= 3);
    await eventually('counters', () => scene.collector.values('if_in_octets_total').length >= 2);
    expect(agent.agent()).toBe('branch-1');
    expect(scene.collector.values('icmp_loss_ratio')[0]).toMatchObject({
      subject: 'device:r1',
      value: 0,
    });
    const octets = scene.collector.values('if_in_octets_total');
    expect(octets[0]?.subject).toBe('interface:r1/ge0');
    expect(typeof octets[0]?.value).toBe('bigint');
    expect((octets[0]?.value as bigint) > big).toBe(true);
    const interfaces = scene.collector.batches.flatMap((batch) => batch.interfaces ?? []);
    expect(interfaces[0]).toMatchObject({
      subject: 'interface:r1/ge0',
      name: 'ge0',
      alias: 'uplink',
    });
    expect(scene.collector.breaches).toEqual([]);
  });

  test('keeps uptime and counters of one poll in one batch', async ({ scene }) => {
    await scene.start();
    await eventually('counters', () => scene.collector.values('if_in_octets_total').length >= 3);
    const uptimes = new Set(
      scene.collector.values('device_uptime_ticks').map((sample) => sample.at),
    );
    for (const { at } of scene.collector.values('if_in_octets_total'))
      expect(uptimes).toContain(at);
  });

  test('starts from its last configuration when the server is away, and backfills', async ({
    scene,
  }) => {
    const first = await scene.start();
    await eventually('targets', () => first.figures().targets === 2);
    await scene.stop(first);
    const { url } = scene.collector;
    await scene.collector.close();
    const agent = await scene.start({ server: url });
    expect(agent.figures().targets).toBe(2);
    await eventually('data in the spool', () => agent.figures().spoolSamples > 20);
    await scene.stop(agent);
    scene.collector = await openFakeCollector(TOKEN);
    scene.collector.config = { etag: '"r1"', value: config };
    const again = await scene.start({ server: scene.collector.url });
    await eventually('the spool is empty', () => again.figures().spoolSamples < 20);
    expect(scene.collector.breaches).toEqual([]);
    const ats = scene.collector.values('icmp_rtt_ms').map((sample) => sample.at);
    expect(new Set(ats).size).toBe(ats.length);
  });

  test('sends the dictionary again when the server has lost it, and loses nothing', async ({
    scene,
  }) => {
    const agent = await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 2);
    scene.collector.forgetDictionaries();
    const before = scene.collector.batches.length;
    await eventually('more data', () => scene.collector.batches.length > before + 1);
    expect(scene.collector.dictionaries).toHaveLength(1);
    expect(scene.collector.dictionaries[0]?.entries.length).toBeGreaterThan(8);
    expect(agent.figures().dropped).toBe(0);
    expect(scene.collector.breaches).toEqual([]);
  });

  test('renews its spool when the server will not take the dictionary of former targets', async ({
    scene,
  }) => {
    const agent = await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 1);
    const before = scene.collector.batches[0]?.spool;
    scene.collector.forgetDictionaries();
    scene.collector.refuse('/v1/dictionary', 'foreign-subject');
    await eventually('another id', () => scene.collector.batches.at(-1)?.spool !== before);
    expect(agent.figures().dropped).toBe(0);
    expect(scene.collector.breaches).toEqual([]);
  });

  test.for(['cloned-agent', 'dictionary-conflict'] as const)(
    'takes a new spool id after %s and sends everything under it',
    async (code, { scene }) => {
      await scene.start();
      await eventually('data', () => scene.collector.batches.length >= 1);
      const before = scene.collector.batches[0]?.spool;
      scene.collector.refuse('/v1/samples', code);
      await eventually('another id', () => scene.collector.batches.at(-1)?.spool !== before);
      expect(scene.collector.breaches).toEqual([]);
      const ats = scene.collector.values('icmp_rtt_ms').map((sample) => sample.at);
      expect(Math.max(...ats.slice(1).map((at, i) => at - (ats[i] as number)))).toBeLessThan(1200);
    },
  );

  test.for([
    'malformed',
    'foreign-subject',
    'unknown-metric',
    'too-large',
    'from-the-future',
  ] as const)('sets a batch aside after %s, says so and goes on', async (code, { scene }) => {
    scene.collector.refuse('/v1/samples', code);
    const agent = await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 2);
    expect(agent.figures().dropped).toBeGreaterThan(0);
    expect(scene.says(code)).toBe(true);
    expect(readdirSync(join(scene.folder, 'spool', 'refused'))).toHaveLength(2);
    expect(scene.collector.breaches).toEqual([]);
  });

  test('falls back to gzip when the server does not know zstd', async ({ scene }) => {
    scene.collector.refuse('/v1/samples', 'unsupported-encoding');
    await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 2);
    const encodings = scene.collector.requests
      .filter((request) => request.path === '/v1/samples')
      .map((request) => request.headers['content-encoding']);
    expect(encodings.slice(0, 3)).toEqual(['zstd', 'gzip', 'gzip']);
  });

  test('comes back when Retry-After says, not before', async ({ scene }) => {
    scene.collector.refuse('/v1/samples', 'busy', { retryAfter: '2' });
    await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 1);
    const sends = scene.collector.requests.filter((request) => request.path === '/v1/samples');
    expect((sends[1]?.at as number) - (sends[0]?.at as number)).toBeGreaterThanOrEqual(1950);
  });

  test.for([{ status: 502 }, { status: 200 }, { status: 407 }])(
    "keeps everything when something else answers in the server's place (HTTP $status)",
    async (answer, { scene }) => {
      scene.collector.refuse('/v1/samples', answer, { times: 2 });
      const agent = await scene.start();
      await eventually('the attempt', () =>
        scene.collector.requests.some((request) => request.path === '/v1/samples'),
      );
      await eventually('spooled', () => agent.figures().spoolSamples > 0);
      expect(agent.figures().dropped).toBe(0);
    },
  );

  test('a revoked token is said loudly, and data waits', async ({ scene }) => {
    const agent = await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 1);
    scene.collector.refuse('/v1/samples', 'unauthenticated', { times: 1000 });
    await eventually('said', () =>
      scene.log.lines.some(
        (line) => line.level === 'error' && line.sentence.includes('does not accept'),
      ),
    );
    await eventually('waiting', () => agent.figures().spoolSamples > 20);
    expect(agent.figures().dropped).toBe(0);
  });

  test('the same gap again and again ends in a new spool id', async ({ scene }) => {
    await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 1);
    const before = scene.collector.batches[0]?.spool;
    scene.collector.refuse('/v1/samples', 'sequence-gap', { times: 3, expected: 1 });
    await eventually('another id', () => scene.collector.batches.at(-1)?.spool !== before, 15_000);
    expect(scene.collector.breaches).toEqual([]);
  }, 20_000);

  test('sends heartbeats with lag, spool and engines, also when there is nothing to poll', async ({
    scene,
  }) => {
    scene.collector.config = { etag: '"r2"', value: { ...config, targets: [] } };
    await scene.start();
    await eventually('heartbeats', () => scene.collector.heartbeats.length >= 2);
    expect(scene.collector.heartbeats[0]).toMatchObject({
      agent: 'branch-1',
      engines: [{ probe: 'icmp', engine: 'fake' }, { probe: 'stamp' }, { probe: 'snmp' }],
    });
    const [first, second] = scene.collector.requests.filter((one) => one.path === '/v1/heartbeat');
    // Sent every 4 s, so that they come every 5; a busy machine has taken 5.003 s for it.
    expect((second?.at as number) - (first?.at as number)).toBeLessThan(6000);
  });

  test('a changed configuration leaves unchanged targets alone', async ({ scene }) => {
    const agent = await scene.start();
    await eventually('data', () => scene.collector.values('icmp_rtt_ms').length >= 2);
    scene.collector.config = {
      etag: '"r2"',
      value: { ...config, revision: 'r2', targets: config.targets.slice(0, 1) },
    };
    await eventually('one target', () => agent.figures().targets === 1);
    const ats = () => scene.collector.values('icmp_rtt_ms').map((sample) => sample.at);
    const before = ats().length;
    await eventually('more rounds', () => ats().length >= before + 3);
    for (const [i, at] of ats().slice(1).entries()) {
      expect(at - (ats()[i] as number)).toBeLessThan(900);
    }
  });

  test('a configuration that breaks the schema is refused by name and the old one stays', async ({
    scene,
  }) => {
    const agent = await scene.start();
    await eventually('targets', () => agent.figures().targets === 2);
    const targets = [{ ...config.targets[0], every: 1 }];
    scene.collector.config = { etag: '"bad"', value: { ...config, targets } };
    await eventually('said', () => scene.says('config.targets[0].every'));
    expect(agent.figures().targets).toBe(2);
  });

  test('a confirmation that the server asks for is done once', async ({ scene }) => {
    await scene.start();
    await eventually('data', () => scene.collector.values('icmp_rtt_ms').length >= 1);
    const confirm = [{ id: 'c1', target: 'r1-icmp', until: Date.now() + 60_000 }];
    scene.collector.config = { etag: '"r2"', value: { ...config, confirm } };
    await eventually(
      'confirmed',
      () => scene.collector.values('icmp_confirm_loss_ratio').length === 1,
    );
    scene.collector.config = { etag: '"r3"', value: { ...config, revision: 'r3', confirm } };
    const before = scene.collector.values('icmp_rtt_ms').length;
    await eventually('more', () => scene.collector.values('icmp_rtt_ms').length > before + 3);
    expect(scene.collector.values('icmp_confirm_loss_ratio')).toHaveLength(1);
  });

  test('an outage is shipped at once, not with the round', async ({ scene }) => {
    const slow = { ...config.targets[0], every: 5000, timeout: 1000 };
    scene.collector.config = { etag: '"r2"', value: { ...config, targets: [slow] } };
    await scene.start();
    await eventually(
      'a first round',
      () => scene.collector.values('icmp_rtt_ms').length >= 1,
      12_000,
    );
    scene.rttOf = () => Number.NaN;
    const from = performance.now();
    await eventually('known', () => scene.collector.values('icmp_confirm_loss_ratio').length >= 1);
    expect(performance.now() - from).toBeLessThan(2900);
    expect(scene.collector.values('icmp_confirm_loss_ratio')[0]?.value).toBe(1);
  }, 20_000);

  test('leaves no secret in agent.json, in the spool or in the log', async ({ scene }) => {
    scene.collector.refuse('/v1/samples', 'malformed');
    scene.collector.refuse('/v1/heartbeat', 'unauthenticated');
    const agent = await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 2);
    await scene.stop(agent);
    const files = readdirSync(scene.folder, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    );
    expect(files.map((entry) => entry.name)).toContain('agent.json');
    for (const entry of files) {
      const text = readFileSync(join(entry.parentPath, entry.name), 'latin1');
      expect(text).not.toContain(COMMUNITY);
      expect(text).not.toContain(TOKEN);
    }
    expect(JSON.stringify(scene.log.lines)).not.toContain(TOKEN);
    expect(JSON.stringify(scene.log.lines)).not.toContain(COMMUNITY);
    expect(statSync(join(scene.folder, 'agent.json')).mode & 0o777).toBe(0o600);
  });

  test('flushes what it has when it stops', async ({ scene }) => {
    const agent = await scene.start();
    await eventually('data', () => scene.collector.batches.length >= 1);
    await scene.stop(agent);
    const shipped = scene.collector.values('icmp_rtt_ms').length;
    expect(shipped).toBeGreaterThan(0);
    const again = await scene.start();
    expect(again.figures().spoolSamples).toBe(0);
  });

  test('gives up spooled data of another agent when the token changes hands', async ({ scene }) => {
    scene.collector.refuse('/v1/samples', 'busy', { times: 1000, retryAfter: '1' });
    const first = await scene.start();
    await eventually('spooled data', () => first.figures().spoolSamples > 0);
    await scene.stop(first);
    await scene.collector.close();
    scene.collector = await openFakeCollector(TOKEN);
    scene.collector.config = { etag: '"r2"', value: { ...config, agent: 'branch-2' } };
    scene.collector.refuse('/v1/samples', 'wrong-agent');
    const agent = await scene.start();
    await eventually('renamed', () => agent.agent() === 'branch-2');
    await eventually('data', () =>
      scene.collector.batches.some((batch) => batch.agent === 'branch-2'),
    );
    expect(agent.figures().dropped).toBeGreaterThan(0);
    const after = scene.collector.batches.findIndex((batch) => batch.agent === 'branch-2');
    expect(scene.collector.batches.slice(after).every((batch) => batch.agent === 'branch-2')).toBe(
      true,
    );
    expect(scene.collector.breaches).toEqual([]);
  });

  test.for([
    ['http://192.0.2.1:8080', /in clear/],
    ['http://example.org', /in clear/],
    ['ftp://127.0.0.1', /https/],
    ['https://user:pass@127.0.0.1', /must not carry/],
    ['not a url', /no URL/],
  ] as const)('refuses to send its token to %s', async ([server, why], { scene }) => {
    await expect(scene.start({ server })).rejects.toMatchObject({
      code: 'BAD_SERVER_URL',
      message: expect.stringMatching(why),
    });
  });

  test('refuses a folder where another agent works', async ({ scene }) => {
    await scene.start();
    await expect(scene.start()).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
  });
});
