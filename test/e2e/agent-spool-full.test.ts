import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFileSpool } from '../../agent/adapters/file-spool/file-spool.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { createFakeLog } from '../support/agent-fakes.ts';
import { needs } from '../support/needs.ts';

needs('root')('a spool on a disk that is full', () => {
  let disk: string;
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'vedette-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'vedette-test', disk]);
  });
  afterEach(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  test('drops its oldest batches, takes the new ones, and never throws', async () => {
    const log = createFakeLog();
    const spool = openFileSpool({
      folder: join(disk, 'spool'),
      log,
      now: Date.now,
      maxBytes: 2 ** 22,
    });
    const taken: boolean[] = [];
    for (let i = 0; i < 300; i++) {
      taken.push(
        await spool.append('backfill', ({ sequence }) => ({
          body: Buffer.alloc(20_000, sequence % 256),
          samples: 10,
          at: epochMs(Date.now()),
          entries: [{ index: i, metric: 'icmp_rtt_ms', subject: `device:r${i}` }],
        })),
      );
    }
    expect(taken.every(Boolean)).toBe(true);
    const { samples, dropped } = spool.figures();
    expect(samples + dropped).toBe(3000);
    expect(samples).toBeGreaterThan(300);
    let next = dropped / 10 + 1;
    for (let batch = await spool.peek('backfill'); batch; batch = await spool.peek('backfill')) {
      expect(batch.sequence).toBe(next);
      expect(Buffer.from(batch.body).every((byte) => byte === batch.sequence % 256)).toBe(true);
      await spool.acknowledge(batch);
      next += 1;
    }
    expect(next).toBe(301);
    await spool.close();
    const again = openFileSpool({ folder: join(disk, 'spool'), log, now: Date.now });
    expect(again.dictionary()).toHaveLength(300);
    expect(again.needsRenewal).toBe(false);
    await again.close();
  });

  test('that others have filled loses new batches by count, and goes on when there is room', async () => {
    const log = createFakeLog();
    const spool = openFileSpool({ folder: join(disk, 'spool'), log, now: Date.now });
    const append = () =>
      spool.append('live', () => ({
        body: Buffer.alloc(20_000),
        samples: 10,
        at: epochMs(Date.now()),
        entries: [],
      }));
    const ballast = join(disk, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024))).toThrow(/ENOSPC/);
    expect(await append()).toBe(false);
    expect(await append()).toBe(false);
    expect(spool.figures()).toMatchObject({ samples: 0, dropped: 20 });
    expect(log.lines.some((line) => line.sentence.includes('dropped'))).toBe(true);
    rmSync(ballast);
    expect(await append()).toBe(true);
    expect((await spool.peek('live'))?.sequence).toBe(1);
    await spool.close();
  });
});
