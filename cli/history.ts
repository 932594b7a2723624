import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { serverOptions } from '../config/map.ts';
import { problemText } from '../config/problem.ts';
import { epochMs } from '../protocol/model/units.ts';
import { openFileLog } from '../server/adapters/file-log/file-log.ts';
import { createSnapshotFiles } from '../server/adapters/file-log/snapshot-files.ts';
import { lockFolder } from '../server/adapters/sqlite/database.ts';
import { openHistoryStore } from '../server/adapters/sqlite/history-store.ts';
import { createHistoryFile, type PipelineSnapshot, readStoredHistory } from '../server/main.ts';
import { ndjsonOf, openMetricsOf } from './history-export.ts';
import { type ImportTally, importFiles } from './history-import.ts';
import type { Picking } from './history-pick.ts';
import { pickSeries } from './history-pick.ts';
import { ReplayInputError } from './replay-source.ts';

const HELP = `vedette history export [--format ndjson|openmetrics] [--from TIME] [--to TIME]
                       [--series KEY] [--subject KIND:ID] [--metric NAME] [--config FILE]
vedette history import FILE... [--config FILE]

export  writes samples on record to stdout, beside a running server too. Damaged stretches are named
        on stderr and left out.
import  puts recordings into the history of a stopped server: what export wrote, or any lines that
        vedette replay reads, also .gz. What is on record already is not written again, so a second
        import changes nothing. A malformed line ends it with file and line; what came before is in.
        The server deletes what is older than server.history.raw.

  --format FORMAT  ndjson (default): what vedette replay reads, in order of time;
                   openmetrics: what promtool tsdb create-blocks-from openmetrics reads
  --from, --to     ISO 8601 or epoch milliseconds, both included; default: all there is
  --series KEY     agent|metric|subject; --series, --subject and --metric may be repeated
  --config FILE    as for vedette server: it names the state folder
  -h, --help       this text

Examples:
  vedette history export --subject link:lyon-mpls --from 2026-01-05T09:00Z | gzip > lyon.ndjson.gz
  vedette history export | vedette replay --config vedette.yaml --samples /dev/stdin
  vedette history export --format openmetrics > all.om
  vedette history import lyon.ndjson.gz

Exit code: 0 done, 1 failed, 2 wrong usage, 78 bad configuration.
`;

const FORMATS = { ndjson: ndjsonOf, openmetrics: openMetricsOf } as const;
const BAD_CONFIG = 78;
/** As far as a Date goes. */
const MAX_AT = 8_640_000_000_000_000;
const PROGRESS_EVERY_MS = 1000;

/** The verb `history`. */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      series: { type: 'string', multiple: true },
      subject: { type: 'string', multiple: true },
      metric: { type: 'string', multiple: true },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [what, ...files] = positionals;
  const { config, format, from, to, series = [], subject = [], metric = [] } = values;
  const wrong = usageProblem(what, files, values);
  if (wrong !== undefined) {
    process.stderr.write(`vedette history: ${wrong}\nSee vedette history --help.\n`);
    return 2;
  }
  const loaded = await loadConfig(config, process.env);
  if (!loaded.ok) {
    for (const one of loaded.problems) process.stderr.write(`${problemText(one)}\n`);
    return BAD_CONFIG;
  }
  const { stateDir, history } = serverOptions(loaded.config, process.env);
  const folder = history?.folder ?? stateDir;
  const picking: Picking = {
    series,
    subjects: subject,
    metrics: metric,
    from: epochMs(timeOf(from) ?? 0),
    to: epochMs(timeOf(to) ?? MAX_AT),
  };
  try {
    if (what === 'import') await takeIn(stateDir, folder, files);
    else
      await giveOut(
        stateDir,
        folder,
        FORMATS[(format ?? 'ndjson') as keyof typeof FORMATS],
        picking,
      );
    return 0;
  } catch (error) {
    const { message } = error as Error;
    const where = error instanceof ReplayInputError ? '' : 'vedette history: ';
    process.stderr.write(`${where}${message}\n`);
    return 1;
  }
}

interface Values {
  readonly format?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly series?: string[] | undefined;
  readonly subject?: string[] | undefined;
  readonly metric?: string[] | undefined;
}

function usageProblem(
  what: string | undefined,
  files: readonly string[],
  { format = 'ndjson', from, to, ...filters }: Values,
): string | undefined {
  if (what !== 'export' && what !== 'import') return 'export or import is wanted';
  if (what === 'import') {
    const isFiltered = [from, to, filters.series, filters.subject, filters.metric].some(Boolean);
    if (isFiltered) return 'an import takes all of its files; filter the export';
    return files.length > 0 ? undefined : 'which FILE?';
  }
  if (files.length > 0) return `export writes to stdout, not to ${files[0]}`;
  if (!Object.hasOwn(FORMATS, format)) return '--format is ndjson or openmetrics';
  const isBad = [from, to].some((text) => Number.isNaN(timeOf(text)));
  return isBad ? '--from and --to want a time, 2026-01-05T09:00Z' : undefined;
}

/** Undefined when absent, NaN when it is no time. */
const timeOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : /^\d{10,}$/.test(text) ? Number(text) : Date.parse(text);

async function giveOut(
  stateDir: string,
  folder: string,
  write: (typeof FORMATS)[keyof typeof FORMATS],
  picking: Picking,
): Promise<void> {
  const path = join(folder, 'history.db');
  if (!existsSync(path)) throw new Error(`there is no history in ${folder}`);
  const store = openHistoryStore(path, true);
  const logFolder = join(stateDir, 'log');
  // No server has run here yet: there is only what was imported.
  const log = existsSync(logFolder)
    ? await openFileLog({ folder: logFolder, isReadOnly: true })
    : undefined;
  try {
    const [newest] = await createSnapshotFiles({ folder: join(stateDir, 'snapshots') }).load();
    const snapshot = newest && (JSON.parse(newest.json) as PipelineSnapshot);
    const history = await readStoredHistory({ store, log, snapshot });
    const onGap = (text: string) => process.stderr.write(`vedette history: ${text}\n`);
    if (pickSeries(history, picking).length === 0) onGap('no series on record is meant by that');
    for (const piece of write(history, picking, { onGap })) {
      if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
    }
  } finally {
    await log?.close();
    store.close();
  }
}

async function takeIn(stateDir: string, folder: string, files: readonly string[]): Promise<void> {
  for (const one of [stateDir, folder]) mkdirSync(one, { recursive: true, mode: 0o700 });
  const lock = lockFolder(join(stateDir, 'lock.db'));
  try {
    const history = createHistoryFile(openHistoryStore(join(folder, 'history.db')));
    try {
      const tally = await importFiles(files, history, { now: Date.now(), onProgress: progress() });
      say(tally);
    } finally {
      history.close();
    }
  } finally {
    lock.release();
  }
}

/** Progress for somebody who watches, once a second at most. */
function progress(): (tally: ImportTally) => void {
  let saidAt = Date.now();
  return (tally) => {
    if (Date.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = Date.now();
    say(tally);
  };
}

function say({ read, written, series, passedOver }: ImportTally): void {
  const others = passedOver === 0 ? '' : `; ${passedOver} lines are no samples`;
  process.stderr.write(`${read} samples of ${series} series read, ${written} were new${others}\n`);
}
