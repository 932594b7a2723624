import { flushCompileCache } from 'node:module';
import { type Logger, pino } from 'pino';
import { type RunningServer, ServerConfigError, startServer } from '../server/main.ts';
import { loadSetup } from './setup.ts';
import { stopSignal } from './stop-signal.ts';
import { ownVersion } from './version.ts';

export { loadAll } from '../server/main.ts';

const BAD_CONFIG = 78;
/** Warnings of one configuration in the log. */
const SAID = 20;

/** Runs a server until it is told to stop; returns the exit code. */
export async function serve(file: string | undefined, level: string): Promise<number> {
  const loaded = await loadSetup(file);
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
  flushCompileCache();
  process.on('SIGHUP', () => void reload(server, file, log));
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
