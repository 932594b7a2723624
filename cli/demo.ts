import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { DEMO_AGENT, demoConfig } from '../lab/demo-config.ts';
import { runScript } from '../lab/script.ts';
import { startSink } from '../lab/sink.ts';
import { startWan } from '../lab/wan.ts';

const HELP = `vedette demo: server, agent and a simulated WAN on this machine, with a fault every two minutes

usage: vedette demo [--port 8080] [--speed 1] [--seed 7] [--no-faults]
  --port N      where the page is (the next free port if it is taken)
  --speed N     2 = twice as many faults, each half as long
  --seed N      the same seed breaks the same things in the same order
  --no-faults   everything stays well

examples:
  vedette demo
  vedette demo --speed 2 --seed 42
`;

const SECRET_ENV = 'VEDETTE_DEMO_SECRET';
const READY_WITHIN_MS = 20_000;
const VEDETTE = new URL('./vedette.ts', import.meta.url).pathname;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + 50; port++) if (await isFree(port)) return port;
  throw new Error(`no free port between ${from} and ${from + 49}; choose one with --port`);
}

const clock = (): string => new Date().toLocaleTimeString('en-GB');
const say = (text: string): void => console.log(`${clock()}  ${text}`);

interface Part {
  readonly name: string;
  readonly child: ChildProcess;
}

function startPart(
  name: string,
  args: readonly string[],
  folder: string,
  env: Record<string, string>,
): Part {
  const child = spawn(process.execPath, [VEDETTE, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(folder, `${name}.log`));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  return { name, child };
}

async function endPart({ child }: Part): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(hard);
}

async function waitReady(url: string, server: Part, folder: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    if (server.child.exitCode !== null || Date.now() > deadline)
      throw new Error(`the server did not start; its log: ${join(folder, 'server.log')}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Options {
  readonly port: number;
  readonly speed: number;
  readonly seed: number;
  readonly hasFaults: boolean;
}

function optionsOf(argv: readonly string[]): Options | string {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: 'string', default: '8080' },
      speed: { type: 'string', default: '1' },
      seed: { type: 'string', default: '7' },
      'no-faults': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return HELP;
  const port = Number(values.port);
  const speed = Number(values.speed);
  const seed = Number(values.seed);
  if (!(Number.isInteger(port) && port > 0 && port < 65_000))
    throw new Error('--port: a port is wanted');
  if (!(speed >= 0.1 && speed <= 10)) throw new Error('--speed: a number from 0.1 to 10 is wanted');
  if (!Number.isInteger(seed)) throw new Error('--seed: a whole number is wanted');
  return { port, speed, seed, hasFaults: !values['no-faults'] };
}

/** Runs until a signal comes. Everything it made lives in a temporary folder and goes with it. */
async function demo(options: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-demo-'));
  const undo: (() => Promise<void> | void)[] = [
    () => rmSync(folder, { recursive: true, force: true }),
  ];
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  try {
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const wan = await startWan({ seed: options.seed });
    undo.push(() => wan.close());
    const sink = await startSink({
      secret,
      onMessage: ({ message }, ticket) => {
        const number = ticket ? `${ticket.number} ` : '';
        say(
          `   ticket ${number}${message.type.replace('incident.', '')}: P${message.data.priority} ${message.data.title}`,
        );
      },
    });
    undo.push(() => sink.close());
    const peoplePort = await freePort(options.port);
    const agentsPort = await freePort(peoplePort + 1);
    const config = join(folder, 'vedette.yaml');
    const state = join(folder, 'server');
    const file = demoConfig(wan, {
      agentsPort,
      peoplePort,
      state,
      sinkUrl: sink.url,
      secretEnv: SECRET_ENV,
    });
    writeFileSync(config, stringify(file));
    const env = { [SECRET_ENV]: secret };

    const server = startPart('server', ['server', '--config', config], folder, env);
    undo.push(() => endPart(server));
    const page = `http://localhost:${peoplePort}`;
    await waitReady(`http://127.0.0.1:${peoplePort}`, server, folder);
    const token = execFileSync(
      process.execPath,
      [VEDETTE, 'token', 'create', DEMO_AGENT, '--config', config],
      {
        encoding: 'utf8',
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const args = [
      'agent',
      '--server',
      `http://127.0.0.1:${agentsPort}`,
      '--state',
      join(folder, 'agent'),
    ];
    const agent = startPart('agent', args, folder, {
      VEDETTE_TOKEN: token.trim().split('\n').at(-1) ?? '',
    });
    undo.push(() => endPart(agent));
    for (const part of [server, agent])
      part.child.once('exit', (code) => {
        if (code)
          say(`the ${part.name} ended with ${code}; its log: ${join(folder, `${part.name}.log`)}`);
      });

    console.log(
      `Watching a simulated WAN of ${wan.sites.length} sites: real SNMP, ICMP and STAMP on loopback.`,
    );
    console.log(`The page: ${page}   Configuration and logs: ${folder}`);
    console.log(
      options.hasFaults
        ? 'Something breaks every two minutes; tickets appear below and close themselves. Ctrl-C ends it.'
        : 'Nothing breaks (--no-faults). Ctrl-C ends it.',
    );
    if (options.hasFaults) {
      const { seed, speed } = options;
      undo.push(
        runScript(wan, {
          seed,
          speed,
          onFault: (fault) => say(`⚡ ${fault.text}`),
          onMend: (fault) => say(`🔧 mended: ${fault.kind.replace('-', ' ')} at ${fault.site}`),
        }),
      );
    }
    await stopped;
    say('ending');
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

/** Exit code 0 after a signal, 1 when something did not start, 2 for wrong options. */
export async function run(argv: readonly string[]): Promise<number> {
  let options: Options | string;
  try {
    options = optionsOf(argv);
  } catch (error) {
    console.error(`vedette demo: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  if (typeof options === 'string') {
    console.log(options);
    return 0;
  }
  try {
    await demo(options);
    return 0;
  } catch (error) {
    console.error(`vedette demo: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
