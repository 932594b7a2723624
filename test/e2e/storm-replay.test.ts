import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { engineListener, settingsOf } from '../../bench/support-storm-run.ts';
import { factLine, isTold } from '../../cli/replay-facts.ts';
import { planStorm } from '../../lab/storm/plan.ts';
import { record } from '../../lab/storm/recording.ts';
import { runStorm } from '../../lab/storm/run.ts';

const run = promisify(execFile);
const COMMAND = new URL('../../cli/vedette.ts', import.meta.url).pathname;

test('vedette replay tells of a recorded storm what was told live', async () => {
  const plan = planStorm({ seed: 8, maxBranches: 8 });
  const settings = settingsOf(plan);
  const recording = record(engineListener(settings), settings);
  const { facts } = runStorm(plan, recording.listener);
  const folder = mkdtempSync(join(tmpdir(), 'vedette-storm-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'storm.ndjson');
  writeFileSync(file, `${recording.lines.join('\n')}\n`);
  const { stdout } = await run(process.execPath, [COMMAND, 'replay', '--samples', file], {
    maxBuffer: 1 << 28,
  });
  const live = facts.filter(isTold).map(factLine);
  expect(live.length).toBeGreaterThan(20);
  expect(stdout.trimEnd().split('\n')).toEqual(live);
});
