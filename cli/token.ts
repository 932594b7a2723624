import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { didYouMean } from '../config/words.ts';
import { epochMs } from '../protocol/model/units.ts';
import { openDatabase } from '../server/adapters/sqlite/database.ts';
import type { TokenStore } from '../server/ports/store.ts';
import { stateFolderOf } from './setup.ts';

const HELP = `vedette token create AGENT [--config FILE] [--json]
vedette token list [--config FILE] [--json]
vedette token revoke ID [--config FILE]

create  makes a token for an agent of the configuration and prints it, once: only its hash is kept
list    ids, agents and dates; tokens themselves are nowhere
revoke  holds at once, also for a server that is running

Rotate without a gap: create a second token, give it to the agent, revoke the first.

  --config FILE  as for vedette server: it names the state folder
  --json         for programs
  -h, --help     this text

Examples:
  vedette token create lyon-a1
  vedette token revoke 8f3a1c220b7d

Exit code: 0 done, 1 no such token, 2 wrong usage, 78 bad configuration.
`;

const VERBS = ['create', 'list', 'revoke'];

/** The verb `token`. Works on the database itself, beside a running server. */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [verb = '', subject = '', ...rest] = positionals;
  const wantsSubject = verb !== 'list';
  if (!VERBS.includes(verb)) return misused(`create, list or revoke?${didYouMean(verb, VERBS)}`);
  if (rest.length > 0 || wantsSubject !== (subject !== '')) {
    return misused(verb === 'create' ? 'create wants one AGENT' : `${verb}: see --help`);
  }
  const known = await stateFolderOf(values.config);
  if (!known.ok) {
    for (const text of known.problems) process.stderr.write(`${text}\n`);
    return 78;
  }
  if (verb === 'create' && !known.agents.includes(subject)) {
    const hint = didYouMean(subject, known.agents);
    return misused(`the configuration has no agent "${subject}"${hint}`);
  }
  mkdirSync(known.folder, { recursive: true, mode: 0o700 });
  const db = openDatabase(join(known.folder, 'state.db'));
  try {
    return act(verb, subject, db.tokens, values.json);
  } finally {
    db.close();
  }
}

function act(verb: string, subject: string, tokens: TokenStore, isJson: boolean): number {
  const now = epochMs(Date.now());
  if (verb === 'create') {
    const { id, token } = tokens.create(subject, now);
    if (isJson) console.log(JSON.stringify({ id, agent: subject, token }));
    else {
      process.stderr.write(`Token ${id} of agent ${subject}. It is shown this once:\n`);
      console.log(token);
    }
    return 0;
  }
  if (verb === 'revoke') {
    const isDone = tokens.revoke(subject, now);
    process.stderr.write(
      isDone ? `Token ${subject} is revoked.\n` : `No token ${subject} is in force.\n`,
    );
    return isDone ? 0 : 1;
  }
  const list = tokens.list();
  if (isJson) console.log(JSON.stringify(list));
  else for (const token of list) console.log(lineOf(token));
  return 0;
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');

function lineOf({ id, agent, createdAt, revokedAt }: ReturnType<TokenStore['list']>[number]) {
  const state = revokedAt === undefined ? 'in force' : `revoked ${day(revokedAt)}`;
  return `${id}  ${agent.padEnd(24)}  ${day(createdAt)}  ${state}`;
}

function misused(what: string): number {
  process.stderr.write(`vedette token: ${what}\nSee vedette token --help.\n`);
  return 2;
}
