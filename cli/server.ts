import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { becomeLean } from './lean-process.ts';

const HELP = `vedette server [--config FILE] [--log-level LEVEL]

Collects what agents send, judges it, files tickets, shows the page.

  --config FILE      default: $VEDETTE_CONFIG, ./vedette.yaml, $XDG_CONFIG_HOME/vedette/vedette.yaml,
                     /etc/vedette/vedette.yaml
  --log-level LEVEL  debug, info (default), warn, error
  -h, --help         this text

What Node makes of the sources is kept in $NODE_COMPILE_CACHE, $CACHE_DIRECTORY,
$XDG_CACHE_HOME/vedette or ~/.cache/vedette; it can be deleted at any time.

SIGTERM, SIGINT: stop taking, finish what came, save, end (20 s at most); a second one ends at once
SIGHUP:          check the configuration and swap it; a bad one is named and the old one stays
SIGUSR2:         log more, until the next SIGUSR2

Examples:
  vedette server
  vedette server --config /etc/vedette/vedette.yaml

Exit code: 0 stopped, 1 failed, 2 wrong usage, 78 bad configuration.
`;

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** The verb `server`; returns the exit code once the server has stopped. */
export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      config: { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const level = values['log-level'];
  if (!LEVELS.includes(level)) {
    process.stderr.write(`vedette server: --log-level is one of ${LEVELS.join(', ')}\n`);
    return 2;
  }
  const load = () => import('./serve.ts');
  await becomeLean(
    'server',
    () => cacheFolder(process.env),
    async () => (await load()).loadAll(),
  );
  const { serve } = await load();
  return await serve(values.config, level);
}

/** Which state folder it has, only the configuration says, and reading that is half of the program. */
function cacheFolder(env: NodeJS.ProcessEnv): string {
  const { CACHE_DIRECTORY: systemd, XDG_CACHE_HOME: xdg } = env;
  // systemd lists several folders separated by colons; the first is ours.
  if (systemd) return systemd.split(':')[0] as string;
  return join(xdg || join(env['HOME'] || homedir(), '.cache'), 'vedette');
}
