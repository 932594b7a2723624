import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { didYouMean } from '../config/words.ts';
import type { IncidentView } from '../protocol/wire/views.ts';
import { askServer } from './people-api.ts';

const HELP = `vedette incidents list [--all] [--config FILE | --server URL] [--json]
vedette incidents show ID
vedette incidents acknowledge ID [--for 8h] [--note TEXT] [--by WHO]
vedette incidents unacknowledge ID [--by WHO]
vedette incidents take-over ID [--note TEXT]
vedette incidents merge ID --into ID
vedette incidents split ID --alert ALERT
vedette incidents not-the-cause ID [--alert ALERT]
vedette incidents close ID [--note TEXT]

take-over      you work on it by hand: it is not resolved until you give it back (unacknowledge)
merge          ID is one trouble with the other incident, which absorbs it
split          one alert of the incident is a trouble of its own
not-the-cause  the suspected root is wrong; another is sought
The engine never undoes what you say.

  --alert ALERT  as \`show\` lists it: rule|subject|agent
  --by WHO       your name, default the name of the user
  --all          with list: those that are over, too
  --config FILE  where the server's address is written
  --server URL   address of the page, default http://ADDRESS:PORT of server.people
  --json         for programs
  -h, --help     this text

Examples:
  vedette incidents list
  vedette incidents merge inc-hq-1f --into inc-hq-1a

Exit code: 0 done, 1 refused, 2 wrong usage, 69 server unreachable, 78 bad configuration.
`;

const ACTS = [
  'acknowledge',
  'unacknowledge',
  'take-over',
  'merge',
  'split',
  'not-the-cause',
  'close',
];
const VERBS = ['list', 'show', ...ACTS];

const OPTIONS = {
  into: { type: 'string' },
  alert: { type: 'string' },
  note: { type: 'string' },
  for: { type: 'string' },
  by: { type: 'string' },
  all: { type: 'boolean' },
  config: { type: 'string' },
  server: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;
type Options = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** The verb `incidents`. */
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
  const [verb = '', id, ...rest] = positionals;
  const wrong = whyWrong(verb, id, rest.length, values);
  if (wrong !== undefined) return misused(wrong);
  if (id === undefined) return list(values);
  const path = `/${encodeURIComponent(id)}`;
  return verb === 'show' ? show(path, values) : act(path, verb, values);
}

function whyWrong(
  verb: string,
  id: string | undefined,
  more: number,
  { into, alert }: Options,
): string | undefined {
  if (!VERBS.includes(verb)) return `${VERBS.join(', ')}?${didYouMean(verb, VERBS)}`;
  if (verb === 'list') return id === undefined ? undefined : 'list takes no ID';
  if (id === undefined || more > 0) return `${verb} wants one ID`;
  if (verb === 'merge' && into === undefined) return 'merge needs --into ID';
  return verb === 'split' && alert === undefined ? 'split needs --alert ALERT' : undefined;
}

function misused(what: string): number {
  process.stderr.write(`vedette incidents: ${what}\nSee vedette incidents --help.\n`);
  return 2;
}

const ask = <T extends object>(
  options: Options,
  path: string,
  body?: object,
): Promise<T | number> => askServer<T>('incidents', options, `/incidents${path}`, body);

async function list(options: Options): Promise<number> {
  const answer = await ask<{ incidents: readonly IncidentView[] }>(
    options,
    `?state=${options.all ? 'all' : 'open'}`,
  );
  if (typeof answer === 'number') return answer;
  if (options.json) console.log(JSON.stringify(answer.incidents));
  else for (const incident of answer.incidents) console.log(line(incident));
  if (answer.incidents.length === 0 && !options.json) console.error('no open incidents');
  return 0;
}

const line = ({ id, priority, state, title }: IncidentView): string =>
  `P${priority} ${state}  ${title}  (${id})`;

async function show(path: string, options: Options): Promise<number> {
  const incident = await ask<IncidentView>(options, path);
  if (typeof incident === 'number') return incident;
  if (options.json) console.log(JSON.stringify(incident));
  else tell(incident);
  return 0;
}

function tell(incident: IncidentView): void {
  console.log(line(incident));
  const { moreSymptoms, root, symptoms } = incident;
  console.log(`  root     ${root.alert}`);
  console.log(`           ${root.cause}, ${Math.round(root.confidence * 100)} % sure`);
  for (const reason of incident.because) console.log(`  because  ${reason.text}`);
  for (const { alert, clearedAt, because } of symptoms) {
    console.log(
      `  symptom  ${alert}${clearedAt === undefined ? '' : ' (cleared)'}: ${because.text}`,
    );
  }
  if (moreSymptoms !== undefined) console.log(`  symptom  … and ${moreSymptoms.count} more`);
}

async function act(path: string, verb: string, options: Options): Promise<number> {
  const { into, note, for: length, by = userInfo().username } = options;
  let { alert } = options;
  if (verb === 'not-the-cause' && alert === undefined) {
    const incident = await ask<IncidentView>(options, path);
    if (typeof incident === 'number') return incident;
    alert = incident.root.alert;
  }
  const body = {
    by,
    ...(note !== undefined && { note }),
    ...(into !== undefined && { into }),
    ...(alert !== undefined && { alert }),
    ...(length !== undefined && { for: length }),
  };
  const answer = await ask<IncidentView>(options, `${path}/${verb}`, body);
  if (typeof answer === 'number') return answer;
  if (options.json) console.log(JSON.stringify(answer));
  else console.log(line(answer));
  return 0;
}
