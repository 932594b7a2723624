import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFileSpool } from '../../agent/adapters/file-spool/file-spool.ts';
import { createFakeLog } from '../support/agent-fakes.ts';

const ROUNDS = 10;
const WRITER = new URL('../support/spool-writer.ts', import.meta.url).pathname;

/** Runs the writer for `ms` and kills it; returns the highest durable sequence per lane that it told. */
async function writeAndKill(folder: string, ms: number): Promise<Record<string, number>> {
  const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const told: Record<string, number> = { live: 0, backfill: 0 };
  let rest = '';
  child.stdout.on('data', (part: Buffer) => {
    const lines = (rest + part.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [lane, sequence] = line.split(' ') as [string, string];
      told[lane] = Math.max(told[lane] ?? 0, Number(sequence));
    }
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const gone = new Promise((resolve) => child.once('close', resolve));
  setTimeout(() => child.kill('SIGKILL'), ms);
  await gone;
  return told;
}

test('kill -9 at any moment loses nothing that was durable, and never the order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-kill-'));
  const log = createFakeLog();
  let total = 0;
  const next = { live: 1, backfill: 1 };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const told = await writeAndKill(folder, 20 + ((round * 37) % 150));
      const spool = openFileSpool({ folder, log, now: Date.now });
      expect(spool.needsRenewal).toBe(false);
      for (const lane of ['live', 'backfill'] as const) {
        for (let batch = await spool.peek(lane); batch; batch = await spool.peek(lane)) {
          expect(batch.sequence).toBe(next[lane]);
          const [name, sequence] = Buffer.from(batch.body).toString().split(':');
          expect([name, sequence]).toEqual([lane, String(batch.sequence)]);
          await spool.acknowledge(batch);
          next[lane] += 1;
          total += 1;
        }
        expect(next[lane] - 1).toBeGreaterThanOrEqual(told[lane] as number);
      }
      expect(spool.figures().samples).toBe(0);
      await spool.close();
    }
    expect(total).toBeGreaterThan(ROUNDS * 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
