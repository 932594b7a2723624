import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { mock } from 'node:test';
import { pino } from 'pino';

/**
 * A program: the real server with another present, so that 28 hours can be fed in a minute and every
 * sample is judged as a live one. Requests say what time it is. Time passes as on a server that runs:
 * every second has its tick and every hour its calendar. (When the clock jumped by a round at a time,
 * the server took each jump for its own absence, forgave everybody and looked for everything anew.)
 *
 *   node support-history-server.ts CONFIG PRESENT
 */
export type ToServer =
  | { readonly kind: 'watch' }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };
export interface FromServer {
  readonly kind: 'ready' | 'done';
  /** Longest time the event loop did not turn since `watch`, ms; of `stop`, while it stopped. */
  readonly stallMs: number;
  /** The same by the CPU time of the thread: without the time in which others had the processor. */
  readonly stallCpuMs: number;
  readonly peopleUrl: string;
  readonly agentsUrl: string;
}

const [config, present] = process.argv.slice(2);
if (config === undefined || present === undefined) throw new Error('CONFIG and PRESENT are wanted');

// Before the server's modules are loaded: some keep the functions.
mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Number(present) });

subscribe('http.server.request.start', (message) => {
  const said = (message as { request: IncomingMessage }).request.headers['bench-now'];
  if (said === undefined) return;
  // Second by second: within one step every timer sees its end.
  while (Date.now() < Number(said)) mock.timers.tick(Math.min(1000, Number(said) - Date.now()));
});

const { DEFAULT_PACK, loadConfig } = await import('../config/load.ts');
const { agentConfigs, engineSettings, serverOptions } = await import('../config/map.ts');
const { startServer } = await import('../server/main.ts');

const setup = await loadSetup(config);

/** As the command `server` does, which keeps nothing else of the file either. */
async function loadSetup(file: string) {
  const loaded = await loadConfig(file, process.env);
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  const { config } = loaded;
  return {
    options: serverOptions(config, process.env),
    settings: (installation: string) => engineSettings(config, installation, DEFAULT_PACK),
    agentConfigs: agentConfigs(config, () => 'public'),
    destinations: [],
  };
}

const log = pino({ level: 'warn' });
const server = await startServer({ setup, version: '0.0.0', log });
/** Seldom enough not to be a load of its own: every look is a turn of the loop. */
const LOOK_EVERY_MS = 5;
let stall = { stallMs: 0, stallCpuMs: 0 };
let before = { at: 0, cpu: 0 };
let looks: NodeJS.Timeout | undefined;

/** Longest time without a turn of the event loop, and the most CPU that one turn took. */
function watch(): void {
  stall = { stallMs: 0, stallCpuMs: 0 };
  before = { at: performance.now(), cpu: threadCpu() };
  looks ??= setInterval(look, LOOK_EVERY_MS);
}

/** A timer that is due runs in every turn. */
function look(): void {
  const now = { at: performance.now(), cpu: threadCpu() };
  stall.stallMs = Math.max(stall.stallMs, now.at - before.at - LOOK_EVERY_MS);
  stall.stallCpuMs = Math.max(stall.stallCpuMs, now.cpu - before.cpu);
  before = now;
}

/** A server that is watched does not rest. */
function unwatch(): void {
  look();
  clearInterval(looks);
  looks = undefined;
}

function threadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function answer(kind: FromServer['kind'], sent = (): void => {}): void {
  const { peopleUrl, agentsUrl } = server;
  const message: FromServer = { kind, ...stall, peopleUrl, agentsUrl };
  process.send?.(message, sent);
}

process.on('message', async (message: ToServer) => {
  if (message.kind === 'watch') watch();
  else if (message.kind === 'report') unwatch();
  else {
    watch();
    await server.stop();
    unwatch();
  }
  answer('done', () => {
    if (message.kind === 'stop') process.exit();
  });
});
answer('ready');
