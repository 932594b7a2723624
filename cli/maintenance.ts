import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { DURATION_PATTERN, didYouMean, parseDuration } from '../config/words.ts';
import type { WindowView } from '../server/ports/maintenance.ts';
import { askServer } from './people-api.ts';

const HELP = `vedette maintenance list [--config FILE | --server URL] [--json]
vedette maintenance add NAME --on SUBJECT… (--for DURATION | --until TIME) [--from TIME] [--by WHO]
vedette maintenance end ID [--by WHO]

Announced work: nothing opens for the subjects and for what lies behind them. What is still broken
when the window ends opens then.

list  windows that are not over: those of the configuration (unrolled for five weeks) and announced ones
add   announces work to the running server, at once; the configuration stays as it is
end   ends announced work now, or takes it back; windows of the configuration are changed there

  --on SUBJECT   site:lyon, link:lyon-mpls, device:lyon-r1; may be given several times
  --for TIME     how long: 30m, 2h, 1d
  --from, --until TIME   an instant with its zone: 2026-03-01T22:00:00+01:00, or …Z; from: now
  --by WHO       your name, default the name of the user
  --config FILE  where the server's address is written
  --server URL   address of the page, default http://ADDRESS:PORT of server.people
  --json         for programs
  -h, --help     this text

Examples:
  vedette maintenance add "New software on lyon-r1" --on device:lyon-r1 --for 2h
  vedette maintenance end mw-sq3f1k

Exit code: 0 done, 1 refused, 2 wrong usage, 69 server unreachable, 78 bad configuration.
`;

const VERBS = ['list', 'add', 'end'];

const OPTIONS = {
  on: { type: 'string', multiple: true },
  for: { type: 'string' },
  from: { type: 'string' },
  until: { type: 'string' },
  by: { type: 'string' },
  config: { type: 'string' },
  server: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;
type Options = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** The verb `maintenance`. */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: OPTIONS,
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [verb = '', subject, ...rest] = positionals;
  if (!VERBS.includes(verb)) return misused(`list, add or end?${didYouMean(verb, VERBS)}`);
  if (rest.length > 0 || (verb === 'list') !== (subject === undefined)) {
    return misused(verb === 'add' ? 'add wants one NAME: put it in quotes' : `${verb}: see --help`);
  }
  if (verb === 'list') return list(values);
  return verb === 'add' ? add(subject as string, values) : end(subject as string, values);
}

function misused(what: string): number {
  process.stderr.write(`vedette maintenance: ${what}\nSee vedette maintenance --help.\n`);
  return 2;
}

const who = (options: Options): string => options.by ?? userInfo().username;

async function list(options: Options): Promise<number> {
  const answer = await ask<{ windows: readonly WindowView[] }>(options, '');
  if (typeof answer === 'number') return answer;
  const { windows } = answer;
  if (options.json) console.log(JSON.stringify(windows));
  else for (const window of windows) console.log(lineOf(window));
  if (windows.length === 0 && !options.json) console.error('no maintenance announced');
  return 0;
}

async function add(name: string, options: Options): Promise<number> {
  const { on = [], for: lasts } = options;
  if (on.length === 0) return misused('--on is missing: what is worked on?');
  if ((lasts === undefined) === (options.until === undefined)) {
    return misused('either --for or --until says when it ends');
  }
  const from = options.from === undefined ? Date.now() : instantOf(options.from);
  if (Number.isNaN(from)) return misused(`--from: ${NO_INSTANT}`);
  if (lasts !== undefined && !new RegExp(DURATION_PATTERN).test(lasts)) {
    return misused('--for: expected a duration such as 30m, 2h or 1d');
  }
  const until = lasts === undefined ? instantOf(options.until ?? '') : from + parseDuration(lasts);
  if (Number.isNaN(until)) return misused(`--until: ${NO_INSTANT}`);
  const body = { by: who(options), name, subjects: on, from, until };
  return tell(await ask<WindowView>(options, '', body), options);
}

const NO_INSTANT = 'expected an instant with its zone, 2026-03-01T22:00:00+01:00 or …Z';

/** Without a zone it would mean another instant on another machine. */
const instantOf = (text: string): number =>
  /T.*(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;

async function end(id: string, options: Options): Promise<number> {
  const path = `/${encodeURIComponent(id)}/end`;
  return tell(await ask<WindowView>(options, path, { by: who(options) }), options);
}

function tell(window: WindowView | number, options: Options): number {
  if (typeof window === 'number') return window;
  console.log(options.json ? JSON.stringify(window) : lineOf(window));
  return 0;
}

const timeOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}Z`;

function lineOf({ id, name, subjects, from, until, source, by }: WindowView): string {
  const origin = source === 'person' ? `announced by ${by}` : 'configuration';
  return `${timeOf(from)} to ${timeOf(until)}  ${subjects.join(', ')}  ${name}  (${id}, ${origin})`;
}

const ask = <T extends object>(
  options: Options,
  path: string,
  body?: object,
): Promise<T | number> => askServer<T>('maintenance', options, `/maintenance${path}`, body);
