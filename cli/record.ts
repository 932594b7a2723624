import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { epochMs } from '../protocol/model/units.ts';
import { openFileLog } from '../server/adapters/file-log/file-log.ts';
import { createSnapshotFiles } from '../server/adapters/file-log/snapshot-files.ts';
import { exportLines, type PipelineSnapshot } from '../server/main.ts';
import { stateFolderOf } from './setup.ts';

const HELP = `vedette record [--from TIME] [--to TIME] [--settings] [--config FILE]

Exports the input log as JSON lines on stdout, in the form that vedette replay reads: samples as the
engine saw them, heartbeats, ticks, commands. Works beside a running server and changes nothing.

  --from, --to TIME  ISO 8601 or epoch milliseconds, by the server's clock; default: all there is
  --settings         also {"at":…,"config":…} lines: inventory and rules as they came into force
  --config FILE      as for vedette server: it names the state folder
  -h, --help         this text

Examples:
  vedette record --from 2026-01-05T09:00Z --to 2026-01-05T10:00Z | gzip > monday.ndjson.gz
  vedette record --settings | vedette replay --samples -    the same incidents, ids and times
  vedette record | vedette replay --config new.yaml --samples -    what other rules had made of it

Exit code: 0 done, 1 failed, 2 wrong usage, 78 bad configuration.
`;

/** The verb `record`. */
export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      settings: { type: 'boolean', default: false },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const from = timeOf(values.from);
  const to = timeOf(values.to);
  if (Number.isNaN(from) || Number.isNaN(to)) {
    process.stderr.write('vedette record: --from and --to want a time, 2026-01-05T09:00Z\n');
    return 2;
  }
  const known = await stateFolderOf(values.config);
  if (!known.ok) {
    for (const text of known.problems) process.stderr.write(`${text}\n`);
    return 78;
  }
  try {
    await print(known.folder, from, to, values.settings);
    return 0;
  } catch (error) {
    process.stderr.write(`vedette record: ${(error as Error).message}\n`);
    return 1;
  }
}

/** Undefined when absent, NaN when it is no time. */
const timeOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : /^\d{10,}$/.test(text) ? Number(text) : Date.parse(text);

async function print(
  state: string,
  from: number | undefined,
  to: number | undefined,
  withSettings: boolean,
): Promise<void> {
  const log = await openFileLog({ folder: join(state, 'log'), isReadOnly: true });
  const [snapshot] = await createSnapshotFiles({ folder: join(state, 'snapshots') }).load();
  const senders = snapshot
    ? (JSON.parse(snapshot.json) as PipelineSnapshot).core.senders.map(withoutClock)
    : [];
  let skipped = 0;
  const lines = exportLines(log.read(1), senders, {
    withSettings,
    ...(from === undefined ? {} : { from: epochMs(from) }),
    ...(to === undefined ? {} : { to: epochMs(to) }),
    onSkipped: () => skipped++,
  });
  for await (const line of lines) {
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
  }
  await log.close();
  if (skipped > 0) {
    process.stderr.write(`vedette record: ${skipped} batches left out, their dictionary is gone\n`);
  }
}

type Sender = PipelineSnapshot['core']['senders'][number];

/** The clocks of then are measured again on the way; those of now belong to the end of the log. */
const withoutClock = (sender: Sender): Sender => ({ ...sender, skew: [] });
