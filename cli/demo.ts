import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { DEMO_AGENT, demoConfig } from '../lab/demo-config.ts';
import { createToken, freePort, type Program, startVedette, waitReady } from '../lab/programs.ts';
import { runScript } from '../lab/script.ts';
import { startSink } from '../lab/sink.ts';
import { startWan } from '../lab/wan.ts';
import { stopSignal } from './stop-signal.ts';

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

const clock = (): string => new Date().toLocaleTimeString('en-GB');
const say = (text: string): void => console.log(`${clock()}  ${text}`);

/** Its output goes to a file in the demo's folder; an unexpected end is told at once. */
function keepLog(program: Program, folder: string, isEnding: () => boolean): void {
  const path = join(folder, `${program.name}.log`);
  const log = createWriteStream(path);
  program.child.stdout?.pipe(log);
  program.child.stderr?.pipe(log);
  program.child.once('exit', (code) => {
    if (code && !isEnding())
      say(`the ${program.name} ended with ${code}; its last words:\n${program.tail()}`);
  });
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
  // Ctrl-C reaches the server and the agent too; that they end then is no news.
  let isEnding = false;
  const stopped = stopSignal().then(() => {
    isEnding = true;
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

    const server = startVedette('server', ['server', '--config', config], env);
    undo.push(() => server.end());
    keepLog(server, folder, () => isEnding);
    await waitReady(server, `http://127.0.0.1:${peoplePort}`);
    const agentArgs = [
      'agent',
      '--server',
      `http://127.0.0.1:${agentsPort}`,
      '--state',
      join(folder, 'agent'),
    ];
    const agent = startVedette('agent', agentArgs, {
      VEDETTE_TOKEN: createToken(DEMO_AGENT, config, env),
    });
    undo.push(() => agent.end());
    keepLog(agent, folder, () => isEnding);
    const page = `http://localhost:${peoplePort}`;

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
