import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ciscoTickets } from '../score/cisco.ts';

/** Labelled telemetry and its scorer lie beside the checkout, where they are to be had at all. */
const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
const DATA = join(SHARED, 'data');
const SCORER = join(SHARED, 'score');
const hasData =
  existsSync(join(DATA, 'cisco/labels.json')) && existsSync(join(SCORER, 'score.mjs'));
if (!hasData) {
  process.stderr.write('SKIPPED: router telemetry is not scored: no ../shared/data/cisco here\n');
}

const tool = (script: string, ...args: string[]): string =>
  execFileSync(process.execPath, [join(SCORER, script), ...args], { encoding: 'utf8' });

describe.skipIf(!hasData)('router telemetry, open runs, through vedette replay', () => {
  let folder = '';
  let whole = '';
  let lines: readonly string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vedette-score-'));
    whole = join(folder, 'whole.jsonl');
    lines = await ciscoTickets(DATA);
    await writeFile(whole, `${lines.join('\n')}\n`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('every incident is found, at most 1.5 false an hour, the right router in 75 % or more', () => {
    const score = JSON.parse(
      tool('score.mjs', '--data', DATA, '--set', 'cisco', '--tickets', whole),
    );
    expect(score.missed).toBe(0);
    expect(score.falsePerNetworkHour).toBeLessThanOrEqual(1.5);
    expect(score.deviceHit).toBeGreaterThanOrEqual(0.75);
    expect(score.ticketsPerIncident).toBeLessThanOrEqual(1.5);
    expect(score.delaySamples.p90).toBeLessThanOrEqual(4);
  });

  test.each(['0.3', '0.6', '0.9'])('nothing looks ahead: cut at %s of the runs', async (share) => {
    const cut = join(folder, `cut-${share}`);
    const common = ['--data', DATA, '--set', 'cisco', '--share', share];
    tool('prefix.mjs', 'cut', ...common, '--out', cut);
    const tickets = join(folder, `cut-${share}.jsonl`);
    await writeFile(tickets, `${(await ciscoTickets(cut)).join('\n')}\n`);
    const said = tool('prefix.mjs', 'check', ...common, '--whole', whole, '--cut', tickets);
    expect(said).toMatch(/agree up to the cut/);
  });
});
