import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pino } from 'pino';

/**
 * A program: the real server with another present, so that 28 hours can be fed in a minute and every
 * sample is judged as a live one. Requests say what time it is; the clock runs on between them.
 *
 *   node support-history-server.ts CONFIG PRESENT
 */
export type ToServer =
  | { readonly kind: 'watch' }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };
export interface FromServer {
  readonly kind: 'ready' | 'done';
  /** Longest time the event loop did not turn since `watch`, ms. */
  readonly stallMs: number;
  readonly peopleUrl: string;
  readonly agentsUrl: string;
}

const [config, present] = process.argv.slice(2);
if (config === undefined || present === undefined) throw new Error('CONFIG and PRESENT are wanted');

let now = Number(present);
let setAt = performance.now();
// Before the server's modules are loaded: some keep the function.
Date.now = () => Math.floor(now + performance.now() - setAt);

subscribe('http.server.request.start', (message) => {
  const said = (message as { request: IncomingMessage }).request.headers['bench-now'];
  if (said === undefined) return;
  now = Number(said);
  setAt = performance.now();
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
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

function answer(kind: FromServer['kind'], sent = (): void => {}): void {
  const { peopleUrl, agentsUrl } = server;
  const message: FromServer = { kind, stallMs: delay.max / 1e6, peopleUrl, agentsUrl };
  process.send?.(message, sent);
}

process.on('message', async (message: ToServer) => {
  if (message.kind === 'watch') {
    delay.reset();
  } else if (message.kind === 'stop') {
    await server.stop();
  }
  answer('done', () => {
    if (message.kind === 'stop') process.exit();
  });
});
answer('ready');
