/**
 * Router telemetry through `vedette replay`:
 *
 *   node test/score/cisco.ts RUN_FOLDER > run.ndjson      a recording for
 *     vedette replay --samples run.ndjson --tickets --series RUN
 *   node test/score/cisco.ts --tickets DATA > out.jsonl   the tickets of all runs, for the scorer
 *
 * DATA holds `cisco/runs/RUN/ROUTER.csv.gz` (or `runs/…`, or the runs themselves); labels are not read.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { recordingOf } from '../support/cisco-telemetry.ts';

const VEDETTE = fileURLToPath(new URL('../../cli/vedette.ts', import.meta.url));

/** The tickets of all runs under `dataFolder`, as JSON lines, by the product's own replay. */
export async function ciscoTickets(dataFolder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const folder of await runFolders(dataFolder)) lines.push(...(await ticketsOf(folder)));
  return lines;
}

/** Ticket lines of one run: `series` is the run, `device` the router. @throws Error when replay fails */
export async function ticketsOf(runFolder: string): Promise<string[]> {
  const recording = await recordingOf(runFolder);
  const run = basename(resolve(runFolder));
  const args = [VEDETTE, 'replay', '--samples', '-', '--tickets', '--series', run];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const output = child.stdout.setEncoding('utf8').toArray();
  await pipeline(Readable.from(recording.map((line) => `${line}\n`)), child.stdin);
  const text = (await output).join('');
  const [code] = await ended;
  if (code !== 0) throw new Error(`vedette replay ended with ${code} on ${runFolder}`);
  return text.split('\n').filter((line) => line !== '');
}

async function runFolders(dataFolder: string): Promise<string[]> {
  for (const place of ['cisco/runs', 'runs', '.']) {
    const folder = join(dataFolder, place);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const runs = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    if (runs.length > 0) return runs.sort().map((run) => join(folder, run));
  }
  throw new Error(`no runs under ${dataFolder}`);
}

async function main([first, second]: readonly string[]): Promise<number> {
  if (first === undefined || (first === '--tickets' && second === undefined)) {
    process.stderr.write('usage: cisco.ts RUN_FOLDER | cisco.ts --tickets DATA\n');
    return 2;
  }
  const lines =
    first === '--tickets' ? await ciscoTickets(second as string) : await recordingOf(first);
  await pipeline(Readable.from(lines.map((line) => `${line}\n`)), process.stdout, { end: false });
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
