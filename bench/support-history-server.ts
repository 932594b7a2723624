import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
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

const loaded = await loadConfig(config, process.env);
if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
const setup = {
  options: serverOptions(loaded.config, process.env),
  settings: (installation: string) => engineSettings(loaded.config, installation, DEFAULT_PACK),
  agentConfigs: agentConfigs(loaded.config, () => 'public'),
  destinations: [],
};
const log = pino({ level: 'warn' });
const server = await startServer({ setup, version: '0.0.0', log });
/** Seldom enough not to be a load of its own: every look is a turn of the loop. */
const LOOK_EVERY_MS = 5;
const delay = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
let longest = 0;
let before = 0;
let looks: NodeJS.Timeout | undefined;

/** Longest time without a turn of the event loop, and the most CPU that one turn took. */
function watch(): void {
  delay.enable();
  delay.reset();
  longest = 0;
  before = threadCpu();
  looks ??= setInterval(look, LOOK_EVERY_MS);
}

/** A timer that is due runs in every turn. */
function look(): void {
  const now = threadCpu();
  longest = Math.max(longest, now - before);
  before = now;
}

/** A server that is watched does not rest. */
function unwatch(): void {
  look();
  clearInterval(looks);
  looks = undefined;
  delay.disable();
}

function threadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function answer(kind: FromServer['kind'], sent = (): void => {}): void {
  const { peopleUrl, agentsUrl } = server;
  const stalls = { stallMs: delay.max / 1e6, stallCpuMs: longest };
  const message: FromServer = { kind, ...stalls, peopleUrl, agentsUrl };
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
