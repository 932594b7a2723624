import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { type DestinationOptions, destinations } from '../config/map.ts';
import { problemText } from '../config/problem.ts';
import { readSecrets } from '../config/secrets.ts';
import { didYouMean } from '../config/words.ts';
import { epochMs } from '../protocol/model/units.ts';
import type { IncidentView } from '../protocol/wire/views.ts';
import { createWebhookDelivery } from '../server/adapters/webhook/webhook.ts';
import type { DeliveryOutcome } from '../server/ports/delivery.ts';
import { testMessage } from '../server/ticket/test-message.ts';
import { askServer } from './people-api.ts';

const HELP = `vedette tickets test DESTINATION [--config FILE] [--json]
vedette tickets status [--config FILE | --server URL] [--all] [--json]

test    sends one signed message of type "test" to a destination of the configuration and explains
        the answer; no ticket should come of it
status  shows the tickets of open incidents as the running server knows them

  --config FILE  where the destinations and the server's address are written
  --server URL   address of the page, default http://ADDRESS:PORT of server.people
  --all          resolved incidents too
  --json         for programs
  -h, --help     this text

Examples:
  vedette tickets test service-desk
  vedette tickets status --server http://localhost:8080 --json

Exit code: 0 taken, 1 not taken, 2 wrong usage, 69 server unreachable, 78 bad configuration.
`;

const BAD_CONFIG = 78;

interface Options {
  readonly config?: string | undefined;
  readonly server?: string | undefined;
  readonly all?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** The verb `tickets`. */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      server: { type: 'string' },
      all: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [verb = '', name, ...rest] = positionals;
  if (verb === 'test' && name !== undefined && rest.length === 0) return test(name, values);
  if (verb === 'status' && name === undefined) return status(values);
  const meant = didYouMean(verb, ['test', 'status']);
  return misused(verb === 'test' ? 'test needs one DESTINATION' : `test or status?${meant}`);
}

function misused(what: string): number {
  process.stderr.write(`vedette tickets: ${what}\nSee vedette tickets --help.\n`);
  return 2;
}

async function test(name: string, options: Options): Promise<number> {
  const known = await configured(options);
  if (known === undefined) return BAD_CONFIG;
  const destination = known.find(({ id }) => id === name);
  if (destination === undefined) {
    const ids = known.map(({ id }) => id);
    const hint = didYouMean(name, ids) || `; there are: ${ids.join(', ') || 'none'}`;
    return misused(`there is no destination "${name}"${hint}`);
  }
  const clock = { now: () => epochMs(Date.now()) };
  const delivery = createWebhookDelivery({ endpoints: [destination], clock });
  const messageId = `msg_test_${randomUUID()}`;
  const { signal } = new AbortController();
  const message = testMessage(clock.now());
  const outcome = await delivery.deliver(name, messageId, message, signal);
  delivery.close();
  if (options.json) console.log(JSON.stringify({ destination: name, messageId, ...outcome }));
  else console.log(`${name}: ${explain(outcome, destination)}`);
  return outcome.kind === 'delivered' ? 0 : 1;
}

async function configured(options: Options): Promise<DestinationOptions[] | undefined> {
  const loaded = await loadConfig(options.config, process.env);
  const secrets = loaded.ok ? await readSecrets(loaded, process.env) : undefined;
  if (!loaded.ok || !secrets?.ok) {
    const problems = loaded.ok ? (secrets?.ok === false ? secrets.problems : []) : loaded.problems;
    for (const problem of problems) console.error(problemText(problem));
    return undefined;
  }
  // A destination can be tried while nothing is sent yet.
  const config = { ...loaded.config, tickets: { ...loaded.config.tickets, mode: 'send' as const } };
  return destinations(config, secrets.secrets);
}

/** The answer, and what to do about it. */
function explain(outcome: DeliveryOutcome, destination: DestinationOptions): string {
  switch (outcome.kind) {
    case 'delivered': {
      const wants = destination.numberPointer !== undefined;
      const number =
        outcome.number === undefined
          ? `no ticket number${wants ? ` at ${destination.numberPointer}` : ''}, which is right for a test`
          : `ticket number ${outcome.number}`;
      return `taken (${outcome.answer}); ${number}`;
    }
    case 'unauthorised':
      return `refused (${outcome.answer}): the receiver has another secret, or its clock is more than five minutes away`;
    case 'gone':
      return `gone (${outcome.answer}): the receiver has switched this address off`;
    case 'refused':
      return `refused for good (${outcome.answer}): the address or the receiver's rules are wrong`;
    default:
      return `not taken (${outcome.answer}): a real ticket would be tried again`;
  }
}

interface IncidentList {
  readonly incidents: readonly IncidentView[];
}

async function status(options: Options): Promise<number> {
  const path = `/incidents?state=${options.all ? 'all' : 'open'}`;
  const list = await askServer<IncidentList>('tickets', options, path);
  if (typeof list === 'number') return list;
  if (options.json) console.log(JSON.stringify(list.incidents.map(ticketsOf)));
  else for (const incident of list.incidents) console.log(lines(incident).join('\n'));
  if (list.incidents.length === 0 && !options.json) console.error('no open incidents');
  return 0;
}

const ticketsOf = ({ id, title, priority, state, tickets }: IncidentView) => ({
  id,
  title,
  priority,
  state,
  tickets,
});

function lines(incident: IncidentView): string[] {
  const tickets = incident.tickets.map((ticket) => {
    const next =
      ticket.nextAttemptAt === undefined
        ? ''
        : `, next try ${new Date(ticket.nextAttemptAt).toISOString()}`;
    const answer = ticket.lastAnswer === undefined ? '' : `; ${ticket.lastAnswer}`;
    return `    ${ticket.destination}: ${ticket.number ?? 'no number'}, ${ticket.state}${next}${answer}`;
  });
  return [
    `P${incident.priority} ${incident.state}  ${incident.title}  (${incident.id})`,
    ...(tickets.length > 0 ? tickets : ['    not ticketed']),
  ];
}
