import { parseArgs } from 'node:util';
import { checkServerUrl } from '../agent/adapters/http/server-url.ts';
import { readToken, stateFolder } from './agent.ts';
import {
  type Check,
  checkClockSource,
  checkDisk,
  checkEcho,
  checkNode,
  checkOpenFiles,
  checkPing,
  checkReceiveBuffer,
  checkStateFolder,
  readLimits,
  readReceiveBuffer,
} from './doctor-checks.ts';
import { checkConfiguration } from './doctor-config.ts';
import { checkHistory } from './doctor-history.ts';
import { checkServer } from './doctor-server.ts';

const HELP = `vedette doctor [--server URL] [--state DIR] [--config FILE] [--json]

Looks at this machine as an agent would use it. One line each: ok, warn or fail, and what mends it.

  --server URL  also try the server, the token (as in vedette agent) and the clocks
  --state DIR   folder of the agent's state; default as in vedette agent
  --config FILE also the disk that the history of this server takes, and will take; and what is odd
                in the configuration: redundancy that is none, calendars that cannot be read
  --json        one JSON object
  -h, --help    this text

Examples:
  vedette doctor
  VEDETTE_TOKEN=… vedette doctor --server https://noc.example.org:8443 --json

Exit code: 0 nothing failed, 1 something failed, 2 wrong usage.
`;

interface DoctorOptions {
  readonly server: URL | undefined;
  readonly state: string;
  readonly config: string | undefined;
  readonly isJson: boolean;
}

/** The verb `doctor`; returns the exit code. */
export async function run(argv: string[]): Promise<number> {
  let options: DoctorOptions | 'help';
  try {
    options = parse(argv);
  } catch (cause) {
    process.stderr.write(
      `vedette doctor: ${(cause as Error).message}\nSee vedette doctor --help.\n`,
    );
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const checks = await examine(options);
  process.stdout.write(options.isJson ? renderJson(checks) : render(checks));
  return checks.some((check) => check.state === 'fail') ? 1 : 0;
}

async function examine({ server, state, config }: DoctorOptions): Promise<Check[]> {
  const token = readToken(process.env);
  return [
    checkNode(process.version),
    ...(await checkEcho()),
    checkPing(process.env['PATH']),
    checkOpenFiles(readLimits()),
    checkReceiveBuffer(readReceiveBuffer()),
    checkClockSource(),
    checkStateFolder(state),
    checkDisk(state),
    ...(config === undefined ? [] : [await checkHistory(config)]),
    ...(config === undefined ? [] : await checkConfiguration(config, process.env)),
    ...(server === undefined
      ? []
      : await checkServer(server, token.kind === 'token' ? token.token : undefined)),
  ];
}

function render(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  return checks
    .map(({ name, state, text, fix }) => {
      const line = `${state.padEnd(4)}  ${name.padEnd(width)}  ${text}\n`;
      return fix === undefined ? line : `${line}${' '.repeat(width + 8)}fix: ${fix}\n`;
    })
    .join('');
}

function renderJson(checks: readonly Check[]): string {
  const failed = checks.filter((check) => check.state === 'fail').length;
  return `${JSON.stringify({ failed, checks }, undefined, 2)}\n`;
}

function parse(argv: string[]): DoctorOptions | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      server: { type: 'string' },
      state: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const checked = values.server === undefined ? undefined : checkServerUrl(values.server);
  if (checked?.kind === 'bad') throw new Error(checked.text);
  return {
    server: checked?.url,
    state: values.state ?? stateFolder(process.env),
    config: values.config,
    isJson: values.json,
  };
}
