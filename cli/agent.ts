import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { becomeLean } from './lean-process.ts';
import { stopSignal } from './stop-signal.ts';

const HELP = `vedette agent --server URL [--state DIR] [--log-level LEVEL]

Polls routers and links by ICMP, STAMP and SNMP and ships what it finds to a Vedette server. What to
poll is the server's to say. Measurements wait on disk while the server cannot be reached.

  --server URL       https://… ; plain http:// only to this machine
  --state DIR        folder for agent.json, the spool and a cache of Node's; default $STATE_DIRECTORY,
                     $XDG_STATE_HOME/vedette/agent or ~/.local/state/vedette/agent
  --log-level LEVEL  debug, info (default), warn, error
  -h, --help         this text

The token (vedette token create AGENT, on the server) comes from VEDETTE_TOKEN, from the file that
VEDETTE_TOKEN_FILE names, or from the systemd credential vedette-token. VEDETTE_AGENT_KEY, if set,
encrypts the SNMP credentials in agent.json; otherwise the token does.

Examples:
  VEDETTE_TOKEN=… vedette agent --server http://127.0.0.1:8081
  VEDETTE_TOKEN_FILE=/etc/vedette/token vedette agent --server https://noc.example.org:8443

Exit code: 0 stopped, 1 failed, 2 wrong usage, 77 state folder not usable, 78 wrong configuration.
`;

interface AgentArguments {
  readonly server: string;
  readonly state: string;
  readonly level: string;
}

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** The verb `agent`; returns the exit code once the agent has stopped. */
export async function run(argv: string[]): Promise<number> {
  let parsed: AgentArguments | 'help';
  try {
    parsed = parse(argv);
  } catch (cause) {
    process.stderr.write(`vedette agent: ${(cause as Error).message}\nSee vedette agent --help.\n`);
    return 2;
  }
  if (parsed === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const token = readToken(process.env);
  if (token.kind === 'missing') {
    process.stderr.write(`vedette agent: ${token.text}\n`);
    return 78;
  }
  return await runAgent(parsed, token.token);
}

async function runAgent({ server, state, level }: AgentArguments, token: string): Promise<number> {
  const load = () => import('../agent/main.ts');
  await becomeLean(
    'agent',
    () => resolve(state, 'cache'),
    async () => (await load()).loadAll(),
  );
  const { AgentStartError, startAgent } = await load();
  const agentKey = process.env['VEDETTE_AGENT_KEY'];
  try {
    const agent = await startAgent({
      server,
      token,
      stateDir: state,
      logLevel: level,
      ...(agentKey !== undefined && agentKey !== '' && { agentKey }),
    });
    flushCompileCache();
    await stopSignal();
    await agent.stop();
    return 0;
  } catch (cause) {
    if (!(cause instanceof AgentStartError)) throw cause;
    process.stderr.write(`vedette agent: ${cause.message}\n`);
    return { BAD_SERVER_URL: 78, STATE_UNUSABLE: 77, SPOOL_LOCKED: 1 }[cause.code];
  }
}

function parse(argv: string[]): AgentArguments | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      server: { type: 'string' },
      state: { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.server === undefined) throw new Error('--server URL is missing');
  const level = values['log-level'];
  if (!LEVELS.includes(level)) throw new Error(`--log-level is one of ${LEVELS.join(', ')}`);
  return { server: values.server, state: values.state ?? stateFolder(process.env), level };
}

/** Where an agent keeps its state when nobody says so. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  const { STATE_DIRECTORY: systemd, XDG_STATE_HOME: xdg } = env;
  // systemd lists several folders separated by colons; the first is ours.
  if (systemd) return systemd.split(':')[0] as string;
  return join(xdg || join(homedir(), '.local', 'state'), 'vedette', 'agent');
}

/** The token from the environment, a file or a systemd credential. Never from the command line. */
export function readToken(
  env: NodeJS.ProcessEnv,
): { readonly kind: 'token'; readonly token: string } | { kind: 'missing'; text: string } {
  const { VEDETTE_TOKEN: own, VEDETTE_TOKEN_FILE: file, CREDENTIALS_DIRECTORY: folder } = env;
  const path = file || (folder && join(folder, 'vedette-token'));
  try {
    const token = (own || (path ? readFileSync(path, 'utf8') : '')).trim();
    if (token !== '') return { kind: 'token', token };
  } catch (cause) {
    return { kind: 'missing', text: `the token cannot be read: ${(cause as Error).message}` };
  }
  return {
    kind: 'missing',
    text: 'no token: set VEDETTE_TOKEN or VEDETTE_TOKEN_FILE (make one with vedette token create)',
  };
}
