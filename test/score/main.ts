/**
 * The score of detection on series that others measured and labelled: `vedette replay` over the sets
 * in ../shared/data, judged by the scorer in ../shared/score, as one table. Without ../shared it says
 * so and ends well. Sets are named as arguments; without any, all four.
 *
 *   npm run score              the table
 *   npm run score -- rtt nab   some sets only
 *   npm run score -- --prefix  also: does the detector look ahead?
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ciscoTickets } from './cisco.ts';
import { columnsOf, type Score, tableOf } from './table.ts';

const HERE = fileURLToPath(new URL('../../', import.meta.url));
const SHARED = join(HERE, '..', 'shared');
const DATA = join(SHARED, 'data');
const VEDETTE = join(HERE, 'cli', 'vedette.ts');

/** How the files of a set are to be read. Cisco telemetry has an adapter of its own. */
const SETS: Readonly<Record<string, readonly string[]>> = {
  rtt: ['--metric', 'icmp_rtt_ms', '--lost-below', '0', '--tickets', '--changes'],
  'rtt-synthetic': ['--metric', 'icmp_rtt_ms', '--lost-below', '0', '--tickets', '--changes'],
  nab: ['--metric', 'gauge', '--tickets'],
  cisco: [],
};

/** Where the series are cut to see whether tickets before the cut depend on what comes after it. */
const CUT_AT = '0.6';

/** What a program wrote on stdout. @throws Error when it ends badly */
function output(program: string, args: readonly string[], isSilent = false): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', isSilent ? 'ignore' : 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.on('error', reject);
  child.on('close', (code) => {
    if (code === 0) resolve(text);
    else reject(new Error(`${program} ended with ${code}: ${text}`));
  });
  return promise;
}

async function ticketsOf(set: string, data: string): Promise<string> {
  if (set === 'cisco') return `${(await ciscoTickets(data)).join('\n')}\n`;
  const folder = join(data, set, 'series');
  const files = (await readdir(folder)).map((file) => join(folder, file)).sort();
  return output(VEDETTE, ['replay', '--samples', ...files, ...(SETS[set] ?? [])]);
}

async function scoreOf(set: string, folder: string): Promise<Score> {
  const file = join(folder, `${set}.jsonl`);
  await writeFile(file, await ticketsOf(set, DATA));
  const args = ['--data', DATA, '--set', set, '--tickets', file];
  return JSON.parse(await output(join(SHARED, 'score', 'score.mjs'), args)) as Score;
}

/** The scorer's own check: tickets of series that were cut against those of whole ones. */
async function looksAhead(set: string, folder: string): Promise<string> {
  const prefix = join(SHARED, 'score', 'prefix.mjs');
  const cut = join(folder, 'cut');
  const of = ['--data', DATA, '--set', set, '--share', CUT_AT];
  await output(prefix, ['cut', ...of, '--out', cut]);
  const cutFile = join(folder, `${set}-cut.jsonl`);
  await writeFile(cutFile, await ticketsOf(set, cut));
  const whole = join(folder, `${set}.jsonl`);
  return output(prefix, ['check', ...of, '--whole', whole, '--cut', cutFile]);
}

async function main(args: readonly string[]): Promise<number> {
  if (!existsSync(join(SHARED, 'score', 'score.mjs'))) {
    process.stdout.write('score: skipped, the labelled series are not here (../shared)\n');
    return 0;
  }
  const named = args.filter((one) => !one.startsWith('--'));
  const unknown = named.find((one) => SETS[one] === undefined);
  if (unknown !== undefined) {
    process.stderr.write(`score: no set "${unknown}"; there are ${Object.keys(SETS).join(', ')}\n`);
    return 2;
  }
  const sets = named.length > 0 ? named : Object.keys(SETS);
  const folder = await mkdtemp(join(tmpdir(), 'vedette-score-'));
  try {
    const rows: string[][] = [];
    for (const set of sets) rows.push(columnsOf(await scoreOf(set, folder)));
    process.stdout.write(tableOf(rows));
    if (!args.includes('--prefix')) return 0;
    for (const set of sets) process.stdout.write(`${set}: ${await looksAhead(set, folder)}`);
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main(process.argv.slice(2));
