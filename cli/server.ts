import { enableCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { type Logger, pino } from 'pino';
import { type RunningServer, ServerConfigError, startServer } from '../server/main.ts';
import { keepNurserySmall } from './lean-process.ts';
import { loadSetup } from './setup.ts';
import { stopSignal } from './stop-signal.ts';
import { ownVersion } from './version.ts';

const HELP = `vedette server [--config FILE] [--log-level LEVEL]

Collects what agents send, judges it, files tickets, shows the page.

  --config FILE      default: $VEDETTE_CONFIG, ./vedette.yaml, $XDG_CONFIG_HOME/vedette/vedette.yaml,
                     /etc/vedette/vedette.yaml
  --log-level LEVEL  debug, info (default), warn, error
  -h, --help         this text

SIGTERM, SIGINT: stop taking, finish what came, save, end (20 s at most); a second one ends at once
SIGHUP:          check the configuration and swap it; a bad one is named and the old one stays
SIGUSR2:         log more, until the next SIGUSR2

Examples:
  vedette server
  vedette server --config /etc/vedette/vedette.yaml

Exit code: 0 stopped, 1 failed, 2 wrong usage, 78 bad configuration.
`;

const LEVELS = ['debug', 'info', 'warn', 'error'];
const BAD_CONFIG = 78;
/** Warnings of one configuration in the log. */
const SAID = 20;

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
  keepNurserySmall();
  enableCompileCache();
  const loaded = await loadSetup(values.config);
  if (!loaded.ok) return badConfig(loaded.problems);
  const log: Logger = pino({ level });
  const { warnings } = loaded;
  for (const text of warnings.slice(0, SAID)) log.warn({ config: text }, 'configuration');
  if (warnings.length > SAID) {
    log.warn({ more: warnings.length - SAID }, 'more of that: see vedette config check');
  }
  // Before the start: a signal that comes meanwhile must not end us half-way.
  const stop = stopSignal();
  let server: RunningServer;
  try {
    server = await startServer({ setup: loaded.setup, version: ownVersion(), log });
  } catch (error) {
    if (error instanceof ServerConfigError) return badConfig([error.message]);
    log.fatal({ err: error }, 'the server cannot start');
    return 1;
  }
  process.on('SIGHUP', () => void reload(server, values.config, log));
  process.on('SIGUSR2', () => {
    log.level = log.level === 'debug' ? level : 'debug';
    log.info({ level: log.level }, 'log level');
  });
  log.info({ signal: await stop }, 'stopping');
  await server.stop();
  log.info({}, 'stopped');
  return 0;
}

function badConfig(problems: readonly string[]): number {
  for (const text of problems) process.stderr.write(`${text}\n`);
  return BAD_CONFIG;
}

async function reload(server: RunningServer, file: string | undefined, log: Logger): Promise<void> {
  try {
    const loaded = await loadSetup(file);
    if (!loaded.ok) {
      log.error({ problems: loaded.problems }, 'the new configuration is bad: the old one stays');
      return;
    }
    await server.reload(loaded.setup);
    log.info({}, 'the new configuration is in force');
  } catch (err) {
    log.error({ err }, 'the new configuration could not be taken: the old one stays');
  }
}
