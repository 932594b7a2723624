import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canPing, createPingEngine } from '../../agent/adapters/icmp/ping-engine.ts';
import type { EchoRequest } from '../../agent/ports/echo.ts';
import { durationMs } from '../../protocol/model/units.ts';

const ROUND: EchoRequest = {
  kind: 'icmp',
  address: '10.0.0.1',
  count: 2,
  spacing: durationMs(200),
  timeout: durationMs(300),
};

/** Programs named `ping` that behave in one way each. */
const ANSWER = 'echo "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=1.5 ms"';
const PROGRAMS = {
  slow: `${ANSWER}; echo "64 bytes from 10.0.0.1: icmp_seq=2 ttl=64 time=400 ms"`,
  hanging: `${ANSWER}; exec sleep 600`,
  silent: 'exec sleep 600',
  babbling: 'i=0; while [ $i -lt 3000 ]; do echo one-word-lines; i=$((i+1)); done',
  refused: 'echo "ping: socket: Operation not permitted" >&2; exit 2',
} as const;

describe.skipIf(process.platform === 'win32')('the ping engine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-ping-'));
  const path = process.env['PATH'] ?? '';
  const use = (name: keyof typeof PROGRAMS | 'none'): void => {
    rmSync(join(folder, 'ping'), { force: true });
    process.env['PATH'] = name === 'none' ? folder : `${folder}:${path}`;
    if (name === 'none') return;
    writeFileSync(join(folder, 'ping'), `#!/bin/sh\n${PROGRAMS[name]}\n`);
    chmodSync(join(folder, 'ping'), 0o755);
  };
  let engine: ReturnType<typeof createPingEngine>;
  beforeAll(() => {
    engine = createPingEngine('linux');
  });
  afterAll(async () => {
    process.env['PATH'] = path;
    await engine.close();
    rmSync(folder, { recursive: true });
  });

  test('counts what came within the timeout; what ping still waited for is lost', async () => {
    use('slow');
    const round = await engine.measure(ROUND);
    expect([...round.rttMs]).toEqual([1.5, Number.NaN]);
    expect(round.sent).toBe(2);
  });

  test('stops a program that does not end, and keeps what it had said', async () => {
    use('hanging');
    const round = await engine.measure(ROUND);
    expect([...round.rttMs]).toEqual([1.5, Number.NaN]);
  });

  test('tells a silence while the program still runs', async () => {
    use('silent');
    const startedAt = performance.now();
    let toldAfter = Number.NaN;
    const onSuspect = (): void => {
      toldAfter = performance.now() - startedAt;
    };
    const round = await engine.measure({ ...ROUND, suspectAfter: durationMs(100), onSuspect });
    expect(toldAfter).toBeGreaterThanOrEqual(100);
    expect(toldAfter).toBeLessThan(1000);
    expect(Array.from(round.rttMs, Number.isNaN)).toEqual([true, true]);
  });

  test('survives any output', async () => {
    use('babbling');
    const round = await engine.measure(ROUND);
    expect(Array.from(round.rttMs, Number.isNaN)).toEqual([true, true]);
  });

  test.each(['refused', 'none'] as const)(
    'a program that is %s sends nothing and loses nothing',
    async (name) => {
      use(name);
      const round = await engine.measure(ROUND);
      expect(round).toMatchObject({ sent: 0, unsent: { because: 'no-permission' } });
      expect(await canPing(false, 'linux')).toBe(false);
    },
  );

  test.each(['', 'router1', '-f', '10.0.0.1; reboot'])(
    '"%s" never reaches the program',
    async (address) => {
      const round = await engine.measure({ ...ROUND, address });
      expect(round).toMatchObject({ sent: 0, unsent: { because: 'bad-address' } });
    },
  );

  test('runs so many at once and no more, and closing ends them all', async () => {
    use('silent');
    const crowded = createPingEngine('linux');
    const rounds = Array.from({ length: 300 }, () => crowded.measure(ROUND));
    expect((await (rounds[299] as (typeof rounds)[number])).unsent?.because).toBe('busy');
    await crowded.close();
    const reasons = (await Promise.all(rounds)).map(({ unsent }) => unsent?.because);
    expect(reasons.filter((because) => because === 'closed').length).toBe(256);
    expect(reasons.filter((because) => because === 'busy').length).toBe(44);
    expect((await crowded.measure(ROUND)).unsent?.because).toBe('closed');
  });
});
