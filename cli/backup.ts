import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { copySegments, copySnapshots } from '../server/adapters/file-log/copy.ts';
import { openFileLog } from '../server/adapters/file-log/file-log.ts';
import { createSnapshotFiles } from '../server/adapters/file-log/snapshot-files.ts';
import { openDatabase } from '../server/adapters/sqlite/database.ts';
import { copyHistory } from '../server/adapters/sqlite/history-store.ts';
import { stateFolderOf } from './setup.ts';

const HELP = `vedette backup DIR [--config FILE]

Copies the state of the server to DIR: database, history, input log and snapshots, consistent with each
other, whether the server runs or not. To restore, stop the server and put the copy where
server.state points. What came after the copy is gone but for what agents still hold (what the server
had confirmed they do not); tokens are as they were then: revoke again, make new ones (vedette token).

It works on the files and asks nobody, so it also works when the server does not answer.

  --config FILE  as for vedette server: it names the state folder
  -h, --help     this text

Examples:
  vedette backup /backup/vedette-$(date +%F)

Exit code: 0 copied and checked, 1 failed, 2 wrong usage, 78 bad configuration.
`;

/** The verb `backup`. */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [target, ...rest] = positionals;
  if (target === undefined || rest.length > 0) {
    process.stderr.write('vedette backup: one DIR is wanted\nSee vedette backup --help.\n');
    return 2;
  }
  const known = await stateFolderOf(values.config);
  if (!known.ok) {
    for (const text of known.problems) process.stderr.write(`${text}\n`);
    return 78;
  }
  try {
    const { position } = await backUp(known.folder, target, known.history);
    process.stderr.write(`Copied up to input ${position}, checked: ${target}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`vedette backup: ${(error as Error).message}\n`);
    return 1;
  }
}

/**
 * The order makes it consistent: the databases first, then the snapshots, the log last. An input is
 * in the log before its facts are in the database, its effect in a snapshot or its samples in the
 * history, so the copied log reaches at least as far as all of them.
 */
export async function backUp(
  state: string,
  target: string,
  historyFolder = state,
): Promise<{ position: number }> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  if ((await readdir(target)).length > 0) throw new Error(`${target} is not empty`);
  // It was there already, maybe for everybody to read: tokens' hashes and all measurements come into it.
  await chmod(target, 0o700);
  const db = openDatabase(join(state, 'state.db'));
  try {
    await db.backup(join(target, 'state.db'));
  } finally {
    db.close();
  }
  await copyHistory(join(historyFolder, 'history.db'), join(target, 'history.db'));
  await copyFile(join(state, 'installation'), join(target, 'installation'));
  await copySnapshots(join(state, 'snapshots'), join(target, 'snapshots'));
  await copySegments(join(state, 'log'), join(target, 'log'));
  for (const name of ['state.db', 'history.db']) {
    const copy = join(target, name);
    if (existsSync(copy)) await chmod(copy, 0o600);
  }
  return await check(target);
}

/** Reads the copy as a server would when it starts. */
async function check(target: string): Promise<{ position: number }> {
  const log = await openFileLog({ folder: join(target, 'log') });
  const db = openDatabase(join(target, 'state.db'));
  try {
    const snapshots = await createSnapshotFiles({ folder: join(target, 'snapshots') }).load();
    let position = snapshots[0]?.position ?? 0;
    for await (const record of log.read(position + 1)) {
      if (position > 0 && record.position !== position + 1) {
        throw new Error(`the copy lacks inputs ${position + 1} to ${record.position - 1}`);
      }
      position = record.position;
    }
    const committed = db.facts.committedPosition();
    if (position < committed) throw new Error(`the copied log ends before input ${committed}`);
    return { position };
  } finally {
    db.close();
    await log.close();
  }
}
