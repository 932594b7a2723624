import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { openHistoryStore } from '../../server/adapters/sqlite/history-store.ts';
import { createHistory } from '../../server/history/history.ts';
import { startSealerThread } from '../../server/history/sealer-thread.ts';
import { AGENT, DAY, keyOf, sample, seriesOf, T0 } from '../support/history-rig.ts';
import { needs } from '../support/needs.ts';

const MIB = 1024 * 1024;

/** Fills the disk to the last block that a file may take. */
function fill(path: string): void {
  let size = 64 * MIB;
  for (; size >= 4096; size /= 2) {
    try {
      writeFileSync(`${path}-${size}`, Buffer.alloc(size));
    } catch {
      rmSync(`${path}-${size}`, { force: true });
    }
  }
}

needs('root')('on a disk of its own', () => {
  test('a full disk stops the history and gives up the reserve; with room again nothing is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder]);
    const path = join(folder, 'history.db');
    const reservePath = join(folder, 'history.reserve');
    openHistoryStore(path).close();
    const store = openHistoryStore(path, true);
    const said: string[] = [];
    const say = (_: object, sentence: string) => void said.push(sentence);
    const sealer = startSealerThread({ path, reservePath });
    const history = createHistory({
      store,
      sealer,
      log: { info: say, warn: say, error: say },
      now: () => T0 + DAY,
      rawFor: durationMs(14 * DAY),
      rollupFor: durationMs(400 * DAY),
    });
    const series = seriesOf('icmp_rtt_ms');
    const feed = (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        const samples = [sample(series, T0 + n * 30_000, n / 1000)];
        history.observed(
          { agent: AGENT, lane: 'live', samples },
          { now: epochMs(T0 + n * 30_000), position: n + 1 },
        );
      }
    };
    try {
      feed(0, 100);
      await history.sealAll();
      expect(history.state()).toMatchObject({ stoppedBy: undefined, sealedSamples: 100 });
      expect(existsSync(reservePath)).toBe(true);
      fill(join(folder, 'filler'));
      feed(100, 400);
      await history.sealAll();
      expect(history.state().stoppedBy).toMatch(/nearly full|full/);
      expect(said).toContain('the history is stopped: samples are judged but not kept');
      // Room for what must go on: checkpoints, deletions, the log.
      expect(existsSync(reservePath)).toBe(false);
      writeFileSync(join(folder, 'a-log-segment'), Buffer.alloc(64 * 1024));
      expect(history.samples(keyOf(series), epochMs(0), epochMs(T0 + DAY))?.at).toHaveLength(400);
      for (let size = 64 * MIB; size >= 4096; size /= 2) {
        rmSync(join(folder, `filler-${size}`), { force: true });
      }
      await history.sealAll();
      await history.sealAll();
      expect(history.state()).toMatchObject({ stoppedBy: undefined, lostSamples: 0 });
      expect(said).toContain('the history goes on');
      expect(existsSync(reservePath)).toBe(true);
      expect(store.usage().chunkSamples).toBe(400);
    } finally {
      await history.stop();
      store.close();
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  }, 30_000);
});
